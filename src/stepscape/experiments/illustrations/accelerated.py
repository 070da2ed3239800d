"""Logistic regression with a budget of T steps: 1/T² with steps as long as γ²T, 1/T with stable ones."""

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
from stepscape.experiments.frame.finding import all_of
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.illustrations.end_law import on_the_law
from stepscape.experiments.illustrations.runs import LogisticRun, begin, work
from stepscape.experiments.illustrations.separable_data import NAMES
from stepscape.experiments.illustrations.shortfall import unless_nearly_all
from stepscape.tables.records import Table

Array = NDArray[np.float64]
ARMS: dict[str, dict[str, Any]] = {
    "large": {"method": "descend", "unit": "budget", "factor": 2.0},
    "stable": {"method": "descend", "unit": "threshold", "factor": 1.0},
    "nesterov": {"method": "accelerate", "unit": "threshold", "factor": 0.5},
    "far": {"method": "descend", "unit": "budget", "factor": 200.0},
}
_QUICK: dict[str, Any] = {
    "data_sets": ("two_points", "planted"),
    "data_margin": 0.1,
    "budgets": (400, 1600, 6400),
    "seeds": 4,
    "first_seed": 0,
}
_FULL = {
    **_QUICK,
    "data_sets": ("two_points", "planted", "outnumbered", "wide"),
    "data_margin": 0.05,
    "budgets": (400, 1600, 6400, 25_600, 102_400),
    "seeds": 20,
    "first_seed": 100,
}


def grid(settings: Settings) -> list[LogisticRun]:
    """Every data set, way to step, budget and seed."""
    at_least({**settings, "budgets": min(settings["budgets"])}, seeds=1, budgets=10)
    return sweep(
        LogisticRun,
        settings,
        data=settings["data_sets"],
        margin=settings["data_margin"],
        label=list(ARMS.values()),
        steps=settings["budgets"],
        seed=seeds(settings),
        drawn=False,
    )


def arm(table: Table, name: str) -> Table:
    """Rows of one way to step that finished."""
    return table.where(**ARMS[name], outcome="finished")


def by_budget(table: Table, name: str, column: str) -> tuple[Array, Array]:
    """Budgets, and a column for one way to step (seeds, budgets); nan where a run is missing."""
    rows, every, names = arm(table, name), np.unique(table["steps"]), np.unique(table["seed"])
    out = np.full((names.size, every.size), np.nan)
    if len(rows):
        at = np.searchsorted(names, rows["seed"]), np.searchsorted(every, rows["steps"])
        out[at] = rows[column]
    return every.astype(float), out


def losses(table: Table, name: str) -> tuple[Array, Array]:
    """Budgets, and log10 of the loss at their end (seeds, budgets); nan where a run is missing."""
    budgets, logs = by_budget(table, name, "log_loss")
    return budgets, logs / np.log(10.0)


def judged(table: Table, name: str, column: str) -> Array:
    """As in `by_budget`, but nan where the step size 2γ²T of large steps is not beyond the stable one."""
    _, values = by_budget(table, name, column)
    if name == "large":
        values[by_budget(table, name, "over_threshold")[1] <= 1.0] = np.nan
    return values


def changes(table: Table, name: str) -> Array:
    """Decades by which γ²ηTL grows from the second largest budget to the largest, seed by seed."""
    values = judged(table, name, "law")
    return np.asarray(values[:, -1] - values[:, -2] if values.shape[1] > 1 else np.full(len(values), np.nan))


def is_squared(result: Result, within: float) -> Finding:
    """Whether the loss of the steps as long as γ²T is of order 1/T²: 2γ⁴T²L no longer grows."""
    found = changes(result.table, "large")
    if not np.isfinite(found).any():
        return lacking("2γ²T is beyond the stable step size at fewer than two budgets")
    says = Says("the loss of large steps", "be", "of order 1/T²")
    what = f"{within:g} minus decades by which 2γ⁴T²L grows between the two largest budgets"
    whole = decide.sign(within - found, says, what)
    return unless_nearly_all(whole, np.isfinite(found), "seeds have η = 2γ²T beyond the stable one twice")


def is_plain(result: Result, within: float, least: float) -> Finding:
    """Whether the loss of the stable steps is of order 1/T, and larger than that of large ones in the end."""
    order = Says("the loss of stable steps", "be", "of order 1/T")
    lower = Says("large steps", "end", "at a lower loss than stable ones", plural=True)
    what = "decades by which γ²ηTL grows between the two largest budgets"
    return all_of({
        "order": decide.equivalent(changes(result.table, "stable"), within, order, what, at_once=2),
        "gain": compares(result, "stable", lower, least, at_once=2),
    })  # fmt: skip


def constants(result: Result, factor: float) -> Finding:
    """Whether γ²ηTL tends to 1 for large and for stable steps."""
    laws = {name: judged(result.table, name, "law")[:, -1] for name in ("large", "stable")}
    before = {name: by_budget(result.table, name, "law")[1][:, 0] for name in laws}
    known = np.isfinite([*laws.values(), *before.values()]).all(axis=0)
    if not known.any():
        return lacking("no seed has large and stable steps at the largest budget")
    flags = {name: on_the_law(laws[name], before[name], factor)[known] for name in laws}
    says = Says("seeds", "have", f"both numbers within a factor {factor:g} of 1, and nearer", plural=True)
    found = decide.share(flags["large"] & flags["stable"], says).with_numbers(
        {f"γ²ηTL with {name} steps, median": 10.0 ** median(law) for name, law in laws.items()}
    )
    return unless_nearly_all(found, known, "seeds have 2γ²T beyond the stable step size")


def compares(result: Result, other: str, says: Says, least: float, at_once: int = 1) -> Finding:
    """Decide decades of loss, another way to step over large steps, at the largest budget."""
    budgets, others = losses(result.table, other)
    gap = others[:, -1] - judged(result.table, "large", "log_loss")[:, -1] / np.log(10.0)
    if not np.isfinite(gap).any():
        return lacking("no seed has large steps at the largest budget")
    what = f"decades of loss, {other} over large, T = {budgets[-1]:g}"
    found = decide.sign(gap, says, what, least, at_once=at_once)
    return unless_nearly_all(found, np.isfinite(gap), "seeds have both runs")


def beats_nesterov(result: Result, least: float) -> Finding:
    """Whether descent with steps as long as γ²T ends below Nesterov's method."""
    says = Says("descent with large steps", "end", "below Nesterov's method")
    return compares(result, "nesterov", says, least)


def longer_are_worse(result: Result) -> Finding:
    """Whether steps a hundred times as long end at a higher loss, seed by seed."""
    _, values = losses(result.table, "large")
    _, others = losses(result.table, "far")
    if not values.size:
        return lacking("no run finished")
    gap = others[:, -1] - values[:, -1]
    says = Says("seeds", "have", "a higher loss at steps a hundred times as long", plural=True)
    found = decide.share(gap[np.isfinite(gap)] > 0.0, says)
    return unless_nearly_all(found, np.isfinite(gap), "seeds have both runs")


def nesterov_is_bounded(result: Result) -> Finding:
    """Whether Nesterov's method stays below its bound at every step."""
    table = arm(result.table, "nesterov")
    if not len(table):
        return lacking("no run of Nesterov's method finished")
    return decide.inequality(
        int(table["compared"].sum()), int(table["violations"].sum()), "numbers of steps",
        np.exp(-table["slack"].astype(float)),
    )  # fmt: skip


def numbers(result: Result) -> Table:
    """Medians for each data set, way to step and budget; factors name the ways."""
    return medians(
        result.table, ("data", "method", "factor", "steps"),
        ("step_size", "max_margin", "log_loss", "law", "scaled", "rises"),
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Loss at the end of the budget against the budget."""
    from stepscape.experiments.illustrations import accelerated_figures as figures

    return {"budgets": figures.budgets(result)}


CLAIM = Claim(
    name="accelerated",
    title="A budget of T steps: large steps reach 1/T², stable ones 1/T",
    claim=(
        "With steps as long as γ²T, plain descent of separable logistic regression reaches a loss of order "
        "1/T² after T steps, the rate of Nesterov's method, where stable steps reach 1/T."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 1, 'Nesterov Accelerated Rates'; "
        "Wu et al. (2024), Corollary 2"
    ),
    setup=(
        "For every budget T a descent of its own, with the step size 2γ²T, beside the stable one, 2 over the "
        "largest curvature; Nesterov's method with one over that curvature; and steps of 200γ²T. γ is "
        "solved for and certified. Looks on seeds from 1000 on; the factor 2 is the one of our sources."
    ),
    quick=_QUICK,
    full=_FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "large",
            "With η = 2γ²T the loss is of order 1/T²",
            "log10 of 2γ⁴T²L grows by less than {within:g} from the second largest budget to the largest, "
            "over the seeds whose η is beyond the stable step size at both; reproduced or not if the whole "
            "interval says so.",
            is_squared,
            {"within": 0.1},
            primary=True,
            by="data",
            reads=("law",),
        ),
        Part(
            "stable",
            "With the stable step size it is of order 1/T, and larger in the end",
            "log10 of γ²ηTL, η fixed at 2 over the largest curvature, changes by less than {within:g} "
            "between the same budgets; and log10 of that loss over that with η = 2γ²T, where that is beyond, "
            "has an interval above 0 at the largest budget (not, if it excludes {least:g}).",
            is_plain,
            {"within": 0.1, "least": 0.05},
            by="data",
            reads=("law",),
        ),
        Part(
            "constants",
            "Both constants are 1",
            "At the largest budget nearly all seeds have 2γ⁴T²L, and with the stable step size γ²ηTL, within "
            "a factor {factor:g} of 1; and nine tenths as far from 1, in the logarithm, as at the smallest "
            "budget, or less (within 0.03 decades nothing need come nearer). Seeds count whose 2γ²T is "
            "beyond the stable step size.",
            constants,
            {"factor": 2.0},
            by="data",
            reads=("law",),
        ),
        Part(
            "nesterov",
            "Nesterov's method is below its bound at every step",
            "For every T with γ²ηT² ≥ 1, L(w_T) ≤ 1/(γ²ηT²) + 2 log(γ²ηT²)²/(γ²η(T + 1)²).",
            nesterov_is_bounded,
            kind="inequality",
            reads=("violations",),
        ),
        Part(
            "ahead",
            "Do large steps beat Nesterov's method?",
            "log10 of the loss of Nesterov's method over that of the large steps, at the largest budget: yes "
            "if its interval lies above 0, no if it excludes {least:g}.",
            beats_nesterov,
            {"least": 0.05},
            kind="open question",
            by="data",
            reads=("log_loss",),
        ),
        Part(
            "best",
            "Are steps a hundred times as long worse?",
            "Yes if for nearly all seeds the loss at the largest budget is higher with η = 200γ²T than with "
            "2γ²T, no if for fewer than half. No other multiple is tried.",
            longer_are_worse,
            kind="open question",
            by="data",
            reads=("log_loss",),
        ),
    ),
    draw=draw,
    premises={
        "max_margin": "the data are separable: γ is positive, and certified from both sides",
        "radius": "no input is longer than 1",
    },
    numbers=numbers,
    by="data",
    names=NAMES,
)
