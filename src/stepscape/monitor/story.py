"""What happened in a run, in sentences, from its rows."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence

from stepscape.monitor.phases import AT_EDGE, BEYOND, LASTING, Phase, phases, places_of
from stepscape.monitor.row import Row
from stepscape.monitor.spikes import Spike, spikes
from stepscape.monitor.suggestion import EARLY, suggest
from stepscape.monitor.waiting import NOTHING
from stepscape.tables.number import fixed, number

MOST_PHASES, MOST_SPIKES = 3, 5  # that are told one by one
# A loss has not come down if the last of so many is still at this share of the first.
MANY, STILL = 5, 0.95
SETTLED = 100  # steps after which the averages of an adaptive optimizer are no more those of its beginning
_MISSING = "edge_ratio: "  # how the reason of a row begins that lacks it
_STOPPED = {"budget": "stopped before converging", "noise_floor": "reached the limit of rounding"}
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
    lost = _diverged(rows)
    told = [*lost, *_edge(rows, bool(lost)), *_loss(rows), *_spikes(rows), *_failures(rows)]
    return [*told, str(suggest(rows))]


def _diverged(rows: Sequence[Row]) -> list[str]:
    after = list(itertools.takewhile(_is_diverged, reversed(rows)))
    return [f"The loss has not been finite since step {step_words(after[-1].step)}."] if after else []


def _edge(rows: Sequence[Row], lost: bool) -> list[str]:
    known = [row for row in rows if row.edge_ratio is not None]
    if not known:
        why = (row.reason for row in reversed(rows) if row.reason.startswith(_MISSING))
        return [f"No edge ratio was measured{next(why, '').removeprefix(_MISSING[:-2]).rstrip('.')}."]
    found = phases(rows)
    past = [each for each in (found if lost else found[:-1]) if each.place != "below"]
    told = [_before(known[-1])] if lost else [_now(rows, known, found)]
    told += [_past(each, known) for each in reversed(past[-MOST_PHASES:])]
    if len(past) > MOST_PHASES:
        told.append(f"It had come to the edge {_times(len(past) - MOST_PHASES)} before.")
    return [*told, *_largest(rows, known, found)]


def _before(last: Row) -> str:
    at = f"{number(last.edge_ratio, 3)} at step {step_words(last.step)}"
    return f"The last edge ratio before was {at}."


def _now(rows: Sequence[Row], known: Sequence[Row], found: Sequence[Phase]) -> str:
    """Say where the run stands."""
    last, place = known[-1], places_of(known)[-1]
    at = f"{number(last.edge_ratio, 3)} at step {step_words(last.step)}"
    if not found:
        return _unsettled(known, at, place)
    phase = found[-1]
    if phase.place == place == "below":
        return _below(rows, last, any(each.place != "below" for each in found))
    said = (
        f"The run has been {phase.place} the edge since step {step_words(phase.first)}: "
        f"{len(phase.ratios)} measurements, median edge ratio {number(statistics.median(phase.ratios), 3)}."
    )
    return said if place == phase.place else f"{said} The last one is {place} the edge, {at}."


def _unsettled(known: Sequence[Row], at: str, place: str) -> str:
    if not known[-1].converged:
        return _lower_bound(known[-1])
    if len(known) < LASTING:
        return f"The run is {place} the edge: its edge ratio is {at}."
    low, high = (number(end(row.edge_ratio or 0.0 for row in known), 3) for end in (min, max))
    return f"The run has not settled: its edge ratio lies between {low} and {high}, and is {at}."


def _past(phase: Phase, known: Sequence[Row]) -> str:
    last = known[-1].step if phase.last is None else phase.last
    middle = number(statistics.median(phase.ratios), 3)
    early = phase.place == "beyond" and last < SETTLED
    beginning = _beginning(known, phase.first) if early else ""
    return (
        f"The run was {phase.place} the edge from step {step_words(phase.first)} to {step_words(last)}, "
        f"with a median edge ratio of {middle}{beginning}."
    )


def _largest(rows: Sequence[Row], known: Sequence[Row], found: Sequence[Phase]) -> list[str]:
    """Tell the largest edge ratio, where it is beyond the edge and nothing else tells of it."""
    most = max(known, key=lambda row: row.edge_ratio or 0.0)
    ratio = most.edge_ratio or 0.0
    told = [known[-1].edge_ratio, *(spike.edge_ratio for spike in spikes(rows))]
    told += [each for phase in found if phase.place == "beyond" for each in phase.ratios]
    if len(known) < LASTING or ratio <= BEYOND or ratio in told:
        return []
    at = f"{number(ratio, 3)}, at step {step_words(most.step)}"
    return [f"The largest edge ratio was {at}{_beginning(known, most.step)}."]


def _beginning(known: Sequence[Row], step: int) -> str:
    """Say what is usual in the first steps of an optimizer whose thresholds differ between parameters."""
    adapts = all(row.threshold is None for row in known)
    return ", as in the first steps of adaptive optimizers" if adapts and step < EARLY else ""


def _below(rows: Sequence[Row], last: Row, once: bool) -> str:
    if not last.converged:
        return _lower_bound(last)
    again = " again" if once else ""
    said = (
        f"The run is below the edge{again}: its edge ratio is {number(last.edge_ratio, 2)} at step "
        f"{step_words(last.step)}."
    )
    start = next((row for row in rows if row.converged and row.lambda_max), None)
    if start is None or last.lambda_max is None or last is start:
        return said
    change = last.lambda_max / start.lambda_max if start.lambda_max else math.nan
    if not change > 0.0 or 0.5 < change < 2.0:
        return said
    verb = "rose" if change > 1.0 else "fell"
    return f"{said} λ_max {verb} from {number(start.lambda_max)} to {number(last.lambda_max)}."


def _lower_bound(last: Row) -> str:
    ratio, at = number(last.edge_ratio, 2), step_words(last.step)
    if last.status not in _STOPPED:
        return f"The edge ratio is {ratio} at step {at}, in a measurement of the status {last.status!r}."
    return f"The edge ratio is at least {ratio} at step {at}, where the search {_STOPPED[last.status]}."


def _loss(rows: Sequence[Row]) -> list[str]:
    """Say that the loss has not come down."""
    known = [(row.step, row.loss) for row in rows if row.loss is not None]
    if len(known) < MANY or _is_diverged(rows[-1]) or not known[-1][1] > STILL * known[0][1] > 0.0:
        return []
    first, last = (f"{number(loss)} at step {step_words(step)}" for step, loss in (known[0], known[-1]))
    return [f"The loss has not come down: it was {first} and is {last}."]


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


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _of(count: int, every: int) -> str:
    if every == 1:
        return "The only measurement"
    return f"All {every} measurements" if count == every else f"{count} of {every} measurements"
