"""Fully connected networks of any depth, with tanh, GELU or ReLU: the loss of their weights, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive, reals, vector, whole, word
from stepscape.errors import bad, expect, shown
from stepscape.losses import loss_of
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]


class Activation(NamedTuple):
    """φ, φ' and φ'' of a hidden layer, elementwise."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    bend: Callable[[Array], Array]


def _tanh_slope(z: Array) -> Array:
    return np.asarray(1.0 - np.tanh(z) ** 2)


def _tanh_bend(z: Array) -> Array:
    t = np.tanh(z)
    return np.asarray(-2.0 * t * (1.0 - t * t))


def _normal(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))


def _share(z: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


ACTIVATIONS = {
    "tanh": Activation(np.tanh, _tanh_slope, _tanh_bend),
    # GELU zΦ(z), Φ the normal distribution and ϕ its density: slope Φ + zϕ, bend (2 − z²)ϕ.
    "gelu": Activation(
        lambda z: z * _share(z),
        lambda z: _share(z) + z * _normal(z),
        lambda z: (2.0 - z * z) * _normal(z),
    ),
    "relu": Activation(
        lambda z: np.maximum(z, 0.0), lambda z: (z > 0.0).astype(float), lambda z: np.zeros_like(z)
    ),
}


@dataclass(frozen=True, eq=False)
class LayeredNetwork:
    """The loss of a fully connected network f = W_L φ(… φ(W_1 x + b_1) …) + b_L with one output.

    θ = (W_1, b_1, …, W_L, b_L), W_l of shape (outputs, inputs) of its layer, by rows. The loss is that of the
    problem: Σ v_i ½ (f(x_i) − y_i)², or Σ v_i log(1 + e^{−y_i f(x_i)}), with v_i = 1/n without weights.

    It is an `Objective` and `Sampled`: stochastic methods draw from its examples.

    Gradients by backward passes, products with the Hessian by a forward pass of derivatives and a backward
    pass of theirs. With ReLU both are those almost everywhere.

    Source: Pearlmutter (1994) for the products.

    Attributes
    ----------
    problem : n examples of d variables.
    hidden : widths of the hidden layers.
    activation : one of `ACTIVATIONS`.

    Raises
    ------
    InputError
        For no hidden layer, and an unknown activation.
    """

    problem: Problem
    hidden: Sequence[int]
    activation: str = "tanh"

    def __post_init__(self) -> None:
        expect("problem", self.problem, Problem)
        widths = reals("hidden", self.hidden)
        if widths.ndim != 1 or not widths.size:
            raise bad("hidden", "hold the width of at least one layer", shown(self.hidden))
        object.__setattr__(self, "hidden", tuple(whole("each of hidden", each, 1) for each in self.hidden))
        word("activation", self.activation, ACTIVATIONS)

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes (outputs, inputs) of W_1, …, W_L."""
        ends = (self.problem.dimension, *self.hidden, 1)
        return tuple((after, before) for before, after in pairwise(ends))

    @cached_property
    def size(self) -> int:
        """Length of θ."""
        return sum(outputs * (inputs + 1) for outputs, inputs in self.shapes)

    def start(self, scale: float = 1.0, seed: int = 0) -> Array:
        """Return a random θ: weights scale·N(0, 1)/√inputs, biases 0."""
        size, rng = positive("scale", scale), np.random.default_rng(whole("seed", seed))
        pieces = []
        for outputs, inputs in self.shapes:
            pieces += [rng.standard_normal(outputs * inputs) * size / np.sqrt(inputs), np.zeros(outputs)]
        return np.concatenate(pieces)

    def layers(self, theta: Array) -> list[tuple[Array, Array]]:
        """Return W_l and b_l of every layer, the output last."""
        flat, at, layers = vector("theta", theta, self.size), 0, []
        for outputs, inputs in self.shapes:
            middle = at + outputs * inputs
            layers.append((flat[at:middle].reshape(outputs, inputs), flat[middle : middle + outputs]))
            at = middle + outputs
        return layers

    def predict(self, theta: Array, inputs: Array | None = None) -> Array:
        """Return f at inputs (m,) or (m, d), by default at those of the problem."""
        points = self.problem.points if inputs is None else reals("inputs", inputs)
        rows = points.reshape(len(points), -1)
        if rows.shape[1] != self.problem.dimension:
            raise bad("inputs", f"have {self.problem.dimension} variables", rows.shape[1])
        return self._forward(self.layers(theta), rows).output

    def loss(self, theta: Array) -> float:
        """Loss of the problem at f."""
        return self.problem.training_loss(self._forward(self.layers(theta), self.problem.points).output)

    def gradient(self, theta: Array) -> Array:
        """∇L (size,)."""
        return self._gradient(theta, self._all)

    def hessian(self, theta: Array) -> LayeredHessian:
        """∇²L(θ), as products."""
        return self._hessian(theta, self._all)

    @property
    def examples(self) -> int:
        """Number n of examples."""
        return self.problem.size

    def batch_gradient(self, theta: Array, rows: NDArray[np.int64]) -> Array:
        """∇L_B(θ) (size,), L_B the mean of n v_i ℓ_i over the examples with these numbers (B,)."""
        return self._gradient(theta, self._batch(rows))

    def batch_hessian(self, theta: Array, rows: NDArray[np.int64]) -> LayeredHessian:
        """∇²L_B(θ), as products; L_B as in `batch_gradient`."""
        return self._hessian(theta, self._batch(rows))

    def noisy_gradient(self, theta: Array, noise: Array) -> Array:
        """∇L(θ) (size,) with noise (n,) added to the labels."""
        added = vector("noise", noise, self.examples)
        return self._gradient(theta, self._all._replace(labels=self.problem.labels + added))

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        """Return no counts."""
        return {}

    @cached_property
    def _all(self) -> _Examples:
        return _Examples(self.problem.points, self.problem.labels, self.problem.averaging)

    def _batch(self, rows: NDArray[np.int64]) -> _Examples:
        share = self.problem.averaging[rows] * (self.examples / len(rows))
        return _Examples(self.problem.points[rows], self.problem.labels[rows], share)

    def _gradient(self, theta: Array, of: _Examples) -> Array:
        layers = self.layers(theta)
        return self._backward(layers, self._forward(layers, of.points), of).gradient

    def _hessian(self, theta: Array, of: _Examples) -> LayeredHessian:
        layers = self.layers(theta)
        forward = self._forward(layers, of.points)
        return LayeredHessian(self, layers, of, forward, self._backward(layers, forward, of))

    def _forward(self, layers: Sequence[tuple[Array, Array]], points: Array) -> _Forward:
        phi, inputs, sums = ACTIVATIONS[self.activation].value, [points], []
        for weights, biases in layers:
            sums.append(inputs[-1] @ weights.T + biases)
            inputs.append(phi(sums[-1]))
        return _Forward(inputs[:-1], sums, sums[-1][:, 0])

    def _backward(self, layers: Sequence[tuple[Array, Array]], forward: _Forward, of: _Examples) -> _Backward:
        slope = ACTIVATIONS[self.activation].slope
        pull = (of.averaging * loss_of(self.problem.loss).slope(forward.output, of.labels))[:, None]
        pulls, pieces = [pull], []
        for at in range(len(layers) - 1, -1, -1):
            pieces += [pulls[0].sum(axis=0), (pulls[0].T @ forward.inputs[at]).ravel()]
            if at:
                pulls.insert(0, (pulls[0] @ layers[at][0]) * slope(forward.sums[at - 1]))
        return _Backward(pulls, np.concatenate(pieces[::-1]))


class _Examples(NamedTuple):
    """Inputs (m, d), labels (m,) and weights (m,) of some examples: their loss is Σ weight·ℓ."""

    points: Array
    labels: Array
    averaging: Array


class _Forward(NamedTuple):
    """Inputs of the layers (n, inputs), their sums (n, outputs), and f (n,)."""

    inputs: list[Array]
    sums: list[Array]
    output: Array


class _Backward(NamedTuple):
    """Derivatives of L in the sums of the layers (n, outputs), and ∇L."""

    pulls: list[Array]
    gradient: Array


@dataclass(frozen=True, eq=False)
class LayeredHessian:
    """∇²L of a `LayeredNetwork` at one θ, of all examples or of some."""

    network: LayeredNetwork
    layers: list[tuple[Array, Array]]
    examples: _Examples
    forward: _Forward
    backward: _Backward

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return self.network.size

    def product(self, vector: Array) -> Array:
        """∇²L·v: the derivative of ∇L(θ + εv) in ε at 0."""
        changes = self.network.layers(vector)
        first, second = self._slopes
        moved, inputs = [], [np.zeros_like(self.forward.inputs[0])]  # derivatives of sums, and of inputs
        for at, (weights, _) in enumerate(self.layers):
            turned, shifted = changes[at]
            moved.append(inputs[at] @ weights.T + self.forward.inputs[at] @ turned.T + shifted)
            if at < len(first):
                inputs.append(first[at] * moved[at])
        pull, pieces = self._bend * moved[-1], list[Array]()
        for at in range(len(self.layers) - 1, -1, -1):
            was = self.backward.pulls[at]
            pieces += [
                pull.sum(axis=0),
                (pull.T @ self.forward.inputs[at] + was.T @ inputs[at]).ravel(),
            ]
            if at:
                weights, turned = self.layers[at][0], changes[at][0]
                pull = (pull @ weights + was @ turned) * first[at - 1] + (was @ weights) * (
                    second[at - 1] * moved[at - 1]
                )
        return np.concatenate(pieces[::-1])

    @cached_property
    def _slopes(self) -> tuple[list[Array], list[Array]]:
        """φ' and φ'' at the sums of the hidden layers."""
        kind, hidden = ACTIVATIONS[self.network.activation], self.forward.sums[:-1]
        return [kind.slope(z) for z in hidden], [kind.bend(z) for z in hidden]

    @cached_property
    def _bend(self) -> Array:
        """v_i ℓ''(f_i) (n, 1)."""
        curvature = loss_of(self.network.problem.loss).curvature(self.forward.output)
        return np.asarray((self.examples.averaging * curvature)[:, None])
