"""What happened in a run, in sentences, from its rows."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence

from stepscape.monitor.moments import AT_EDGE, Spike, Stay, spikes, stays
from stepscape.monitor.row import Row
from stepscape.monitor.suggestion import suggest
from stepscape.monitor.waiting import NOTHING
from stepscape.tables.number import fixed, number

MOST_STAYS, MOST_SPIKES = 3, 5  # that are told one by one
BEYOND = 1.2  # edge ratio from which training does not merely hover at the edge
_MISSING = "edge_ratio: "  # how the reason of a row begins that lacks it
_FAILED = {
    "budget": "stopped before converging, with lower bounds only",
    "noise_floor": "reached the limit of rounding before the tolerance",
}


def story(rows: Sequence[Row]) -> list[str]:
    """Tell a run: where it stands, when it came to the edge, what the loss did, what was not measured.

    Parameters
    ----------
    rows : sequence of Row
        In the order of their steps.

    Returns
    -------
    list of str
        Sentences, the most important first; the last one is a suggestion or the lack of one.
    """
    if not rows:
        return [NOTHING]
    told = [*_diverged(rows), *_edge(rows), *_spikes(rows), *_failures(rows)]
    return [*told, str(suggest(rows))]


def _diverged(rows: Sequence[Row]) -> list[str]:
    after = list(itertools.takewhile(_is_diverged, reversed(rows)))
    return [f"The loss has not been finite since step {step_words(after[-1].step)}."] if after else []


def _edge(rows: Sequence[Row]) -> list[str]:
    known = [row for row in rows if row.edge_ratio is not None]
    if not known:
        why = (row.reason for row in reversed(rows) if row.reason.startswith(_MISSING))
        return [f"No edge ratio was measured{next(why, '').removeprefix(_MISSING[:-2]).rstrip('.')}."]
    found = stays(rows)
    told = [_stay(stay) for stay in reversed(found[-MOST_STAYS:])]
    if not found or found[-1].last is not None:
        told.insert(0, _below(rows, known[-1], bool(found)))
    if len(found) > MOST_STAYS:
        told.append(f"It had come to the edge {len(found) - MOST_STAYS} times before.")
    return told


def _stay(stay: Stay) -> str:
    middle = statistics.median(stay.ratios)
    at, first = number(middle, 3), step_words(stay.first)
    where = "beyond the edge" if middle > BEYOND else "at the edge"
    if len(stay.ratios) == 1:
        return f"The run was {where} at step {first}, with an edge ratio of {at}."
    if stay.last is None:
        count = len(stay.ratios)
        return f"The run has been {where} since step {first}: {count} measurements, median edge ratio {at}."
    return (
        f"The run was {where} from step {first} to {step_words(stay.last)}, with a median edge ratio of {at}."
    )


def _below(rows: Sequence[Row], last: Row, once: bool) -> str:
    ratio, at = number(last.edge_ratio, 2), step_words(last.step)
    if not last.converged:
        return f"The edge ratio is at least {ratio} at step {at}: its status is {last.status!r}."
    again = " again" if once else ""
    said = f"The run is below the edge{again}: its edge ratio is {ratio} at step {at}."
    start = next((row for row in rows if row.converged and row.lambda_max), None)
    if start is None or last.lambda_max is None or last is start:
        return said
    change = last.lambda_max / start.lambda_max if start.lambda_max else math.nan
    if not change > 0.0 or 0.5 < change < 2.0:
        return said
    verb = "rose" if change > 1.0 else "fell"
    return f"{said} λ_max {verb} from {number(start.lambda_max)} to {number(last.lambda_max)}."


def _spikes(rows: Sequence[Row]) -> list[str]:
    found = [spike for spike in spikes(rows) if math.isfinite(spike.loss)]
    told = [_spike(spike) for spike in found[:MOST_SPIKES]]
    if len(found) > MOST_SPIKES:
        told.append(f"{len(found) - MOST_SPIKES} more spikes of the loss followed.")
    return told


def _spike(spike: Spike) -> str:
    with_what = "no edge ratio measured"
    if spike.edge_ratio is not None:
        with_what = f"an edge ratio of {number(spike.edge_ratio, 2)}"
    rise = f"from {number(spike.before)} to {number(spike.loss)}"
    said = f"The loss spike at step {step_words(spike.step)} ({rise}) came with {with_what}"
    if spike.edge_ratio is not None and spike.edge_ratio < AT_EDGE:
        return f"{said}: the curvature of this batch does not explain it."
    return f"{said}; the loss has not come back." if spike.last is None else f"{said}."


def _failures(rows: Sequence[Row]) -> list[str]:
    failed = [row for row in rows if not (row.converged or _is_diverged(row))]
    told = []
    for status in dict.fromkeys(row.status for row in failed):
        same = [row for row in failed if row.status == status]
        what = _FAILED.get(status) or _reason(same[-1])
        told.append(f"{_of(len(same), len(rows))} {what}.")
    return told


def _reason(row: Row) -> str:
    return f"failed: {row.reason.rstrip('.')}" if row.reason else f"failed with the status {row.status!r}"


def _is_diverged(row: Row) -> bool:
    return row.status == "nonfinite" and row.loss is None


def step_words(step: int) -> str:
    """Write a number of steps.

    >>> step_words(1200), step_words(12000)
    ('1200', '12\u202f000')
    """
    return fixed(float(step), 0)


def _of(count: int, every: int) -> str:
    if every == 1:
        return "The only measurement"
    return f"All {every} measurements" if count == every else f"{count} of {every} measurements"
