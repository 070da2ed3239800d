"""What theorems read of one network with inputs in R^d, each number computed when it is first read.

Arrays, not objects: whoever measures gives the numbers that need products with the Hessian, as a
`stepscape.theory.Landscape` whose predictions are in the order of the inputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from numpy.typing import ArrayLike

from stepscape.arguments import finite, positive, word
from stepscape.errors import bad, shown
from stepscape.losses import loss_of, signs
from stepscape.theory.line.distribution import BLOCKS, FloatArray, factor, no_bound, vector
from stepscape.theory.line.facts import Landscape, Variation
from stepscape.theory.plane.half_space import (
    averages,
    lengths,
    on_boundary,
    one_per_input,
    planes,
    points,
    residual_norm,
)
from stepscape.theory.plane.weights import variation_and_scale

_LOSSES = {
    "square": "square loss ½ Σ v_i (f(x_i) − y_i)²",
    "logistic": "logistic loss Σ v_i log(1 + e^{−y_i f(x_i)})",
}
_SMOOTH = "no hyperplane of a neuron holds an input"


@dataclass(frozen=True, eq=False)
class PlaneFacts:
    """f(x) = Σ_j w2_j max(w1_j·x + b1_j, 0) + b2 on examples in R^d.

    Parameters
    ----------
    inputs, labels : (n, d) and (n,); for the logistic loss labels are ±1 or 0/1.
    w1, b1, w2, b2 : (k, d), (k,), (k,) and a number.
    landscape : the measured numbers.
    weights : (n,), nonnegative with a positive sum; None means 1/n each.
    trainable : the trained blocks.
    loss : "square" or "logistic".
    gamma : inputs with |f| ≤ gamma are uncertain; finite and positive.
    """

    inputs: FloatArray
    labels: FloatArray
    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: float
    landscape: Landscape
    weights: ArrayLike | None = None
    trainable: tuple[str, ...] = BLOCKS
    loss: str = "square"
    gamma: float = 1.0

    def __post_init__(self) -> None:
        word("loss", self.loss, _LOSSES)
        x, w2 = points("inputs", self.inputs), vector("w2", self.w2)
        y = one_per_input("labels", self.labels, x)
        w1, b1 = planes(self.w1, self.b1, x.shape[1])
        if w2.size != b1.size:
            raise bad("w2", f"have one entry per neuron ({b1.size})", w2.size)
        if not hasattr(self.landscape, "residual_norm"):
            raise bad("landscape", "have the numbers of a Landscape", shown(self.landscape))
        no_bound(self.trainable)  # refuses what is not a block
        averages(self.weights, x)  # and what are not weights
        read = {
            "inputs": x, "w1": w1, "b1": b1, "w2": w2, "b2": finite("b2", self.b2),
            "labels": signs(y) if self.loss == "logistic" else y, "trainable": tuple(self.trainable),
            "gamma": positive("gamma", self.gamma),
            "weights": None if self.weights is None else vector("weights", self.weights),
        }  # fmt: skip
        for name, value in read.items():
            object.__setattr__(self, name, value)

    @cached_property
    def averaging(self) -> FloatArray:
        """The v_i (n,), of sum 1."""
        return averages(self.weights, self.inputs)

    @cached_property
    def radius(self) -> float:
        """R, the largest ‖x_i‖ of positive weight."""
        return float(lengths(self.inputs[self.averaging > 0.0]).max())

    @property
    def offset(self) -> float:
        """The share of the output bias in λ_max(G) over the mean curvature: its 1 if it is trained."""
        return 1.0 if "b2" in self.trainable else 0.0

    @cached_property
    def reach(self) -> float:
        """The reach in ‖R‖ ≤ reach · Σ v_i |slope of the loss at i|; nan if no bound exists anyway."""
        return math.nan if no_bound(self.trainable) else float(factor(self.radius, self.trainable))

    @property
    def reach_name(self) -> str:
        """The reach as statements write it."""
        if {"w1", "b1"} <= set(self.trainable):
            return "√(1 + R²)"
        return "R" if "w1" in self.trainable else "1 ·"

    @cached_property
    def premises(self) -> tuple[str, ...]:
        """What all bounds on the variation suppose."""
        return (
            f"{_LOSSES[self.loss]}, Σ v_i = 1",
            f"two-layer ReLU network on R^{self.inputs.shape[1]}, trained blocks {', '.join(self.trainable)}",
            _SMOOTH,
        )

    @cached_property
    def failed_premises(self) -> tuple[str, ...]:
        """The premises that fail."""
        seen = self.inputs[self.averaging > 0.0]
        touched = on_boundary(seen, self.w1, self.b1).any()
        return no_bound(self.trainable) + ((_SMOOTH,) if touched else ())

    @cached_property
    def slopes(self) -> FloatArray:
        """v_i times the slope of the loss of example i (n,)."""
        return self.averaging * loss_of(self.loss).slope(self.landscape.predictions, self.labels)

    @cached_property
    def resting_norm(self) -> float:
        """‖R‖ over the neurons with w2 ≠ 0, from the residuals; 0 at interpolation and at stationary points.

        A neuron with w2 = 0 adds nothing to a variation, and deleting its coordinates does not raise λ_max.
        """
        in_use = self.w2 != 0.0
        if not in_use.any():
            return 0.0
        return residual_norm(self.inputs, self.slopes, self.w1[in_use], self.b1[in_use], self.trainable)

    @cached_property
    def side(self) -> Variation:
        """The side form with the weights v, which the proofs bound."""
        return self.variation("Σ |w2| ‖w1‖ g̃", "side", self.averaging)

    @cached_property
    def function(self) -> Variation:
        """|f|_{V_g}, the function form."""
        return self.variation("|f|_{V_g}", "function", self.averaging)

    def variation(self, name: str, form: str, weights: FloatArray) -> Variation:
        """Sum a form of `weighted_variation` with the g of a distribution on the inputs."""
        if no_bound(self.trainable):
            return Variation(name, math.nan, math.nan)
        where = (self.w1, self.b1, self.w2, self.inputs, weights, form, self.trainable)
        return Variation(name, *variation_and_scale(*where))
