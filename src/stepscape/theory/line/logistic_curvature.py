"""What the bounds on flat networks under the logistic loss share: curvature, remainder, stationarity.

All of them are the lemma of `stepscape.theory.line.logistic`, C (1 + 2 TV_c) ≤ λ_max(G) for weights 0 ≤ c_i ≤
v_i D_i of sum C, with λ_max(G) ≤ λ_max(H) + ‖R‖: they differ in c (`Curved`) and in what they know of ‖R‖
(`Remainder`).

Stationary points. Where every neuron with w2 ≠ 0 has Σ_active v_i r_i (x_i, 1) = 0 on the trained ones of
(w1, b1), R vanishes on these neurons; deleting the coordinates of the others does not raise λ_max(H) and
leaves every left side, so the term of R goes. What is left of it at a point that is stationary up to 1e-6
is measured and enters the right side (`at_rest`).

All is written with D_i over the largest of them, so that margins of any size are safe. Beyond |f_i| ≈ 708 for
every i, D̄ underflows: nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.errors import bad
from stepscape.losses import TINY, loss_of, signs
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import FloatArray, averaging, factor, no_bound, vector
from stepscape.theory.line.premises import Setting
from stepscape.theory.line.weight import knots

PUBLISHED = "Qiao and Wang (2025), Theorem 3.5, explicit form derived here"
STATIONARY = 1e-6
_LOSS = "logistic loss Σ v_i log(1 + e^{−y_i f(x_i)})"
INDEPENDENT = "labels independent given the inputs, P(y_i = 1) = s(f0(x_i))"
KNOWN = "the truth is known"
_AT_REST = "the point is stationary: over neurons with w2 ≠ 0, ‖R‖ ≤ 1e-6 Σ v |r| √(1 + x²)"
_NO_UNDERFLOW = "the curvature of the examples does not underflow"


@dataclass(frozen=True, eq=False)
class Curved:
    """A setting, the curvature C of the lemma, and how much rounding of f can change it.

    The relative error of D_i is the absolute error of f_i: eps times ``magnitude``, the largest sum of the
    magnitudes in an f(x_i).
    """

    setting: Setting
    curvature: float
    names: tuple[str, str]  # of the left side and of C
    magnitude: float
    details: Mapping[str, float]
    own_premise: str = ""
    own_premise_met: bool = True

    @property
    def premises(self) -> tuple[str, ...]:
        """Premises of the lemma."""
        own = (self.own_premise,) if self.own_premise else ()
        return (*self.setting.premises(_LOSS), *own, _NO_UNDERFLOW)

    @property
    def unmet(self) -> tuple[str, ...]:
        """Those of them that fail."""
        if not self.own_premise_met:
            return (*self.setting.unmet, self.own_premise)
        return self.setting.unmet + (() if self.curvature >= TINY else (_NO_UNDERFLOW,))


@dataclass(frozen=True)
class Remainder:
    """What the residual block may take from λ_max(G): a term of the right side and its premise."""

    value: float
    name: str
    scale: float
    premises: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()


def flat_bound(
    name: str, curved: Curved, sharpness: float, residual: float, remainder: Remainder
) -> Certificate:
    """TV ≤ (λ_max(H) + residual + remainder)/(2C) − ½."""
    setting, (left_name, curvature_name) = curved.setting, curved.names
    half, twice = setting.offset / 2.0, 2.0 * curved.curvature or math.nan
    terms = [float(term) / twice for term in (sharpness, residual, remainder.value)]
    size = float(abs(sharpness) + abs(residual) + remainder.scale) / twice
    top = f"(λ_max(H) + {remainder.name})" if remainder.name else "λ_max(H)"
    return Certificate(
        left=setting.variation,
        right=sum(terms) - half,
        assumptions=curved.premises + remainder.premises,
        source=PUBLISHED,
        name=name,
        statement=f"{left_name} ≤ {top}/(2 {curvature_name}){' − ½' if half else ''}",
        unmet=curved.unmet + remainder.unmet,
        scale=(setting.scale + size + half) * (1.0 + curved.magnitude),
        details=curved.details,
    )


def confidence_curvature(gamma: float) -> float:
    """Γ(γ) = s(γ) s(−γ), between e^{−γ}/4 and e^{−γ}: the least curvature of an example with |f| ≤ γ."""
    if not (math.isfinite(gamma) and gamma >= 0.0):
        raise bad("gamma", "be finite and nonnegative", gamma)
    return float(loss_of("logistic").curvature(np.array(gamma)))


def averaged(
    inputs: ArrayLike, predictions: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Predictions and averaging weights, one per input."""
    x = vector("inputs", inputs)
    v, f = averaging(weights, x.size), vector("predictions", predictions)
    if f.shape != x.shape:
        raise bad("predictions", f"have one entry per input ({x.size})", f.size)
    return f, v


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


def magnitude_of(w1: ArrayLike, b1: ArrayLike, w2: ArrayLike, x_max: float, f: FloatArray) -> float:
    """Bound the sum of the magnitudes in f(x), |x| ≤ x_max; the output bias is at most that and |f|."""
    w, b, v = (np.abs(np.asarray(a, dtype=np.float64)) for a in (w1, b1, w2))
    return float(2.0 * (v @ (w * x_max + b)) + np.abs(f).max())


def at_rest(
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    labels: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike | None,
    trainable: Sequence[str],
) -> Remainder:
    """Measure ‖R‖ over the neurons with w2 ≠ 0; its premise fails unless it is 1e-6 of its bound."""
    f, v = averaged(inputs, predictions, weights)
    x, y = vector("inputs", inputs), labels_of(labels, f)
    if no_bound(trainable):
        return Remainder(math.nan, "", math.nan, (_AT_REST,))
    pull = v * loss_of("logistic").slope(f, y)
    size = float(np.abs(pull) @ factor(x, trainable))
    left = _largest_pull(
        np.asarray(w1, float), np.asarray(b1, float), np.asarray(w2, float), x, pull, trainable
    )
    if not left <= STATIONARY * size:
        return Remainder(0.0, "", size, (_AT_REST,), (_AT_REST,))
    return Remainder(left, "", size, (_AT_REST,))


def _largest_pull(
    w1: FloatArray, b1: FloatArray, w2: FloatArray, x: FloatArray, pull: FloatArray, trainable: Sequence[str]
) -> float:
    """max_j of the norm of Σ_i pull_i s_ij (x_i, 1) on the trained ones of (w1, b1), over w2_j ≠ 0."""
    order = np.argsort(x)
    x, pull = x[order], pull[order]
    w, b = w1[w2 != 0.0], b1[w2 != 0.0]
    rising, bends = w > 0.0, w != 0.0
    tau = np.where(bends, knots(np.where(bends, w, 1.0), b), np.where(b > 0.0, np.inf, -np.inf))
    # Active on x[first:] if w > 0, on x[:first] otherwise; a constant neuron on all inputs or on none.
    first = np.where(rising, np.searchsorted(x, tau, side="right"), np.searchsorted(x, tau, side="left"))
    total = np.zeros(w.shape)
    for block, each in (("w1", pull * x), ("b1", pull)):
        if block in trainable:
            below = np.append(0.0, np.cumsum(each))[first]
            above = np.append(np.cumsum(each[::-1])[::-1], 0.0)[first]
            total = np.hypot(total, np.where(rising, above, below))
    return float(total.max(initial=0.0))
