"""The flattest λ_max is not the flattest trace: steps that are a little too large leave the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import Array, rank_correlations
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.recovery.departure_runs import begin, grid, work
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.tables.records import Table

ARRIVED = 1e-3  # loss over the mean square of the labels
STABLE = 1.0  # multiple of 2/λ_max at the flattest solution
MEASURED = ("loss", "recovers")


def known(table: Table) -> Table:
    """Keep the finished runs whose flattest solution is the truth."""
    if any(name not in table for name in MEASURED):
        return table.rows(np.zeros(len(table), bool))
    return table.rows((table["outcome"] == "finished") & (table["recovers"] == 1))


def arrived(table: Table) -> Table:
    """Keep the runs that also ended at a solution."""
    rows = known(table)
    return rows.rows(rows["loss"] <= ARRIVED) if len(rows) else rows


def below(table: Table) -> Table:
    """Rows with step sizes for which the flattest solution is stable."""
    rows = known(table)
    return rows.rows(rows["multiple"] < STABLE) if len(rows) else rows


def above(table: Table) -> Table:
    """Rows that arrived with step sizes for which it is not."""
    rows = arrived(table)
    return rows.rows(rows["multiple"] > STABLE) if len(rows) else rows


def stays(result: Result, at_most: float) -> Finding:
    """Whether descent below the threshold comes back to the matrix of the flattest solution."""
    rows = below(result.table)
    if not len(rows):
        return lacking("no run below the threshold has the truth for its flattest solution")
    says = Says("descents below the threshold", "end", "at the truth")
    return decide.share(rows["distance"] <= at_most * rows["offset"], says, groups=rows["seed"])


def leaves(result: Result, least: float, arrive: float) -> Finding:
    """Whether descent above the threshold ends elsewhere; one that did not arrive decides nothing."""
    rows = above(result.table)
    if not len(rows):
        return lacking("no run above the threshold arrived at a solution")
    total = tried_above(result.table)
    numbers = {
        "arrived above the threshold": len(rows),
        "not arrived": total - len(rows),
        "largest λ_max·η/2 at the ends": float(rows["edge_ratio"].max()),
    }
    if len(rows) < arrive * total:
        return lacking(f"{len(rows)} of {total} runs above the threshold arrived at a solution", numbers)
    says = Says("descents above the threshold", "end", "at another solution")
    return decide.share(rows["distance"] >= least, says, groups=rows["seed"]).with_numbers(numbers)


def tried_above(table: Table) -> int:
    """Count the runs above the threshold, with those that diverged, where the truth may be flattest."""
    rows = table.rows((table["multiple"] > STABLE) & (table["outcome"] != "failed"))
    return int(np.sum((rows["outcome"] == "diverged") | (rows["recovers"] == 1)))


def changes(result: Result, column: str, sign: float, says: Says, least: float) -> Finding:
    """Whether a ratio to the flattest solution lies on one side of 1, in every problem."""
    rows = near(above(result.table))
    if not len(rows):
        return lacking("no run above the threshold arrived at a solution")
    cells = {
        PROBLEMS[name].words: mean_log(rows.where(problem=name), column, sign, rows["seed"])
        for name in problems(rows)
    }
    return decide.signs(cells, says, f"decades of {says.subject} from the flattest solution", least)


def lower(result: Result, least: float) -> Finding:
    """Whether λ_max is lower at the ends."""
    return changes(result, "sharpness_ratio", -1.0, Says("λ_max", "be", "lower than at the truth"), least)


def larger(result: Result, least: float) -> Finding:
    """Whether the trace is larger at the ends."""
    return changes(result, "trace_ratio", 1.0, Says("the trace", "be", "larger than at the truth"), least)


def near(table: Table) -> Table:
    """Keep the runs from the smallest offset."""
    return table.rows(table["offset"] == table["offset"].min()) if len(table) else table


def problems(table: Table) -> list[str]:
    """Names of the problems, in order."""
    return list(dict.fromkeys(table["problem"].tolist()))


def mean_log(rows: Table, column: str, sign: float, seeds: NDArray[Any]) -> Array:
    """log10 of a ratio, a mean over the step sizes for each of all seeds; nan where none arrived."""
    values = sign * np.log10(rows[column])
    return np.array(
        [values[rows["seed"] == seed].mean() if seed in rows["seed"] else np.nan for seed in np.unique(seeds)]
    )


def grows(result: Result, least: float) -> Finding:
    """Whether the distance from the truth grows with the step size above the threshold."""
    rows = near(above(result.table))
    at = np.unique(rows["multiple"]) if len(rows) else np.empty(0)
    if at.size < 2:
        return lacking("descent arrived at fewer than two step sizes above the threshold")
    seeds = np.unique(rows["seed"])
    cells = {
        PROBLEMS[name].words: rank_correlations(_by_seed(rows.where(problem=name), at, seeds), at)
        for name in problems(rows)
    }
    says = Says("the error", "grow", "with the step size")
    return decide.signs(cells, says, "rank correlation of the error with η", least)


def _by_seed(rows: Table, at: Array, seeds: NDArray[Any]) -> Array:
    out = np.full((seeds.size, at.size), np.nan)
    for i, j, value in zip(
        np.searchsorted(seeds, rows["seed"]),
        np.searchsorted(at, rows["multiple"]),
        rows["distance"],
        strict=True,
    ):
        out[i, j] = value
    return out


def numbers(result: Result) -> Table:
    """One row per problem, offset and step size: medians over the runs that finished, shares that arrived."""
    table = known(result.table)
    columns = ("loss", "distance", "trace_ratio", "sharpness_ratio", "edge_ratio", "end_rank", "norm_excess")
    return medians(table, ("problem", "offset", "multiple"), columns)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw error, λ_max and trace of the ends against η, and one departure step by step."""
    from stepscape.experiments.recovery import lambda_max_is_not_trace_figures as figures

    return {"ends": figures.ends(result), "departure": figures.departure(result)}


_QUICK: dict[str, Any] = {
    "problems": ("gaussian",),
    "d": 10,
    "rank": 1,
    "ratio": 3.5,
    "multiples": (0.95, 1.05, 1.1),
    "far_multiples": (0.95,),
    "offsets": (1e-3, 0.1),
    "steps": 12_000,
    "records": 12,
    "seeds": 4,
    "first_seed": 200,
}
_NEAR = (
    "With the smallest offset, for each problem and seed, a mean over the step sizes above the threshold of "
)

CLAIM = Claim(
    name="lambda-max-is-not-trace",
    title="Large steps leave the truth: λ_max is not the trace",
    claim=(
        "Flat minima recover matrices of low rank, and descent with large steps is biased towards flat "
        "minima; but steps see λ_max, and the theorem the trace: do large steps leave the truth?"
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'Relation to other properties'; "
        "flat in the sense of the trace: Ding et al. (2024)"
    ),
    setup=(
        "In every problem the flattest solution is the truth. Descent starts beside it, at a random offset "
        "relative to the factors, with step sizes in units of 2/λ_max of that solution. Smaller multiples "
        "above 1 take longer to leave, larger ones longer to arrive, or diverge. A prototype had tried 0.95, "
        "1.05 and 1.2; lengths come from trials on seeds 1000 and 1001."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "problems": ("gaussian", "bilinear", "completion"),
        "d": 20,
        "rank": 2,
        "ratio": 4.0,
        "multiples": (0.8, 0.95, 1.05, 1.1, 1.2),
        "far_multiples": (0.95, 1.2),
        "offsets": (1e-3, 1e-2, 0.1),
        "steps": 16_000,
        "records": 20,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "stays",
            "Below 2/λ_max, does descent return to the truth?",
            "Of the descents below the threshold nearly all end at a matrix whose relative distance from the "
            "truth is at most {at_most:g} times the offset, at each offset.",
            stays,
            {"at_most": 0.1},
            by="offset",
            needs=lambda table: "" if len(below(table)) else "no run below the threshold can be judged",
        ),
        Part(
            "leaves",
            "Above 2/λ_max, does descent end elsewhere?",
            "Of the descents above the threshold that arrive (a loss of at most 0.001 of the mean square of "
            "the labels) nearly all end at a matrix whose relative distance from the truth is {least:g} or "
            "more. At least {arrive:.0%} of all descents above the threshold must arrive.",
            leaves,
            {"least": 0.03, "arrive": 0.5},
            primary=True,
        ),
        Part(
            "sharpness",
            "Is λ_max lower there?",
            _NEAR
            + "log10 of λ_max at the truth over λ_max at the end. The mean over problems decides: yes if its "
            "interval lies above 0 and no problem's below, no if it excludes {least:g}.",
            lower,
            {"least": 0.005},
        ),
        Part(
            "trace",
            "Is the trace larger there?",
            _NEAR
            + "log10 of the trace at the end over that at the truth, judged like λ_max; {least:g} counts.",
            larger,
            {"least": 0.005},
        ),
        Part(
            "error",
            "Does the error grow with the step size?",
            "With the smallest offset, Spearman's rank correlation of the distance from the truth with the "
            "step sizes above the threshold at which descent arrived, judged like λ_max; {least:g} counts.",
            grows,
            {"least": 0.2},
        ),
    ),
    draw=draw,
    premises={
        "recovers": "the flattest solution is the truth",
        "loss": f"descent has arrived at a solution: a loss of at most {ARRIVED:g} of that of X = 0",
    },
    numbers=numbers,
    names={"0.001": "offset 0.001", "0.01": "offset 0.01", "0.1": "offset 0.1"},
)
