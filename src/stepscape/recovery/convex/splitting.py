"""Douglas-Rachford splitting: min N(Z) + h(Z) for a norm N and a constraint h."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.recovery.convex.constraints import Constraint
from stepscape.recovery.convex.extrapolation import MEMORY, extrapolate
from stepscape.recovery.convex.gauges import Gauge, Spectrum

Array = NDArray[np.float64]

RELAXATION = 1.6
FIRST_GAMMA = 0.5  # in units of the operator norm of the start
STAGE = 120  # iterations with one γ
FACTOR = 0.4  # of γ from stage to stage
STAGES = 4  # after which γ is kept
EXTRAPOLATE_EVERY = 10
LOOK_EVERY = 10  # iterations between the states that are handed out


@dataclass(frozen=True, eq=False)
class State:
    """Where the iteration stands.

    Attributes
    ----------
    feasible : W (d1, d2), which satisfies the constraint.
    shrunk : the spectrum of Z, which has low rank and in the end equals W.
    dual : the dual variables of W.
    gamma, iteration : the current γ, and the number of iterations made.
    """

    feasible: Array
    shrunk: Spectrum
    dual: Array
    gamma: float
    iteration: int

    @property
    def distance(self) -> float:
        """‖Z − W‖_F/‖W‖_F."""
        size = float(np.linalg.norm(self.feasible)) or 1.0
        return float(np.linalg.norm(self.shrunk.matrix - self.feasible)) / size


def iterate(gauge: Gauge, constraint: Constraint, start: Array, iterations: int) -> Iterator[State]:
    """Yield a state at every `LOOK_EVERY`th iteration, and at the last.

        W ← argmin h(W) + ‖W − S‖²/(2γ),  Z ← argmin N(Z) + ‖Z − (2W − S)‖²/(2γ),  S ← S + ρ(Z − W)

    with ρ = 1.6, from S = `start`. The best γ is not known: it begins at half the operator norm of the start
    and becomes smaller in four stages, while W and its dual variables (S − W)/γ are kept.

    Every tenth step is replaced by an extrapolation, which is taken back if the next move is not shorter.

    Source: Eckstein and Bertsekas (1992), Mathematical Programming 55, 293-318.
    """
    gamma = FIRST_GAMMA * (float(np.linalg.norm(start, 2)) or 1.0)
    project, shrunk = constraint.project(gamma), None
    path = _Path(start)
    for iteration in range(1, iterations + 1):
        feasible, dual = project(path.at)
        shrunk = gauge.shrink(2.0 * feasible - path.at, gamma, shrunk)
        if iteration % LOOK_EVERY == 0 or iteration == iterations:
            yield State(feasible, shrunk, dual, gamma, iteration)
        path.advance(RELAXATION * (shrunk.matrix - feasible), iteration % EXTRAPOLATE_EVERY == 0)
        if iteration % STAGE == 0 and iteration <= STAGES * STAGE:
            path = _Path(feasible + FACTOR * (path.plain - feasible))
            gamma *= FACTOR
            project = constraint.project(gamma)


class _Path:
    """The points S of one stage.

    Attributes
    ----------
    at, plain : S, and what it would be without the last extrapolation.
    """

    def __init__(self, start: Array) -> None:
        self.at = self.plain = start
        self._trial = False  # whether `at` is an extrapolation
        self._points: deque[Array] = deque(maxlen=MEMORY + 1)
        self._moves: deque[Array] = deque(maxlen=MEMORY + 1)

    def advance(self, move: Array, try_extrapolation: bool) -> None:
        """Continue from `at` by its move, or return to `plain` if the extrapolation made it longer."""
        if self._trial and np.linalg.norm(move) > np.linalg.norm(self._moves[-1]):
            self.at, self._trial = self.plain, False
            self._points.clear()
            self._moves.clear()
            return
        self._points.append(self.at)
        self._moves.append(move)
        self.plain = self.at + move
        self._trial = try_extrapolation and len(self._points) > 2
        self.at = extrapolate(self._points, self._moves) if self._trial else self.plain
