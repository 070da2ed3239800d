"""Training that keeps the networks of its records, and the moments at which a run is compared with others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem
from stepscape.tables.records import Record
from stepscape.training import Snapshot, Trajectory, train

Tick = Callable[[float], None]


def evenly(steps: int, records: int) -> list[int]:
    """Space steps evenly; the last step is one of them only if the spacing meets it.

    >>> evenly(10, 3)
    [3, 6, 9]
    """
    every = max(1, steps // records)
    return list(range(every, steps + 1, every))


def by_log(steps: int, records: int) -> list[int]:
    """Space at most so many steps from 1 to the last evenly in their logarithm.

    >>> by_log(1000, 4)
    [1, 10, 100, 1000]
    """
    found: list[int] = np.unique(np.geomspace(1, steps, records).astype(int)).tolist()
    return found


def steps_until(time: float, step_sizes: ArrayLike) -> int:
    """Count the steps until Σ η reaches a time, or all steps if it never does: the moment of equal time."""
    sums = np.cumsum(np.asarray(step_sizes, np.float64))
    # Rounding of the sums must not cost a step.
    return min(int(sums.size), int(np.searchsorted(sums, time * (1.0 - 1e-9))) + 1)


@dataclass(frozen=True, eq=False)
class Followed:
    """A run with the networks of its records."""

    problem: Problem
    trajectory: Trajectory
    snapshots: tuple[Snapshot, ...]

    @property
    def beginning(self) -> dict[str, Any]:
        """What is known of every run, even if it diverged: its sharpness at step 0 and the steps it made."""
        run = self.trajectory
        return {"initial_sharpness": float(run.sharpness[0]), "steps_made": int(run.at_steps[-1])}

    def at(self, step: int) -> int:
        """Return the record of a step, or the first later record if that step was not recorded."""
        return int(np.searchsorted(self.trajectory.at_steps, step))

    def best(self, held_out: Problem, tick: Tick = lambda _: None) -> int:
        """Return the record whose midpoint has the smallest loss on a held-out sample, never the start."""
        losses = []
        for snapshot in self.snapshots[1:]:
            tick(1.0)
            losses.append(held_out.training_loss(snapshot.midpoint.predict(held_out.inputs)))
        return 1 + int(np.argmin(losses))

    def record(
        self,
        measure: Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]]],
        before: Mapping[str, Any] | None = None,
    ) -> Record:
        """Return the record of the run: `before`, and if the run finished also what `measure` gives.

        measure : () → (numbers, arrays); called only when the run did not diverge.
        """
        known = self.beginning if before is None else dict(before)
        if self.trajectory.outcome == "diverged":
            return Record("diverged", known, reason=self.trajectory.message)
        numbers, arrays = measure()
        return Record("finished", {**known, **numbers}, arrays)


def follow(
    problem: Problem,
    start: TwoLayerReLU,
    method: GradientDescent,
    at: Iterable[int],
    tick: Tick,
    measure_sharpness: bool = True,
    examples: Callable[[int], Problem] | None = None,
) -> Followed:
    """Train and keep the network of every record; records are step 0, the steps `at`, and the last step.

    examples : as in `stepscape.train`.
    """
    snapshots: list[Snapshot] = []
    trajectory = train(
        problem,
        start,
        method,
        record_every=method.steps,
        measure_sharpness=measure_sharpness,
        observe=snapshots.append,
        progress=lambda made: tick(made / method.steps),
        record_at=list(at),
        examples=examples,
    )
    return Followed(problem, trajectory, tuple(snapshots))


def with_moments(
    now: Mapping[str, Any], moments: Mapping[str, int], measure: Callable[[int], Mapping[str, Any]]
) -> dict[str, Any]:
    """Columns of the end, and those of other moments with the moment's name as suffix.

    moments : name → record, such as ``{"equal_time": 7, "held_out": 3}``.
    """
    later = {f"{key}_{name}": x for name, record in moments.items() for key, x in measure(record).items()}
    return {**now, **later}
