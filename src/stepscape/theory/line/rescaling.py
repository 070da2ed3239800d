"""Rescalings (w1, b1, w2) → (c w1, c b1, w2/c) of each neuron: the same function, another curvature.

Write s_j = 2 log c_j and L(θ) = L(Tθ) for T = diag(c, c, 1/c, 1). Then H(Tθ) = T⁻¹ H(θ) T⁻¹ = G(s) + R, where
the residual block R does not move, because it couples w2_j with (w1_j, b1_j) only, and 1/c cancels c. With
z_ij = w1_j x_i + b1_j, active where z_ij > 0, and D_i = v_i ℓ''(f_i) (v_i for the square loss)

    tr H(s) = ΣD + Σ_j e^{−s_j} a_j + e^{s_j} b_j,    a_j = w2_j² Σ_active D (1 + x²),  b_j = Σ_active D z²,
    K(s)    = √D (11ᵀ + Σ_j e^{−s_j} w2_j² S_j (1 + x xᵀ) S_j + e^{s_j} z⁺_j z⁺_jᵀ) √D

and λ_max(G) = λ_max(K). No neuron that is active and has w2_j ≠ 0 leaves either bounded: both tend to ∞ with
c_j → 0 and c_j → ∞ (Dinh et al.). Both have a minimum. That of the trace is ΣD + Σ_j 2 √(a_j b_j), at
c_j⁴ = a_j/b_j.

**λ_max is convex in s, that of G and that of H.** For G: qᵀK(s)q is a sum of exponentials with coefficients
that are not negative, and a supremum of convex functions is convex. For H = UᵀU + R, R of norm ρ: λ > ρ is an
upper bound of λ_max(H) iff λ − R ⪰ UᵀU iff qᵀU(λ − R)⁻¹Uᵀq ≤ 1 for all unit vectors q. On the eigenvectors of
R, with eigenvalues ±ρ_j and 0, that form is a constant over λ and

    Σ_j (e^{−s_j/2} A_j ± e^{s_j/2} B_j)²/(2(λ ∓ ρ_j)) + e^{−s_j} C_j²/λ.

Each square is that of a convex function t ≥ 0 of s_j, a sum of exponentials or a multiple of
|sinh((s_j − s°)/2)|, and t²/(λ − ρ) is convex in (t, λ) and rises with t. So the form is convex in (s, λ),
and so is the set of (s, λ) where its supremum over q is at most 1: the epigraph of λ_max(H(s)). ∎

Hence no rescaling is a trap: a local minimum of the sharpness over rescalings is global. A density ρ ⪰ 0 of
trace 1 certifies it from below,

    λ_max(K(s)) ≥ ⟨ρ, K(s)⟩ ≥ ⟨ρ, √D 11ᵀ √D⟩ + Σ_j 2 √(a_j(ρ) b_j(ρ))   for every s,

with a_j(ρ) = w2_j² tr(S_j (1 + x xᵀ) S_j √D ρ √D) and b_j(ρ) = z⁺_jᵀ √D ρ √D z⁺_j; ρ = √v √vᵀ gives T0 of
`stepscape.theory.line.square`. By Weyl the minimum for H lies within ‖R‖ of that for G; at a stationary point
R = 0 on every neuron with w2_j ≠ 0.

Source: Dinh et al. (2017) for the rescaling; the minima and convexity are derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals, share
from stepscape.errors import bad, shown
from stepscape.memory import require_memory
from stepscape.theory.line.distribution import FloatArray, averaging, vector

STAGES = (0.1, 0.03, 0.01)  # temperatures of the smoothed maximum, in units of λ_max
ITERATIONS = 500  # of the quasi-Newton method, per temperature
FARTHEST = 300.0  # |s|: exponentials stay within the range of float64


@dataclass(frozen=True, eq=False)
class FlattestRescaling:
    """The least sharpness of one function over all rescalings of its neurons.

    Attributes
    ----------
    scales : c_j (k,); 1 for neurons that are active on no input or have w2 = 0.
    gauss_newton : λ_max(G) there.
    least : a certified bound: no rescaling has a smaller λ_max(G).
    """

    scales: FloatArray
    gauss_newton: float
    least: float

    @property
    def gap(self) -> float:
        """How much flatter another rescaling could be, at most: gauss_newton/least − 1."""
        return self.gauss_newton / self.least - 1.0


@dataclass(frozen=True, eq=False)
class TraceRescaling:
    """The least trace of the Hessian of one function over all rescalings of its neurons.

    Attributes
    ----------
    scales : c_j (k,), as in `FlattestRescaling`.
    trace : tr H there, exact: ΣD + Σ_j 2 √(a_j b_j).
    """

    scales: FloatArray
    trace: float


def rescaled(
    w1: ArrayLike, b1: ArrayLike, w2: ArrayLike, scales: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (c w1, c b1, w2/c): the same function for any c_j > 0.

    Parameters
    ----------
    scales : (k,), or one number for all neurons; finite and positive.
    """
    w, b, v = _neurons(w1, b1, w2)
    given = reals("scales", scales, "iuf")
    c = np.full(w.size, given) if given.ndim == 0 else given
    if c.shape != w.shape or not (np.isfinite(c).all() and (c > 0.0).all()):
        raise bad("scales", f"be one finite positive number or {w.size} of them", shown(scales))
    return c * w, c * b, v / c


def least_trace_rescaling(
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None = None,
) -> TraceRescaling:
    """Minimize tr H of the square loss over rescalings, in closed form; all blocks trained.

    Parameters
    ----------
    inputs, weights : (n,); the weights are normalized, None means 1/n each.
    """
    net = _network(w1, b1, w2, inputs, weights)
    a, b = net.parts(np.eye(net.root.size))
    s = _balance(a, b)
    return TraceRescaling(net.scales(s), 1.0 + float(2.0 * np.sqrt(a * b).sum()))


def flattest_rescaling(
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None = None,
    tolerance: float = 1e-3,
) -> FlattestRescaling:
    """Minimize λ_max of the Gauss–Newton matrix of the square loss over rescalings; all blocks trained.

    A smoothed maximum μ log tr e^{K(s)/μ} is minimized by L-BFGS at falling temperatures μ, from the balance
    of the trace on; e^{K/μ} over its trace is the density that certifies. A step costs O(n² k + n³).

    Parameters
    ----------
    inputs, weights : as in `least_trace_rescaling`.
    tolerance : relative accuracy aimed at, between 0 and 1; `FlattestRescaling.gap` says what was reached.
    """
    net = _network(w1, b1, w2, inputs, weights)
    aim = share("tolerance", tolerance)
    s = _balance(*net.parts(np.eye(net.root.size)))
    for temperature in (*(stage for stage in STAGES if stage > aim), aim / (1.0 + np.log(net.root.size))):
        s = _descend(net, s, temperature)
    value = net.top(s)
    least = net.bound(net.smoothed(s, value * temperature)[1])
    return FlattestRescaling(net.scales(s), value, min(least, value))


@dataclass(frozen=True, eq=False)
class _Network:
    """Neurons that bend the curvature: those active on an input with w2 ≠ 0."""

    root: FloatArray  # √v (n,)
    cross: FloatArray  # 1 + x xᵀ (n, n)
    outer: FloatArray  # |w2_j| on the active inputs of neuron j, times √v (n, m)
    inner: FloatArray  # z⁺ √v (n, m)
    active: NDArray[np.bool_]  # mask (k,) of these neurons

    def kernel(self, s: FloatArray) -> FloatArray:
        """K(s) (n, n)."""
        outer, inner = self.outer * np.exp(-0.5 * s), self.inner * np.exp(0.5 * s)
        return np.outer(self.root, self.root) + (outer @ outer.T) * self.cross + inner @ inner.T

    def parts(self, density: FloatArray) -> tuple[FloatArray, FloatArray]:
        """a_j(ρ) and b_j(ρ) (m,)."""
        a = np.einsum("ij,ij->j", self.outer, (density * self.cross) @ self.outer)
        return np.maximum(a, 0.0), np.maximum(np.einsum("ij,ij->j", self.inner, density @ self.inner), 0.0)

    def bound(self, density: FloatArray) -> float:
        """⟨ρ, √v √vᵀ⟩ + Σ_j 2 √(a_j(ρ) b_j(ρ)): below λ_max(K(s)) for every s."""
        a, b = self.parts(density)
        return float(self.root @ density @ self.root + 2.0 * np.sqrt(a * b).sum())

    def smoothed(self, s: FloatArray, temperature: float) -> tuple[float, FloatArray]:
        """μ log tr e^{K(s)/μ}, between λ_max and λ_max + μ log n, and its density e^{K/μ}/tr e^{K/μ}."""
        values, vectors = np.linalg.eigh(self.kernel(s))
        weights = np.exp((values - values[-1]) / temperature)
        total = float(weights.sum())
        density = (vectors * (weights / total)) @ vectors.T
        return float(values[-1]) + temperature * float(np.log(total)), density

    def top(self, s: FloatArray) -> float:
        """λ_max(K(s))."""
        return float(np.linalg.eigvalsh(self.kernel(s))[-1])

    def scales(self, s: FloatArray) -> FloatArray:
        """Return c (k,) of s (m,)."""
        out = np.ones(self.active.size)
        out[self.active] = np.exp(0.5 * s)
        return out


def _network(
    w1: ArrayLike, b1: ArrayLike, w2: ArrayLike, inputs: ArrayLike, weights: ArrayLike | None
) -> _Network:
    w, b, v = _neurons(w1, b1, w2)
    x = vector("inputs", inputs)
    require_memory("inputs", f"{x.size} of them", 40 * x.size * (w.size + x.size), "give fewer of them")
    root = np.sqrt(averaging(weights, x.size))
    z = np.maximum(np.multiply.outer(x, w) + b, 0.0)
    outer, inner = np.where(z > 0.0, root[:, None] * np.abs(v), 0.0), z * root[:, None]
    # Weights so small that their squares vanish bend nothing, and have no best scale.
    active = np.all([(part * part).sum(axis=0) > 0.0 for part in (outer, inner)], axis=0)
    return _Network(root, 1.0 + np.multiply.outer(x, x), outer[:, active], inner[:, active], active)


def _neurons(w1: ArrayLike, b1: ArrayLike, w2: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    w, b, v = vector("w1", w1), vector("b1", b1), vector("w2", w2)
    if not (w.size == b.size == v.size):
        raise bad("w1, b1 and w2", "have the same length", f"{w.size}, {b.size} and {v.size}")
    return w, b, v


def _balance(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return s where e^{−s} a = e^{s} b."""
    return np.clip(0.5 * (np.log(a) - np.log(b)), -FARTHEST, FARTHEST)


def _descend(net: _Network, start: FloatArray, temperature: float) -> FloatArray:
    """Minimize the smoothed maximum over s at a temperature relative to λ_max at the start."""
    from scipy.optimize import minimize

    if not start.size:
        return start
    unit = net.top(start)

    def value(s: FloatArray) -> tuple[float, FloatArray]:
        top, density = net.smoothed(s, temperature * unit)
        a, b = net.parts(density)
        return top / unit, (b * np.exp(s) - a * np.exp(-s)) / unit

    found = minimize(
        value, start, jac=True, method="L-BFGS-B", bounds=[(-FARTHEST, FARTHEST)] * start.size,
        options={"maxiter": ITERATIONS, "ftol": 1e-12, "gtol": 1e-7},
    )  # fmt: skip
    return np.asarray(found.x)
