"""The run with which the page begins where it is given data."""

from __future__ import annotations

from typing import NamedTuple

from stepscape.explorer.page_data import Method, OwnData, Setup, Start, Table
from stepscape.problems.curves import SHAPES, Curve, Logit
from stepscape.problems.problem import Problem
from stepscape.problems.truth import Truth as Asked

WIDTH = 200  # neurons, as in a fit
WARMUP_STEPS = 5000
STEP_SIZES = {"square": 0.2, "logistic": 4.0}  # in the middle of the slider: both sides are worth a visit


class Truth(NamedTuple):
    """A curve of the page, on [-half_width, half_width]."""

    name: str
    half_width: float
    amplitude: float = 1.0
    flip_rate: float = 0.0


def truth_of(problem: Problem) -> Truth | None:
    """Find the curve around which the labels of a problem were drawn; None for any other truth."""
    found = problem.truth.function if isinstance(problem.truth, Asked) else problem.truth
    if isinstance(found, Logit):
        curve = _centered(found.shape)
        return curve and curve._replace(amplitude=found.amplitude, flip_rate=found.flip_rate)
    return _centered(found)


def _centered(curve: object) -> Truth | None:
    if not isinstance(curve, Curve) or SHAPES.get(curve.name) is not curve.shape or curve.center != 0.0:
        return None
    return Truth(curve.name, curve.half_width)


def setup(table: Table, truth: Truth | None = None) -> Setup:
    """Begin at the large start with warm-up, from which nothing diverges."""
    widest = max(map(abs, table.x))
    name, half_width, amplitude, flip_rate = truth or Truth("", widest)
    data = OwnData(table.x, table.y, name or None, amplitude, flip_rate, half_width)
    method = Method(STEP_SIZES[table.loss], warmup_steps=WARMUP_STEPS)
    return Setup(table.loss, data, Start("large", WIDTH, 0), method)
