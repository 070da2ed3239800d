"""Deep linear networks with block-diagonal layers: the loss of their weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals, vector
from stepscape.errors import bad, expect
from stepscape.problems.product_measurements import ProductMeasurements

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearNetwork:
    """L(θ) = (1/m) Σ_i (⟨A_i, W_k⋯W_1⟩ − b_i)² of θ = (W_1, …, W_k), each (B, s, s), without a ½.

    With P_j = W_k⋯W_{j+1}, Q_j = W_{j−1}⋯W_1 and G = (2/m) Σ_i r_i A_i, block by block, the gradient with
    respect to W_j is P_jᵀ G Q_jᵀ. L is a quadratic function of one entry of one layer, hence at every θ

        tr ∇²L = (2/m) Σ_j Σ_i ‖P_jᵀ A_i Q_jᵀ‖_F²,

    which is 2 Σ_i D_ii Σ_j Π_{l≠j} v_{l,i}² for vectors, D_ii = (1/m)‖A_{:,i}‖².
    """

    problem: ProductMeasurements

    def __post_init__(self) -> None:
        expect("problem", self.problem, ProductMeasurements)

    @property
    def size(self) -> int:
        """Length of θ: k·B·s²."""
        return int(self.problem.depth * self.problem.rows.shape[1])

    def layers(self, theta: ArrayLike) -> Array:
        """W_1, …, W_k (k, B, s, s) of θ, which must be finite."""
        flat = vector("theta", theta, self.size)
        if not np.isfinite(flat).all():
            raise bad("theta", "be finite", f"{flat[~np.isfinite(flat)][0]} in it")
        return self._layers(flat)

    def _layers(self, theta: Array) -> Array:
        p = self.problem
        return vector("theta", theta, self.size).reshape(p.depth, p.blocks, p.block_size, p.block_size)

    def parameters(self, layers: ArrayLike) -> Array:
        """Return θ of layers W_1, …, W_k (k, B, s, s); of vectors (k, d) where X is one."""
        array, p = reals("layers", layers), self.problem
        full = (p.depth, p.blocks, p.block_size, p.block_size)
        if array.shape not in (full, (p.depth, *p.shape)):
            raise bad("layers", f"have shape {(p.depth, *p.shape)}", array.shape)
        return array.ravel()

    def product(self, theta: ArrayLike) -> Array:
        """X = W_k⋯W_1, of the shape of the problem's X."""
        return np.reshape(_Sides(self.layers(theta)).product, self.problem.shape)

    def loss(self, theta: Array) -> float:
        """(1/m) Σ_i (⟨A_i, X⟩ − b_i)²."""
        return self.problem.loss(np.reshape(_Sides(self._layers(theta)).product, self.problem.shape))

    def gradient(self, theta: Array) -> Array:
        """P_jᵀ G Q_jᵀ for each layer (size,)."""
        sides = _Sides(self._layers(theta))
        return _between(sides.after, self.pull(sides.product), sides.before).ravel()

    def hessian(self, theta: Array) -> LinearNetworkHessian:
        """∇²L(θ)."""
        return LinearNetworkHessian(self, np.array(self._layers(theta)))

    def trace(self, theta: Array) -> float:
        """Return tr ∇²L(θ), exact; as many numbers as the design has are held at a time."""
        sides, p = _Sides(self.layers(theta)), self.problem
        if p.block_size == 1:
            others = np.sum((sides.after * sides.before) ** 2, axis=0).ravel()
            return 2.0 * float(p.row_moments.ravel() @ others)
        seen = (
            np.sum((after.transpose(0, 2, 1) @ p.block_design @ before.transpose(0, 2, 1)) ** 2)
            for after, before in zip(sides.after, sides.before, strict=True)
        )
        return 2.0 * float(sum(seen)) / p.size

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        """Return no counts."""
        return {}

    def pull(self, product: Array) -> Array:
        """G = (2/m) Σ_i r_i A_i (B, s, s) with r = A(X) − b."""
        residual = self.problem.rows @ product.ravel() - self.problem.labels
        return self.back(residual, product.shape)

    def back(self, values: Array, shape: tuple[int, ...]) -> Array:
        """(2/m) Σ_i v_i A_i (B, s, s)."""
        return np.asarray((2.0 / self.problem.size) * (values @ self.problem.rows)).reshape(shape)


@dataclass(frozen=True, eq=False)
class LinearNetworkHessian:
    """∇²L at layers W (k, B, s, s), as products with vectors: the derivative of P_jᵀ G Q_jᵀ along V."""

    network: LinearNetwork
    layers: Array

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return self.layers.size

    @cached_property
    def _sides(self) -> _Sides:
        return _Sides(self.layers)

    @cached_property
    def _pull(self) -> Array:
        return self.network.pull(self._sides.product)

    def product(self, vector: Array) -> Array:
        """Matrix times vector (size,)."""
        step, sides = self.network.layers(vector), self._sides
        turn = sides.along(step)
        push = self.network.problem.rows @ turn.product.ravel()
        moved = _between(sides.after, self.network.back(push, turn.product.shape), sides.before)
        moved = moved + _between(turn.after, self._pull, sides.before)
        return np.asarray(moved + _between(sides.after, self._pull, turn.before)).ravel()


class _Sides:
    """P_j = W_k⋯W_{j+1} (`after`) and Q_j = W_{j−1}⋯W_1 (`before`), each (k, B, s, s), and X."""

    def __init__(self, layers: Array) -> None:
        self.layers = layers
        self.after, self.before = np.empty_like(layers), np.empty_like(layers)
        self.after[-1] = self.before[0] = np.eye(layers.shape[-1])
        for j in range(1, len(layers)):
            self.before[j] = layers[j - 1] @ self.before[j - 1]
            self.after[-1 - j] = self.after[-j] @ layers[-j]
        self.product = layers[-1] @ self.before[-1]

    def along(self, step: Array) -> _Turn:
        """Return the derivatives of P_j, Q_j and X along a step V of the layers."""
        after, before = np.zeros_like(step), np.zeros_like(step)
        for j in range(1, len(step)):
            before[j] = step[j - 1] @ self.before[j - 1] + self.layers[j - 1] @ before[j - 1]
            after[-1 - j] = self.after[-j] @ step[-j] + after[-j] @ self.layers[-j]
        return _Turn(after, before, step[-1] @ self.before[-1] + self.layers[-1] @ before[-1])


@dataclass(frozen=True, eq=False)
class _Turn:
    after: Array
    before: Array
    product: Array


def _between(after: Array, pull: Array, before: Array) -> Array:
    """P_jᵀ G Q_jᵀ for each j (k, B, s, s)."""
    return np.asarray(after.transpose(0, 1, 3, 2) @ pull @ before.transpose(0, 1, 3, 2))
