"""Logistic descent from three kinds of start: whether the step size decides or the start."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    decide,
    lacking,
    together,
)
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.contrasts import Array
from stepscape.experiments.frame.intervals import Interval, student
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.limits import EDGE, NEARLY_ALL
from stepscape.experiments.frame.sentences import interval
from stepscape.experiments.logistic.arm_runs import FULL, QUICK, grid, tried, work
from stepscape.experiments.logistic.arrival import ARRIVED, COLUMNS, RULE, compared
from stepscape.experiments.logistic.cells import (
    PLACES,
    REGIONS,
    TOGETHER,
    WHEN,
    WHERE,
    around,
    asked,
    drop,
    intervals,
    pooled,
    saved,
    saves,
    share_at,
    signs,
    with_iterates,
    with_shares,
)
from stepscape.experiments.logistic.complex_truths import (
    ALL_CELLS,
    LEAST_VARIATIONS,
    SIZES,
    complex_truths,
    missed,
    sizes_of,
    slopes_of,
)
from stepscape.experiments.logistic.complex_truths import RULE as COMPLEX_TRUTHS
from stepscape.experiments.logistic.edge import PREMISES, on_line
from stepscape.tables.records import Table


def outside(rows: Table) -> str:
    """Say that the small start lies outside the threshold, although nearly all its runs must lie inside."""
    begins = starts(rows)
    inside = fraction(begins[np.isfinite(begins)] < 1.0)
    if "small_init" not in rows["arm"] or not inside < NEARLY_ALL:
        return ""
    return f"only {inside:.0%} of the runs at the largest step size start inside their threshold"


def starts(rows: Table) -> Array:
    """λ_max·η/2 at the start of the runs at the largest step size of the grid; nan where a run failed."""
    largest = rows.where(step_size=rows["step_size"].max())
    if "initial_sharpness" not in largest:
        return np.full(len(largest), np.nan)
    return np.asarray(largest["initial_sharpness"] * largest["step_size"] / 2.0, np.float64)


def narrowest(table: Table) -> Table:
    """Keep the rows of the narrowest interval."""
    return table.where(half_width=table["half_width"].min())


def settles(result: Result, low: float, high: float, nearly_all: float) -> Finding:
    """Whether the runs at the largest step size of the grid settle on 2/η."""
    largest = result.table.where(step_size=result.table["step_size"].max())
    works = largest.rows(STEP_SIZES.counts(largest))
    if not len(works):
        return lacking("no run at the largest step size finished with bent neurons")
    says = Says("runs at the largest step size", "settle", "on the line 2/η")
    found = decide.share(on_line(works, low, high), says, nearly_all, works["seed"])
    quartiles = np.quantile(works["edge_ratio"], [0.25, 0.5, 0.75])
    names = ("lower quartile", "median", "upper quartile")
    return found.with_numbers({
        "λ_max·η/2 at the start, median": median(starts(result.table)),
        **{f"λ_max·η/2, {name}": float(value) for name, value in zip(names, quartiles, strict=True)},
    })  # fmt: skip


def helps(
    result: Result, least: float, moments: Sequence[str], decides: bool = False, **still: float
) -> Finding:
    """Whether large steps have less excess risk than small ones at some moments, by region.

    decides : the first region decides, and the others are asked beside it.
    """
    columns = {
        f"excess_risk{suffix}{moment}": f"less excess risk {where} {WHEN[moment]}"
        for moment in moments
        for suffix, where in PLACES.items()
    }
    return saves(narrowest(result.table), columns, least, still=still, decides=decides)


def midpoint(result: Result, factor: float, least: float) -> Finding:
    """Whether the midpoint removes most of the excess risk of a single iterate, by region."""
    table = with_iterates(narrowest(result.table))
    found = {
        WHERE[region]: signs(
            table, partial(excess_of_one_iterate, region=suffix, factor=factor),
            Says("the midpoint", "remove", f"most of a single iterate's excess risk {WHERE[region]}"),
            f"log10 of a ratio, single iterates over their midpoint, beyond {factor:g}", least, len(REGIONS),
        )
        for region, suffix in REGIONS.items()
    }  # fmt: skip
    return together(found, named=False)


def excess_of_one_iterate(rows: Table, region: str, factor: float) -> Array:
    """log10 (seeds,) of single iterates over their midpoint and a factor, at the largest step size."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log10(rows[f"excess_risk{region}_iterates"] / rows[f"excess_risk{region}"] / factor)
    return around(Table({**rows.columns, "ratio": ratio}), "ratio", float(STEP_SIZES.working(rows)[-1]))


def where_the_risk_sits(result: Result, least: float) -> Finding:
    """Whether a larger share of the excess risk lies outside the interior at the largest step size."""
    table = with_shares(narrowest(result.table))
    says = Says("a larger share of the excess risk", "lie", "outside the interior at the largest step size")
    found = signs(
        table, lambda rows: -drop(rows, "outside_share"), says, "share, largest minus smallest step size",
        least, 1,
    )  # fmt: skip
    ends = {
        name: asked(table, partial(share_at, end=end)) for name, end in (("smallest", 0), ("largest", -1))
    }
    return found.with_numbers({
        "share of the inputs outside, median": median(table["outside_inputs"]),
        **{f"share at the {name} step size": interval(pooled(each)) for name, each in ends.items()},
    })  # fmt: skip


def numbers(result: Result) -> Table:
    """Return how long runs were trained at each moment, and whether they fit the interior there."""
    ends = {"smallest": min, "largest": max}
    rows = []
    for arm in result.settings["arms"]:
        table = result.table.where(arm=arm)
        for end, of in ends.items() if len(table) else ():
            some = narrowest(table).where(step_size=of(table["step_size"]))
            some = some.rows(STEP_SIZES.counts(some))
            rows += [
                {"arm": arm, "moment": moment.words, "step size": end, **_trained(some, suffix)}
                for suffix, moment in COMPARED.items()
                if len(some)
            ]
    return Table.from_records(rows)


def _trained(rows: Table, suffix: str) -> dict[str, float]:
    return {
        "steps, median": median(rows[f"steps{suffix}"]),
        "share at its last step": fraction(rows[f"steps{suffix}"] == rows["steps"]),
        "share that fits the interior": fraction(rows[f"optimized_interior{suffix}"] == 1),
    }


def draw(result: Result) -> dict[str, Drawn]:
    """Draw what large steps save, sharpness, complex truths, and where the risk lies."""
    from stepscape.experiments.logistic import logistic_arms_figures as figures

    table, arms = result.table, list(result.settings["arms"])
    narrow, lost = narrowest(table), factors(table, arms)
    return {
        "help": figures.helped(help_intervals(narrow, arms), arms, float(table["step_size"].max())),
        "edge": figures.edge(table, arms),
        "complex-truths": figures.complex_truths(*lost, arms, SIZES),
        "where-the-risk-sits": figures.shares(with_shares(narrow), arms),
        "complex-truths-all": figures.complex_truths_all(*lost, arms, SIZES),
        "excess-interior-all": figures.excess_all(narrow, arms, "interior"),
        "excess-everywhere-all": figures.excess_all(narrow, arms, "everywhere"),
    }


def help_intervals(table: Table, arms: Sequence[str]) -> Table:
    """One row per arm, region, moment and cell: the interval of what the largest step size saves."""
    entries = []
    for arm, region, suffix in product(arms, ("interior", "everywhere"), WHEN):
        column = f"excess_risk{REGIONS[region]}{suffix}"
        if column in table:
            rows = compared(table.where(arm=arm), suffix, **ARRIVED)
            found = asked(rows, partial(saved, column=column))
            place = {"arm": arm, "region": WHERE[region], "suffix": suffix}
            entries += [
                {**place, "cell": cell, "together": cell == TOGETHER or len(found.values) == 1, **_ends(each)}
                for cell, each in intervals(found, (2 if suffix == "_held_out" else 4) * len(PLACES)).items()
            ]
    return Table.from_records(entries)


def factors(table: Table, arms: Sequence[str]) -> tuple[Table, dict[tuple[str, str], Interval]]:
    """One row per arm and cell: how much the truth varies, and what the largest step size loses on it.

    Also return the slopes by arm and measure of variation.
    """
    entries: list[dict[str, Any]] = []
    found_slopes: dict[tuple[str, str], Interval] = {}
    at_once = 1 + len(SIZES)
    for arm in arms if set(SIZES) <= set(table.columns) else ():
        rows = table.where(arm=arm)
        found = missed(rows)
        sizes, widths, shown = sizes_of(rows, found), cells(rows, ALL_CELLS), intervals(found, at_once)
        for i, cell in enumerate(found.values):
            varies = {column: float(sizes[column][i]) for column in SIZES}
            place = {"arm": arm, "half_width": float(widths[cell]["half_width"][0])}
            entries.append({**place, **varies, **_ends(shown[cell])})
        if found.values:
            found_slopes |= {
                (arm, column): student(x, at_once) for column, x in slopes_of(rows, found).items()
            }
    return Table.from_records(entries), found_slopes


def _ends(found: Interval) -> dict[str, float]:
    return {"mean": found.mean, "low": found.low, "high": found.high}


_CELLS = (
    "Every cell of the narrowest interval and the mean over the cells have intervals, paired by seed and "
    "simultaneous: yes if the mean lies above 0 and no cell below, no if the mean excludes "
)
_BOTH = (
    "at the smallest step size over that at the largest, and the same by the slope over all step sizes: the "
    "ends and the trend must agree. "
)
_BY_ARM: dict[str, Any] = {"by": "arm", "needs": outside}

CLAIM = Claim(
    name="logistic-arms",
    title="Logistic loss from three starts: what the step size does, and what the start does",
    claim=(
        "With the logistic loss, too, large step sizes lead to functions with less excess risk where the "
        "truth is uncertain; they may fail to express complex truths (large TV(f0)). The claim is judged in "
        "three arms: from PyTorch's default initialization, from a start inside every threshold, and with "
        "warm-up."
    ),
    kind="figure",
    source=(
        "Qiao and Wang (2025), Figure 2 and experiments; Fazel and Wang, NeurIPS tutorial 'Training "
        "Instability', part 2"
    ),
    setup=(
        "The law is that of logistic-step-sizes with a tenth of the labels flipped. There are three arms, "
        "four of its step sizes, its 30 000 steps, and an interval three times as wide with as many inputs "
        "per unit. Seeds are fresh; those below 30 and from 1000 on were seen before. Cells of a seed share "
        "the uniform numbers behind inputs and labels. The small start must lie inside its threshold in "
        "nearly all runs."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=tried,
    work=work,
    parts=(
        Part(
            "settles",
            "λ_max settles on 2/η",
            "Of the runs at the largest step size that finished with bent neurons, some have a mean "
            "λ_max·η/2 of the midpoint between {low:g} and {high:g} over the records of the last half of "
            "their steps: yes if their share is at least {nearly_all:.0%}, no if its interval lies below one "
            "half.",
            settles,
            {"low": EDGE[0], "high": EDGE[1], "nearly_all": NEARLY_ALL},
            by="arm",
        ),
        Part(
            "help_stopped_early",
            "Stopped early, large steps have less excess risk",
            "With every run stopped at its best held-out moment, the value is log10 of the excess risk "
            "between the outermost inputs at which the truth is uncertain (|f0| ≤ 1), in the interior, and "
            "over all inputs, " + _BOTH + _CELLS + "{least:g} or more. The first region decides: where it "
            "says yes, and another does not, it is so in part.",
            partial(helps, moments=("_held_out",), decides=True),
            {"least": 0.05},
            primary=True,
            reads=("excess_risk_uncertain_held_out",),
            **_BY_ARM,
        ),
        Part(
            "help_in_the_end",
            "After equally many steps and at equal time, large steps have less excess risk",
            "The values are the same, but after equally many steps and at equal time. "
            + _CELLS
            + "{least:g} or more. "
            + RULE
            + " With warm-up the moment of equal time lies in the warm-up: there the run of step size 1.2 "
            "moves with about 0.35, that of 0.4 with 0.24. If only some of these say yes, it is so in part.",
            partial(helps, moments=("", "_equal_time")),
            {"least": 0.05, **ARRIVED},
            reads=("excess_risk_uncertain", *COLUMNS),
            **_BY_ARM,
        ),
        Part(
            "complex_truths",
            "Large steps miss complex truths",
            COMPLEX_TRUTHS,
            complex_truths,
            {"least": 0.05, "variations": LEAST_VARIATIONS},
            reads=("excess_risk_interior_held_out", *SIZES),
            **_BY_ARM,
        ),
        Part(
            "midpoint",
            "The midpoint takes most of the excess risk away",
            "The value is log10 of the excess risk of a single iterate (averaged over the last two) over "
            "{factor:g} times that of their midpoint network, at the largest step size and the end of "
            "training. " + _CELLS + "{least:g} or more. Each region is a question.",
            midpoint,
            {"factor": 2.0, "least": 0.05},
            reads=tuple(f"excess_risk{region}_last" for region in REGIONS.values()),
            **_BY_ARM,
        ),
        Part(
            "where_the_risk_sits",
            "At large steps a larger share of the excess risk lies outside the interior",
            "The value is the share of the excess risk over all inputs that lies outside the interior at "
            "the end of training, at the largest minus at the smallest step size. "
            + _CELLS
            + "{least:g} or more.",
            where_the_risk_sits,
            {"least": 0.1},
            reads=("interior_share",),
            **_BY_ARM,
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        **PREMISES,
        "optimized_interior": "the network fits the labels of the interior as well as the truth does",
    },
    numbers=numbers,
    by="arm",
    names=ARM_NAMES,
)
