"""The flattest interpolator of any width, and a certificate that none is flatter.

At an interpolator the residual part of the Hessian vanishes: n·λ_max(H) = λ_max(K), K = ΦΦᵀ. A neuron in a
cell (see `cells`) with u = w2·(w1, b1) and A = w2² adds X u to the values of the network and

    A X Xᵀ + X u uᵀ Xᵀ / A                  to K,

which is matrix-convex in (A, u). Hence two neurons of one cell whose u point into one cone merge into one
with the sums of A and u without raising K, and

    minimize λ_max(11ᵀ + Σ_j A_j X_j X_jᵀ + X_j u_j u_jᵀ X_jᵀ / A_j)   subject to   Σ_j X_j u_j + b2·1 = y

over one neuron for each of the 2(2n − 1) cones (u or −u) is convex and equivalent to the least sharpness of
an interpolator of any width. Its dual: for any ρ ⪰ 0 of trace 1 and any ν with Σν = 0 and
νᵀX_j u ≤ 2 √(tr X_jᵀρX_j · uᵀX_jᵀρX_j u) on every cone,

    n·λ_max ≥ ⟨ρ, K⟩ ≥ 1ᵀρ1 + Σ_j 2|w2_j| √(tr X_jᵀρX_j)·‖X_j (w1_j, b1_j)‖_ρ ≥ 1ᵀρ1 + νᵀy.

With ρ = 11ᵀ/n the best ν gives the data-only bound of `interpolation_bound`. The infimum itself may need
knots on the inputs, where there is no Hessian: the network keeps its knots `margin` gap widths away.

Few inputs. One label costs the bias alone: λ_max = 1. For two inputs with x_1 x_2 ≥ −1, c_i = √(1 + x_i²) and
d = |y_2 − y_1|, neurons active on one input are enough: with ρ = qqᵀ, q ≥ 0, one that is active on both costs
at least as much. They add 2 p c_1 e_1e_1ᵀ + 2 (d − p) c_2 e_2e_2ᵀ to K, and the minimum over p is, unless it
lies at an end,

    2 λ_max = 1 + 2 (c_1 c_2 d + √(c_1 c_2))/(c_1 + c_2).

A neuron that is active on both can be cheaper if x_1 x_2 < −1. The method needs no such distinction.

With the logistic loss there is no flattest interpolator: confidence flattens without end
(`stepscape.theory.line.flat_network`).

Source: derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import number, share, whole
from stepscape.errors import NotConverged, bad
from stepscape.memory import require_memory
from stepscape.theory.line.cells import Cells, activation_cells, distinct
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.line.interior_point import Cone, solve
from stepscape.theory.line.spline import Neurons, constant, spline_interpolator

BYTES = 8 * 12**2 * 6  # for each pair of inputs: six matrices of 12 rows and columns per input


@dataclass(frozen=True, eq=False)
class Flattest:
    """An interpolator, and how far it is from the flattest one.

    Attributes
    ----------
    neurons : w1, b1, w2, b2; one neuron per cone, most of them close to 0.
    sharpness : λ_max(K)/n of it, from all eigenvalues.
    least : a certified bound: no interpolator of any width, differentiable at the inputs, has a smaller
        λ_max.
    iterations : of the interior-point method.
    """

    neurons: Neurons
    sharpness: float
    least: float
    iterations: int

    @property
    def gap(self) -> float:
        """How much flatter another interpolator could be, at most: sharpness/least − 1."""
        return self.sharpness / self.least - 1.0


def flattest_interpolator(
    inputs: ArrayLike,
    labels: ArrayLike,
    margin: float = 0.01,
    tolerance: float = 1e-3,
    max_iterations: int = 150,
) -> Flattest:
    """Minimize λ_max of the square loss ½·mean r² over all two-layer ReLU interpolants of distinct inputs.

    Parameters
    ----------
    inputs, labels : (n,), any order; all of w1, b1, w2, b2 are trained. A step costs O(n³) with a
        constant near 1000: seconds for n = 60, too much beyond 200.
    margin : in (0, ½): distance of the knots from the inputs, in widths of their gap. The price in sharpness
        is of the same relative size.
    tolerance : relative accuracy of the minimum with this margin; the certified gap contains the price of
        the margin, too.

    Raises
    ------
    InputError
        Repeated inputs, margin or tolerance out of range.
    NotConverged
        After `max_iterations` steps.
    """
    x, y = distinct(inputs, labels)
    require_memory("inputs", f"{x.size} of them", BYTES * x.size**2, "give fewer of them")
    must = "lie strictly between 0 and 0.5"
    if not 0.0 < number("margin", margin, must) < 0.5:
        raise bad("margin", must, margin)
    share("tolerance", tolerance)
    whole("max_iterations", max_iterations, 1)
    if x.size == 1:
        return Flattest(constant(float(y[0])), 1.0, 1.0, 0)
    cone = Cone(activation_cells(x, margin), y)
    start, b2 = _start(cone, x, y)
    found = solve(cone, start, b2, tolerance, max_iterations)
    if not found.converged:
        raise NotConverged(
            f"the flattest interpolator was not found within {max_iterations} steps (relative gap "
            f"{found.gap:.1e}); raise tolerance, margin or max_iterations"
        )
    bound = lower_bound(activation_cells(x), y, found.density, found.prices)
    top = float(np.linalg.eigvalsh(cone.kernel(found.shares))[-1])
    neurons = _neurons(cone.cells, found.shares, found.b2)
    return Flattest(neurons, top / x.size, bound / x.size, found.iterations)


def _start(cone: Cone, x: FloatArray, y: FloatArray) -> tuple[FloatArray, float]:
    """Take the spline, and add a little of every neuron with both signs, which cancel."""
    spline = spline_interpolator(x, y, 0.25)
    cells = cone.cells
    at = np.sum(np.multiply.outer(spline.w1, x) + spline.b1[:, None] <= 0.0, axis=1)
    right = spline.w1 > 0.0
    cell = np.where(right, at - 1, 2 * x.size - 2 - at)
    u = spline.w2[:, None] * np.stack([spline.w1, spline.w1 * cells.middles[cell] + spline.b1], -1)
    share = np.linalg.solve(cells.rays[cell].transpose(0, 2, 1), u[:, :, None])[:, :, 0]
    signed = np.zeros((cells.count, 2))
    np.add.at(signed, cell, share)
    typical = max(float(np.abs(signed).mean()), 1e-8 * (1.0 + float(np.abs(y).max())))
    pair = np.concatenate([np.maximum(signed, 0.0), np.maximum(-signed, 0.0)]) + 0.02 * typical
    return cone.balanced(pair), spline.b2


def _neurons(cells: Cells, shares: FloatArray, b2: float) -> Neurons:
    sign = np.repeat([1.0, -1.0], cells.count)
    w2 = np.sqrt(shares[:, 0])
    w1, value = np.einsum("jr,jri->ij", shares[:, 1:], np.tile(cells.rays, (2, 1, 1))) / w2
    return Neurons(w1, value - w1 * np.tile(cells.middles, 2), sign * w2, b2)


def lower_bound(cells: Cells, y: FloatArray, density: FloatArray, prices: FloatArray) -> float:
    """1ᵀρ1 + νᵀy for ρ = density/trace and the largest feasible multiple ν ≤ prices − mean.

    Any symmetric positive semidefinite `density` (n, n) and any `prices` (n,) give a valid bound.
    """
    rho, nu = density / np.trace(density), prices - prices.mean()
    by_basis = np.einsum("pni,pnk->pik", cells.basis, np.einsum("nm,pmi->pni", rho, cells.basis))
    trace = np.einsum("pik,pik->p", by_basis, cells.metric)
    gram = np.einsum("pri,pik,psk->prs", cells.rays, by_basis, cells.rays)
    worth = np.einsum("pnr,n->pr", cells.values, nu)
    ratio = largest_ratio(gram, worth) / (2.0 * np.sqrt(trace))
    return float(rho.sum() + (nu @ y) / max(1.0, float(ratio.max())))


def largest_ratio(gram: FloatArray, worth: FloatArray) -> FloatArray:
    """Maximize |worth·c| / √(cᵀ gram c) over c ≥ 0 for each 2 × 2 matrix: inside, or else on a ray."""
    size = np.einsum("prr->pr", gram)
    rays = np.where(size > 0.0, np.abs(worth) / np.sqrt(np.where(size > 0.0, size, 1.0)), 0.0).max(axis=1)
    determinant = size[:, 0] * size[:, 1] - gram[:, 0, 1] ** 2
    regular = determinant > 1e-12 * size[:, 0] * size[:, 1]
    best = size[:, ::-1] * worth - gram[:, 0, 1, None] * worth[:, ::-1]
    inside = regular & ((best > 0.0).all(axis=1) | (best < 0.0).all(axis=1))
    peak = np.sqrt(np.maximum((best * worth).sum(axis=1), 0.0) / np.where(regular, determinant, 1.0))
    return np.asarray(np.where(inside, peak, rays))
