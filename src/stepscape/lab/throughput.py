"""How fast a sweep goes, and how many runs make a batch."""

from __future__ import annotations

import math
from collections import deque

TARGET = 1.5  # seconds a batch: a commit costs some milliseconds, and a batch is what a killed worker loses
_WHILE = 30.0  # seconds over which the rate is taken
_BATCHES = 32  # whose mean gives the time of a run


class Throughput:
    """Measured from the finished batches; the caller brings the clock."""

    def __init__(self, now: float, done: int) -> None:
        self._now = now
        self._batches: deque[tuple[int, float]] = deque(maxlen=_BATCHES)
        self._arrivals: deque[tuple[float, int]] = deque([(now, done)])

    def add(self, runs: int, seconds: float) -> None:
        """Note a batch: how many runs, and the seconds that they took their worker."""
        if runs:
            self._batches.append((runs, seconds))

    def at(self, now: float, done: int) -> None:
        """Note how many runs are done so far."""
        self._now = now
        if done > self._arrivals[-1][1]:
            self._arrivals.append((now, done))
        while len(self._arrivals) > _BATCHES and self._arrivals[1][0] < now - _WHILE:
            self._arrivals.popleft()

    def size(self, waiting: int, workers: int) -> int:
        """Return the runs of the next batch: one until a time is known, then `TARGET` seconds of them.

        Never more than an even share of the waiting runs for each worker.
        """
        if not self._batches:
            return 1
        runs, seconds = (sum(column) for column in zip(*self._batches, strict=True))
        by_time = TARGET * runs / max(seconds, 1e-9)
        return max(1, int(min(by_time, math.ceil(waiting / workers))))

    @property
    def rate(self) -> float:
        """Runs per second over the last while; nan before the first."""
        (start, before), (_, done) = self._arrivals[0], self._arrivals[-1]
        return (done - before) / (self._now - start) if done > before else math.nan
