"""How long runs will take, from what the committed ledgers say that their like took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stepscape.experiments.frame.reference import SIZES, reference_ledger

if TYPE_CHECKING:
    from stepscape.cli.carry_out import Resources
    from stepscape.experiments.frame import Claim, Settings
    from stepscape.experiments.frame.ledger import Size
    from stepscape.lab.store import Store

DRAWING = 3.5  # seconds per claim


def expected(
    chosen: Sequence[tuple[Claim, Settings]], size: Size, store: Store, resources: Resources
) -> float:
    """Return the seconds that the runs which are not on record will take, and drawing; nan if nobody knows.

    A run of two claims counts once.
    """
    from stepscape.lab.pool import cores
    from stepscape.lab.spec import identity

    if resources.executor == "dask":
        return math.nan
    costs: dict[str, float] = {}
    for claim, settings in chosen:
        cost = run_seconds(claim.name, size, settings)
        costs |= {identity(spec): cost for spec in claim.specs(settings)}
    missing = set(costs) - set(store.outcomes(list(costs)))
    if not missing:
        return 0.0
    workers = 1 if resources.executor == "serial" else resources.workers or cores()
    return sum(costs[name] for name in missing) / min(workers, cores()) + DRAWING * len(chosen)


def share_of_runs(seconds: float, claims: int) -> float:
    """Return the share of the expected time that goes into runs; the rest goes into drawing."""
    if math.isnan(seconds):
        return 0.8
    return max(0.0, 1.0 - DRAWING * claims / seconds) if seconds else 0.0


def run_seconds(name: str, size: Size, settings: Mapping[str, Any]) -> float:
    """Return the mean seconds of a run of a claim, as committed; nan where nothing is.

    The time grows with the steps, and with the rows and neurons of each.
    """
    for kind in (size, *SIZES):
        for entry in reference_ledger(kind).entries:
            if entry.experiment.name == name and entry.runs.total:
                return entry.seconds / entry.runs.total * _work(settings) / _work(entry.settings)
    return math.nan


def _work(settings: Mapping[str, Any]) -> float:
    each = [settings.get(name, 0) for name in ("n", "width")]
    largest = [max(value) if isinstance(value, list | tuple) else value for value in each]
    steps = settings.get("steps", 1)
    return float(steps) * max(1.0, float(sum(largest)))
