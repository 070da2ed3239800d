"""Logistic regression with steps beyond the stable ones: the loss jumps, then falls as 1/(γ²ηt)."""

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
    Settings,
    at_least,
    decide,
    lacking,
    seeds,
    sweep,
)
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.finding import all_of, together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.illustrations.end_law import on_the_law
from stepscape.experiments.illustrations.runs import LogisticRun, begin, work
from stepscape.experiments.illustrations.separable_data import NAMES
from stepscape.experiments.illustrations.shortfall import unless_nearly_all
from stepscape.tables.records import Table
from stepscape.theory.large_steps import CALM

Array = NDArray[np.float64]
PATIENCE = 5.0
_QUICK: dict[str, Any] = {
    "data_sets": ("two_points", "planted", "wide"),
    "data_margin": 0.05,
    "stable_multiples": (0.5, 2.0, 6.0, 20.0),
    "steps": 8000,
    "data_margins": (0.2, 0.1),
    "seeds": 4,
    "first_seed": 0,
}
_FULL = {
    **_QUICK,
    "stable_multiples": (0.5, 1.5, 2.0, 3.0, 6.0, 10.0, 20.0),
    "steps": 100_000,
    "data_margins": (0.3, 0.2, 0.1, 0.025),
    "seeds": 20,
    "first_seed": 100,
}


def grid(settings: Settings) -> list[LogisticRun]:
    """Every data set, multiple of the stable step size, and seed; and the two points with further margins.

    The further margins get as many steps as their square asks for.
    """
    at_least(settings, seeds=1, steps=10)
    first, margin = settings["first_seed"], settings["data_margin"]
    fixed = {"method": "descend", "unit": "threshold", "seed": seeds(settings)}
    main = sweep(
        LogisticRun, settings, data=settings["data_sets"], margin=margin, factor=settings["stable_multiples"],
        **fixed, drawn=lambda run: run.seed == first,
    )  # fmt: skip
    beyond = [multiple for multiple in settings["stable_multiples"] if multiple > 1.0]
    further = sweep(
        LogisticRun, settings, data="two_points", margin=[x for x in settings["data_margins"] if x != margin],
        factor=sorted(beyond)[:1], **fixed, drawn=False,
        steps=lambda run: max(
            10, round(settings["steps"] * min(16.0, (margin / max(run.margin, 1e-3)) ** 2))
        ),
    )  # fmt: skip
    return main + further


def of_the_main_margin(result: Result) -> Table:
    """Rows of the runs that compare data sets and step sizes."""
    table = result.table
    margin = result.settings.get("data_margin", _QUICK["data_margin"])
    return table.rows((table["margin"] == margin) & (table["outcome"] == "finished"))


def beyond(result: Result) -> Table:
    """Rows of these with a step size beyond 2 over the largest curvature."""
    table = of_the_main_margin(result)
    return table.rows(table["over_threshold"] > 1.0) if len(table) else table


def follows_the_law(result: Result, factor: float, patience: float) -> Finding:
    """Whether γ²ηtL tends to 1: within a factor of it at the end, and nearer than at a tenth of the time."""
    every = beyond(result)
    long_enough = every["patience"] >= patience if len(every) else np.zeros(0, bool)
    if not len(every) or long_enough.mean() < MOST:
        counted = f"{int(long_enough.sum())} of {len(every)} runs with large steps"
        return lacking(f"only {counted} are long enough after their phase")
    table = every.rows(long_enough)
    says = Says("runs", "end", f"within a factor {factor:g} of 1/(γ²ηt), and nearer than before", plural=True)
    flags = on_the_law(table["law"], table["law_before"], factor)
    found = decide.share(flags, says, groups=table["seed"])
    return unless_nearly_all(found, long_enough, "runs are long enough after their phase").with_numbers(
        {"γ²ηtL, median": 10.0 ** median(table["law"])}
    )


def is_lower_with_larger_steps(result: Result, least: float) -> Finding:
    """Whether the loss at the end falls with the step size: from one end to the other, and in its trend."""
    table = of_the_main_margin(result)
    seeds_, at = np.unique(result.table["seed"]), np.unique(table["factor"]).astype(float)
    if at.size < 2:
        return lacking("runs finished at fewer than two step sizes")
    values = np.full((seeds_.size, at.size), np.nan)
    values[np.searchsorted(seeds_, table["seed"]), np.searchsorted(at, table["factor"])] = table["log_loss"]
    gap = (values[:, 0] - values[:, -1]) / np.log(10.0)
    ends = Says("the largest steps", "end", "at a lower loss than the smallest", plural=True)
    trend = Says("the loss at the end", "fall", "from one step size to the next")
    what = f"decades of loss, {at[0]:g} over {at[-1]:g} times the stable step size"
    found = all_of({
        "ends": decide.sign(gap, ends, what, least, at_once=2),
        "trend": decide.sign(-rank_correlations(values, at), trend, "rank correlation, its sign turned",
                             0.1, at_once=2),
    })  # fmt: skip
    return unless_nearly_all(found, np.isfinite(gap), "seeds finish at both")


def rises_first(result: Result) -> Finding:
    """Whether the loss rises in some step of the runs beyond the stable step size."""
    table = beyond(result)
    if not len(table):
        return lacking("no run has a step size beyond 2 over the largest curvature")
    says = Says("runs beyond the stable step size", "have", "a step in which the loss rises", plural=True)
    return decide.share(table["rises"] > 0, says, groups=table["seed"]).with_numbers(
        {
            "rises, median": float(np.median(table["rises"])),
            "last rise at step, median": float(np.median(table["last_rise"])),
        }
    )


def is_calm_later(result: Result, calm: float) -> Finding:  # noqa: ARG001  (in the runs)
    """Whether the loss never rises from the first step on at which ηL is small, or at a stable step size."""
    table = result.table.rows(result.table["outcome"] == "finished")
    stable = table["over_threshold"] <= 1.0
    left = np.where(
        stable, table["steps"], np.where(table["phase_end"] < 0, 0, table["steps"] - table["phase_end"])
    )
    broken = np.where(stable, table["rises"], table["rises_when_calm"])
    return decide.inequality(int(left.sum()), int(broken.sum()), "calm steps")


def ends_in_time(result: Result) -> Finding:
    """Whether the phase ends before the step that theory gives."""
    table = result.table.rows(result.table["outcome"] == "finished")
    table = table.rows((table["phase_end"] >= 0) | (table["steps"] >= table["phase_bound"]))
    late = (table["phase_end"] < 0) | (table["phase_end"] > table["phase_bound"])
    return decide.inequality(len(table), int(late.sum()), "runs", table["phase_end"] / table["phase_bound"])


def ends_and_is_calm(result: Result, calm: float) -> Finding:
    """Whether the phase ends in time, and the loss never rises from then on."""
    return together({"phase": ends_in_time(result), "calm": is_calm_later(result, calm)})


def average_is_bounded(result: Result) -> Finding:
    """Whether the mean loss stays below the bound at every step."""
    table = result.table.rows(result.table["outcome"] == "finished")
    return decide.inequality(
        int(table["compared"].sum()), int(table["violations"].sum()), "numbers of steps",
        np.exp(-table["slack"].astype(float)),
    )  # fmt: skip


def lengths(result: Result) -> tuple[Array, Array]:
    """Margins of the two points, and the length of their phase (seeds, margins); nan where it does not end.

    At the smallest multiple beyond the stable step size.
    """
    every = result.table.where(data="two_points")
    beyond = every["factor"][every["factor"] > 1.0]
    table = every.where(outcome="finished")
    if not beyond.size or not len(table):
        return np.empty(0), np.empty((0, 0))
    table = table.rows((table["phase_end"] > 0) & (table["factor"] == beyond.min()))
    margins, names = np.unique(table["margin"]), np.unique(table["seed"])
    values = np.full((names.size, margins.size), np.nan)
    at = np.searchsorted(names, table["seed"]), np.searchsorted(margins, table["margin"])
    values[at] = table["phase_end"]
    return margins.astype(float), values


def grows_as_the_margin_shrinks(result: Result, within: float) -> Finding:
    """Whether the phase of two points lasts about 1/γ² steps: γ² times its length comes to rest."""
    margins, values = lengths(result)
    if margins.size < 2:
        return lacking("the phase of the two points ends at fewer than two margins")
    scaled = np.log10(margins**2 * values)
    change = scaled[:, 0] - scaled[:, 1]
    says = Says("the phase", "last", "in proportion to 1/γ² steps")
    what = f"decades of γ² times its length, γ = {margins[0]:g} over {margins[1]:g}"
    found = decide.equivalent(change, within, says, what)
    return unless_nearly_all(found, np.isfinite(change), "seeds end their phase at both").with_numbers(
        {"γ² times its length, median": float(10.0 ** median(scaled[:, 0]))}
    )


def numbers(result: Result) -> Table:
    """Medians for each data set and multiple of the stable step size."""
    return medians(
        of_the_main_margin(result), ("data", "factor"),
        ("step_size", "max_margin", "log_loss", "rises", "last_rise", "phase_end", "law", "patience"),
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Loss against steps; length of the phase against the margin."""
    from stepscape.experiments.illustrations import large_step_figures as figures

    return {"losses": figures.losses(result), "phase": figures.phase(result)}


CLAIM = Claim(
    name="large-step-logistic-regression",
    title="Large steps in logistic regression: up and down, then down as 1/(γ²ηt)",
    claim=(
        "Beyond the stable step sizes the loss of separable logistic regression first rises and falls for "
        "about 1/γ² steps, and then falls as 1/(γ²ηt): the larger the steps, the lower."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 1, 'Go beyond the stable regime'; Wu "
        "et al. (2024), 'Large stepsize gradient descent for logistic loss'"
    ),
    setup=(
        "Descent starts at 0 on data in the unit ball that a plane through 0 separates; the margin γ is "
        "solved for and certified. Step sizes are multiples of 2 over the largest curvature anywhere. Two "
        "points that pull apart show the rises best; 100 points near a plane, and 100 in 50 dimensions, "
        "stand beside them. Looks on seeds from 1000 on."
    ),
    quick=_QUICK,
    full=_FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "law",
            "In the end the loss is 1/(γ²ηt)",
            "Of the runs beyond the stable step size that have at least {patience:g} times as many steps as "
            "the phase and its memory 1/(γ²ηL) take, nearly all end with γ²ηtL within a factor {factor:g} of "
            "1, and with nine tenths of the distance from 1, in the logarithm, that they had at a tenth of "
            "their steps, or less (within 0.03 decades nothing need come nearer). Where fewer than nine in "
            "ten are as long, a yes is one in part; where fewer than half are, nothing is judged.",
            follows_the_law,
            {"factor": 2.0, "patience": PATIENCE},
            primary=True,
            by="data",
            reads=("patience",),
        ),
        Part(
            "rises",
            "Before that, the loss rises and falls",
            "Nearly all runs with a step size beyond 2 over the largest curvature have a step in which the "
            "loss rises.",
            rises_first,
            by="data",
            reads=("rises",),
        ),
        Part(
            "lower",
            "The larger the steps, the lower the loss at the end",
            "log10 of the loss at the end, smallest over largest step size, and minus its rank correlation "
            "with the step size have intervals above 0; not, if they exclude {least:g} or 0.1.",
            is_lower_with_larger_steps,
            {"least": 0.05},
            by="data",
            reads=("log_loss",),
        ),
        Part(
            "phase",
            "The phase ends before the step that theory gives, and the loss never rises after",
            "ηL ≤ {calm:.4g}, which is x with x eˣ = 2, comes before the first T with (√2 + 2 log(γ²ηT) + "
            "η)/(γ²ηT) at most 0.615/η and 1/(2n). No step raises the loss after that, and none at all at a "
            "step size of at most 2 over the largest curvature.",
            ends_and_is_calm,
            {"calm": CALM},
            kind="inequality",
            reads=("phase_end", "rises_when_calm"),
        ),
        Part(
            "growth",
            "It lasts about 1/γ² steps",
            "log10 of γ² times its length, for the two points at the smallest multiple beyond the threshold, "
            "differs by less than {within:g} between the smallest margin and the second smallest.",
            grows_as_the_margin_shrinks,
            {"within": 0.05},
            reads=("phase_end",),
        ),
        Part(
            "average",
            "The mean loss is below its bound at every step",
            "For every T with γ²ηT ≥ 1, (1/T) Σ L(w_t) over t < T is at most "
            "(1 + ½(log(γ²ηT) + η/2)²)/(γ²ηT).",
            average_is_bounded,
            kind="inequality",
            reads=("violations",),
        ),
    ),
    draw=draw,
    premises={
        "max_margin": "the data are separable: γ is positive, and certified from both sides",
        "radius": "no input is longer than 1",
        "patience": f"the law has had time: at least {PATIENCE:g} times the phase and its memory",
    },
    numbers=numbers,
    by="data",
    names=NAMES,
)  # fmt: skip
