"""Whether σ exceeds every eigenvalue of the Hessian of the network of `relu1d`, in O(n), rounding included.

On trained coordinates H = WᵀW + R + decay·mask with W = √D Φ. Let S = σ - decay·mask - R be positive
definite. Both Schur complements of [[I, W], [Wᵀ, S]] have the same negative inertia beside I and S
(Haynsworth), so

    σ - H is positive definite   ⇔   B = I - W S⁻¹ Wᵀ (n × n) is.

The neurons of one cell (see `relu1d_sharpness`) share R, and their part of Φ S⁻¹ Φᵀ is (x, 1) M (x', 1)ᵀ on
the inputs that they see, with one 2 × 2 matrix M. With N⁺_i the sum of M over the cells that open to the
right at or before input i, N⁻_i that over the cells that open to the left and still see it, and u_i = (x_i,
1),

    B_ij = [i = j] - c_i c_j u_iᵀ (N⁺_min(i,j) + N⁻_max(i,j)) u_j,     c = √D:  for i < j it is -p_i·q_j with
    p_i = c_i (N⁺_i u_i, u_i),   q_i = c_i (u_i, N⁻_i u_i).

After i steps of LDLᵀ the rest of B is B_jl - q_jᵀ P q_l, with the 4 × 4 matrix P:

    h = p + P q,     pivot d = B_ii - qᵀ P q,     P ← P + h hᵀ/d.

**Rounding.** Every step is monotone: larger M, c and P (in the order of semidefinite matrices) make the rest
of B smaller. So each number is rounded in that direction, by more than it is off: a symmetric error E with
|E_ab| ≤ ε √(X_aa X_bb) is at most m ε diag(X), m its size, and (h + e)(h + e)ᵀ ≤ (1 + t) h hᵀ + (1 + 1/t) e
eᵀ. If all pivots are positive, B is positive definite: this is proved, for the D and R that were given.
Underflow is covered if σ, the inputs and D are below 1e20 and σ is above 1e-20.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import EXACT

ROUND = 2.0**-53
MIX = 2.0**-44  # t above
FLOOR = 1e-200  # more than what underflow takes
_WW, _WB, _BB, _WA, _BA, _AA, _COUNT = 0, 1, 2, 3, 4, 5, 8  # columns of the moments of `relu1d_sharpness`


def first_nonpositive(inputs, curvature, moments, couplings, blur, center, trained, decay, sigma):
    """Return the index of the first pivot that is not proved positive, n if none, and h/d and q (n, 4).

    inputs, curvature (n,): x - center and D; moments (2n + 2, 9), couplings (2n + 2, 2),
    blur (2n + 2,): of the cells, with b1 + w1·center in place of b1, Σ (its error)² in blur; trained (4,).
    -1 instead of an index if S is not positive definite.
    """
    n = inputs.size
    right, left, steps, ends = np.zeros((n, 3)), np.zeros((n, 3)), np.zeros((n, 4)), np.zeros((n, 4))
    at = _first_nonpositive(
        inputs, curvature, moments, couplings, blur, center, trained, decay, sigma, right, left, steps, ends
    )
    return at, steps, ends


@njit(**EXACT)
def _cell(moments, couplings, blur, center, c, trained, gap, out):
    """Add M of cell c, rounded up, to out (3,), and round the sum up; False if S is not positive definite."""
    aa, wa, ba = moments[c, _AA], trained[2] * moments[c, _WA], trained[2] * moments[c, _BA]
    ww, wb, bb = trained[2] * moments[c, _WW], trained[2] * moments[c, _WB], trained[2] * moments[c, _BB]
    p, q = trained[2] * trained[0] * couplings[c, 0], trained[2] * trained[1] * couplings[c, 1]
    size = np.sqrt(p * p + q * q) * (1.0 + 4.0 * ROUND)
    delta = (gap - size) * (gap + size)
    if not size < gap or not delta > 0.0:
        return False
    error = 2.0 * ROUND * (moments[c, _COUNT] + 32.0 + 16.0 * gap * gap / delta)
    inverse = 1.0 / (gap * delta)
    # Weights of w1 and b1 in (x - center, 1): x = (x - center) + center.
    outer, size = trained[1] + trained[0] * center * center, abs(q) + abs(center * p)
    q += center * p
    m11 = aa * (trained[0] / gap + p * p * inverse) + (2.0 * p * wa + gap * ww) / delta
    m12 = aa * (trained[0] * center / gap + p * q * inverse) + (p * ba + q * wa + gap * wb) / delta
    m22 = aa * (outer / gap + q * q * inverse) + (2.0 * q * ba + gap * bb) / delta
    # The same with magnitudes, |Σ w a| at most √(Σ w² Σ a²): what the rounding of M is measured by.
    s11 = aa * (trained[0] / gap + p * p * inverse) + (2.0 * abs(p) * np.sqrt(ww * aa) + gap * ww) / delta
    s22 = aa * (outer / gap + size * size * inverse) + (2.0 * size * np.sqrt(bb * aa) + gap * bb) / delta
    if blur[c] > 0.0:
        error += 2.0 * MIX
        m22 += 2.0 / MIX * trained[2] * blur[c] * gap / delta
    out[0] = (out[0] + (m11 + error * s11)) * (1.0 + 8.0 * ROUND) + FLOOR
    out[1] = out[1] + m12
    out[2] = (out[2] + (m22 + error * s22)) * (1.0 + 8.0 * ROUND) + FLOOR
    return True


@njit(**EXACT)
def _first_nonpositive(
    inputs, curvature, moments, couplings, blur, center, trained, decay, sigma, right, left, steps, ends
):  # fmt: skip
    n = inputs.size
    gap = (sigma - decay) * (1.0 - 8.0 * ROUND)
    if not gap > 0.0:
        return -1
    running = np.zeros(3)
    running[2] = trained[3] / sigma * (1.0 + 4.0 * ROUND)
    for i in range(n):
        if moments[n + 1 + i, _COUNT] and not _cell(
            moments, couplings, blur, center, n + 1 + i, trained, gap, running
        ):
            return -1
        right[i] = running
    running[:] = 0.0
    for i in range(n - 1, -1, -1):
        if moments[i + 1, _COUNT] and not _cell(
            moments, couplings, blur, center, i + 1, trained, gap, running
        ):
            return -1
        left[i] = running
    state, h, q, pq = np.zeros((4, 4)), np.zeros(4), np.zeros(4), np.zeros(4)
    h_size, q_size = np.zeros(4), np.zeros(4)
    for i in range(n):
        if not curvature[i] > 0.0:
            continue
        c, x = np.sqrt(curvature[i]) * (1.0 + 4.0 * ROUND), inputs[i]
        far = abs(x)
        h[0], h[1] = c * (right[i, 0] * x + right[i, 1]), c * (right[i, 1] * x + right[i, 2])
        h[2], h[3], q[0], q[1] = c * x, c, c * x, c
        q[2], q[3] = c * (left[i, 0] * x + left[i, 1]), c * (left[i, 1] * x + left[i, 2])
        h_size[0], h_size[1] = (
            c * (right[i, 0] * far + abs(right[i, 1])),
            c * (abs(right[i, 1]) * far + right[i, 2]),
        )
        h_size[2], h_size[3], q_size[0], q_size[1] = c * far, c, c * far, c
        q_size[2], q_size[3] = (
            c * (left[i, 0] * far + abs(left[i, 1])),
            c * (abs(left[i, 1]) * far + left[i, 2]),
        )
        pivot = 1.0 - c * (x * h[0] + h[1] + x * q[2] + q[3])
        size = 1.0 + c * (far * (h_size[0] + q_size[2]) + h_size[1] + q_size[3])
        for a in range(4):
            pq[a] = ahead = 0.0
            for b in range(4):
                pq[a] += state[a, b] * q[b]
                ahead += abs(state[a, b]) * q_size[b]
            pivot -= q[a] * pq[a]
            size += q_size[a] * ahead
            h[a] += pq[a]
            h_size[a] += ahead
        least = pivot - 24.0 * ROUND * size
        if not least > 0.0:
            ends[i] = q
            return i
        share = (1.0 + MIX) / least
        for a in range(4):
            steps[i, a], ends[i, a] = h[a] / pivot, q[a]
            error = 12.0 * ROUND * h_size[a]
            for b in range(4):
                if b != a:
                    state[a, b] += share * h[a] * h[b]
            grown = (
                share * h[a] * h[a] * (1.0 + 32.0 * ROUND) + 4.0 * (1.0 + 2.0 / MIX) * error * error / least
            )
            state[a, a] = (state[a, a] + grown) * (1.0 + 8.0 * ROUND) + FLOOR
    return n
