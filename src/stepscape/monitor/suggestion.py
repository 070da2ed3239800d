"""Advice on the step size from the rows of a run, where they support any."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stepscape.arguments import each_of
from stepscape.monitor.row import Row
from stepscape.monitor.spikes import spikes
from stepscape.tables.number import number, rounded

WINDOW = 10  # measurements at the end of a run that count
FEWEST = 3  # of them that must be usable
EARLY = 20  # steps: before, the averages of an adaptive optimizer are those of a few gradients
SAFE = 0.8  # edge ratio to aim at: λ_max moves between two measurements
MOST = 2.0  # times the present step size, at most: beyond, nothing was measured
COLLAPSED = 0.02  # of the largest curvature of a run: what is left limits no step size
JUMP = 10.0  # largest over median curvature of the window, beyond which the largest says little
RISE = 2.0  # last curvature over that of two measurements before, beyond which it is still rising


@dataclass(frozen=True)
class Suggestion:
    """A step size below the edge, or why none can be named.

    Attributes
    ----------
    step_sizes : tuple of float, optional
        One for each group of parameters; None if none can be named.
    factor : float, optional
        Times the present step sizes.
    reason : str
        One sentence: what it rests on, or why there is none.
    """

    step_sizes: tuple[float, ...] | None
    factor: float | None
    reason: str

    def __str__(self) -> str:
        return self.reason


def suggest(rows: Sequence[Row]) -> Suggestion:
    """Name a step size at which the edge ratio would be 0.8 at the largest curvature of late.

    The edge ratio is proportional to the step size as long as curvature and preconditioner stay: a row of
    edge ratio ρ at step size η has the curvature ρ/η, and 0.8 η/ρ is suggested for the largest of the last
    ten rows, at most twice the present step size. Step sizes of groups keep their ratios.

    Rows of the first 20 steps do not count once there are three later ones: the averages of an adaptive
    optimizer are then those of a few gradients, and its edge ratio may be many times what it settles at.

    Where the largest curvature is more than 10 times the median, only the last rows count that agree within a
    factor of 2, if there are three and all rows before lie above them: it has come down to them.

    None is named when fewer than three of these rows have a converged edge ratio at the present ratio of
    step sizes; when λ_max has collapsed to 2 % of its largest; when the curvature has jumped to more than 10
    times its median otherwise, or has more than doubled within three measurements; when the loss spiked
    although the edge ratio was below 0.8, or the batch sharpness exceeds λ_max: then minibatches or another
    quantity limit the step size.

    Parameters
    ----------
    rows : sequence of Row
        In the order of their steps.

    Notes
    -----
    Below the edge is not the same as better: full-batch training at an edge ratio of 1 descends as well, and
    λ_max can rise again to meet a smaller step size.
    """
    each_of("rows", rows, Row)
    finite = [row for row in rows if row.status != "nonfinite"]
    later = [row for row in finite if row.step >= EARLY]
    counted = later if len(later) >= FEWEST else finite
    window = counted[-WINDOW:]
    if len(window) < FEWEST:
        return _none(f"{FEWEST} measurements are needed, and there {_are(len(window))}{_beyond(window)}")
    present = rows[-1].step_sizes or window[-1].step_sizes
    usable = [row for row in window if _is_usable(row, present)]
    refusal = _refusal(finite, window, usable)
    if refusal:
        return _none(refusal)
    return _named(_settled(usable), present, usable[0])


def _named(settled: Sequence[Row], present: tuple[float, ...], first: Row) -> Suggestion:
    worst = max(settled, key=_curvature)
    here = present[0] * _curvature(worst)  # the largest edge ratio at the present step size
    factor = min(SAFE / here, MOST)
    sizes = tuple(factor * each for each in present)
    words = " and ".join(rounded(each, 2) for each in sizes)
    noun = "step size" if len(sizes) == 1 else "step sizes"
    rests = (
        f"the largest edge ratio of the last {len(settled)} measurements is {number(here, 2)} "
        f"at the present {noun}{_down(first, settled, present)}{_moved(settled, present)}"
    )
    if factor >= 1.0:
        return Suggestion(sizes, factor, f"The {noun} could be {words} and stay below the edge: {rests}.")
    again = "λ_max can rise again after a change"
    return Suggestion(sizes, factor, f"The {noun} {words} would be below the edge: {rests}; {again}.")


def _settled(usable: Sequence[Row]) -> Sequence[Row]:
    """Return the last rows, where the curvature has come down to them and they agree; else all.

    So it is while the averages of an adaptive optimizer gather, or when a curvature beyond the edge has come
    down to it.
    """
    curvatures = [_curvature(row) for row in usable]
    if max(curvatures) <= JUMP * statistics.median(curvatures):
        return usable
    count = len(usable)
    while max(curvatures[-count:]) > RISE * min(curvatures[-count:]):
        count -= 1
    came_down = min(curvatures[:-count], default=0.0) > max(curvatures[-count:])
    return usable[-count:] if count >= FEWEST and came_down else usable


def _down(first: Row, settled: Sequence[Row], present: tuple[float, ...]) -> str:
    """Say what the curvature has come down from, where it has."""
    if first is settled[0]:
        return ""
    return f", down from {number(present[0] * _curvature(first), 2)} at step {first.step}"


def _moved(settled: Sequence[Row], present: tuple[float, ...]) -> str:
    """Say that a schedule moved the step size meanwhile, where it did by much."""
    largest = max(row.step_sizes[0] for row in settled)
    if largest <= RISE * present[0]:
        return ""
    return f"; the schedule has lowered the step size from {rounded(largest, 2)} meanwhile"


def _refusal(rows: Sequence[Row], window: Sequence[Row], usable: Sequence[Row]) -> str:
    """Say why no step size can be named; "" if one can."""
    if len(usable) < FEWEST:
        return _too_few(window, usable)
    share = _share_left(rows, usable)
    if share < COLLAPSED:
        left = number(100.0 * share, 2)
        return f"the curvature has fallen to {left} % of its largest value, which limits no step size"
    curvatures = [_curvature(row) for row in _settled(usable)]
    if max(curvatures) > JUMP * statistics.median(curvatures):
        return f"the curvature that the optimizer sees {_jumps(usable)}{_beyond(usable[-1:])}"
    if curvatures[-1] > RISE * curvatures[-FEWEST]:
        times = number(curvatures[-1] / curvatures[-FEWEST], 2)
        rising = f"the curvature is still rising, by a factor of {times} within {FEWEST} measurements"
        return f"{rising}{_beyond(usable[-1:])}"
    return _noise(rows, window)


def _jumps(usable: Sequence[Row]) -> str:
    curvatures = [_curvature(row) for row in usable]
    if all(after <= before for before, after in pairwise(curvatures)):
        times = number(curvatures[0] / curvatures[-1], 2)
        return f"has fallen by a factor of {times} since step {usable[0].step}, and has not settled"
    times = number(max(curvatures) / statistics.median(curvatures), 2)
    return f"jumps: its largest value of late is {times} times its median"


def _share_left(rows: Sequence[Row], usable: Sequence[Row]) -> float:
    """Largest curvature of the usable rows over that of all: of λ_max, where it was measured.

    What an adaptive optimizer sees of it falls in its first steps, although λ_max does not; those steps do
    not count without λ_max.
    """
    every = [row for row in rows if _has_curvature(row)]
    if all(row.lambda_max is not None and row.lambda_max > 0.0 for row in every):
        largest, left = (max(row.lambda_max or 0.0 for row in each) for each in (every, usable))
    else:
        later = [row for row in every if row.step >= EARLY] or every
        largest, left = (max(map(_curvature, each)) for each in (later, usable))
    return left / largest


def _noise(rows: Sequence[Row], window: Sequence[Row]) -> str:
    """Say what shows that something else than λ_max limits the step size."""
    for row in reversed(window):
        sharpness, threshold = row.batch_sharpness, row.threshold
        if sharpness is None or threshold is None or row.edge_ratio is None:
            continue
        if sharpness > max(SAFE * threshold, row.edge_ratio * threshold):
            return (
                f"the batch sharpness is {number(sharpness / threshold, 2)} of the threshold at step "
                f"{row.step}, λ_max only {number(row.edge_ratio, 2)}: minibatches limit the step size"
            )
        break
    below = [spike for spike in spikes(rows) if spike.edge_ratio is not None and spike.edge_ratio < SAFE]
    if below:
        return (
            f"the loss rose at step {below[-1].step} although the edge ratio was only "
            f"{number(below[-1].edge_ratio, 2)}: something else than this curvature limits the step size"
        )
    return ""


def _too_few(window: Sequence[Row], usable: Sequence[Row]) -> str:
    missing = [row for row in window if row not in usable]
    last = missing[-1]
    if _has_curvature(last):
        return "the ratio of the step sizes of the groups changed too recently"
    if last.converged and last.edge_ratio is not None:
        if last.edge_ratio > 0.0:
            size = "is 0" if last.step_sizes else "is not known"
            return f"the step size {size} at step {last.step}"
        no_limit = "no direction curves upward, and none limits the step size"
        return f"the edge ratio is {number(last.edge_ratio, 2)} at step {last.step}: {no_limit}"
    count = f"none of the last {len(window)} measurements has"
    if len(missing) < len(window):
        count = f"only {len(usable)} of the last {len(window)} measurements have"
    return f"{count} an edge ratio that can be trusted: {_why(last)}"


def _why(row: Row) -> str:
    said = row.reason.removeprefix("edge_ratio: ").rstrip(".")
    return said or f"the status is {row.status!r} at step {row.step}"


def _beyond(window: Sequence[Row]) -> str:
    """Say that the step size is too large, where a few measurements say so."""
    beyond = [row for row in window if _has_curvature(row) and (row.edge_ratio or 0.0) > 1.0]
    if not beyond:
        return ""
    last = beyond[-1]
    return f"; an edge ratio of {number(last.edge_ratio, 2)} at step {last.step} asks for a smaller one"


def _is_usable(row: Row, present: tuple[float, ...]) -> bool:
    if not _has_curvature(row) or len(row.step_sizes) != len(present):
        return False
    scale = row.step_sizes[0] / present[0] if present[0] > 0.0 else math.nan
    pairs = zip(row.step_sizes, present, strict=True)
    return all(math.isclose(old, scale * new, rel_tol=1e-9) for old, new in pairs)


def _has_curvature(row: Row) -> bool:
    moves = len(row.step_sizes) > 0 and row.step_sizes[0] > 0.0
    return moves and row.converged and row.edge_ratio is not None and row.edge_ratio > 0.0


def _curvature(row: Row) -> float:
    """Edge ratio over the step size of the first group, of a row that has both."""
    return (row.edge_ratio or 0.0) / row.step_sizes[0]


def _none(why: str) -> Suggestion:
    return Suggestion(None, None, f"No step size can be suggested: {why}.")


def _are(count: int) -> str:
    return "is none" if count == 0 else "is 1" if count == 1 else f"are {count}"
