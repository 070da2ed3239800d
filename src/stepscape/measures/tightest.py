"""The smallest bound on the error of a network over all the classes that its flatness certifies.

Let I be some inputs, L_I and Ex_I loss and excess risk there, m and M center and half of the range of f on I,
and h range over the functions with ∫|h''|g_c ≤ C and |h_i − m| ≤ M on I. Then, for the logistic loss,

    Ex_I(f) ≤ max(L_I(f) − L_I(f0), 0) + sup_h Σ_I v_i ξ_i (h_i − f0_i),

and twice that for the square loss (`stepscape.theory.line.worst_case`).

Proof. The identity there holds for f, and f is one of the h. What f does outside of I does not matter: the
sum reads h on I alone, and the supremum is over the class as it is seen there, the values at the inputs of I
and the bends between them. f seen on I has its values within M of m and spends at most C on bends. So M needs
to know f on I only, and no premise on the fit is left: what f lacks is added.

C is the right side of a certificate, or ∫|f''|g_c of f itself where rounding puts that above. Nothing is
random here: the class may depend on the labels and on f, and the smallest of many such bounds is a bound. No
probability is spent on the search over c and I.

Square loss: c counts all examples. Logistic loss: with Γ = s(γ) s(−γ), c_i is Γ where |f_i| ≤ γ and 0
elsewhere, or min(D_i, Γ), where every input counts a bit (`stepscape.theory.weighted_by`; all of D_i at the
smallest γ).

Source: derived here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import flag, pair
from stepscape.errors import bad
from stepscape.losses import loss_of
from stepscape.measures.certification import facts
from stepscape.network import TwoLayerReLU
from stepscape.problems.one_variable import require_line
from stepscape.problems.problem import Problem
from stepscape.theory import (
    Certificate,
    Facts,
    FlatClass,
    WorstCase,
    confidence_curvature,
    interior,
    sharpness,
    weighted_by,
    worst_case_excess,
    worst_case_gap,
)
from stepscape.theory.line.worst_case import SOURCE

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
LEVELS = np.linspace(0.0, 1.0, 5)  # quantiles of |f| that are tried as γ
LEAST = 5  # a region that moves holds at least so many examples
_COVERED = "the inputs that count in g reach over all of I"
_ENOUGH = f"at least {LEAST} examples lie among those that count in g"
_STATEMENTS = {
    "square": "Σ_I v (f − f0)² ≤ 2 max(L_I(f) − L_I(f0), 0) + sup of the noise term over the class",
    "logistic": "Ex_I(f) ≤ max(L_I(f) − L_I(f0), 0) + sup of the noise term over the class",
}
_FLAT = 1e-9  # M is at least that: it must be positive, and a network may be constant on I


class Bound(NamedTuple):
    """What one class proves: the right side, its parts, the class, its γ."""

    right: float
    worst: WorstCase
    flat: FlatClass
    gamma: float

    @property
    def ratio(self) -> float:
        """The right side over the error of the best constant."""
        return self.right / self.worst.constant if self.worst.constant > 0.0 else math.inf


def tightest_worst_case(
    problem: Problem,
    network: TwoLayerReLU,
    interval: tuple[float, float] | None = None,
    moving: bool = False,
) -> Certificate:
    """Bound the error of the network on I by the smallest of its worst cases.

    Left: excess risk (logistic loss) or mean squared error to the truth (square loss) on I. Right: what the
    loss on I exceeds that of the truth by, plus the largest noise term in a class {∫|h''|g_c ≤ C, |h − m| ≤
    M on I} in which flatness puts the network, for the c where it is smallest. m and M are center and half
    of the range of f on I: the noise term reads functions on I only. Logistic loss: c_i is min(D_i, Γ(γ)), or
    Γ(γ) where |f_i| ≤ γ and 0 elsewhere; the least, the largest and the quartiles of |f| are tried as γ.

    Parameters
    ----------
    problem, network : the problem needs a truth; the network need not be a minimum.
    interval : the inputs in it, (low, high), are I; None: all of them. A class whose g does not reach over
        all of I is passed over.
    moving : choose I, too: among the inputs of the interval, those in the hull of what counts in a g, or in
        its interior, for which the right side is the smallest share of the error of the best constant.

    Returns
    -------
    Certificate
        ``details``: ``constant``, the error of the best constant on I; ``vacuous``, 1 if the right side is
        not below it; ``noise``, the supremum alone, and ``attained``, what some function of the class attains
        of it; ``gamma``, nan for the square loss; ``variation``, ``height`` and ``center`` of the class;
        ``share``, ``low`` and ``high``, the weight and the ends of I. It is inapplicable if no class is
        certified, as with a knot on an input.

    Raises
    ------
    InputError
        For a problem without a truth; if no input lies in the interval.
    """
    require_line(problem, network)
    if problem.truth is None:
        raise bad("truth", "be given to bound an error to it", None)
    limits = (-math.inf, math.inf) if interval is None else pair("interval", interval)
    moves, known = flag("moving", moving), facts(problem, network)
    asked = _between(known, *limits)
    if not asked.any():
        raise bad("interval", "hold an input of the problem", interval)
    best = min(_bounds(known, asked, moves), key=lambda one: (one.ratio, one.right), default=None)
    if best is None:
        failed = known.failed_premises or (_ENOUGH if moves else _COVERED,)
        error = _error(known, *limits)
        statement = _STATEMENTS[problem.loss]
        return Certificate(error, math.nan, (_COVERED,), SOURCE, "tightest_worst_case", statement, failed)
    return _certificate(known, best)


def _certificate(known: Facts, best: Bound) -> Certificate:
    right, worst, flat, gamma = best
    low, high = float(flat.points[0]), float(flat.points[-1])
    size = float(flat.averaging @ (np.abs(known.landscape.predictions) + np.abs(_truth(known)))[flat.inside])
    return Certificate(
        left=_error(known, low, high),
        right=right,
        assumptions=(*worst.assumptions[:2], _COVERED),
        source=SOURCE,
        name="tightest_worst_case",
        statement=_STATEMENTS[known.problem.loss],
        scale=size * (1.0 if known.problem.loss == "logistic" else 1.0 + size),
        details={
            "constant": worst.constant,
            "vacuous": float(right >= worst.constant),
            "attained": worst.attained,
            "noise": worst.value,
            "gamma": gamma,
            "share": worst.share,
            "low": low,
            "high": high,
            "variation": flat.variation,
            "height": flat.height,
            "center": flat.center,
        },
    )


def _bounds(known: Facts, asked: Mask, moves: bool) -> Iterator[Bound]:
    """Yield what each class proves on each region."""
    supremum = worst_case_excess if known.problem.loss == "logistic" else worst_case_gap
    for certificate, counted, gamma in _certificates(known):
        if certificate.failed_premises or not math.isfinite(certificate.right):
            continue
        for here in _regions(known, counted) if moves else (asked,):
            flat = _class(known, certificate, counted, here & asked, LEAST if moves else 1)
            if flat is not None and (moves or np.array_equal(flat.inside, asked)):
                worst = supremum(flat, known.labels, _truth(known))
                yield Bound(worst.value + _lack(known, flat), worst, flat, gamma)


def _class(
    known: Facts, certificate: Certificate, counted: Array, here: Mask, least: int
) -> FlatClass | None:
    """Return the class on some inputs; None if fewer than the least lie in the hull of those that count."""
    x, f = known.inputs, known.landscape.predictions
    some = x[counted * known.averaging > 0.0]
    here = here & (x >= some.min()) & (x <= some.max())
    if here.sum() < least:
        return None
    low, high = float(f[here].min()), float(f[here].max())
    return FlatClass(
        x,
        variation=max(certificate.left, certificate.right, 0.0),
        height=max(0.5 * (high - low) * (1.0 + 1e-15), _FLAT),
        weights=known.weights,
        counted=counted,
        interval=(np.nextafter(x[here][0], -math.inf), np.nextafter(x[here][-1], math.inf)),
        trainable=known.network.trainable,
        center=0.5 * (low + high),
    )


def _regions(known: Facts, counted: Array) -> Iterator[Mask]:
    """Yield the hull of the inputs that count, and the interior of their g, where bends are dear."""
    x, some = known.inputs, counted * known.averaging
    yield _between(known, x[some > 0.0].min(), x[some > 0.0].max())
    inside = interior(x, x, some, known.network.trainable)
    if inside.any():
        yield _between(known, x[inside].min(), x[inside].max())


def _certificates(known: Facts) -> Iterator[tuple[Certificate, Array, float]]:
    """Yield certificates, how much each example counts in their g (n,), and their γ."""
    f = np.abs(known.landscape.predictions)
    if known.problem.loss == "square":
        yield sharpness(known), np.ones_like(f), math.nan
        return
    every = loss_of("logistic").curvature(f)
    for gamma in np.unique(np.quantile(f[known.averaging > 0.0], LEVELS)).tolist():
        capped = np.minimum(every, confidence_curvature(gamma))
        unsure = np.where(f <= gamma, capped, 0.0)
        for counted in (capped,) if np.array_equal(capped, unsure) else (capped, unsure):
            if (counted * known.averaging > 0.0).any():
                yield weighted_by(known, counted), counted, gamma


def _between(known: Facts, low: float, high: float) -> Mask:
    """Mask of the examples of positive weight between two inputs."""
    return np.asarray((known.inputs >= low) & (known.inputs <= high) & (known.averaging > 0.0))


def _truth(known: Facts) -> Array:
    return np.zeros(0) if known.truth is None else known.truth


def _lack(known: Facts, flat: FlatClass) -> float:
    """Return the loss on I above that of the truth, in units of the error; 0 if it is below."""
    value, labels, inside = loss_of(known.problem.loss).value, known.labels, flat.inside
    more = value(known.landscape.predictions, labels) - value(_truth(known), labels)
    return max(float(flat.averaging @ more[inside]), 0.0) * _unit(known)


def _error(known: Facts, low: float, high: float) -> float:
    """Excess risk or mean squared error to the truth between two inputs."""
    problem = known.problem
    here = (problem.inputs >= low) & (problem.inputs <= high)
    return _unit(known) * problem.excess_risk(known.network.predict(problem.inputs), here)


def _unit(known: Facts) -> float:
    return 1.0 if known.problem.loss == "logistic" else 2.0
