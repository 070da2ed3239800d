"""Products with the Hessian of f(x) = Σ_j w2_j max(w1_j·x + b1_j, 0) + b2 for inputs in R^d.

In the notation of `kernels.relu_plane`, H = ΦᵀDΦ + R. With a direction u = (ũ, a, c) in (w̃, w2, b2)

    (Φu)_i = Σ_j s_ij ⟨x̃_i, w2_j ũ_j + a_j w̃_j⟩ + c,    Q = (diag(D Φu) X̃)ᵀ S,
    (Hu)_w̃j = w2_j Q_j + a_j P_j,    (Hu)_w2j = ⟨w̃_j, Q_j⟩ + ⟨ũ_j, P_j⟩,    (Hu)_b2 = Σ D Φu.

S is made once, by `linearize`, and kept for all products, a byte a place: as numbers it would leave the
cache, and its fresh memory would cost more than a product. After a change in a file that this one imports
from, Numba's cache is to be emptied.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels import relu_plane_narrow as narrow
from stepscape.kernels.compiler import DISJOINT, EXACT, FAST, INLINE
from stepscape.kernels.relu_plane import logistic_slopes, pack, pull, square_slopes, switch, unpack


@njit(**DISJOINT, **INLINE)
def _remember(active, kept):
    """Set kept (n, B), a byte each, to S of one block (n, B)."""
    for i in range(active.shape[0]):
        for j in range(active.shape[1]):
            kept[i, j] = active[i, j] > 0.0


@njit(**DISJOINT, **INLINE)
def _recall(kept, active):
    """Set active (n, B) to the numbers of kept (n, B)."""
    for i in range(active.shape[0]):
        for j in range(active.shape[1]):
            active[i, j] = 1.0 if kept[i, j] else 0.0


@njit(**FAST, **INLINE)
def _backward(turned, columns, slopes, kept, active, pulled, moments):
    """Set moments (m, d + 1, B) to (diag(slopes) X̃)ᵀ S; active (n, B) is overwritten. Returns Σ slopes."""
    total = pull(turned, slopes, pulled)
    for b in range(kept.shape[0]):
        if columns is None:
            _recall(kept[b], active)
            np.dot(pulled, active, moments[b])
        else:
            _, x2, x3 = columns
            narrow.gather(x2, x3, kept[b], pulled, moments[b])
    return total


@njit(**EXACT)
def linearize(
    points, turned, columns, labels, weights, logistic, inner, outer, shift, kept, values, moments,
    active, work,
):  # fmt: skip
    """Set values to f (n,), kept (m, n, B) to S, a byte each, moments (m, d + 1, B) to P; returns Σ g.

    columns : those of X̃ for up to three variables, or None; see `relu_plane_narrow.columns_of`.
    active (n, B) and work (d + 2, n) are overwritten; the last row of work then holds g.
    """
    slopes = work[work.shape[0] - 1]
    values[:] = shift
    for b in range(inner.shape[0]):
        if columns is None:
            np.dot(points, inner[b], active)
            switch(active, outer[b], values)
            _remember(active, kept[b])
        else:
            x1, x2, x3 = columns
            narrow.switch(x1, x2, x3, inner[b], outer[b], kept[b], values)
    if logistic:
        logistic_slopes(values, labels, weights, slopes)
    else:
        square_slopes(values, labels, weights, slopes)
    return _backward(turned, columns, slopes, kept, active, work[: work.shape[0] - 1], moments)


@njit(**DISJOINT, **INLINE)
def _couple(kept, bends, values):
    """Add Σ_j s_ij z_ij of one block to values (n,)."""
    for i in range(kept.shape[0]):
        total = 0.0
        for j in range(kept.shape[1]):
            total += bends[i, j] if kept[i, j] else 0.0
        values[i] += total


@njit(**DISJOINT, **INLINE)
def _mix(inner, outer, tilt, push, out):
    """Set out (d + 1, B) to w2_j ũ_j + a_j w̃_j, both (d + 1, B)."""
    for c in range(inner.shape[0]):
        for j in range(outer.size):
            out[c, j] = outer[j] * tilt[c, j] + push[j] * inner[c, j]


@njit(**DISJOINT, **INLINE)
def _mask(tilt, push, rates):
    """Multiply the part of a packed vector for one block of neurons by the rates."""
    d = tilt.shape[0] - 1
    for j in range(push.size):
        push[j] *= rates[2]
        for c in range(d):
            tilt[c, j] *= rates[0]
        tilt[d, j] *= rates[1]


@njit(**DISJOINT, **INLINE)
def _image(inner, outer, tilt, push, moments, decays, forces, pulls):
    """Set forces and pulls to the image of (tilt, push) of one block, from Q in forces."""
    d = inner.shape[0] - 1
    for j in range(outer.size):
        pulls[j] = decays[2] * push[j]
    for c in range(d + 1):
        decay = decays[0] if c < d else decays[1]
        for j in range(outer.size):
            pulls[j] += inner[c, j] * forces[c, j] + tilt[c, j] * moments[c, j]
            image = outer[j] * forces[c, j] + push[j] * moments[c, j]
            forces[c, j] = image + decay * tilt[c, j]


@njit(**EXACT)
def product(
    points, turned, columns, inner, outer, kept, curvature, moments, rates, decays, vector, out,
    tilt, push, forces, pulls, bends, values, pulled,
):  # fmt: skip
    """Set out ((d + 2)k + 1,) to (H + diag(decays))·vector on trained blocks, 0 on frozen ones.

    curvature : (n,) the diagonal of D; moments : P, or zeros for the Gauss–Newton part alone.
    The arrays of the last line are work space: packed (tilt, push, forces) and zero beyond the last neuron,
    pulls (m, B), bends (n, B), values (n,), pulled (d + 1, n). kept : S, as `linearize` sets it.
    """
    last = vector.size - 1
    pack(vector, tilt, push)
    c = rates[3] * vector[last]
    for i in range(values.size):
        values[i] = c
    for b in range(inner.shape[0]):
        _mask(tilt[b], push[b], rates)
        _mix(inner[b], outer[b], tilt[b], push[b], forces[b])
        if columns is None:
            np.dot(points, forces[b], bends)
            _couple(kept[b], bends, values)
        else:
            x1, x2, x3 = columns
            narrow.couple(x1, x2, x3, kept[b], forces[b], values)
    for i in range(values.size):
        values[i] *= curvature[i]
    total = _backward(turned, columns, values, kept, bends, pulled, forces)
    for b in range(inner.shape[0]):
        _image(inner[b], outer[b], tilt[b], push[b], moments[b], decays, forces[b], pulls[b])
        _mask(forces[b], pulls[b], rates)
    unpack(forces, pulls, out)
    out[last] = rates[3] * (total + decays[3] * c)
