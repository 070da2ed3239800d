"""Logistic descent from three kinds of start: whether the step size decides, or where a run begins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from stepscape.errors import bad
from stepscape.experiments.common.arms import ARMS, Start, start
from stepscape.experiments.common.experiment import Experiment, Result, Settings, at_least, shared
from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.edge.sharpness_rule import EDGE
from stepscape.experiments.logistic.boundary_share import with_shares
from stepscape.experiments.logistic.cells_together import judged_in, on_seeds
from stepscape.experiments.logistic.edge import PREMISES
from stepscape.experiments.logistic.grid import TOGETHER, intervals
from stepscape.experiments.logistic.logistic_arms_rule import (
    MORE,
    SIZES,
    SLOPE,
    judge,
    misses,
    narrowest,
    sizes_of,
)
from stepscape.experiments.logistic.logistic_step_sizes_rule import helps
from stepscape.experiments.logistic.runs import FULL as RUNS
from stepscape.experiments.logistic.runs import follow, problem_of
from stepscape.experiments.square.runs import equal_time
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import GradientDescent
from stepscape.problems import Problem
from stepscape.tables.interval import Interval
from stepscape.tables.records import Record, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUICK = {
    "truth": "wave",
    "n": 100,
    "half_widths": (1.0,),
    "amplitudes": (2.0,),
    "flip_rates": (0.1,),
    "width": 400,
    "step_sizes": (0.01, 0.1, 1.2),
    "steps": 3000,
    "arms": tuple(ARMS),
    "seeds": 3,
    "first_seed": 0,
    "records": RUNS["records"],
}
FULL = {
    **QUICK,
    "half_widths": (1.0, 3.0),
    "amplitudes": (1.0, 2.0, 4.0),
    "step_sizes": (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.2),
    "steps": 30_000,
    "seeds": 10,
    "first_seed": 20,
}


class LogisticArm(Spec, frozen=True, tag="logistic-arm/1"):
    """One run of an arm; the grid's extreme step sizes set the initialization and the common time."""

    truth: str
    n: int
    half_width: float
    amplitude: float
    flip_rate: float
    width: int
    steps: int
    records: int
    arm: str
    seed: int
    step_size: float
    smallest_step_size: float
    largest_step_size: float
    drawn: bool


def grid(settings: Settings) -> list[LogisticArm]:
    """Every arm, width of the interval, amplitude, flip rate, seed and step size.

    n is the number of inputs on [−1, 1]; a wider interval has proportionally more. Runs with the first seed
    are drawn.
    """
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    for half_width in settings["half_widths"]:
        if half_width <= 0.0:
            raise bad("half_width", "be finite and positive", half_width)
    first, etas = settings["first_seed"], sorted(settings["step_sizes"])
    runs = [
        LogisticArm(**{
            **shared(LogisticArm, settings),
            "n": round(settings["n"] * half_width),
            "half_width": half_width,
            "amplitude": amplitude,
            "flip_rate": flip_rate,
            "arm": arm,
            "seed": seed,
            "step_size": eta,
            "smallest_step_size": etas[0],
            "largest_step_size": etas[-1],
            "drawn": seed == first,
        })
        for arm in settings["arms"]
        for half_width in settings["half_widths"]
        for amplitude in settings["amplitudes"]
        for flip_rate in settings["flip_rates"]
        for seed in range(first, first + settings["seeds"])
        for eta in etas
    ]  # fmt: skip
    for run in runs:
        if run.drawn:  # a wrong setting is refused before the first run
            GradientDescent(run.step_size, run.steps)
            if run.step_size == etas[0]:
                begin_at(run, problem_of(run))
    return runs


def begin_at(run: LogisticArm, problem: Problem) -> Start:
    """Where the run starts."""
    return start(run.arm, problem, run.width, run.seed, run.largest_step_size)


def work(run: LogisticArm, tick: Tick) -> Record:
    """Train one network and measure it at its moments; see `logistic_runs.follow`."""
    problem = problem_of(run)
    begin = begin_at(run, problem)
    key = f"{run.arm}|{run.half_width:g}|{run.amplitude:g}|{run.flip_rate:g}|{run.step_size:g}"
    method = begin.method(run.step_size, run.steps)
    return follow(run, begin.network, method, equal_time(run, problem, begin), key, tick)


def figures(result: Result) -> dict[str, Figure]:
    """Excess risk, sharpness, whether large steps help, complex truths, and where the risk sits."""
    from stepscape.experiments.logistic import logistic_arms_figures as draw

    table, arms = result.table, list(result.settings["arms"])
    narrow, words = narrowest(table), {suffix: moment.words for suffix, moment in COMPARED.items()}
    excess = partial(draw.excess, narrow, arms, words=words)
    factors, slopes = factors_of(table, arms)
    return {
        "edge": draw.edge(table, arms, EDGE),
        "excess-interior": excess("excess_risk_interior", name="excess risk, interior"),
        "excess-everywhere": excess("excess_risk", name="excess risk, all inputs"),
        "help": draw.helped(helped(narrow, arms), arms),
        "complex-truths": draw.complex_truths(factors, arms, SIZES, slopes),
        "where-the-risk-sits": draw.shares(with_shares(narrow), arms),
    }


def helped(table: Table, arms: list[str]) -> Table:
    """One row an arm, region, moment and cell: the interval of what the largest step size saves."""
    entries = []
    for arm in arms:
        judged, _ = judged_in(table.where(arm=arm))
        for suffix, moment in COMPARED.items() if judged else ():
            found = on_seeds(judged, partial(helps, suffix=suffix))
            for region, values in zip(("interior", "all inputs"), found.values(), strict=True):
                entries += [
                    {
                        "arm": arm,
                        "region": region,
                        "moment": moment.words,
                        "cell": cell.partition(", ")[2] or cell,
                    }
                    | _ends(interval)
                    | {"together": cell == TOGETHER}
                    for cell, interval in intervals(values).items()
                ]
    return Table.from_records(entries)


def factors_of(table: Table, arms: list[str]) -> tuple[Table, dict[tuple[str, str], Interval]]:
    """One row an arm and cell: how much the truth varies, and what the largest step size loses on it.

    Beside it the slopes by arm and measure of variation.
    """
    entries, slopes = [], {}
    for arm in arms:
        judged, _ = judged_in(table.where(arm=arm))
        if not judged:
            continue
        found, sizes = misses(judged), sizes_of(judged)
        for i, (cell, interval) in enumerate(intervals(found[MORE]).items()):
            if cell in judged:
                varies = {column: float(sizes[column][i]) for column in SIZES}
                place = {"arm": arm, "half_width": float(judged[cell]["half_width"][0])}
                entries.append({**place, **varies, **_ends(interval)})
        for column, name in SIZES.items():
            grows = found.get(f"the factor grows with {name}")
            if grows is not None:
                slopes[arm, column] = intervals(grows)[SLOPE]
    return Table.from_records(entries), slopes


def _ends(interval: Interval) -> dict[str, Any]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


EXPERIMENT = Experiment(
    name="logistic-arms",
    title="Logistic loss from three starts: what the step size does, and what the start",
    claim=(
        "With the logistic loss, too, large step sizes lead to functions with less excess risk where the "
        "truth is uncertain; they may fail to express complex truths (large TV(f0)). Asked in three arms: "
        "from PyTorch's default initialization, from a start inside every threshold, and with warm-up."
    ),
    kind="figure",
    source=(
        "Qiao and Wang (2025), Figure 2 and experiments; Fazel and Wang, NeurIPS tutorial 'Training "
        "Instability', part 2"
    ),
    setup=(
        "logistic-step-sizes starts from PyTorch's default initialization only, where λ_max·η/2 is 9 to 12 "
        "at the largest step size: its runs come to the edge from far above. This experiment has its law "
        "with a tenth of the labels flipped, 8 of its 120 step sizes and its 30 000 steps in three arms, and "
        "an interval three times as wide with as many inputs a unit. Before its rule was written a look at "
        "seeds 0 to 9, as printed and from a small start, with amplitude 2 on [−1, 1] had shown log10 of the "
        "excess risk at 0.01 over that at 1.2, at the end: in the interior −0.12 as printed and +0.17 "
        "[−0.02, +0.35] from a small start, over all inputs −0.51 and −0.20. Full size therefore has other "
        "seeds, 20 to 29. The mean over all cells decides because one yes among many cells comes by chance. "
        "Where it says yes, this rule asks that no cell says the opposite; logistic-step-sizes asks for yes "
        "in every cell, and would say 'partly' of the small start stopped early. The rule was not changed "
        "after its numbers; how long runs were trained was added to them. In all cells and arms one seed has "
        "the same uniform numbers behind inputs and labels of equal number, so that cells are not "
        "independent of each other."
    ),
    quick=QUICK,
    full=FULL,
    specs=grid,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        **PREMISES,
        "optimized_interior": "the labels of the interior are fitted at least as well as the truth fits them",
    },
)
