"""Where descent begins: the default start, that of He, and one matched to a sharpness.

``torch``     every parameter of a layer uniform, as in ``torch.nn.Linear``.
``he``        normal weights of variance 2/d and 2/k, biases 0.
``matched``   that of He, scaled until the initial sharpness is a given one: no catapult, whatever the data.

Far above 2/η a start first jumps (a catapult), which leaves few neurons alive or none; a matched start below
2/η keeps them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from stepscape.errors import unknown
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.lab.spec import stream
from stepscape.network import BIASES, TwoLayerReLU
from stepscape.problems import Problem
from stepscape.training.matched_start import matched

Start = Callable[[PlaneRun, Problem], TwoLayerReLU]


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
