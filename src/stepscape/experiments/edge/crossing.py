"""Every step of a run through its crossing of 2/η: what records that stand apart would miss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame.follow import Followed
from stepscape.experiments.frame.limits import EDGE
from stepscape.lab.pool import Tick
from stepscape.methods import GradientDescent, clock_of
from stepscape.training import Trajectory, train

Array = NDArray[np.float64]


def crossing(seen: Followed, after: int, tick: Tick) -> tuple[dict[str, Any], dict[str, Array]]:
    """Follow λ_max·η/2 of the iterate and of the midpoint at every step through the crossing.

    From the record before the first at which either reaches 1, until `after` steps after the first step at
    which the iterate does. Nothing for a run with warm-up, whose crossing is not its own doing, for one that
    begins at 0.95 or above, and for one that does not get there.

    ``crossed_at_step``; ``crossing_largest`` and ``crossing_largest_midpoint``: the largest λ_max·η/2;
    ``crossing_outside`` and ``crossing_outside_midpoint``: share of the steps from the crossing on at which
    it is above 1.1. The arrays are those of the figure.
    """
    run, method = seen.trajectory, clock_of(seen.trajectory.method)
    ratio = np.maximum(run.edge_ratio, run.edge_ratio_last)
    there = np.flatnonzero(ratio >= 1.0)
    if method.warmup_steps or not there.size or ratio[0] >= EDGE[0]:
        return {}, {}
    begin = int(there[0]) - 1
    lead = int(run.at_steps[begin + 1] - run.at_steps[begin])
    tick(1.0)
    every = train(
        seen.problem,
        seen.snapshots[begin].network,
        GradientDescent(method.step_size, lead + after),  # plain descent has no memory
        record_every=1,
    )
    return _summary(every, int(run.at_steps[begin]), after)


def _summary(every: Trajectory, begin: int, after: int) -> tuple[dict[str, Any], dict[str, Array]]:
    last, middle = every.edge_ratio_last, every.edge_ratio
    first = int(np.argmax(last >= 1.0)) if (last >= 1.0).any() else last.size - 1
    window = slice(first, first + after)
    numbers = {
        "crossed_at_step": begin + first,
        "crossing_largest": float(last.max()),
        "crossing_largest_midpoint": float(middle.max()),
        "crossing_outside": float(np.mean(last[window] > EDGE[1])),
        "crossing_outside_midpoint": float(np.mean(middle[window] > EDGE[1])),
    }
    return numbers, {"crossing_last": last[window], "crossing_midpoint": middle[window]}
