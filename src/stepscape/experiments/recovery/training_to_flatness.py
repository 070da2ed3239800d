"""Which trainings end at the flattest solution: step sizes, noise, sharpness-aware steps, penalties."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    decide,
    lacking,
    limits,
    together,
)
from stepscape.experiments.frame.contrasts import Array
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.experiments.recovery.training_runs import ARMS, TINY, begin, grid, work
from stepscape.experiments.recovery.undecided import Tried, agreed_share
from stepscape.tables.records import Table

ARRIVED = 1e-3  # loss over the mean square of the labels
AT_REST = 0.01  # share of itself that the trace may lose in the middle fifth of the steps
NOISY = ("sgd_one", "sgd_twentieth", "sgd_eighth", "sgd_reshuffled", "sam")
MEASURED = ("loss", "recovers")


def ends(table: Table) -> Table:
    """Keep the runs that ended at a solution of a problem whose flattest solution is the truth."""
    if any(name not in table for name in MEASURED):
        return table.rows(np.zeros(len(table), bool))
    keep = (table["outcome"] == "finished") & (table["recovers"] == 1) & (table["loss"] <= ARRIVED)
    return table.rows(np.asarray(keep))


def lacks_ends(table: Table) -> str:
    """Say that no run arrived; "" if one did."""
    return "" if len(ends(table)) else "no run arrived at a solution of a problem whose truth is flattest"


def base(result: Result) -> Table:
    """Keep the ends of the runs from the first scale, or from a tiny start."""
    table, first = ends(result.table), result.settings["scales"][0]
    return table.rows((table["scale"] == first) | (table["scale"] == TINY)) if len(table) else table


def trained(result: Result) -> Table:
    """Keep the runs from every start that finished or diverged, except where the truth is not flattest."""
    table = result.table
    counts = table["outcome"] == "diverged"
    if "recovers" in table:
        counts = counts | ((table["outcome"] == "finished") & (table["recovers"] == 1))
    return table.rows(np.asarray(counts))


def is_flattest(result: Result, trace: float, error: float) -> Finding:
    """Whether nearly all runs end at the flattest solution; one that diverges does not."""
    every = trained(result)
    rows = ends(every)
    if not len(every):
        return lacking("in no problem the truth is the flattest solution")
    there, under_way = np.zeros((2, len(every)), bool)
    if "loss" in every:
        there = (every["trace_ratio"] <= 1.0 + trace) & (every["distance"] <= error)
        moves = ~there & (every["falling"] > AT_REST)
        under_way = (every["outcome"] == "finished") & (moves | ~(every["loss"] <= ARRIVED))
    says = Says("runs", "end", "at the flattest solution")
    found = agreed_share(Tried.of(there, under_way), says, limits.NEARLY_ALL, every["seed"])
    if not len(rows):
        return found
    return found.with_numbers({
        "trace was still falling": int(np.sum(rows["falling"] > AT_REST)),
        "trace over the flattest, median": median(rows["trace_ratio"]),
        "trace over the flattest, largest": float(rows["trace_ratio"].max()),
        "error, median": median(rows["distance"]),
        "error, largest": float(rows["distance"].max()),
        "λ_max over that of the flattest, median": median(rows["sharpness_ratio"]),
    })  # fmt: skip


def others_are_flattest(result: Result, **constants: float) -> Finding:
    """Ask the same of every other method, one by one."""
    found = {}
    for arm in (name for name in ARMS if name != "trace_penalty"):
        runs = result.where(arm=arm)
        if runs.runs:
            found[ARMS[arm].words] = is_flattest(runs, **constants)
    return together(found)


def decay_is_another(result: Result, factor: float) -> Finding:
    """Whether weight decay and the trace penalty end apart, each with much less of what it penalizes."""
    rows = base(result)
    apart = {key: flag for name in _problems(rows) for key, flag in _apart(rows, name, factor).items()}
    if not apart:
        return lacking("in no problem both penalties arrived")
    first = trained(result).where(arm="trace_penalty", scale=result.settings["scales"][0])
    every = list(zip(first["problem"].tolist(), first["seed"].tolist(), strict=True))
    pairs = Tried.of([apart.get(key, False) for key in every], [key not in apart for key in every])
    found = agreed_share(
        pairs, Says("pairs", "be", "distinguishable"), limits.NEARLY_ALL, [seed for _, seed in every]
    )
    return found.with_numbers(_medians_of_penalties(rows))


def _apart(rows: Table, problem: str, factor: float) -> dict[tuple[str, int], bool]:
    """Whether the ends are apart, for (problem, seed) of which both penalties arrived."""
    here = rows.where(problem=problem)
    trace, decay = (
        {run["seed"]: run for run in here.where(arm=arm).records()}
        for arm in ("trace_penalty", "weight_decay")
    )
    return {
        (problem, seed): bool(
            factor * abs(trace[seed]["trace_ratio"] - 1.0) <= decay[seed]["trace_ratio"] - 1.0
            and factor * abs(decay[seed]["norm_excess"]) <= trace[seed]["norm_excess"]
        )
        for seed in sorted(trace.keys() & decay.keys())
    }


def _medians_of_penalties(rows: Table) -> dict[str, float]:
    found = {}
    for arm in ("trace_penalty", "weight_decay"):
        some, words = rows.where(arm=arm), ARMS[arm].words
        found[f"{words}: trace excess, median"] = median(some["trace_ratio"] - 1.0)
        found[f"{words}: norm excess, median"] = median(some["norm_excess"])
    return found


def lowers(result: Result, column: str, least: float) -> Finding:
    """Whether large steps end with less λ_max, or trace, than small ones, for every problem and scale."""
    rows = ends(result.table)
    seeds = np.unique(rows["seed"])
    cells = {}
    for problem in _problems(rows):
        for scale in result.settings["scales"]:
            some = rows.where(problem=problem, scale=scale)
            values = _decades(some, "large_steps", column, seeds)
            if np.isfinite(values).any():
                cells[f"{PROBLEMS[problem].words}, start {scale:g}"] = values
    words = "λ_max" if column == "sharpness_ratio" else "the trace"
    found = decide.signs(
        cells, Says("large steps", "lower", words, plural=True), f"decades of {words}", least
    )
    plain = rows.rows(np.isin(rows["arm"], ("small_steps", "large_steps")))
    return found.with_numbers(
        {"largest λ_max·η/2 of plain descent": float(plain["edge_ratio"].max(initial=0.0))}
    )


def noise_lowers_the_trace(result: Result, least: float) -> Finding:
    """Whether noise in the gradient, or SAM, ends with a smaller trace than small full-batch steps."""
    rows = base(result)
    seeds, found = np.unique(rows["seed"]), {}
    for arm in NOISY:
        cells = {
            PROBLEMS[name].words: _decades(rows.where(problem=name), arm, "trace_ratio", seeds)
            for name in _problems(rows)
        }
        known = {name: values for name, values in cells.items() if np.isfinite(values).any()}
        if known:
            says = Says("the trace", "be", "smaller than with small full-batch steps")
            found[ARMS[arm].words] = decide.signs(
                known, says, "decades of the trace", least, at_once=len(NOISY)
            )
    return together(found)


def _decades(rows: Table, arm: str, column: str, seeds: NDArray[Any]) -> Array:
    """log10 of a column with small steps over that of an arm, for each of all seeds; nan where one lacks.

    All are nan where fewer than half of the pairs arrived: a few do not speak for the others.
    """
    out = np.full(seeds.size, np.nan)
    small, other = rows.where(arm="small_steps"), rows.where(arm=arm)
    for i, seed in enumerate(seeds):
        pair = [some[column][some["seed"] == seed] for some in (small, other)]
        if all(len(each) for each in pair):
            out[i] = np.log10(pair[0][0] / pair[1][0])
    return out if np.isfinite(out).mean() >= limits.MOST else np.full(seeds.size, np.nan)


def _problems(rows: Table) -> list[str]:
    return list(dict.fromkeys(rows["problem"].tolist()))


def numbers(result: Result) -> Table:
    """One row per problem, arm and scale: medians over the ends."""
    columns = (
        "loss", "trace_ratio", "distance", "sharpness_ratio", "edge_ratio", "frobenius_ratio", "norm_excess",
        "imbalance", "end_rank",
    )  # fmt: skip
    return medians(ends(result.table), ("problem", "arm", "scale"), columns)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the ends of every method, and the trace over the steps of a few."""
    from stepscape.experiments.recovery import training_to_flatness_figures as figures

    return {"ends": figures.ends_of_methods(result), "paths": figures.paths(result)}


_QUICK: dict[str, Any] = {
    "problems": ("gaussian",),
    "d": 8,
    "rank": 1,
    "ratio": 3.2,
    "arms": ("small_steps", "large_steps", "sgd_eighth", "label_noise", "trace_penalty", "weight_decay"),
    "scales": (1.0,),
    "wide_arms": ("small_steps", "large_steps"),
    "steps": 2000,
    "records": 12,
    "seeds": 4,
    "first_seed": 200,
}
_SIGNS = (
    ", in each problem and from each start where at least half of the pairs arrive. The mean over them "
    "decides: yes if its interval lies above 0 and none of them below, no if it excludes {least:g}."
)

CLAIM = Claim(
    name="training-to-flatness",
    title="What training ends at the flattest solution",
    claim=(
        "The Hessian trace, or an approximation of it, is a good regularizer, and methods such as SGD, label "
        "noise, SAM and large steps bias training towards flat solutions: does training end at the flattest "
        "one, which is the truth?"
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, '(approximate) Hessian trace can "
        "serve as a good regularizer' and 'methods that bias iterates towards flat solutions'; Ding et al. "
        "(2024)"
    ),
    setup=(
        "All methods begin at the same random factors with as many columns as rows. Step sizes are in units "
        "of 2/λ_max of the flattest solution: 0.25 for small steps, 1.1 for large ones, which cannot stay "
        "there. These and the exact penalty also start at factors of 0.3 and 2 times that size. Noise, "
        "penalties and the radius of SAM fall to 0 over the last 40 %. Settings come from a prototype and "
        "trials on seeds 1000 to 1003."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "problems": ("gaussian", "bilinear", "completion"),
        "d": 20,
        "rank": 2,
        "ratio": 4.0,
        "arms": tuple(ARMS),
        "scales": (1.0, 0.3, 2.0),
        "wide_arms": ("small_steps", "large_steps", "trace_penalty"),
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
            "penalty",
            "Does the trace penalty end at the flattest solution?",
            "Of the runs with the exact penalty, from every start, nearly all end with a trace within a "
            "share of {trace:g} of the flattest, and a matrix within {error:g} of it. A run that diverges "
            "does not. One that has not arrived (a loss above 0.001 of the mean square of the labels), or "
            "that is elsewhere while its trace was still falling (by over 1 % between 40 % and 60 % of the "
            "steps, before anything is annealed), must not change the answer, whichever way it counts.",
            is_flattest,
            {"trace": 1e-4, "error": 1e-3},
            primary=True,
            where={"arm": "trace_penalty"},
            by="problem",
        ),
        Part(
            "others",
            "Do other methods end near it?",
            "As above for each other method, with a trace within a share of {trace:g} and a matrix within "
            "{error:g}. Yes if it is so for all methods, no if for none.",
            others_are_flattest,
            {"trace": 0.01, "error": 0.03},
        ),
        Part(
            "weight_decay",
            "Can weight decay and the trace penalty be told apart?",
            "Weight decay ends at norm-minimal factors, the trace penalty at flattest ones. In nearly all "
            "pairs with the same problem and seed each has at most 1/{factor:g} of the other's excess in "
            "what it penalizes. Pairs of which one has not arrived must not change the answer, whichever way "
            "they count.",
            decay_is_another,
            {"factor": 10},
            needs=lacks_ends,
        ),
        Part(
            "sharpness",
            "Do large steps lower λ_max?",
            "log10 of λ_max with small steps over that with large steps" + _SIGNS,
            lambda result, least: lowers(result, "sharpness_ratio", least),
            {"least": 0.005},
            needs=lacks_ends,
        ),
        Part(
            "trace",
            "Do large steps lower the trace?",
            "log10 of the trace with small steps over that with large steps" + _SIGNS,
            lambda result, least: lowers(result, "trace_ratio", least),
            {"least": 0.005},
            needs=lacks_ends,
        ),
        Part(
            "noise",
            "Do SGD and SAM lower the trace?",
            "log10 of the trace with small full-batch steps over that of each kind of SGD, and of SAM, "
            "judged for each like the large steps, with simultaneous intervals; {least:g} counts. Yes if all "
            "lower it, no if none does.",
            noise_lowers_the_trace,
            {"least": 0.005},
            needs=lacks_ends,
        ),
    ),
    draw=draw,
    premises={
        "recovers": "the flattest solution is the truth",
        "loss": f"training has arrived at a solution: a loss of at most {ARRIVED:g} of that of X = 0",
    },
    numbers=numbers,
    by="arm",
    names={
        **{name: arm.words for name, arm in ARMS.items()},
        **{name: kind.words for name, kind in PROBLEMS.items()},
    },
)
