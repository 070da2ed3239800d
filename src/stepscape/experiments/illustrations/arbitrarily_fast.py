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
from stepscape.experiments.frame.finding import all_of
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.result import tag
from stepscape.experiments.illustrations import adaptive_runs, ridge_runs
from stepscape.experiments.illustrations.adaptive_runs import AdaptiveRun
from stepscape.experiments.illustrations.ridge_rate import takes_the_root
from stepscape.experiments.illustrations.ridge_runs import ARMS, RidgeRun
from stepscape.experiments.illustrations.separable_data import NAMES
from stepscape.experiments.illustrations.shortfall import unless_nearly_all
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.tables.records import Record, Table

Array = NDArray[np.float64]
ADAPTIVE = {"kind": tag(AdaptiveRun)}
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
        AdaptiveRun, settings, data=settings["data_sets"], margin=settings["data_margin"],
        method=list(RULES), factor=settings["adaptive_step_sizes"], seed=every,
        drawn=lambda run: run.seed == settings["first_seed"],
    )  # fmt: skip
    ridge = sweep(
        RidgeRun, settings, data=settings["ridge_data"], decay=settings["decays"], arm=ARMS, seed=every
    )
    return [*adaptive, *ridge]


def begin(run: AdaptiveRun | RidgeRun) -> object:
    """Build the loss and the step size."""
    return ridge_runs.begin(run) if isinstance(run, RidgeRun) else adaptive_runs.begin(run)


def work(run: AdaptiveRun | RidgeRun, tick: Tick) -> Record:
    """Carry out one run of either kind."""
    return ridge_runs.work(run, tick) if isinstance(run, RidgeRun) else adaptive_runs.work(run, tick)


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


def is_linear(result: Result, claimed: float, within: float) -> Finding:
    """Whether −log L of the averaged iterate is η or more, and over η the same at the two largest η."""
    at, values = of_rule(result.table, "exponential", "log_left")
    if at.size < 2:
        return lacking("runs finished at fewer than two step sizes")
    low, high = -values[:, -2], -values[:, -1]
    # The relative difference is defined for every sign: from 2, gained from nothing, to −2, all lost.
    change = 2.0 * (high - low) / np.maximum(np.abs(high) + np.abs(low), 1e-300)
    reaches = Says("−log L of the averaged iterate", "be", f"at least {claimed:g}η at η = {at[-1]:g}")
    grows = Says("it", "grow", "in proportion to η")
    what = f"−log L/η, relative difference of η = {at[-1]:g} and {at[-2]:g}"
    found = all_of({
        "reaches": decide.at_least(high, claimed, reaches, f"−log L/η, η = {at[-1]:g}", at_once=2),
        "grows": decide.equivalent(change, within, grows, what, at_once=2),
    })  # fmt: skip
    return unless_nearly_all(found, np.isfinite(change), "seeds finish at both step sizes")


def keeps_the_bound(result: Result, method: str) -> Finding:
    """Whether seeds, of a rule that has no proof, keep the bound at every T and every step size."""
    table = result.table.where(method=method)
    compared = np.asarray((table["outcome"] == "finished") & (table["compared"].astype(float) > 0))
    broken = compared & (table["violations"].astype(float) > 0)
    names = np.unique(table["seed"])
    breaks = np.isin(names, table["seed"][broken])
    known = breaks | ~np.isin(names, table["seed"][~compared])
    if not known.any():
        return lacking("no seed has finished runs that are long enough for the bound to say anything")
    says = Says("seeds", "keep", "the bound at every number of steps and every η", plural=True)
    first = float(table["factor"][broken].min()) if broken.any() else None
    found = decide.share(~breaks[known], says).with_numbers({"smallest η at which it is broken": first})
    return unless_nearly_all(found, known, "seeds have finished runs at every η")


def last_is_worse(result: Result, least: float) -> Finding:
    """Whether the last iterate has the larger loss, over η, than the averaged one, at every step size."""
    at, average = of_rule(result.table, "exponential", "log_left")
    _, last = of_rule(result.table, "exponential", "log_loss")
    if not at.size:
        return lacking("no run finished")
    rises = result.table.where(method="exponential", outcome="finished")["share_of_rises"]
    says = Says("the last iterate", "have", "a larger loss than the averaged one")
    by_eta = {f"η = {eta:g}": gap for eta, gap in zip(at, (last - average).T, strict=True)}
    found = decide.signs(by_eta, says, "log L over η, last minus averaged", least)
    return found.with_numbers({"share of steps in which the loss rises, largest": float(rises.max())})


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
            "−(η/2)(γ²T − 1), for every T with γ²T > 1, from where on the bound says something.",
            is_bounded,
            kind="inequality",
            where=ADAPTIVE,
            reads=("violations",),
        ),
        Part(
            "linear",
            "Its accuracy is η or more, in proportion to η, at a fixed number of steps",
            "−log L/η of the averaged iterate at the largest step size, with the rule of the exponential "
            "loss, is at least {claimed:g} (the bound says so, too), and differs from that at the second "
            "largest, after the same number of steps, by less than {within:g} of their mean.",
            is_linear,
            {"claimed": 1.0, "within": 0.2},
            primary=True,
            where=ADAPTIVE,
            by="data",
            reads=("log_left",),
        ),
        Part(
            "logistic",
            "Does the rule of the logistic loss keep the same bound?",
            "Yes if nearly all seeds keep it with η e^L/(e^L − 1) at every η and every T with γ²T > 1, no "
            "if fewer than half do.",
            lambda result: keeps_the_bound(result, "adapt"),
            kind="open question",
            where=ADAPTIVE,
            by="data",
            reads=("violations",),
        ),
        Part(
            "naive",
            "Does the rule η/L?",
            "Yes if nearly all seeds keep it with η/L at every η and every T with γ²T > 1, no if fewer than "
            "half do.",
            lambda result: keeps_the_bound(result, "adapt_naively"),
            kind="open question",
            where=ADAPTIVE,
            by="data",
            reads=("violations",),
        ),
        Part(
            "last",
            "Is the last iterate worse than the averaged one?",
            "log L/η of the last minus that of the averaged iterate, with the rule of the exponential loss, "
            "at each step size: yes if the interval of their mean lies above 0 and that of none below, no "
            "if it excludes {least:g} and none alone says yes.",
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
            "Steps·√λ/log(1/λ), with η = γ/√λ, grows by less than {within:g} decades from the largest λ to "
            "the smallest, and by less than that over its last decade: consistent if both intervals say so, "
            "contradicted if both say more. A run that has not arrived at the smallest λ counts with the "
            "steps it made.",
            takes_the_root,
            {"within": 0.1},
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
