"""Where descent begins: the default start, that of He, and one matched to a sharpness.

``torch``     every parameter of a layer uniform, as in ``torch.nn.Linear``.
``he``        normal weights of variance 2/d and 2/k, biases 0.
``matched``   that of He, scaled until the initial sharpness is a given one: no catapult, whatever the data.

Far above 2/η a start first jumps (a catapult), which leaves few neurons alive or none; a matched start below
2/η keeps them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from stepscape.errors import bad, unknown
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.lab.spec import stream
from stepscape.network import BLOCKS, TwoLayerReLU
from stepscape.objectives import rough_sharpness
from stepscape.problems import Problem

Start = Callable[[PlaneRun, Problem], TwoLayerReLU]
BIASES: dict[str, tuple[str, ...]] = {
    "both": BLOCKS,
    "output": ("w1", "w2", "b2"),
    "none": ("w1", "w2"),
}
LOWEST, HIGHEST = 2.0**-6, 2.0**10  # scales of a matched start
CLOSE = 1e-3  # relative distance of its sharpness from the one wanted


def start_of(run: PlaneRun, problem: Problem) -> TwoLayerReLU:
    """Draw the start of a run; its directions depend on the seed, width and dimension alone."""
    for name, value, known in (("start", run.start, STARTS), ("biases", run.biases, BIASES)):
        if value not in known:
            raise unknown(name, value, known)
    return STARTS[run.start](run, problem)


def _drawn(run: PlaneRun, scale: float, init: Literal["torch", "he"]) -> TwoLayerReLU:
    seed = stream(run.seed, "network")
    return TwoLayerReLU.random(run.width, scale, init, seed, BIASES[run.biases], run.dimension)


def _matched(run: PlaneRun, problem: Problem) -> TwoLayerReLU:
    return matched(problem, lambda scale: _drawn(run, scale, "he"), run.start_sharpness)


def matched(problem: Problem, draw: Callable[[float], TwoLayerReLU], wanted: float) -> TwoLayerReLU:
    """Find the network of a family, indexed by its scale, whose λ_max is the one wanted, to 0.1 %.

    Of several scales the smallest is meant, up to a factor of 2: with the logistic loss λ_max falls again
    where the predictions are far from 0. With a trained b2 and the square loss it is never below 1. A
    sharpness that no scale has is refused.
    """
    least = rough_sharpness(problem, draw(LOWEST))
    if not least < wanted:
        raise bad("start_sharpness", f"be above {least:.4g}, that of a vanishing network", f"{wanted:g}")
    from scipy.optimize import brentq

    def excess(log_scale: float) -> float:
        return math.log(rough_sharpness(problem, draw(math.exp(log_scale))) / wanted)

    low, high = _bracket(problem, draw, wanted)
    return draw(math.exp(brentq(excess, math.log(low), math.log(high), xtol=CLOSE / 4.0)))


def _bracket(problem: Problem, draw: Callable[[float], TwoLayerReLU], wanted: float) -> tuple[float, float]:
    """Double the scale until the sharpness is passed."""
    high = LOWEST
    while high < HIGHEST:
        high *= 2.0
        if rough_sharpness(problem, draw(high)) >= wanted:
            return 0.5 * high, high
    raise bad("start_sharpness", "be one that some scale of the start has", f"{wanted:g}")


STARTS: dict[str, Start] = {
    "torch": lambda run, _: _drawn(run, 1.0, "torch"),
    "he": lambda run, _: _drawn(run, 1.0, "he"),
    "matched": _matched,
}
START_WORDS = {
    "torch": "the default start",
    "he": "He's start",
    "matched": "a start below the edge",
}
