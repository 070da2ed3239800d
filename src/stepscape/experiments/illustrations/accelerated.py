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
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.illustrations.end_law import on_the_law
from stepscape.experiments.illustrations.runs import LogisticRun, begin, work
from stepscape.experiments.illustrations.separable_data import NAMES
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
    "data_margin": 0.05,
    "budgets": (400, 1600, 6400),
    "seeds": 4,
    "first_seed": 0,
}
_FULL = {
    **_QUICK,
    "data_sets": ("two_points", "planted", "outnumbered", "wide"),
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


def losses(table: Table, name: str) -> tuple[Array, Array]:
    """Budgets, and log10 of the loss at their end (seeds, budgets); nan where a run is missing."""
    rows, every, names = arm(table, name), np.unique(table["steps"]), np.unique(table["seed"])
    out = np.full((names.size, every.size), np.nan)
    if len(rows):
        at = np.searchsorted(names, rows["seed"]), np.searchsorted(every, rows["steps"])
        out[at] = rows["log_loss"] / np.log(10.0)
    return every.astype(float), out


def follows(result: Result, factor: float, name: str, what: str) -> Finding:
    """Whether γ²ηTL tends to 1 with the budget T, the step size of this way to step put in."""
    table = arm(result.table, name)
    budgets = np.unique(table["steps"]) if len(table) else np.empty(0)
    if budgets.size < 2:
        return lacking("runs finished at fewer than two budgets")
    first, last = table.where(steps=budgets[0]), table.where(steps=budgets[-1])
    both = sorted({*first["seed"].tolist()} & {*last["seed"].tolist()})
    if not both:
        return lacking("no seed finished at both ends of the budgets")
    first, last = (each.rows(np.argsort(each["seed"])) for each in (first, last))
    first, last = (each.rows(np.isin(each["seed"], both)) for each in (first, last))
    joined = Table({**last.columns, "law_at_the_first": first["law"]})
    return on_the_law(joined, "law_at_the_first", factor, Says("runs", "have", what, plural=True))


def compares(result: Result, other: str, name: str, says: Says, least: float) -> Finding:
    """Decide decades of loss, the other way to step over this one, at the largest budget."""
    budgets, values = losses(result.table, name)
    if not budgets.size:
        return lacking("no run finished")
    _, others = losses(result.table, other)
    what = f"decades of loss, {other} over {name}, T = {budgets[-1]:g}"
    return decide.sign(others[:, -1] - values[:, -1], says, what, least)


def gains(result: Result, least: float) -> Finding:
    """Whether the steps as long as γ²T end below the stable ones, the more so the larger the budget."""
    says = Says("large steps", "end", "at a lower loss than stable ones", plural=True)
    return compares(result, "stable", "large", says, least)


def beats_nesterov(result: Result, least: float) -> Finding:
    """Whether descent with steps as long as γ²T ends below Nesterov's method."""
    says = Says("descent with large steps", "end", "below Nesterov's method")
    return compares(result, "nesterov", "large", says, least)


def is_the_best(result: Result) -> Finding:
    """Whether a hundred times larger steps end at a higher loss, seed by seed."""
    _, values = losses(result.table, "large")
    _, others = losses(result.table, "far")
    if not values.size:
        return lacking("no run finished")
    gap = others[:, -1] - values[:, -1]
    says = Says("seeds", "have", "a higher loss at steps a hundred times as long", plural=True)
    return decide.share(gap[np.isfinite(gap)] > 0.0, says)


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
            "With η = 2γ²T the loss is 1/(2γ⁴T²)",
            "At the largest budget nearly all runs have 2γ⁴T²L within a factor {factor:g} of 1, and "
            "closer to 1, in the logarithm, than at the smallest budget.",
            lambda result, factor: follows(
                result, factor, "large", f"2γ⁴T²L within a factor {factor:g} of 1"
            ),
            {"factor": 2.0},
            primary=True,
            by="data",
            reads=("law",),
        ),
        Part(
            "stable",
            "With the stable step size it is 1/(γ²ηT)",
            "The same of γ²ηTL with η fixed at 2 over the largest curvature: within a factor {factor:g} "
            "of 1, and closer than at the smallest budget.",
            lambda result, factor: follows(
                result, factor, "stable", f"γ²ηTL within a factor {factor:g} of 1"
            ),
            {"factor": 2.0},
            by="data",
            reads=("law",),
        ),
        Part(
            "gain",
            "At the largest budget, large steps end lower",
            "log10 of the loss of the stable steps over that of the large ones, at the largest budget: "
            "reproduced if its interval lies above 0, not if it excludes {least:g}.",
            gains,
            {"least": 0.05},
            by="data",
            reads=("log_loss",),
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
            "Is γ²T the best step size on these data?",
            "Yes if for nearly all seeds the loss at the largest budget is higher with η = 200γ²T than with "
            "2γ²T, no if for fewer than half. The 1/T² is a guarantee for the worst data.",
            is_the_best,
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
