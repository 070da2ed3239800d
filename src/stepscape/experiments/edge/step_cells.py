"""One question at every step size: values by seed at those where most runs can answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Finding, Says, decide, lacking
from stepscape.experiments.frame.intervals import simultaneous
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.sentences import listed, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
CELLS = (
    f"Step sizes at which fewer than {MOST:.0%} of the runs do so are left out; where most diverge or die, a "
    "yes holds in part."
)


def step_cells(table: Table, keep: NDArray[np.bool_], values: ArrayLike) -> dict[str, Array]:
    """Values (seeds,) at each step size at which at least half of the runs are kept, nan for the others.

    keep, values : one entry per row of the table; a value that is not finite is not kept.
    """
    numbers, seeds, out = np.asarray(values, np.float64), np.unique(table["seed"]), {}
    known = keep & np.isfinite(numbers)
    for eta in np.unique(table["step_size"]):
        here = table["step_size"] == eta
        if known[here].mean() >= MOST:
            cell = np.full(seeds.size, np.nan)
            cell[np.searchsorted(seeds, table["seed"][here & known])] = numbers[here & known]
            out[f"η = {eta:g}"] = cell
    return out


def lost(table: Table) -> str:
    """Say at which step sizes most runs diverge or die; "" if at none."""
    counts, etas = STEP_SIZES.counts(table), np.unique(table["step_size"])
    gone = [float(eta) for eta in etas if counts[table["step_size"] == eta].mean() < MOST]
    return f"most runs diverge or die at η = {listed(gone)}" if gone else ""


def at_least_in_cells(cells: Mapping[str, Array], claimed: float, says: Says, what: str) -> Finding:
    """Decide whether the mean over the step sizes is `claimed` or more, as `decide.at_least` does.

    A step size whose own interval, simultaneous with the others, says the opposite makes it mixed.
    """
    if not cells:
        return lacking("at no step size can most runs be judged")
    found = decide.at_least(np.mean(list(cells.values()), axis=0), claimed, says, what)
    own = dict(zip(cells, simultaneous(list(cells.values())), strict=True))
    above = [name for name, each in own.items() if each.low > claimed]
    below = [name for name, each in own.items() if each.high < claimed]
    split = (found.answer == "yes" and below) or (found.answer != "yes" and above)
    if not split:
        return found
    other = f"above the limit at {' and '.join(above) or 'none'}, below it at {' and '.join(below) or 'none'}"
    return replace(found, answer="mixed", sentence=sentence(found.sentence, other))
