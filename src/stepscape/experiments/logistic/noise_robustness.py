"""The label noise at which large step sizes stop helping."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np

from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Claim, Drawn, Effect, Finding, Part, Result, lacking, together
from stepscape.experiments.frame.contrasts import Array
from stepscape.experiments.frame.intervals import Interval, student
from stepscape.experiments.frame.kinds import Answer
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import LEAST_SEEDS
from stepscape.experiments.frame.sentences import counted, interval, listed, number, sentence
from stepscape.experiments.logistic.arrival import ARRIVED, COLUMNS, RULE, compared, left_out, without
from stepscape.experiments.logistic.cells import REGIONS, WHEN, WHERE, asked, saved
from stepscape.experiments.logistic.edge import PREMISES
from stepscape.experiments.logistic.runs import FULL, QUICK, begin, grid, work
from stepscape.tables.records import Table

RATES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)
GAIN = "log10 of a ratio, smaller over largest step size"


def breaks(result: Result, suffix: str, region: str, least: float, ends: int, **still: float) -> Finding:
    """Whether noise ends what the largest step size saves against each smaller one."""
    column, where = f"excess_risk{REGIONS[region]}{suffix}", f"{WHERE[region]} {WHEN[suffix]}"
    table = compared(result.table, suffix, **still) if still else result.table
    found = {
        f"{eta:g}": _breaks(gains(table, eta, column), f"the gain over η = {eta:g} {where}", least, ends)
        for eta in smaller(table)
    }
    numbers = {
        f"against η = {eta:g}, flip rate {rate:g}": interval(each)
        for eta, rates in benefits(table, column).items()
        for rate, each in rates.items()
    }
    words = left_out(result.table, table, {"flip_rate": "flip rate {:g}"})
    return without(together(found, named=False), words).with_numbers(numbers)


def smaller(table: Table) -> list[float]:
    """Step sizes below the largest."""
    return [float(eta) for eta in np.unique(table["step_size"])[:-1]]


def gains(table: Table, eta: float, column: str) -> dict[float, Array]:
    """Flip rate → log10 (seeds,) of a column at a step size over that at the largest, where both work."""
    largest = float(table["step_size"].max())
    found = {}
    for rate in np.unique(table["flip_rate"]).tolist():
        rows = table.where(flip_rate=rate)
        each = asked(
            rows, partial(saved, column=column, ends=(eta, largest)), partial(lacks, etas=(eta, largest))
        )
        if each.values:
            found[rate] = np.mean(list(each.values.values()), axis=0)
    return found


def lacks(rows: Table, etas: tuple[float, ...]) -> str:
    """Say that descent learns a curve in too few of the runs at some of these step sizes."""
    works = np.isin(etas, STEP_SIZES.working(rows)).all()
    return "" if works else f"runs work at too few step sizes: {STEP_SIZES.fates(rows)}"


def _breaks(by_rate: dict[float, Array], gain: str, least: float, ends: int) -> Finding:
    """Decide on the gain at the highest flip rates, on each and on their mean, and at the lowest."""
    rates, each = list(by_rate), min(ends, len(by_rate) // 2)
    if not each:
        return lacking("runs work at too few flip rates")
    last, at_once = rates[-each:], each + 2
    quiet, loud = (student(_mean(by_rate, some), at_once) for some in (rates[:each], last))
    high = [student(by_rate[rate], at_once) for rate in last]
    if min(quiet.count, *(found.count for found in (loud, *high))) < LEAST_SEEDS:
        return Finding("undecided", sentence(f"{counted(loud.count, 'seed')} cannot decide"))
    at = f"at flip rates {listed(last)}"
    gone = high[-1].high < least or loud.high < least
    answer: Answer = "undecided"
    text = f"it is not settled whether {gain} is gone {at}: {interval(loud)} on average"
    if all(found.sign > 0 and found.high >= least for found in high) and not gone:
        nowhere = f"{gain} is gone nowhere up to a flip rate of {number(rates[-1])}"
        answer, text = "no", f"{nowhere}: {interval(loud)} on average {at}"
    elif quiet.high < least:
        return lacking(f"{gain} is not there at flip rates {listed(rates[:each])}: {interval(quiet)}")
    elif quiet.sign > 0 and gone:
        where = at if loud.high < least else f"at the flip rate {number(rates[-1])}"
        answer, text = "yes", f"{gain} is gone {where}: {interval(loud)} on average {at}"
    sizes = f"{interval(high[-1])} at {number(rates[-1])}, and {interval(quiet)} at {listed(rates[:each])}"
    return Finding(
        answer, sentence(f"{text}, {sizes} ({GAIN}; {counted(loud.count, 'seed')})"),
        Effect(f"{GAIN}, mean over flip rates {listed(last)}", loud),
    )  # fmt: skip


def _mean(by_rate: dict[float, Array], rates: list[float]) -> Array:
    return np.asarray(np.mean([by_rate[rate] for rate in rates], axis=0))


def benefits(table: Table, column: str) -> dict[float, dict[float, Interval]]:
    """Smaller step size → flip rate → the interval of what the largest saves, simultaneous over all."""
    at_once = len(smaller(table)) * len(np.unique(table["flip_rate"]))
    return {
        eta: {rate: student(each, at_once) for rate, each in gains(table, eta, column).items()}
        for eta in smaller(table)
    }


def numbers(result: Result) -> Table:
    """Return excess risks, largest logits and steps at every flip rate, step size and moment."""
    table = result.table.rows(STEP_SIZES.counts(result.table))
    places = product(*(np.unique(table[name]).tolist() for name in ("flip_rate", "step_size")))
    rows = [
        {"flip rate": rate, "step size": eta, "moment": moment.words, **_medians(some, suffix)}
        for rate, eta in places
        for some in [table.where(flip_rate=rate, step_size=eta)]
        for suffix, moment in COMPARED.items()
    ]
    return Table.from_records(rows)


def _medians(rows: Table, suffix: str) -> dict[str, float]:
    columns = ("excess_risk_interior", "excess_risk", "largest_logit", "uncertain_overlap", "steps")
    return {f"{column}, median": median(rows[f"{column}{suffix}"]) for column in columns}


def draw(result: Result) -> dict[str, Drawn]:
    """Excess risk against the flip rate, and the intervals of what the largest step size saves."""
    from stepscape.experiments.logistic import noise_robustness_figures as figures

    column = "excess_risk_interior"
    saved_at = {
        suffix: benefits(compared(result.table, suffix, **ARRIVED), f"{column}{suffix}")
        for suffix in WHEN
        if f"{column}{suffix}" in result.table
    }
    return {"gain": figures.gain(result.table, saved_at)}


def _part(
    name: str, title: str, when: str, suffix: str, region: str = "interior", primary: bool = False
) -> Part:
    arrival = {} if suffix else ARRIVED
    return Part(
        name,
        title,
        f"The gain is log10 of the excess risk {WHERE[region]} at a smaller step size over that at the "
        f"largest, {when}, paired by seed. Noise does not break it (no) if it lies above 0 at each of the "
        "{ends:d} highest flip rates that are compared, and neither there nor on average over them is "
        "{least:g} or more excluded. Noise breaks it (yes) if {least:g} or more is excluded at the highest "
        "rate or on average over the {ends:d} highest, and the mean over as many lowest rates lies above 0; "
        "if that mean excludes {least:g}, there is nothing to break. Otherwise it is undecided. Each smaller "
        "step size is asked; its {ends:d} + 2 intervals are simultaneous." + (f" {RULE}" if arrival else ""),
        partial(breaks, suffix=suffix, region=region),
        {"least": 0.05, "ends": 3, **arrival},
        primary=primary,
        reads=(f"excess_risk_interior{suffix}", *(COLUMNS if arrival else ())),
    )


CLAIM = Claim(
    name="noise-robustness",
    title="Label noise at which large step sizes stop helping",
    claim=(
        "Large step sizes amplify the weak generalization of a bounded norm to small excess risk; with "
        "enough label noise this amplification breaks."
    ),
    kind="open question",
    source="Qiao and Wang (2025), next check 3 of the tutorial's summary; no level is stated there",
    setup=(
        "The paper does not say what breaking means; here a gain that is there at low flip rates must be "
        "gone at the highest. The setup is that of logistic-step-sizes at amplitude 2, with more flip rates "
        "and steps (100 000). The smallest step size stays far from the edge, so that its run in effect "
        "stops early; a middle one, which reaches it, is compared, too."
    ),
    quick={**QUICK, "flip_rates": (0.0, 0.2, 0.4), "step_sizes": (0.01, 0.1, 1.2), "steps": 1500},
    full={**FULL, "flip_rates": RATES, "step_sizes": (0.01, 0.1, 1.2), "steps": 100_000},
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "stopped_early",
            "Noise breaks the gain of large steps that stop early",
            "with every run stopped at its best held-out moment",
            "_held_out",
            primary=True,
        ),
        _part("at_equal_time", "Noise breaks the gain at equal time", "at equal time Σ η", "_equal_time"),
        _part("at_equal_steps", "Noise breaks the gain after equally many steps", "after all steps", ""),
        _part(
            "all_inputs",
            "Noise breaks the gain over all inputs",
            "with every run stopped at its best held-out moment",
            "_held_out",
            "everywhere",
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data",
        **PREMISES,
        "optimized_interior": (
            "the network fits the labels of the interior at least as well as the truth does"
        ),
        "function_moved": (
            "f no longer moves in the last half of the steps: a run that still moves is unfinished"
        ),
    },
    numbers=numbers,
)
