"""Spikes of the loss that rows show."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stepscape.monitor.row import Row

CALM = 5  # measurements whose losses tell how large the loss was before
FEWEST = 3  # of them, before which nothing is a spike


@dataclass(frozen=True)
class Spike:
    """The loss jumped, and may have come back.

    Attributes
    ----------
    step : int
        Of the largest loss of the spike.
    loss : float
        There; infinite where it was not finite.
    before : float
        Median loss of the measurements before.
    edge_ratio : float, optional
        The largest from the measurement before the spike to its top; None if none was known.
    last : int, optional
        Step of the last measurement of the spike; None if the loss has not come back.
    """

    step: int
    loss: float
    before: float
    edge_ratio: float | None
    last: int | None


def spikes(rows: Sequence[Row]) -> list[Spike]:
    """Find where the loss exceeds what it was before by its own size and by the range it had.

    What it was before is the median of the last five measurements outside of spikes, their range the largest
    less the smallest of them. A loss that is not finite is a spike.
    """
    found: list[Spike] = []
    calm: list[float] = []
    before: Row | None = None
    inside = False
    for row in rows:
        loss = _loss(row)
        if loss is None:
            continue
        if _is_high(loss, calm):
            spike = Spike(row.step, loss, statistics.median(calm), _largest(before, row), None)
            if inside:
                spike = _higher(found.pop(), spike)
            found.append(spike)
            inside = True
        else:
            if inside and before is not None:
                found[-1] = replace(found[-1], last=before.step)
            calm, inside = [*calm, loss][-CALM:], False
        before = row
    return found


def _loss(row: Row) -> float | None:
    return math.inf if row.loss is None and row.status == "nonfinite" else row.loss


def _is_high(loss: float, calm: Sequence[float]) -> bool:
    if len(calm) < FEWEST:
        return False
    middle = statistics.median(calm)
    return loss > middle + max(abs(middle), max(calm) - min(calm))


def _largest(*rows: Row | None) -> float | None:
    ratios = [row.edge_ratio for row in rows if row is not None and row.edge_ratio is not None]
    return max(ratios, default=None)


def _higher(old: Spike, new: Spike) -> Spike:
    """Continue a spike: its top, and the largest edge ratio up to there."""
    if new.loss <= old.loss:
        return old
    ratios = [ratio for ratio in (old.edge_ratio, new.edge_ratio) if ratio is not None]
    return replace(new, before=old.before, edge_ratio=max(ratios, default=None))
