"""Logistic descent against the step size: the functions, their sharpness, their excess risk."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from stepscape.experiments.common.moments import MOMENTS
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import Asked, cells
from stepscape.experiments.frame.contrasts import CHOOSERS, Array, at_chosen_level
from stepscape.experiments.frame.intervals import Interval
from stepscape.experiments.frame.kinds import Answer
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.limits import EDGE, NEARLY_ALL
from stepscape.experiments.frame.sentences import interval, sentence
from stepscape.experiments.logistic.arrival import ARRIVED, COLUMNS, RULE, compared, left_out, without
from stepscape.experiments.logistic.cells import (
    CELLS,
    PLACES,
    REGIONS,
    WHEN,
    WHERE,
    asked,
    logarithmic,
    pooled,
    saved,
    saves,
    signs,
)
from stepscape.experiments.logistic.edge import (
    PREMISES,
    at_edge,
    came_up,
    could_be,
    on_line,
    started_beyond,
    where_most,
)
from stepscape.experiments.logistic.runs import FULL, QUICK, begin, grid, work
from stepscape.tables.records import Table

# Of the paper's 120 step sizes, these are nearly even in the logarithm.
STEPS = (
    0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.23,
    0.26, 0.3, 0.34, 0.4, 0.45, 0.5, 0.56, 0.62, 0.7, 0.78, 0.86, 0.94, 1.02, 1.1, 1.2,
)  # fmt: skip
NEVER_THERE = "at too few step sizes do most runs start beyond the edge or come up to it"
NO_EDGE = "at too few step sizes do most runs end on the line 2/η"
SIMPLER = {"weighted_tv": "less weighted variation ∫|f''|g", "pieces": "fewer linear pieces"}
HELPED = ("_interior", "_uncertain")
U_REGIONS = ("interior", "everywhere")
SIDES = {
    "smallest over best step size": "larger at the smallest step size than at the best",
    "largest over best step size": "larger at the largest step size than at the best",
    "the smaller side of each cell": "larger at both ends than between",
}


def edge(result: Result, low: float, high: float, least: int, nearly_all: float) -> Finding:
    """Whether the runs that could be on the line 2/η are on it."""
    table, could = result.table, could_be(result.table)
    if not enough(table, least):
        return lacking(NEVER_THERE)
    on, beyond = on_line(table, low, high), started_beyond(table)
    says = Says("runs", "end", "on the line 2/η")
    found = decide.share(on[could], says, nearly_all, table["seed"][could])
    one = (table["edge_ratio_last"] >= low) & (table["edge_ratio_last"] <= high)
    return found.with_numbers({
        "of those that start beyond 2/η, share on it": fraction(on[beyond]),
        "of those that come up to it, share on it": fraction(on[came_up(table)]),
        "share that ends above it": fraction(table["edge_ratio"][could] > high),
        "share on it by the single iterate": fraction(one[could]),
        "λ_max·η/2 of the single iterate, median": median(table["edge_ratio_last"][could]),
        "directional smoothness·η/2, median": median(table["smoothness_ratio"][could]),
    })  # fmt: skip


def enough(table: Table, least: int) -> bool:
    """Whether most runs of a cell could be on the line at this many step sizes or more."""
    at = [where_most(rows, could_be(rows)) for rows in cells(table, CELLS).values()]
    return max(map(len, at), default=0) >= least


def precise(result: Result, within: float, least: int) -> Finding:
    """Whether λ_max of these runs is 2/η up to a small share of it."""
    table, could = result.table, could_be(result.table)
    if not enough(table, least):
        return lacking(NEVER_THERE)
    ratio, seeds = table["edge_ratio"][could], table["seed"][could]
    runs = [ratio[seeds == seed] for seed in np.unique(seeds)]
    says = Says("λ_max", "be", f"2/η within {100 * within:g} % on average")
    near = Says("single runs", "be", f"within {100 * within:g} % of 2/η on average", plural=True)
    found = together({
        "mean": decide.equivalent(
            [each.mean() - 1.0 for each in runs], within, says, "λ_max·η/2 − 1, mean of the runs of a seed",
            at_once=2,
        ),
        "distance": decide.equivalent(
            [np.abs(each - 1.0).mean() for each in runs], within, near, "|λ_max·η/2 − 1|, mean as before",
            at_once=2,
        ),
    }, named=False)  # fmt: skip
    if found.answer in ("some", "mixed"):  # both are needed
        found = replace(found, answer="undecided" if found.answer == "some" else "no")
    quartiles = dict(zip(("lower quartile", "upper quartile"), np.quantile(ratio, [0.25, 0.75]), strict=True))
    return found.with_numbers({f"λ_max·η/2, {name}": float(value) for name, value in quartiles.items()})


def lacks_edge(rows: Table, least: int = 3) -> str:
    """Say that a cell has too few step sizes at the edge."""
    return STEP_SIZES.lacks(rows) or ("" if len(at_edge(rows)) >= least else NO_EDGE)


def simpler(result: Result, step_sizes: int, least: float) -> Finding:
    """Whether functions become simpler from the smallest to the largest step size at the edge."""
    return saves(result.table, SIMPLER, least, partial(lacks_edge, least=step_sizes), at_edge)


def u_shape(result: Result, least: float, **still: float) -> Finding:
    """Whether the excess risk falls and rises again, by region."""
    table = compared(result.table, "", **still)
    found = {WHERE[region]: _u(table, region, least) for region in U_REGIONS}
    return without(together(found, named=False), left_out(result.table, table, CELLS))


def _u(table: Table, region: str, least: float) -> Finding:
    """Decide on both sides, and on the smaller one of each cell: sides in different cells do not make a U."""
    column, at_once = f"excess_risk{REGIONS[region]}", len(SIDES) * len(U_REGIONS)
    found = [
        signs(
            table, partial(_side, column=column, side=i),
            Says("the excess risk", "be", f"{where} {WHERE[region]}"),
            f"log10 of a ratio, {name}", least, at_once,
        )
        for i, (name, where) in enumerate(SIDES.items())
    ]  # fmt: skip
    return both_sides(found, Says("the excess risk", "be", f"U-shaped {WHERE[region]}"))


def both_sides(found: list[Finding], says: Says) -> Finding:
    """Put the sides of a U together: no if one is not there, and open if one is open."""
    answers = [each.answer for each in found]
    if "premise_not_met" in answers:
        return next(each for each in found if each.answer == "premise_not_met")
    order: tuple[Answer, ...] = ("no", "undecided", "mixed")
    answer: Answer = next((word for word in order if word in answers), "yes")
    statement = {"yes": says.affirmed, "no": says.denied}.get(answer, says.open)
    sides = {
        name: interval(each.effect.interval) for name, each in zip(SIDES, found, strict=True) if each.effect
    }
    measured = ", ".join(f"{size} {name}" for name, size in sides.items())
    numbers = {name: value for each in found for name, value in each.numbers.items()} | sides
    text = sentence(f"{statement}: {measured} (log10 of a ratio)" if sides else statement)
    return Finding(answer, text, found[-1].effect, numbers)


def _side(rows: Table, column: str, side: int) -> Array:
    return over_best(rows, column)[side]


def over_best(rows: Table, column: str) -> tuple[Array, Array, Array]:
    """log10 of a column (seeds,) at the smallest and at the largest working step size over the best.

    The third is the smaller one of these sides. Seeds that are judged choose neither it nor the best.
    """
    values = STEP_SIZES.values(logarithmic(rows, column), column)
    best, choosing = at_chosen_level(values, np.unique(rows["seed"]))
    sides = values[:, 0] - best, values[:, -1] - best
    ends = values[choosing][:, [0, -1]]
    left = float(np.nansum(ends[:, 0] - ends[:, 1])) <= 0.0
    return *sides, sides[0 if left else 1]


def helps(result: Result, least: float, **still: float) -> Finding:
    """Whether large steps have less excess risk in the interior, and where the truth is uncertain."""
    columns = {
        f"excess_risk{place}{suffix}": f"less excess risk {PLACES[place]} {when}"
        for place in HELPED
        for suffix, when in WHEN.items()
    }
    return saves(result.table, columns, least, still=still)


def numbers(result: Result) -> Table:
    """Return what the largest step size saves at every moment, by region."""
    rows = []
    for region in U_REGIONS:
        for suffix, moment in MOMENTS.items():
            column = f"excess_risk{REGIONS[region]}{suffix}"
            if column in result.table:
                found = asked(result.table, partial(saved, column=column))
                rows.append({"moment": moment.words, "region": region, **_row(found)})
    return Table.from_records(rows)


def _row(found: Asked) -> dict[str, float]:
    """Write the interval of the mean over the cells."""
    size = pooled(found)
    return {"saved": size.mean, "low": size.low, "high": size.high, "seeds": size.count}


def draw(result: Result) -> dict[str, Drawn]:
    """Draw sharpness, excess risk, simplicity and functions; names that end in "-all" have every cell."""
    from stepscape.experiments.logistic import logistic_step_sizes_figures as figures

    table = result.table
    return {
        "edge": figures.edge(table),
        "excess": figures.excess(result, {suffix: help_intervals(result, suffix) for suffix in WHEN}),
        "simpler": figures.simpler(table),
        "functions": figures.functions(result),
        "edge-all": figures.edge_all(table),
        "excess-interior-all": figures.interior_all(table),
        "excess-everywhere-all": figures.everywhere_all(table),
        "functions-all": figures.functions_all(result),
    }


def help_intervals(result: Result, suffix: str) -> dict[str, Interval]:
    """Region → what the largest step size saves at a moment, over all cells; {} if too few compare."""
    table, columns = compared(result.table, suffix, **ARRIVED), f"excess_risk{{}}{suffix}"
    found = {
        where: asked(table, partial(saved, column=columns.format(REGIONS[region])))
        for region, where in WHERE.items()
        if region in U_REGIONS and columns.format(REGIONS[region]) in result.table
    }
    return {where: pooled(each, 2 * len(WHEN) * len(HELPED)) for where, each in found.items() if each.values}


_CELLS = (
    "Every cell and the mean over the cells have intervals, paired by seed and simultaneous: yes if the "
    "mean lies above 0 and no cell below, no if the mean excludes "
)
_BOTH = (
    "at the smallest step size over that at the largest, and the same by the slope over all step sizes: the "
    "ends and the trend must agree. "
)

CLAIM = Claim(
    name="logistic-step-sizes",
    title="Logistic loss: what a large step size does to the function and its excess risk",
    claim=(
        "Does gradient descent with a large step size prefer simple functions with the logistic loss too? "
        "'Empirically, kinda yes': λ_max settles at 2/η, the functions become simpler, and they have less "
        "excess risk inside the region where the truth is uncertain."
    ),
    kind="figure",
    source=(
        "Qiao and Wang (2025), Figure 2 and experiments; Fazel and Wang, NeurIPS tutorial 'Training "
        "Instability', part 2"
    ),
    setup=(
        "The paper prints 400 neurons, the default initialization and constant step sizes 0.01, 0.02, …, "
        "1.2, of which 30 are used; 100 jittered inputs on [−1, 1] and 30 000 steps are ours. The logit is a "
        "sine of amplitude 1, 2 or 4, and labels are flipped with probability 0, 0.1 or 0.2: nine cells. "
        "Excess risk refers to the law with flips. The rules were tried on seeds 1000 to 1099."
    ),
    quick=QUICK,
    full={**FULL, "amplitudes": (1.0, 2.0, 4.0), "flip_rates": (0.0, 0.1, 0.2), "step_sizes": STEPS},
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "edge",
            "λ_max ends on the line 2/η",
            "A run ends on the line if λ_max·η/2 of the midpoint network, averaged over the records of the "
            "last half of its steps, lies between {low:g} and {high:g}. The rule asks about the runs that "
            "start beyond 2/η and those that come up to it in the first half of their steps, if in some cell "
            "most runs do so at {least:d} step sizes or more: yes if {nearly_all:.0%} of them end on the "
            "line, no if the interval of the share lies below one half.",
            edge,
            {"low": EDGE[0], "high": EDGE[1], "least": 3, "nearly_all": NEARLY_ALL},
            primary=True,
            reads=("edge_ratio_last",),
        ),
        Part(
            "precise",
            "2/η predicts λ_max to 1 %",
            "λ_max·η/2 is that of the midpoint network, averaged over the last half of the steps, of the "
            "runs that start beyond 2/η or come up to it in time, if there are such at {least:d} step sizes "
            "or more. A seed has two values: the mean of λ_max·η/2 − 1 over its runs, in which errors "
            "cancel, and the mean of its distance from 0, in which they do not. Yes if the intervals of "
            "both lie within ±{within:g}, no if one lies outside; they are simultaneous.",
            precise,
            {"within": 0.01, "least": 3},
        ),
        Part(
            "simpler",
            "At the edge, larger steps give simpler functions",
            "A step size is at the edge if most of its runs end on the line; {step_sizes:d} such step sizes "
            "are needed. The value is log10 of ∫|f''|g, or of the number of pieces, among these, "
            + _BOTH
            + _CELLS
            + "{least:g} or more.",
            simpler,
            {"step_sizes": 3, "least": 0.05},
            reads=tuple(SIMPLER),
        ),
        Part(
            "u_shape",
            "The excess risk is U-shaped",
            "The two sides of the U are log10 of the excess risk at the end of training, at the smallest "
            f"and at the largest step size over that at the best one, which one seed in {CHOOSERS} chooses, "
            "cell by cell, for the others, which alone are judged. Yes if both sides are there, and the one "
            "that is smaller on the seeds that choose, cell by cell; no if one of the three is not. "
            + _CELLS
            + "{least:g} or more. Asked in the interior and over all inputs. "
            + RULE,
            u_shape,
            {"least": 0.05, **ARRIVED},
            reads=("excess_risk_interior", *COLUMNS),
        ),
        Part(
            "help",
            "Large steps have less excess risk in the interior and where the truth is uncertain",
            "The value is log10 of the excess risk in the interior, and between the outermost inputs at "
            "which the truth is uncertain (|f0| ≤ 1), " + _BOTH + "Asked after equally many steps, at equal "
            "time, and with every run stopped at its best held-out moment. "
            + _CELLS
            + "{least:g} or more. If only some of these say yes, it is so in part. "
            + RULE,
            helps,
            {"least": 0.05, **ARRIVED},
            reads=("excess_risk_interior", "excess_risk_uncertain", *COLUMNS),
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        **PREMISES,
        "optimized_interior": (
            "the network fits the labels of the interior at least as well as the truth does"
        ),
        "largest_logit": "the logits stay bounded, as the theorem on the excess risk supposes",
        "function_moved": (
            "f no longer moves in the last half of the steps: a run that still moves is unfinished, and its "
            "risk after equally many steps shows early stopping"
        ),
    },
    numbers=numbers,
)
