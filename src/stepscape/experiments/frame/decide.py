"""The deciders: numbers → a finding. Each bounds how often it finds something where nothing is (tested).

Values over seeds come as arrays (seeds,), nan where a seed was not measured; fewer than three seeds decide
nothing. `Says` words the question, `what` names the effect and its unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from stepscape.experiments.frame import limits
from stepscape.experiments.frame.contrasts import Array, sides_of_u
from stepscape.experiments.frame.finding import Effect, Finding, Number, lacking, together
from stepscape.experiments.frame.intervals import Interval, design_effect, simultaneous, student, wilson
from stepscape.experiments.frame.kinds import Answer
from stepscape.experiments.frame.sentences import (
    Says,
    counted,
    interval,
    number,
    of_runs,
    percent,
    sentence,
)
from stepscape.tables.number import short

__all__ = [
    "at_least",
    "differs",
    "equivalent",
    "identity",
    "inequality",
    "rate",
    "share",
    "sign",
    "signs",
    "slope",
    "u_shape",
]


def sign(
    values: ArrayLike, says: Says, what: str, least: float = 0.0, unit: str = "seed", at_once: int = 1
) -> Finding:
    """Decide whether the mean over the seeds lies above 0.

    Yes: the interval lies above 0. No: it excludes every effect of `least` or more, the smallest that would
    count. An interval that holds both is undecided, however many seeds there are. `at_once` is the number of
    questions that make one part; their intervals are simultaneous.
    """
    found = student(values, at_once)
    if found.count < limits.LEAST_SEEDS:
        return _too_few(found.count, unit)
    answer = _sign(found, least)
    statement = {"yes": says.affirmed, "no": says.denied}.get(answer, says.open)
    return Finding(answer, sentence(f"{statement}: {_measured(found, what, unit)}"), Effect(what, found))


def u_shape(
    values: Array, falls: Says, rises: Says, what: tuple[str, str], least: float = 0.0, unit: str = "seed"
) -> Finding:
    """Decide whether values (seeds, levels) fall from the first level to the best and rise to the last.

    Both sides as in `sign`, with simultaneous intervals, because one side alone makes the answer mixed;
    `what` names them. The best level is chosen for each seed on the other seeds, see `sides_of_u`.
    """
    sides = zip(("falls", "rises"), sides_of_u(values), (falls, rises), what, strict=True)
    found = {name: sign(side, says, of, least, unit, at_once=2) for name, side, says, of in sides}
    return together(found, named=False)


def equivalent(
    values: ArrayLike, within: float, says: Says, what: str, unit: str = "seed", at_once: int = 1
) -> Finding:
    """Decide whether the mean differs from 0 by less than `within`, either way.

    Yes: the whole interval does. No: the whole interval differs by more. A wide interval is undecided.
    `at_once`: as in `sign`.
    """
    found = student(values, at_once)
    if found.count < limits.LEAST_SEEDS:
        return _too_few(found.count, unit)
    inside = -within < found.low and found.high < within
    outside = found.low > within or found.high < -within
    answer: Answer = "yes" if inside else "no" if outside else "undecided"
    statement = {"yes": says.affirmed, "no": says.denied}.get(answer, says.open)
    none = f"within ±{short(float(f'{within:.3g}'))} does not count as a difference"
    return Finding(
        answer, sentence(f"{statement}: {_measured(found, what, unit)}", none), Effect(what, found)
    )


def at_least(
    values: ArrayLike, claimed: float, says: Says, what: str, unit: str = "seed", at_once: int = 1
) -> Finding:
    """Decide whether the mean is `claimed` or more, however much more.

    Yes: the whole interval lies above `claimed`. No: it lies below. `at_once`: as in `sign`.
    """
    found = student(values, at_once)
    if found.count < limits.LEAST_SEEDS:
        return _too_few(found.count, unit)
    answer: Answer = "yes" if found.low > claimed else "no" if found.high < claimed else "undecided"
    statement = {"yes": says.affirmed, "no": says.denied}.get(answer, says.open)
    limit = f"the claim is at least {number(claimed)}"
    return Finding(
        answer, sentence(f"{statement}: {_measured(found, what, unit)}; {limit}"), Effect(what, found)
    )


def differs(
    values: ArrayLike, least: float, says: Says, what: str, unit: str = "seed", at_once: int = 1
) -> Finding:
    """Decide whether the mean differs from 0, in whichever direction.

    Yes: the interval does not hold 0. No: it excludes every effect of `least` or more, either way.
    `at_once`: as in `sign`.
    """
    found = student(values, at_once)
    if found.count < limits.LEAST_SEEDS:
        return _too_few(found.count, unit)
    none = -least < found.low and found.high < least
    answer: Answer = "no" if none else "yes" if found.sign else "undecided"
    statement = {"yes": says.affirmed, "no": says.denied}.get(answer, says.open)
    return Finding(answer, sentence(f"{statement}: {_measured(found, what, unit)}"), Effect(what, found))


def signs(
    by_cell: Mapping[str, ArrayLike],
    says: Says,
    what: str,
    least: float = 0.0,
    unit: str = "seed",
    at_once: int = 1,
) -> Finding:
    """Ask one question in every cell (member of a family of settings); each has values (seeds,), aligned.

    The mean over the cells, seed by seed, decides as in `sign`; a seed counts if it has a value in every
    cell. Every cell also has an interval of its own; these are simultaneous. Yes: the mean says yes and no
    cell lies below 0. Mixed: some say yes, the mean or a cell, and others the opposite or no; or a cell alone
    says yes. No: the mean says no, and no cell yes. `at_once`: as in `sign`.
    """
    if not by_cell:
        return lacking("the question arises in no cell")
    cells = dict(zip(by_cell, simultaneous(list(by_cell.values()), at_once), strict=True))
    pooled = student(np.mean([np.asarray(each, np.float64) for each in by_cell.values()], axis=0), at_once)
    if pooled.count < limits.LEAST_SEEDS:
        return _too_few(pooled.count, unit)
    above, below = ([name for name in cells if cells[name].sign == way] for way in (1, -1))
    whole = _sign(pooled, least)
    answer: Answer = whole
    # A cell that lies above 0 but below `least` says no, as in `sign`.
    some = any(_sign(cells[name], least) == "yes" for name in above)
    if (whole == "yes" and below) or (whole != "yes" and some):
        answer = "mixed"
    statement = {"yes": says.affirmed, "no": says.denied}.get(whole, says.open)
    over = f", mean over {counted(len(cells), 'cell')}" if len(cells) > 1 else ""
    text = f"{statement}: {_measured(pooled, what + over, unit)}"
    return Finding(
        answer, sentence(text, _signs_of_cells(above, below, len(cells))), Effect(what, pooled),
        {f"{name}: {what}": interval(each) for name, each in cells.items()} if len(cells) > 1 else {},
    )  # fmt: skip


def share(
    flags: ArrayLike,
    says: Says,
    nearly_all: float = limits.NEARLY_ALL,
    groups: ArrayLike | None = None,
    at_once: int = 1,
) -> Finding:
    """Decide whether nearly all runs do something, by Wilson's interval of the share.

    Yes: at least `nearly_all` of them do, and the interval lies above one half. Mixed: it lies above one half
    otherwise. No: it lies below one half. `groups` (seeds): where runs of a seed depend on each other, the
    interval is that of so many fewer runs. Where agreement of all would decide nothing, the sentence says so.
    `at_once`: as in `sign`.
    """
    mask = np.asarray(flags, bool).ravel()
    if not mask.size:
        return lacking(f"there are no {says.subject}")
    found = int(mask.sum())
    size = wilson(found, mask.size, 1.0 if groups is None else design_effect(mask, groups), at_once)
    answer: Answer = "undecided"
    if size.low > limits.MOST:
        answer = "yes" if size.mean >= nearly_all else "mixed"
    elif size.high < limits.MOST:
        answer = "no"
    text = f"{of_runs(found, mask.size, says)}: {percent(size)}"
    few = _too_few_for_share(mask.size if groups is None else np.unique(np.asarray(groups)).size, at_once)
    return Finding(answer, sentence(text, few), Effect(f"share of {says.subject}", size))


def slope(
    slopes: ArrayLike,
    claimed: float,
    says: Says,
    what: str,
    until: float = 0.0,
    unit: str = "seed",
    at_once: int = 1,
    beyond: float | None = None,
) -> Finding:
    """Decide whether an exponent lies on the claimed side; `slopes` (seeds,) as of `contrasts.slopes`.

    The claim is an exponent of at most `claimed` where that lies below `until`, the exponent that says
    nothing, and of at least `claimed` where it lies above. No: the interval lies wholly on the other side of
    `beyond`, which is `claimed` unless the claim leaves logarithms open: (log n)^q n^(−a) has the local slope
    −a + q/ln n. Yes: it does not, and lies wholly on the claimed side of `until`. Otherwise undecided: so
    wide an interval is not rewarded. `at_once`: as in `sign`.
    """
    found = student(slopes, at_once)
    if found.count < limits.LEAST_SEEDS:
        return _too_few(found.count, unit, "slope")
    falls = claimed < until
    edge = claimed if beyond is None else beyond
    outside = found.low > edge if falls else found.high < edge
    settled = found.high < until if falls else found.low > until
    answer: Answer = "no" if outside else "yes" if settled else "undecided"
    statement = {"yes": says.affirmed, "no": says.denied}.get(answer, says.open)
    limit = f"the claim is at {'most' if falls else 'least'} {number(claimed)}"
    return Finding(
        answer, sentence(f"{statement}: {_measured(found, what, unit)}; {limit}"), Effect(what, found)
    )


def inequality(
    checks: int, violations: int, what: str, tightness: ArrayLike = (), empty: bool = False
) -> Finding:
    """Decide whether a proved inequality was ever violated beyond rounding.

    `what` is the plural noun of what was checked. `tightness`: left over right side, which is not an effect
    but shows how tight the bound is; `empty`: it says nothing in any run.
    """
    if not checks:
        return lacking(f"none of the {what} meets the premises")
    ratios = np.asarray(tightness, np.float64)
    ratios = ratios[np.isfinite(ratios)]
    numbers: dict[str, Number] = {"checks": checks, "violations": violations}
    if ratios.size:
        numbers |= {
            "left over right, median": float(np.median(ratios)),
            "left over right, largest": float(ratios.max()),
        }
    if violations:
        text = of_runs(violations, checks, Says(what, "violate", "the inequality"))
        return Finding("no", sentence(text), numbers=numbers)
    text = f"the inequality holds at all {number(checks)} {what}"
    if empty:
        return Finding("vacuous", sentence(text, "it says nothing in any of the runs"), numbers=numbers)
    tight = f"the left side is at most {number(float(ratios.max()))} of the right" if ratios.size else ""
    return Finding("yes", sentence(text, tight), numbers=numbers)


def identity(errors: ArrayLike, tolerance: float, what: str) -> Finding:
    """Decide whether two computations of one thing agree: every finite error is at most `tolerance`.

    `what` is the plural noun of what was compared.
    """
    gaps = np.abs(np.asarray(errors, np.float64)).ravel()
    gaps = gaps[np.isfinite(gaps)]
    if not gaps.size:
        return lacking(f"there are no {what}")
    off, largest = int(np.sum(gaps > tolerance)), float(gaps.max())
    numbers: dict[str, Number] = {"compared": gaps.size, "largest error": largest, "tolerance": tolerance}
    if off:
        text = of_runs(off, gaps.size, Says(what, "be", "not as derived"))
        return Finding("no", sentence(f"{text}: the largest error is {number(largest)}"), numbers=numbers)
    text = f"all {number(gaps.size)} {what} are as derived, up to {number(largest)}"
    return Finding("yes", sentence(text), numbers=numbers)


def rate(failed: int, total: int, at_most: float, what: str, design: float = 1.0) -> Finding:
    """Decide whether something that may fail with probability `at_most` fails more often (exact binomial).

    No: as many failures have a probability below 1 % at that rate. `what` is the plural noun of the trials.
    `design` ≥ 1 divides the trials, and those that fail, where they are not independent.
    """
    from scipy.special import bdtrc

    if not total:
        return lacking(f"there are no {what}")
    # Rounded to what is less suspicious: fewer failures among more trials.
    alone, trials = int(failed / design + 1e-9), math.ceil(total / design - 1e-9)
    chance = 1.0 if not alone else float(bdtrc(alone - 1, trials, at_most))
    answer: Answer = "no" if chance < limits.IMPLAUSIBLE else "yes"
    size = wilson(failed, total, design)
    statement = of_runs(failed, total, Says(what, "fail"))
    text = f"{statement}: {percent(size)}, where {short(100 * at_most)} % may"
    return Finding(
        answer,
        sentence(text),
        Effect(f"share of {what} that fail", size),
        {"probability at that rate": chance},
    )


def _sign(found: Interval, least: float) -> Answer:
    if found.high < least or found.high <= 0.0:
        return "no"
    return "yes" if found.low > 0.0 else "undecided"


def _too_few(count: int, unit: str, what: str = "interval") -> Finding:
    gives = "gives" if count == 1 else "give"
    text = f"{counted(count, unit)} {gives} no usable {what}: at least {limits.LEAST_SEEDS} are needed"
    return Finding("undecided", sentence(text), numbers={f"{unit}s": count})


def _too_few_for_share(independent: int, at_once: int = 1) -> str:
    """Say that the answer was open before the runs were made; "" where agreement could settle it."""
    decides = wilson(independent, independent, together=at_once).low > limits.MOST
    runs = counted(independent, "independent run")
    return "" if decides else f"{runs} could not decide, even if all agreed"


def _measured(found: Interval, what: str, unit: str) -> str:
    return f"{interval(found)} ({what}; {counted(found.count, unit)})"


def _signs_of_cells(above: list[str], below: list[str], total: int) -> str:
    if total == 1:
        return ""
    if not above and not below:
        return f"none of {total} cells alone shows it, or its opposite"
    shown = of_runs(len(above), total, Says("cells", "show", "it"))
    other = f"{len(below) or 'none'} {'show' if len(below) > 1 else 'shows'} the opposite"
    return shown if len(above) == total else f"{shown}, and {other}"


def __dir__() -> list[str]:
    return sorted(__all__)
