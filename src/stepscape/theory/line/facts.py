"""What theorems read of one network on one problem, each number computed when it is first read.

Numbers that need products with the Hessian come from a `Landscape`: theory lies below the code that measures.
`stepscape.measures.facts` supplies one that measures lazily, and takes an eigenpair that is already known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from stepscape.arguments import positive, share
from stepscape.errors import bad, shown
from stepscape.theory.line.distribution import (
    FloatArray,
    InputDistribution,
    averaging,
    factor,
    input_distribution,
    no_bound,
    relative,
)
from stepscape.theory.line.weight import knots_at_data, tv_and_scale

if TYPE_CHECKING:
    from stepscape.curvature.lanczos import Eigenpair
    from stepscape.network import TwoLayerReLU
    from stepscape.problems.problem import Problem

_LOSSES = {
    "square": "square loss ½ Σ v_i (f(x_i) − y_i)²",
    "logistic": "logistic loss Σ v_i log(1 + e^{−y_i f(x_i)})",
}
_SMOOTH = "no knot lies on an input"


class Landscape(Protocol):
    """The numbers that are measured at a network, on its trained coordinates."""

    @property
    def predictions(self) -> FloatArray:
        """Values of f at the sorted inputs (n,)."""

    @property
    def loss(self) -> float:
        """L at the network."""

    @property
    def loss_error(self) -> float:
        """How far `loss` is off at most."""

    @property
    def residual_norm(self) -> float:
        """‖R‖ with H = G + R."""

    @property
    def residual_norm_error(self) -> float:
        """How far `residual_norm` is off at most."""

    @property
    def sharpness(self) -> Eigenpair:
        """λ_max(H) with its two sides."""

    @property
    def gauss_newton(self) -> Eigenpair:
        """λ_max(G) with its two sides."""


class Variation(NamedTuple):
    """A weighted variation: its symbol in statements, its value (nan if no bound exists), its magnitudes."""

    name: str
    value: float
    scale: float


@dataclass(frozen=True, eq=False)
class Facts:
    """One network on one problem.

    Parameters
    ----------
    problem, network : inputs, labels, weights and what is known of the truth; parameters and trained blocks.
    landscape : the measured numbers.
    delta : allowed probability of failure of the theorems about random labels, in (0, 1).
    gamma : inputs with |f| ≤ gamma are uncertain; finite and positive.
    """

    problem: Problem
    network: TwoLayerReLU
    landscape: Landscape
    delta: float = 0.05
    gamma: float = 1.0

    def __post_init__(self) -> None:
        from stepscape.problems.one_variable import require_line

        require_line(self.problem, self.network)
        if not hasattr(self.landscape, "residual_norm"):
            raise bad("landscape", "have the numbers of a Landscape", shown(self.landscape))
        object.__setattr__(self, "delta", share("delta", self.delta))
        object.__setattr__(self, "gamma", positive("gamma", self.gamma))

    @property
    def inputs(self) -> FloatArray:
        """Inputs in increasing order (n,); labels, weights, predictions and truth follow it."""
        return self.problem.line.arrays[0]

    @property
    def labels(self) -> FloatArray:
        """Labels (n,)."""
        return self.problem.line.arrays[1]

    @property
    def weights(self) -> FloatArray | None:
        """Averaging weights (n,), None if equal; sums and squares of those given could overflow."""
        return None if self.problem.weights is None else self.problem.line.arrays[2]

    @cached_property
    def averaging(self) -> FloatArray:
        """The v_i (n,), of sum 1."""
        return averaging(self.weights, self.problem.size)

    @cached_property
    def distribution(self) -> InputDistribution:
        """The inputs with their weights."""
        return input_distribution(self.inputs, self.weights)

    @cached_property
    def square_sum(self) -> float:
        """Σ v_i² over the examples, equal inputs apart: each has its own label."""
        if self.problem.weights is None:
            return 1.0 / self.problem.size
        v = relative(self.problem.averaging, self.problem.size)
        return float(v @ v) / float(v.sum()) ** 2

    @cached_property
    def truth(self) -> FloatArray | None:
        """f0 at the inputs (n,), None if it is not known."""
        return None if self.problem.truth is None else np.asarray(self.problem.truth(self.inputs), np.float64)

    @cached_property
    def design_error(self) -> float:
        """Σ v_i (f(x_i) − f0(x_i))², nan if the truth is not known."""
        if self.problem.truth is None:
            return math.nan
        return self.problem.design_error(self.network.predict(self.problem.inputs))

    @property
    def noise(self) -> float:
        """σ of the labels, nan if it is not known."""
        return math.nan if self.problem.noise is None else self.problem.noise

    @property
    def trainable(self) -> tuple[str, ...]:
        """Trained blocks."""
        return self.network.trainable

    @property
    def neurons(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The parameters w1, b1, w2, each (k,)."""
        return self.network.w1, self.network.b1, self.network.w2

    @property
    def offset(self) -> float:
        """The share of the output bias in λ_max(G) over the mean curvature: its 1 if it is trained."""
        return 1.0 if "b2" in self.trainable else 0.0

    @cached_property
    def reach(self) -> float:
        """The reach in ‖R‖ ≤ reach · Σ v_i |slope of the loss at i|; nan if no bound exists anyway."""
        if no_bound(self.trainable):
            return math.nan
        return float(factor(self.distribution.largest, self.trainable))

    @property
    def reach_name(self) -> str:
        """The reach as statements write it."""
        if {"w1", "b1"} <= set(self.trainable):
            return "√(1 + x_max²)"
        return "x_max" if "w1" in self.trainable else "1 ·"

    @cached_property
    def premises(self) -> tuple[str, ...]:
        """What all bounds on the variation suppose."""
        return (
            f"{_LOSSES[self.problem.loss]}, Σ v_i = 1",
            f"two-layer ReLU network on the line, trained blocks {', '.join(self.trainable)}",
            _SMOOTH,
        )

    @cached_property
    def failed_premises(self) -> tuple[str, ...]:
        """The premises that fail."""
        on_data = knots_at_data(self.network.w1, self.network.b1, self.distribution.points)
        return no_bound(self.trainable) + ((_SMOOTH,) if on_data else ())

    @cached_property
    def side(self) -> Variation:
        """The form that the proofs bound: the side form of `stepscape.theory.weighted_tv`."""
        return self.variation("Σ |w1 w2| g^±(τ)", "side", self.distribution)

    @cached_property
    def function(self) -> Variation:
        """∫|f''|g, the function form."""
        return self.variation("∫|f''|g", "function", self.distribution)

    def variation(self, name: str, form: str, distribution: InputDistribution) -> Variation:
        """Sum a form of `stepscape.theory.weighted_tv` with the g of a distribution."""
        if no_bound(self.trainable):
            return Variation(name, math.nan, math.nan)
        return Variation(name, *tv_and_scale(*self.neurons, distribution, form, self.trainable))
