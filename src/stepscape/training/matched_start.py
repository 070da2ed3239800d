"""A start of a given sharpness: a random network of a family, scaled.

Far above 2/η a start first jumps (a catapult), which leaves few neurons alive or none; a start matched to a
sharpness below 2/η keeps them all, whatever the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from stepscape.errors import bad
from stepscape.network import TwoLayerReLU
from stepscape.objectives import rough_sharpness
from stepscape.problems.problem import Problem

__all__ = ["matched"]

LOWEST, HIGHEST = 2.0**-6, 2.0**10  # scales of a matched start
CLOSE = 1e-3  # relative distance of its sharpness from the one wanted


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


def __dir__() -> list[str]:
    return sorted(__all__)
