"""Mixup: training on points between the data smooths them, shatters less, and is plain training as α → 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
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
from stepscape.experiments.frame.finding import together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.plane import mixed_runs, toy_runs
from stepscape.experiments.plane.mixed_runs import MixedRun
from stepscape.experiments.plane.runs import plane_sweep
from stepscape.experiments.plane.seedwise import SIZES, decades, of_each, seeds_of
from stepscape.experiments.plane.signal import amplitude
from stepscape.experiments.plane.toy_runs import ToyRun
from stepscape.lab.pool import Tick
from stepscape.tables.records import Record, Table

Array = NDArray[np.float64]
ARMS = {"plain": "no mixing", "fixed": "a fixed mixed set", "fresh": "fresh pairs at every step"}
ERROR = "population_error"


def grid(settings: Settings) -> list[MixedRun | ToyRun]:
    """Every law, dimension, arm and seed; and the toy picture for every α and seed."""
    at_least(settings, n=2, width=1, steps=1, seeds=1, fresh=2, toy_n=4, toy_width=1, toy_steps=1)
    for name in ("mixing_alpha", "toy_alphas", "dimensions"):
        if not np.min(settings[name]) > 0.0:
            raise bad(name, "be positive", float(np.min(settings[name])))
    strength = settings["mixing_alpha"]
    arms = [
        {"arm": "plain", "augmentation": "none", "strength": 0.0},
        {"arm": "fixed", "augmentation": "fixed", "strength": strength},
        {"arm": "fresh", "augmentation": "mixup", "strength": strength},
    ]
    trained = plane_sweep(
        MixedRun,
        settings,
        geometry=settings["geometries"],
        dimension=settings["dimensions"],
        arms=arms,
        seed=seeds(settings),
        amplitude=amplitude,
        drawn=False,
    )
    first = settings["first_seed"]
    toys = sweep(
        ToyRun,
        settings,
        toy_alpha=[0.0, *settings["toy_alphas"]],
        seed=seeds(settings),
        drawn=lambda run: run.seed == first,
    )
    return [*trained, *toys]


def begin(run: MixedRun | ToyRun) -> object:
    """Draw data, start and pairs of a run."""
    return toy_runs.begin(run) if isinstance(run, ToyRun) else mixed_runs.begin_mixed(run)


def work(run: MixedRun | ToyRun, tick: Tick) -> Record:
    """Train one network."""
    return toy_runs.work(run, tick) if isinstance(run, ToyRun) else mixed_runs.work(run, tick)


def cells(result: Result) -> dict[str, Result]:
    """Return the runs of each law and dimension."""
    runs = result.of(MixedRun)
    found = dict.fromkeys((run["geometry"], run["dimension"]) for run in runs.runs)
    return {f"{law}, d = {d}": runs.where(geometry=law, dimension=d) for law, d in found}


def arms(cell: Result, column: str) -> tuple[dict[str, Array], Array]:
    """Return the values (seeds,) of a column for each arm, and the seeds."""
    every = seeds_of(cell.table)
    return {arm: of_each(cell.where(arm=arm).table, column, every) for arm in ARMS}, every


def learns_better(result: Result, least: float) -> Finding:
    """Whether fresh pairs reduce the population error."""
    gains = {}
    for name, cell in cells(result).items():
        seen, _ = arms(cell, ERROR)
        gains[name] = decades(seen["plain"], seen["fresh"])
    says = Says("mixup with fresh pairs", "reduce", "the error on fresh inputs")
    return decide.signs(gains, says, "decades of population error", least)


def holds_more(result: Result, least: float) -> Finding:
    """Whether neurons hold a larger share of the data with fresh pairs."""
    rises = {}
    for name, cell in cells(result).items():
        seen, _ = arms(cell, "path_rate")
        rises[name] = seen["fresh"] - seen["plain"]
    says = Says("mixup with fresh pairs", "raise", "the path-weighted rate")
    return decide.signs(rises, says, "path-weighted rate, mixup minus none", least)


def fits_noise(result: Result, least: float) -> Finding:
    """Whether fresh pairs fit the noisy labels of the data less than a fixed set does."""
    rises = {}
    for name, cell in cells(result).items():
        seen, _ = arms(cell, "train_error")
        rises[name] = seen["fresh"] - seen["fixed"]
    says = Says("fresh pairs", "fit", "the noisy labels less than a fixed mixed set", plural=True)
    return decide.signs(rises, says, "training error on the data, fresh minus fixed", least)


def fresh_is_better(result: Result, least: float) -> Finding:
    """Whether fresh pairs have a smaller population error than a fixed set."""
    gains = {}
    for name, cell in cells(result).items():
        seen, _ = arms(cell, ERROR)
        gains[name] = decades(seen["fixed"], seen["fresh"])
    says = Says("fresh pairs", "be", "better than a fixed mixed set", plural=True)
    return decide.signs(gains, says, "decades of population error", least)


def settles_on_mixed(result: Result, low: float, high: float, nearly_all: float) -> Finding:
    """Whether λ_max of the mixed set, and not that of the data, is what descent keeps at 2/η."""
    rows = result.of(MixedRun).where(arm="fixed").table
    rows = rows.rows(SIZES.counts(rows)) if len(rows) else rows
    if not len(rows):
        return lacking("no run on a fixed mixed set finished")
    on = (rows["edge_ratio"] >= low) & (rows["edge_ratio"] <= high)
    off = rows["problem_edge_ratio"] > high
    runs = Says("runs", "have", "λ_max of the mixed set on 2/η")
    beyond = Says("runs", "have", "λ_max of the data above it")
    return together(
        {
            "mixed set": decide.share(on, runs, nearly_all, rows["seed"], at_once=2),
            "data": decide.share(off, beyond, nearly_all, rows["seed"], at_once=2),
        },
        "mixed set",
    ).with_numbers({
        f"{arm}: {column}, median": median(_of(result, arm)[column])
        for arm in ARMS for column in ("edge_ratio", "problem_edge_ratio") if len(_of(result, arm))
    })  # fmt: skip


def _of(result: Result, arm: str) -> Table:
    return result.of(MixedRun).where(arm=arm, outcome="finished").table


def pictures(result: Result) -> tuple[Array, Array]:
    """Return the α of the toy picture, and the distances (seeds, α) to plain training."""
    rows = result.of(ToyRun).where(outcome="finished").table
    if not len(rows) or "distance" not in rows:
        return np.empty(0), np.empty((0, 0))
    rows = rows.rows(rows["toy_alpha"] > 0.0)
    at, every = np.unique(rows["toy_alpha"]), seeds_of(rows)
    seen = np.full((every.size, at.size), np.nan)
    places = np.searchsorted(every, rows["seed"]), np.searchsorted(at, rows["toy_alpha"])
    seen[places] = rows["distance"]
    return at, seen


def becomes_erm(result: Result, close: float, least: float) -> Finding:
    """Whether p(y = 1 | x) approaches that of plain training as α → 0."""
    at, seen = pictures(result)
    if at.size < 3:
        return lacking("pictures were drawn for fewer than three α")
    falls = Says("the distance to plain training", "fall", "with α")
    order = decide.sign(rank_correlations(seen, at), falls, "rank correlation with α", least, at_once=2)
    near = Says("the picture", "be", f"that of plain training at α = {at[0]:g}")
    end = decide.equivalent(seen[:, 0], close, near, "mean difference of p", at_once=2)
    return together({"order": order, "end": end}, "end", named=False).with_numbers(
        {f"mean difference of p at α = {a:g}, median": median(seen[:, j]) for j, a in enumerate(at)}
    )


def draw(result: Result) -> dict[str, Drawn]:
    """Errors, rates and edge ratios by arm; and the toy picture."""
    from stepscape.experiments.plane import mixup_figures as figures

    return {"errors": figures.draw_errors(result), "toy": figures.draw_toy(result)}


QUICK: dict[str, Any] = {
    "geometries": ("ball",),
    "dimensions": (2, 5, 10),
    "n": 64,
    "width": 64,
    "step_size": 0.4,
    "steps": 400,
    "noise": 1.0,
    "start_sharpness": 4.0,
    "mixing_alpha": 1.0,
    "fresh": 1000,
    "toy_alphas": (0.001, 0.03, 1.0),
    "toy_n": 40,
    "toy_width": 64,
    "toy_step_size": 1.0,
    "toy_steps": 200,
    "seeds": 6,
    "first_seed": 0,
}
_CELLS = " Decided by the mean over the laws and dimensions; each also has an interval of its own."

CLAIM = Claim(
    name="mixup",
    title="Mixup trains on deeper points, so that large steps shatter less and learn better",
    claim=(
        "Mixup is plain training as α → 0; with α = 1 it moves data inward, where flatness controls a "
        "network, so that flat solutions generalize better."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 3, 'Our theory explains mixup quite "
        "well'; Zhang, Cisse, Dauphin and Lopez-Paz (2018), figure 1"
    ),
    setup=(
        "f0 is x_1 with variance 1, as large as the noise. The fixed set has 4n pairs; fresh pairs are n at "
        "every step, from the same start. Errors are on fresh inputs and on the data, both to the truth. The "
        "toy problem has a disk of one class in a ring of the other, the logistic loss, and both labels of a "
        "pair by their shares. Tried out on seeds 1000 and later."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "geometries": ("sphere", "ball"),
        "n": 128,
        "width": 256,
        "steps": 4000,
        "fresh": 2000,
        "toy_alphas": (0.001, 0.01, 0.1, 1.0),
        "toy_n": 100,
        "toy_width": 128,
        "toy_steps": 1000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "population",
            "Fresh mixed pairs reduce the error on fresh inputs",
            "log10 of the population error without over that with fresh pairs, one per seed: yes if its "
            "interval lies above 0 and no cell says the opposite, no if it excludes {least:g}." + _CELLS,
            learns_better,
            {"least": 0.03},
            primary=True,
            reads=(ERROR,),
        ),
        Part(
            "rate",
            "Neurons hold a larger share of the data",
            "The path-weighted rate on the data with fresh pairs minus that without, one per seed: yes if "
            "its interval lies above 0 and no cell says the opposite, no if it excludes {least:g}." + _CELLS,
            holds_more,
            {"least": 0.02},
            reads=("path_rate",),
        ),
        Part(
            "stable",
            "What settles on 2/η is the λ_max of the mixed set, not that of the data",
            "Of the runs on a fixed mixed set, nearly all (at least {nearly_all:.0%}) end with an edge ratio "
            "of the set between {low:g} and {high:g}, and nearly all with one of the data above {high:g}.",
            settles_on_mixed,
            {"low": EDGE[0], "high": EDGE[1], "nearly_all": 0.9},
            reads=("edge_ratio", "problem_edge_ratio"),
        ),
        Part(
            "erm",
            "As α → 0 the picture becomes that of plain training",
            "Mean |p_α − p_ERM| over the disk of the toy picture, one per seed: yes if its rank correlation "
            "with α lies above 0 and its value at the smallest α below {close:g}; no if one interval "
            "excludes {least:g}, or lies beyond {close:g}.",
            becomes_erm,
            {"close": 0.02, "least": 0.2},
        ),
        Part(
            "noise",
            "Do fresh pairs fit the noisy labels less than a fixed set?",
            "The training error on the data with fresh pairs minus that with a fixed set, one per seed: yes "
            "if its interval lies above 0 and no cell says the opposite, no if it excludes {least:g}. "
            "" + _CELLS,
            fits_noise,
            {"least": 0.02},
            kind="open question",
            reads=("train_error",),
        ),
        Part(
            "fresh",
            "Are fresh pairs better than a fixed set?",
            "log10 of the population error with a fixed set over that with fresh pairs, one per seed: yes if "
            "its interval lies above 0 and no cell says the opposite, no if it excludes {least:g}." + _CELLS,
            fresh_is_better,
            {"least": 0.03},
            kind="open question",
            reads=(ERROR,),
        ),
    ),
    draw=draw,
    numbers=lambda result: medians(
        result.of(MixedRun).table,
        ("geometry", "dimension", "arm"),
        (
            ERROR, "design_error", "train_error", "realized_noise", "null_population", "linear_population",
            "path_rate", "live_rate", "dead_share", "edge_ratio", "problem_edge_ratio", "moved",
        ),
        ("arrived",),
        SIZES.counts,
    ),
    by="arm",
    names=ARMS,
)  # fmt: skip
