"""From an approximate minimizer of the nuclear norm to machine precision, with a proof that it is the one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.problems.linear_maps import Entries
from stepscape.recovery.convex.constraints import Equations
from stepscape.recovery.convex.gauges import Gauge, Spectrum
from stepscape.recovery.convex.least_norm import LeastNorm
from stepscape.recovery.convex.tangent import Tangent

Array = NDArray[np.float64]

NEWTON_STEPS = 12
EXACT = 1e-13  # relative residual of the equations at which the steps end
LEAST_MARGIN = 1e-6  # below it, neither of the two conditions of uniqueness is said to hold
MOST_COLUMNS, MOST_NUMBERS = 2500, 3e7  # in the Jacobian whose smallest singular value is computed


def polish(equations: Equations, spectrum: Spectrum, gauge: Gauge) -> tuple[Spectrum, float] | None:
    """Solve B(L Rᵀ) = b for factors of the rank of a spectrum, by Gauss-Newton from its own factors.

    Each step has least norm, so that it keeps L and R balanced and, for symmetric A_i, L Rᵀ symmetric.
    Returns the spectrum of the solution, of the same rank, and its relative residual; None if the steps
    diverge or the rank falls.
    """
    root = np.sqrt(spectrum.values)
    left, right = spectrum.left * root, spectrum.right * root
    size = float(np.linalg.norm(equations.labels))
    last = math.inf
    for _ in range(NEWTON_STEPS):
        rest = equations.labels - equations.linear_map.apply(left @ right.T)
        distance = float(np.linalg.norm(rest)) / size
        if not distance < last or distance < EXACT:
            break
        last, kept = distance, (left, right)
        step = LeastNorm(Tangent(equations.linear_map, left, right)).step(rest)
        change, other = np.split(step, [left.size])
        left, right = left + change.reshape(left.shape), right + other.reshape(right.shape)
    if not math.isfinite(last) and not math.isfinite(distance):
        return None
    if distance < last:
        kept, last = (left, right), distance
    found = gauge.decompose(kept[0] @ kept[1].T)
    if found.rank < spectrum.rank:
        return None
    first = slice(spectrum.rank)
    return Spectrum(found.left[:, first], found.values[first], found.right[:, first]), last


def complete_dual(at: Tangent, dual: Array) -> Array:
    """Change λ as little as possible so that Y = B*(λ) has Y V = U and Yᵀ U = V for X = U Σ Vᵀ.

    The tangent space is that of the factors U and V. If then ‖Y‖_op ≤ 1, X has the least nuclear norm:
    ‖X‖_* = ⟨Y, X⟩ = ⟨b, λ⟩.
    """
    want = np.concatenate([at.left.ravel(), at.right.ravel()])
    return dual + LeastNorm(at).multipliers(want - at.adjoint(dual))


@dataclass(frozen=True)
class Uniqueness:
    """Two margins, both positive where X is the only minimizer.

    Attributes
    ----------
    complementarity : 1 − ‖P_⊥(Y)‖_op, where P_⊥ removes the row and column spaces of X.
    injectivity : smallest over largest singular value of the measurements on the tangent space of the
        matrices of this rank at X; for positive semidefinite X, on the matrices U S Uᵀ with symmetric S.
    """

    complementarity: float
    injectivity: float

    @property
    def proved(self) -> bool:
        """Whether both margins are larger than rounding can be."""
        return self.complementarity > LEAST_MARGIN and self.injectivity > LEAST_MARGIN


def uniqueness(at: Tangent, image: Array, gauge: Gauge, dimension: int) -> Uniqueness:
    """Measure the conditions under which X = U Σ Vᵀ is the only minimizer of N with B(X) = b.

    Y = B*(λ), the `image`, satisfies Y V = U and Yᵀ U = V. Every other X + H with B(H) = 0 has
    N(X + H) − N(X) ≥ ⟨Y + F, H⟩ = (1 − ‖P_⊥ Y‖_op)‖P_⊥ H‖_* for some F; so P_⊥ H = 0, H lies in the tangent
    space, and B(H) = 0 there leaves H = 0.

    Source: Candès and Recht (2009), Foundations of Computational Mathematics 9, section 3.
    """
    left, right = at.left, at.right
    rest = image - left @ (left.T @ image)
    rest = rest - (rest @ right) @ right.T
    # An image that has no part outside is known to be at most 1 there.
    outside = max(gauge.dual(rest), 0.0) if min(image.shape) > left.shape[1] else 0.0
    return Uniqueness(1.0 - outside, _injectivity(at, gauge, dimension))


def _injectivity(at: Tangent, gauge: Gauge, dimension: int) -> float:
    """Smallest over largest singular value on a space of that dimension; nan if it is too much work."""
    m = at.linear_map.size
    if m < dimension and not gauge.cone:
        return 0.0
    entries = isinstance(at.linear_map, Entries) and not gauge.cone
    if at.columns > MOST_COLUMNS or (not entries and m * at.columns > MOST_NUMBERS):
        return math.nan
    if gauge.cone:
        seen, dimension = _inside(at.matrix, at.left)
        return _smallest_share(seen.T @ seen, dimension) if m >= dimension else 0.0
    return _smallest_share(at.gram, dimension)


def _smallest_share(squares: Array, dimension: int) -> float:
    """σ_dimension/σ_1 from the matrix of the squares."""
    values = np.linalg.eigvalsh(squares)
    return float(np.sqrt(max(values[-dimension], 0.0) / values[-1])) if values[-1] > 0.0 else 0.0


def _inside(seen: Array, basis: Array) -> tuple[Array, int]:
    """B(U S Uᵀ) for symmetric S (m, r(r + 1)/2): rows of `seen` hold A_i U first."""
    d, r = basis.shape
    blocks = np.einsum("ijk,jl->ilk", np.asarray(seen)[:, : d * r].reshape(-1, d, r), basis)
    first, second = np.triu_indices(r)
    scale = np.where(first == second, 1.0, np.sqrt(2.0))
    return blocks[:, first, second] * scale, first.size
