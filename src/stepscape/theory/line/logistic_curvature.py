"""What the bounds on flat networks under the logistic loss share: curvature, remainder, stationarity.

All of them are the lemma of `stepscape.theory.line.logistic`, C (1 + 2 TV_c) ≤ λ_max(G) for weights 0 ≤ c_i ≤
v_i D_i of sum C, with λ_max(G) ≤ λ_max(H) + ‖R‖: they differ in c (`CurvatureWeights`) and in what they
know of ‖R‖ (`Remainder`).

Stationary points. Where every neuron with w2 ≠ 0 has Σ_active v_i r_i (x_i, 1) = 0 on the trained ones of
(w1, b1), R vanishes on these neurons; deleting the coordinates of the others does not raise λ_max(H) and
leaves every left side unchanged, so the term of R vanishes. What is left of it at a point that is stationary
up to 1e-6 is measured and enters the right side (`stationary_remainder`).

All is written with D_i over the largest of them, so that margins of any size are safe. Beyond |f_i| ≈ 708 for
every i, D̄ underflows: nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import nonnegative
from stepscape.errors import bad
from stepscape.losses import TINY, loss_of, signs
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import FloatArray, factor, no_bound, vector
from stepscape.theory.line.facts import Facts, Variation
from stepscape.theory.line.weight import knots

PUBLISHED = "Qiao and Wang (2025), Theorem 3.5, explicit form derived here"
STATIONARY = 1e-6
INDEPENDENT = "labels independent given the inputs, P(y_i = 1) = s(f0(x_i))"
KNOWN = "the truth is known"
_AT_REST = "the point is stationary: over neurons with w2 ≠ 0, ‖R‖ ≤ 1e-6 Σ v |r| √(1 + x²)"
_NO_UNDERFLOW = "the curvature of the examples does not underflow"


@dataclass(frozen=True, eq=False)
class CurvatureWeights:
    """Weights c of the lemma.

    Attributes
    ----------
    name, total : their sum C.
    variation : the weighted variation of the network, with the g of these weights.
    details : what certificates say about them.
    premise, met : what they suppose in addition to the premises of all bounds, and whether it holds.
    """

    name: str
    total: float
    variation: Variation
    details: Mapping[str, float]
    premise: str = ""
    met: bool = True

    def premises(self, facts: Facts) -> tuple[str, ...]:
        """Premises of the lemma."""
        return (*facts.premises, *((self.premise,) if self.premise else ()), _NO_UNDERFLOW)

    def failed_premises(self, facts: Facts) -> tuple[str, ...]:
        """Return the premises that fail."""
        if not self.met:
            return (*facts.failed_premises, self.premise)
        return facts.failed_premises + (() if self.total >= TINY else (_NO_UNDERFLOW,))


@dataclass(frozen=True)
class Remainder:
    """The amount that the residual block may take from λ_max(G): a term of the right side and its premise.

    `scale`: the magnitudes in it; `error`: how far the value is off at most.
    """

    value: float
    name: str
    scale: float
    error: float = 0.0
    premises: tuple[str, ...] = ()
    failed_premises: tuple[str, ...] = ()


def flat_bound(name: str, facts: Facts, weights: CurvatureWeights, remainder: Remainder) -> Certificate:
    """TV ≤ (λ_max(H) + remainder)/(2C) − ½."""
    half, twice, top = facts.offset / 2.0, 2.0 * weights.total or math.nan, facts.landscape.sharpness
    least = (top.lower + remainder.value - remainder.error) / twice
    most = (top.upper + remainder.value + remainder.error) / twice
    size = float(abs(top.value) + remainder.scale) / twice
    above = f"(λ_max(H) + {remainder.name})" if remainder.name else "λ_max(H)"
    left = weights.variation
    return Certificate(
        left=left.value,
        right=least - half,
        right_upper=most - half,
        assumptions=weights.premises(facts) + remainder.premises,
        source=PUBLISHED,
        name=name,
        statement=f"{left.name} ≤ {above}/(2 {weights.name}){' − ½' if half else ''}",
        failed_premises=weights.failed_premises(facts) + remainder.failed_premises,
        scale=(left.scale + size + half) * (1.0 + magnitude(facts)),
        details=weights.details,
    )


def confidence_curvature(gamma: float) -> float:
    """Γ(γ) = s(γ) s(−γ), between e^{−γ}/4 and e^{−γ}: the least curvature of an example with |f| ≤ γ."""
    level = nonnegative("gamma", gamma, "be finite and nonnegative")
    return float(loss_of("logistic").curvature(np.array(level)))


def labels_of(labels: ArrayLike, inputs: NDArray[Any]) -> FloatArray:
    """Labels, one per input, as ±1."""
    y = vector("labels", labels)
    if y.shape != inputs.shape:
        raise bad("labels", f"have one entry per input ({inputs.size})", y.size)
    return signs(y)


def relative_curvature(f: FloatArray, v: FloatArray) -> tuple[FloatArray, float]:
    """D_i over its largest value among v_i > 0, and that value."""
    size = np.abs(f)
    least = float(size[v > 0.0].min())
    ratio = np.exp(np.minimum(least - size, 0.0)) * ((1.0 + math.exp(-least)) / (1.0 + np.exp(-size))) ** 2
    return ratio, confidence_curvature(least)


def magnitude(facts: Facts) -> float:
    """Bound the sum of the magnitudes in any f(x_i): eps times it is how far rounding moves f, and log D.

    The output bias is at most those of the neurons and |f|.
    """
    w, b, v = (np.abs(block) for block in facts.neurons)
    f = facts.landscape.predictions
    return float(2.0 * (v @ (w * facts.distribution.largest + b)) + np.abs(f).max())


def stationary_remainder(facts: Facts) -> Remainder:
    """Measure ‖R‖ over the neurons with w2 ≠ 0; its premise fails unless it is 1e-6 of its bound."""
    if no_bound(facts.trainable):
        return Remainder(math.nan, "", math.nan, premises=(_AT_REST,))
    pull = facts.averaging * loss_of("logistic").slope(facts.landscape.predictions, facts.labels)
    size = float(np.abs(pull) @ factor(facts.inputs, facts.trainable))
    left = _largest_pull(facts, pull)
    if not left <= STATIONARY * size:
        return Remainder(0.0, "", size, premises=(_AT_REST,), failed_premises=(_AT_REST,))
    return Remainder(left, "", size, premises=(_AT_REST,))


def _largest_pull(facts: Facts, pull: FloatArray) -> float:
    """max_j of the norm of Σ_i pull_i s_ij (x_i, 1) on the trained ones of (w1, b1), over w2_j ≠ 0."""
    x, (w, b, v) = facts.inputs, facts.neurons
    w, b = w[v != 0.0], b[v != 0.0]
    rising, bends = w > 0.0, w != 0.0
    tau = np.where(bends, knots(np.where(bends, w, 1.0), b), np.where(b > 0.0, np.inf, -np.inf))
    # A neuron is active on x[first:] if w > 0, else on x[:first]; a constant one on all inputs or on none.
    first = np.where(rising, np.searchsorted(x, tau, side="right"), np.searchsorted(x, tau, side="left"))
    total = np.zeros(w.shape)
    for block, each in (("w1", pull * x), ("b1", pull)):
        if block in facts.trainable:
            below = np.append(0.0, np.cumsum(each))[first]
            above = np.append(np.cumsum(each[::-1])[::-1], 0.0)[first]
            total = np.hypot(total, np.where(rising, above, below))
    return float(total.max(initial=0.0))
