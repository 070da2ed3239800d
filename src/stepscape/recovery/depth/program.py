"""The convex program of a depth: least Σ_b ‖Y_b‖_*^p under orthonormal constraints, and its dual bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import whole
from stepscape.memory import require_memory
from stepscape.problems.product_measurements import ProductMeasurements

Array = NDArray[np.float64]
CONSISTENT = (
    1e-8  # of ‖b‖: the part of b that no product reaches, beyond which the labels contradict each other
)


@dataclass(frozen=True, eq=False)
class Program:
    """min Σ_b ‖Y_b‖_*^p subject to Vᵀ y = c, y the numbers of Y (B, s, s), V orthonormal, ‖c‖ = 1 or c = 0.

    The constraints are orthonormal combinations of C y = b/scale, with `rows` C (m, B·s²) = U Σ Vᵀ, and
    `inverse` is U Σ⁻¹. X_b = scale·S_b Y_b T_b. They stand for A(X) = b, or for the
    equations of least squares if not `feasible`. A dual point is λ, and U the blocks of V λ. Weak duality is
    Hölder's inequality:

        ⟨c, λ⟩ = ⟨U, Y⟩ ≤ Σ_b ‖U_b‖_op ‖Y_b‖_* ≤ (Σ_b ‖U_b‖_op^q)^{1/q} (Σ_b ‖Y_b‖_*^p)^{1/p},  1/p + 1/q = 1.
    """

    rows: Array
    labels: Array
    inverse: Array
    basis: Array
    target: Array
    power: float
    scale: float
    left: Array
    right: Array
    unseen: int
    feasible: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """(B, s, s)."""
        return self.left.shape

    def project(self, point: Array) -> Array:
        """Return the nearest feasible Y."""
        flat = point.ravel()
        return np.asarray(flat - self.basis @ (self.basis.T @ flat - self.target)).reshape(self.shape)

    def refine(self, point: Array) -> Array:
        """Return Y with the rounding errors of its measurements removed, by one step of least squares."""
        missed = self.labels - self.rows @ point.ravel()
        return point + (self.basis @ (self.inverse.T @ missed)).reshape(self.shape)

    def value(self, point: Array) -> float:
        """Σ_b ‖Y_b‖_*^p."""
        return float(np.sum(nuclear_norms(point) ** self.power))

    def bound(self, dual: Array) -> float:
        """Return the lower bound on the value of every feasible Y that λ proves; 0 if it proves nothing."""
        size = np.linalg.norm((self.basis @ dual).reshape(self.shape), ord=2, axis=(1, 2))
        gain, largest = float(self.target @ dual), float(size.max())
        if gain <= 0.0 or largest == 0.0:
            return 0.0
        norm = largest
        if self.power > 1.0:
            q = self.power / (self.power - 1.0)
            norm *= float(np.sum((size / largest) ** q)) ** (1.0 / q)
        return float((gain / norm) ** self.power)

    def gap(self, point: Array, dual: Array) -> float:
        """(value − bound)/value of a feasible Y, not below 0; 0 for Y = 0."""
        value = self.value(point)
        return max(0.0, 1.0 - self.bound(dual) / value) if value > 0.0 else 0.0

    def product(self, point: Array) -> Array:
        """X_b = scale·S_b Y_b T_b (B, s, s)."""
        return np.asarray(self.scale * (self.left @ point @ self.right))


def nuclear_norms(blocks: Array) -> Array:
    """‖Y_b‖_* of each block (B,)."""
    if blocks.shape[-1] == 1:
        return np.abs(blocks[:, 0, 0])
    return np.asarray(np.linalg.svd(blocks, compute_uv=False).sum(axis=-1))


def read_depth(problem: ProductMeasurements, depth: float | None) -> float:
    """Return the number of layers: the problem's, or another one, which may be infinite."""
    if depth is None:
        return problem.depth
    if isinstance(depth, float) and depth == math.inf:
        return math.inf
    return whole("depth", depth, 2)


def flat_program(problem: ProductMeasurements, depth: float) -> Program:
    """Return the program of the flattest product: Y_b = t_b^{(2/k − 1)/p} M_b^½ X_b N_b^½, p = 2 − 2/k.

    M_b = (1/m) Σ A_i A_iᵀ, N_b = (1/m) Σ A_iᵀ A_i and t_b = tr M_b of each block; see `flat_product_trace`.
    """
    power = 2.0 - 2.0 / depth
    left, row_rank = inverse_roots(problem.row_moments)
    right, column_rank = inverse_roots(problem.column_moments)
    t = moments_trace(problem)
    seen = t > 0.0
    stretch = np.where(seen, t, 1.0) ** ((1.0 - 2.0 / depth) / power)
    unseen = int(np.sum(problem.block_size**2 - row_rank * column_rank))
    return _program(problem, power, stretch[:, None, None] * left, right, unseen)


def plain_program(problem: ProductMeasurements) -> Program:
    """Return the program min Σ_b ‖X_b‖_*, for vectors min ‖x‖_1."""
    one = np.broadcast_to(np.eye(problem.block_size), problem.block_design.shape[1:])
    unseen = int(np.sum(moments_trace(problem) == 0.0)) * problem.block_size**2
    return _program(problem, 1.0, one, one, unseen)


def moments_trace(problem: ProductMeasurements) -> Array:
    """t_b = (1/m) Σ_i ‖A_i‖_F² of each block (B,); D_ii for vectors."""
    return np.asarray(np.trace(problem.row_moments, axis1=1, axis2=2))


def inverse_roots(moments: Array) -> tuple[Array, Array]:
    """M^{−½} of each block, 0 on its null space, and the rank of each."""
    values, vectors = np.linalg.eigh(moments)
    cut = 8.0 * np.finfo(float).eps * moments.shape[-1] * values[:, -1:]
    kept = values > cut
    roots = np.where(kept, 1.0 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return np.asarray((vectors * roots[:, None, :]) @ vectors.transpose(0, 2, 1)), kept.sum(axis=1)


def _program(problem: ProductMeasurements, power: float, left: Array, right: Array, unseen: int) -> Program:
    m, n = problem.rows.shape
    require_memory("m", m, 48 * m * n + 16 * min(m, n) ** 2, "take fewer measurements or smaller blocks")
    rows = (left @ problem.block_design @ right).reshape(m, n)  # S and T are symmetric
    outer, sizes, inner = np.linalg.svd(rows, full_matrices=False)
    kept = sizes > sizes[0] * max(m, n) * np.finfo(float).eps
    reached = outer[:, kept].T @ problem.labels
    labels = float(np.linalg.norm(problem.labels))
    missed = float(np.linalg.norm(problem.labels - outer[:, kept] @ reached))
    target = reached / sizes[kept]
    scale = float(np.linalg.norm(target))
    unit = scale or 1.0
    return Program(
        rows=rows,
        labels=problem.labels / unit,
        inverse=outer[:, kept] / sizes[kept],
        basis=inner[kept].T,
        target=target / unit,
        power=power,
        scale=scale,
        left=left,
        right=right,
        unseen=unseen,
        feasible=missed <= CONSISTENT * labels,
    )
