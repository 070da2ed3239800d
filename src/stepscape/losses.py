"""The two losses of one prediction f and label y, elementwise; safe at any finite prediction.

square      ½ (f − y)²            slope f − y              curvature 1
logistic    log(1 + e^{−yf})      slope −y s(−yf)          curvature s(f) s(−f) = 1/(4 cosh²(f/2))

with y = ±1 and s(z) = 1/(1 + e^{−z}). The logistic forms are written with e^{−|f|}, so that at large margins
they keep all their digits until e^{−|f|} is subnormal (|f| > 708); from |f| = 746 on they are 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.errors import bad, unknown

Array = NDArray[np.float64]
TINY = float(np.finfo(np.float64).tiny)  # the least number that has all its digits
_NEAR = 500.0  # e^500 is still a number


class Loss(NamedTuple):
    """Value, slope and curvature in the prediction."""

    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    curvature: Callable[[Array], Array]


def loss_of(name: str) -> Loss:
    """Return the loss of that name, "square" or "logistic"."""
    if not isinstance(name, str) or name not in LOSSES:
        raise unknown("loss", name, LOSSES)
    return LOSSES[name]


def probability(logit: ArrayLike) -> Array:
    """s(f) = 1/(1 + e^{−f})."""
    f = np.asarray(logit, dtype=np.float64)
    small = np.exp(-np.abs(f))
    return np.asarray(np.where(f >= 0.0, 1.0, small) / (1.0 + small))


def divergence(truth: ArrayLike, logit: ArrayLike) -> Array:
    """KL(Ber(s(f0)) ‖ Ber(s(f))) ≥ 0 of two logits: the excess of the expected logistic loss of f over f0.

    With d = f − f0 it is the Bregman divergence of the softplus, log(1 + s(f0)(e^d − 1)) − s(f0) d, and the
    same for (−f0, −d): signs are taken so that s(f0) ≤ ½, where that form is exact to eps·s(f0)·|d|. Beyond
    the range of e^d the two terms are far apart, and softplus(f) − softplus(f0) − s(f0) d says the same.
    """
    f0, f = np.broadcast_arrays(np.asarray(truth, np.float64), np.asarray(logit, np.float64))
    d = np.where(f0 > 0.0, f0 - f, f - f0)
    f0 = -np.abs(f0)
    share = probability(f0)
    near = np.log1p(share * np.expm1(np.minimum(d, _NEAR)))
    far = np.logaddexp(0.0, f0 + d) - np.logaddexp(0.0, f0)
    return np.asarray(np.maximum(np.where(d < _NEAR, near, far) - share * d, 0.0))


def innovation(truth: ArrayLike, labels: ArrayLike) -> Array:
    """Return what labels y = ±1 say beyond their chances: b − s(f0) with b = (1 + y)/2, elementwise.

    It is the negative slope of the logistic loss at f0: no difference of numbers close to 1.
    """
    f0, y = np.asarray(truth, np.float64), np.asarray(labels, np.float64)
    return -_logistic_slope(f0, y)


def best_constant(up: float, down: float) -> float:
    """Logit of the best constant prediction where the label 1 has the mass ``up`` and −1 the mass ``down``.

    A mass below the least normal number counts as that: a label that never comes needs no infinite logit.
    """
    return math.log(max(up, TINY)) - math.log(max(down, TINY))


def signs(labels: Array) -> Array:
    """Labels (n,) of two classes as ±1, read-only; they come as ±1 or as 0/1."""
    found = np.unique(labels)
    if not (np.isin(found, (-1.0, 1.0)).all() or np.isin(found, (0.0, 1.0)).all()):
        came = ", ".join(f"{value:g}" for value in found[:4]) + (", …" if found.size > 4 else "")
        raise bad("labels", "be ±1 or 0/1 for the logistic loss", came)
    array = np.where(labels > 0.0, 1.0, -1.0)
    array.flags.writeable = False
    return array


def _square(f: Array, y: Array) -> Array:
    return np.asarray(0.5 * (f - y) ** 2)


def _square_slope(f: Array, y: Array) -> Array:
    return np.asarray(f - y)


def _square_curvature(f: Array) -> Array:
    return np.ones_like(f)


def _logistic(f: Array, y: Array) -> Array:
    margin = y * f
    return np.asarray(np.maximum(-margin, 0.0) + np.log1p(np.exp(-np.abs(margin))))


def _logistic_slope(f: Array, y: Array) -> Array:
    return -y * probability(-y * f)


def _logistic_curvature(f: Array) -> Array:
    small = np.exp(-np.abs(f))
    return np.asarray(small / (1.0 + small) ** 2)


LOSSES = {
    "square": Loss(_square, _square_slope, _square_curvature),
    "logistic": Loss(_logistic, _logistic_slope, _logistic_curvature),
}
