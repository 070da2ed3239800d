"""Steps that adapt to the loss: after about 1/γ² of them the loss is e^{−η}, for any η; and weight decay."""

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
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.result import tag
from stepscape.experiments.illustrations import ridge_runs, runs
from stepscape.experiments.illustrations.ridge_runs import ARMS, RidgeRun
from stepscape.experiments.illustrations.runs import LogisticRun
from stepscape.experiments.illustrations.separable_data import NAMES
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.tables.records import Record, Table

Array = NDArray[np.float64]
ADAPTIVE = {"kind": tag(LogisticRun)}
RIDGE = {"kind": tag(RidgeRun)}
RULES = {
    "exponential": "the rule of the exponential loss",
    "adapt": "the rule of the logistic loss",
    "adapt_naively": "the rule η/L",
}
_QUICK: dict[str, Any] = {
    "data_sets": ("two_points", "outnumbered", "planted"),
    "data_margin": 0.1,
    "adaptive_step_sizes": (1.0, 10.0, 100.0, 1000.0),
    "adaptive_rounds": 3.0,
    "ridge_data": ("two_points", "planted"),
    "ridge_margin": 0.2,
    "decays": (1e-3, 1e-4, 1e-5),
    "ridge_steps": 12_000,
    "seeds": 4,
    "first_seed": 0,
}
_FULL = {
    **_QUICK,
    "data_sets": ("two_points", "outnumbered", "planted", "wide"),
    "adaptive_step_sizes": (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 10_000.0),
    "ridge_data": ("two_points", "outnumbered", "planted"),
    "decays": (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6),
    "ridge_steps": 200_000,
    "seeds": 20,
    "first_seed": 100,
}


def grid(settings: Settings) -> list[Spec]:
    """Every data set, rule and step size, for `adaptive_rounds`/γ² steps; every data set, decay and arm."""
    at_least(settings, seeds=1, ridge_steps=1, adaptive_rounds=1)
    every = seeds(settings)
    adaptive = sweep(
        LogisticRun, settings, data=settings["data_sets"], margin=settings["data_margin"],
        method=list(RULES), unit="plain",
        factor=settings["adaptive_step_sizes"], seed=every,
        steps=lambda run: round(settings["adaptive_rounds"] / max(run.margin, 1e-3) ** 2),
        drawn=lambda run: run.seed == settings["first_seed"],
    )  # fmt: skip
    ridge = sweep(
        RidgeRun, settings, data=settings["ridge_data"], decay=settings["decays"], arm=ARMS, seed=every
    )
    return [*adaptive, *ridge]


def begin(run: LogisticRun | RidgeRun) -> object:
    """Build the loss and the step size."""
    return ridge_runs.begin(run) if isinstance(run, RidgeRun) else runs.begin(run)


def work(run: LogisticRun | RidgeRun, tick: Tick) -> Record:
    """Carry out one run of either kind."""
    return ridge_runs.work(run, tick) if isinstance(run, RidgeRun) else runs.work(run, tick)


def is_bounded(result: Result) -> Finding:
    """Whether the averaged iterate keeps its bound at every T, for the rule of the exponential loss."""
    table = result.table.where(method="exponential", outcome="finished")
    return decide.inequality(int(table["compared"].sum()), int(table["violations"].sum()), "numbers of steps")


def of_rule(table: Table, method: str, column: str) -> tuple[Array, Array]:
    """Step sizes, and a column over η (seeds, step sizes) for one rule; nan where a run is missing."""
    rows, names = table.where(method=method, outcome="finished"), np.unique(table["seed"])
    at = np.unique(rows["factor"]).astype(float) if len(rows) else np.empty(0)
    out = np.full((names.size, at.size), np.nan)
    if len(rows):
        place = np.searchsorted(names, rows["seed"]), np.searchsorted(at, rows["factor"])
        out[place] = rows[column] / rows["factor"]
    return at, out


def is_linear(result: Result, method: str, within: float) -> Finding:
    """Whether −log L of the averaged iterate over η has the same value at the two largest step sizes."""
    at, values = of_rule(result.table, method, "log_left")
    if at.size < 2:
        return lacking("runs finished at fewer than two step sizes")
    low, high = -values[:, -2], -values[:, -1]
    if not (np.nan_to_num(high, nan=0.0) > 0.0).any():
        return lacking("no run ended with a loss below 1")
    change = np.log10(np.maximum(high, 1e-9)) - np.log10(np.maximum(low, 1e-9))
    says = Says("−log L of the averaged iterate", "grow", "in proportion to η")
    what = f"decades of −log L/η, η = {at[-1]:g} over {at[-2]:g}"
    return decide.equivalent(change, within, says, what).with_numbers(
        {"−log L/η at the largest η, median": median(high)}
    )


def keeps_the_bound(result: Result, method: str) -> Finding:
    """Whether runs at the largest step size, of a rule that has no proof, keep the bound at every T."""
    table = result.table.where(method=method, outcome="finished")
    if not len(table):
        return lacking("no run finished")
    largest = table.rows(table["factor"] == table["factor"].max())
    kept = table.rows(table["violations"] == 0)
    says = Says(
        f"runs at η = {largest['factor'][0]:g}", "keep", "the bound at every number of steps", plural=True
    )
    return decide.share(largest["violations"] == 0, says, groups=largest["seed"]).with_numbers(
        {"largest step size of a run that keeps it": float(kept["factor"].max()) if len(kept) else None}
    )


def last_is_worse(result: Result, least: float) -> Finding:
    """Whether the last iterate has the larger loss, over η, than the averaged one."""
    at, average = of_rule(result.table, "exponential", "log_left")
    _, last = of_rule(result.table, "exponential", "log_loss")
    if not at.size:
        return lacking("no run finished")
    rises = result.table.where(method="exponential", outcome="finished")["share_of_rises"]
    says = Says("the last iterate", "have", "a larger loss than the averaged one")
    return decide.sign(
        (last - average).mean(axis=1), says, "log L over η, last minus averaged, mean over η", least
    ).with_numbers({"share of steps in which the loss rises, largest": float(rises.max())})


def takes_the_root(result: Result, claimed: float, between: float) -> Finding:
    """Whether steps of γ/√λ reach the minimum in about 1/√λ steps, where stable steps take about 1/λ."""
    found = {arm: ridge_slopes(result.table, arm) for arm in ARMS}
    stable = found["ridge_stable"]
    says = Says("large steps", "take", f"no more than about (1/λ)^{claimed:g} steps", plural=True)
    return decide.slope(
        found["ridge_large"], claimed, says, "power of 1/λ", until=1.0, beyond=between
    ).with_numbers({"power of the stable steps, median": median(stable) if stable.size else None})


def ridge_slopes(table: Table, arm: str) -> Array:
    """Slope of the logarithm of the steps on log 1/λ for each seed; nan where too few runs arrive."""
    decays, values = ridge_values(table, arm)
    return slopes(values, 1.0 / decays) if decays.size else np.empty(0)


def ridge_values(table: Table, arm: str) -> tuple[Array, Array]:
    """Decays, and the steps taken (seeds, decays); nan where a run has not arrived."""
    rows = table.where(arm=arm, outcome="finished") if len(table) else table
    if not len(rows) or "taken" not in rows:
        return np.empty(0), np.empty((0, 0))
    names, at = np.unique(table["seed"]), np.unique(rows["decay"]).astype(float)
    out = np.full((names.size, at.size), np.nan)
    place = np.searchsorted(names, rows["seed"]), np.searchsorted(at, rows["decay"])
    out[place] = rows["taken"].astype(float)
    return at, out


def numbers(result: Result) -> Table:
    """Medians for each data set, rule and step size."""
    return medians(
        result.where(**ADAPTIVE).table, ("data", "method", "factor"),
        ("max_margin", "log_left", "log_loss", "slack", "share_of_rises", "violations"),
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Loss of the averaged iterate against steps and against η; steps to the minimum against λ."""
    from stepscape.experiments.illustrations import arbitrarily_fast_figures as figures

    return {"adaptive": figures.adaptive(result), "ridge": figures.ridge(result)}


CLAIM = Claim(
    name="arbitrarily-fast",
    title="Arbitrarily fast: steps that adapt to the loss, and steps with weight decay",
    claim=(
        "With steps that adapt to the loss, the averaged iterate of separable logistic regression has a loss "
        "of e^(−η) or less after about 1/γ² steps, for any η: the number of steps does not grow with "
        "the accuracy."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 1, '(Sometimes) arbitrarily fast'; "
        "Zhang et al. (2025); Wu, Marion and Bartlett (2025) for weight decay"
    ),
    setup=(
        "Three rules to adapt: that of the exponential loss, for which the bound is proved with its "
        "constants; "
        "η e^L/(e^L − 1) of the logistic loss; η/L. One data set has 99 examples against 1. Decay: η = γ/√λ "
        "against one over the largest curvature, until within λ/100 of the minimum. Looks on seeds from "
        "1000 on."
    ),
    quick=_QUICK,
    full=_FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "bound",
            "The averaged iterate keeps its bound at every step",
            "With the rule of the exponential loss, log L of the average of the first T iterates is at most "
            "−(η/2)(γ²T − 1), for every T with γ²T ≥ ½.",
            is_bounded,
            kind="inequality",
            where=ADAPTIVE,
            reads=("violations",),
        ),
        Part(
            "linear",
            "Its accuracy grows in proportion to η, at a fixed number of steps",
            "log10 of −log L/η of the averaged iterate changes by less than {within:g} between the two "
            "largest "
            "step sizes, after the same number of steps, with the rule of the exponential loss.",
            lambda result, within: is_linear(result, "exponential", within),
            {"within": 0.1},
            primary=True,
            where=ADAPTIVE,
            by="data",
            reads=("log_left",),
        ),
        Part(
            "logistic",
            "Does the rule of the logistic loss keep the same bound?",
            "Yes if at the largest η nearly all runs with η e^L/(e^L − 1) keep it at every T, no if "
            "fewer than half do; the claim is about any η.",
            lambda result: keeps_the_bound(result, "adapt"),
            kind="open question",
            where=ADAPTIVE,
            by="data",
            reads=("violations",),
        ),
        Part(
            "naive",
            "Does the rule η/L?",
            "Yes if at the largest η nearly all runs with η/L keep it at every T, no if fewer than half do.",
            lambda result: keeps_the_bound(result, "adapt_naively"),
            kind="open question",
            where=ADAPTIVE,
            by="data",
            reads=("violations",),
        ),
        Part(
            "last",
            "Is the last iterate worse than the averaged one?",
            "log L/η of the last minus that of the averaged iterate, mean over the step sizes, with the rule "
            "of the exponential loss: yes if its interval lies above 0, no if it excludes {least:g}.",
            last_is_worse,
            {"least": 0.05},
            kind="open question",
            where=ADAPTIVE,
            by="data",
            reads=("log_left",),
        ),
        Part(
            "ridge",
            "With weight decay λ, large steps take about 1/√λ steps",
            "The slope of the logarithm of the number of steps on log 1/λ, with η = γ/√λ, has an interval "
            "below 1, and not above {between:g}; the claim is {claimed:g} and leaves logarithms open.",
            takes_the_root,
            {"claimed": 0.5, "between": 0.75},
            kind="one-sided rate",
            where=RIDGE,
            by="data",
            reads=("taken",),
        ),
    ),
    draw=draw,
    premises={
        "max_margin": "the data are separable: γ is positive, and certified from both sides",
        "radius": "no input is longer than 1",
        "arrived": "with weight decay, the run has reached the minimum",
    },
    numbers=numbers,
    by="data",
    names=NAMES,
)
