"""What the theorems of both losses share: the law of the inputs, the left side, the premises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.theory.certificate import EPS
from stepscape.theory.line.distribution import FloatArray, Law, empirical_law, factor, no_bound, relative
from stepscape.theory.line.weight import knots, neurons, tv_and_scale


@dataclass(frozen=True, eq=False)
class Setting:
    """One network on one set of inputs.

    Attributes
    ----------
    law : the inputs with their averaging weights v.
    trainable : the trained blocks.
    variation : the weighted variation on the left side; nan where no bound exists.
    scale : the sum of the magnitudes in it.
    unmet : the premises that fail for every theorem of this kind.
    """

    law: Law
    trainable: tuple[str, ...]
    variation: float
    scale: float
    unmet: tuple[str, ...]

    @property
    def offset(self) -> float:
        """The share of the output bias in λ_max(G) over the mean curvature: its 1 if it is trained."""
        return 1.0 if "b2" in self.trainable else 0.0

    def reach(self, x_max: float) -> float:
        """‖R‖ ≤ reach · Σ v_i |slope of the loss at i|; nan where no bound exists anyway."""
        return math.nan if no_bound(self.trainable) else float(factor(x_max, self.trainable))

    def premises(self, loss: str) -> tuple[str, ...]:
        """Premises common to all theorems about this loss."""
        return (
            f"{loss}, Σ v_i = 1",
            f"two-layer ReLU network on the line, trained blocks {', '.join(self.trainable)}",
            "no knot lies on an input",
        )


def setting_of(
    form: str,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None,
    trainable: Sequence[str],
    seen: Law | None = None,
) -> Setting:
    """Evaluate the left side in one of the forms of `stepscape.theory.weighted_tv`.

    ``seen`` is the law that g is made of, where it is not that of the inputs.
    """
    law = empirical_law(inputs, weights)
    unmet = no_bound(trainable)
    variation, scale = (math.nan, math.nan)
    if not unmet:
        variation, scale = tv_and_scale(w1, b1, w2, law if seen is None else seen, form, trainable)
    if knots_at_data(w1, b1, law.points):
        unmet += ("no knot lies on an input",)
    return Setting(law, tuple(trainable), variation, scale, unmet)


def knots_at_data(w1: ArrayLike, b1: ArrayLike, points: FloatArray) -> int:
    """Count the neurons whose knot is an input, up to the rounding of w1·x + b1 (4 eps of its terms).

    ``points`` are the distinct inputs, sorted. There the loss is not twice differentiable.
    """
    w, b, _ = neurons(w1, b1, np.zeros_like(np.asarray(w1, dtype=np.float64)))
    after = np.searchsorted(points, knots(w, b))
    hit = np.zeros(w.shape, dtype=bool)
    for neighbor in (after - 1, after):
        x = points[np.clip(neighbor, 0, points.size - 1)]
        hit |= np.abs(w * x + b) <= 4.0 * EPS * (np.abs(w * x) + np.abs(b))
    return int(hit.sum())


def root_name(trainable: Sequence[str]) -> str:
    """Write `stepscape.theory.line.distribution.factor` at x_max."""
    if {"w1", "b1"} <= set(trainable):
        return "√(1 + x_max²)"
    return "x_max" if "w1" in trainable else "1 ·"


def square_sum(inputs: ArrayLike, weights: ArrayLike | None) -> float:
    """Σ v_i² over the samples, repeated inputs apart: each has its own label."""
    if weights is None:
        return 1.0 / np.size(inputs)
    v = relative(weights, np.size(inputs))
    return float(v @ v) / float(v.sum()) ** 2
