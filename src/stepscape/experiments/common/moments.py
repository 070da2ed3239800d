"""The moments of a run at which it is measured."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

STEP_COUNTS = (100, 1000, 10_000, 30_000)


class Moment(NamedTuple):
    """The names of a moment: in the name of a verdict, and in a figure."""

    part: str
    words: str


# The keys are the suffixes of the columns.
MOMENTS = {
    "": Moment("at_the_end", "end of training"),
    **{f"_{count}": Moment(f"after_{count}_steps", f"after {count} steps") for count in STEP_COUNTS},
    "_equal_time": Moment("at_equal_time", "at equal time Σ η"),
    "_held_out": Moment("stopped_early", "at the best held-out moment"),
}
COMPARISONS = (
    ("", ("end of training")),
    ("_equal_time", "equal time Σ η"),
    ("_held_out", "best held-out moment"),
)
COMPARED = {suffix: MOMENTS[suffix] for suffix in ("", "_equal_time", "_held_out")}


def log_steps(steps: int, records: int) -> list[int]:
    """At most so many steps from 1 to the last, evenly spaced in their logarithm.

    >>> log_steps(1000, 4)
    [1, 10, 100, 1000]
    """
    found: list[int] = np.unique(np.geomspace(1, steps, records).astype(int)).tolist()
    return found
