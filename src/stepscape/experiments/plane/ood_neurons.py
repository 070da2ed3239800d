"""Neurons that died on the data stay dead there, but are active elsewhere, where they do harm."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.plane.ood_runs import grid, start, work
from stepscape.experiments.plane.pairs import Array, Mask, decades, fewer, of_seeds
from stepscape.tables.records import Table

ARM_WORDS = {
    "plain": "gradient descent",
    "decay": "gradient descent with weight decay",
    "momentum": "the heavy ball",
    "matched": "gradient descent from a start below the edge",
}


def finished(table: Table) -> Mask:
    """Mask of the runs that did not diverge."""
    return np.asarray(table["outcome"] == "finished")


def values(result: Result, column: str, arm: str = "plain") -> Array:
    """Return a column of an arm over the seeds, nan where the run diverged."""
    return of_seeds(result.table, column, {"arm": arm}, finished)


def farthest(result: Result) -> float:
    """Return the largest radius."""
    return float(max(result.settings["radii"]))


def is_awake(result: Result, claimed: float) -> Finding:
    """Whether at the largest radius at least a given share of the dead neurons is active."""
    radius = farthest(result)
    awake = values(result, f"awake_{radius:g}")
    if lacks := fewer(awake, "and have dead neurons"):
        return lacking(lacks)
    says = Says("neurons that are dead on the data", "be", f"active at radius {radius:g}", plural=True)
    found = decide.at_least(awake, claimed, says, "share of them that is active on some input there")
    numbers = {
        f"radius {r:g}: share, median": median(values(result, f"awake_{r:g}"))
        for r in result.settings["radii"]
    }
    numbers["fresh inputs: share, median"] = median(values(result, "awake_fresh"))
    return found.with_numbers({**numbers, "dead share, median": median(values(result, "dead_share"))})


def is_harmful(result: Result, least: float) -> Finding:
    """Whether without the dead neurons the error at the largest radius is smaller."""
    radius = farthest(result)
    gain = decades(values(result, f"error_{radius:g}"), values(result, f"pruned_{radius:g}"))
    if lacks := fewer(gain, "to compare"):
        return lacking(lacks)
    says = Says("removing the dead neurons", "reduce", f"the error at radius {radius:g}")
    what = "log10 of the error with over that without them"
    return decide.sign(gain, says, what, least).with_numbers({
        f"radius {r:g}: error {what}, median": median(values(result, f"{name}_{r:g}"))
        for r in result.settings["radii"]
        for name, what in (("error", "with"), ("pruned", "without"))
    })  # fmt: skip


def costs_nothing(result: Result, tolerance: float) -> Finding:
    """Whether removing the dead neurons leaves every prediction on the data as it is."""
    if "changed" not in result.table:
        return lacking("no run finished")
    return decide.identity(result.table["changed"].astype(float), tolerance, "networks without dead neurons")


def stays_dead(result: Result) -> Finding:
    """Whether under plain gradient descent a dead neuron was ever alive again."""
    rows = result.table.rows(finished(result.table))
    if "observed" not in rows:
        return lacking("no run finished")
    observed, returned = (int(rows[name].astype(float).sum()) for name in ("observed", "returned"))
    return decide.inequality(observed, returned, "observations of a dead neuron at a later record")


def comes_back(result: Result, nearly_all: float) -> Finding:
    """Whether in nearly all runs with dead neurons some of them come back."""
    rows = result.table.rows(finished(result.table))
    if "observed" not in rows or not (rows["observed"] > 0).any():
        return lacking("no run has dead neurons")
    rows = rows.rows(rows["observed"] > 0)
    says = Says("runs", "bring", "dead neurons back to life")
    found = decide.share(rows["recovered_neurons"] > 0, says, nearly_all)
    return found.with_numbers({"neurons that came back, median": median(rows["recovered_neurons"])})


def is_enough(result: Result, least: float) -> Finding:
    """Whether without its dead neurons a network is less wrong at the largest radius than one with decay."""
    radius = farthest(result)
    gain = decades(values(result, f"error_{radius:g}", "decay"), values(result, f"pruned_{radius:g}"))
    if lacks := fewer(gain, "with decay and without"):
        return lacking(lacks)
    says = Says("removing the dead neurons", "make", "the network more robust than weight decay does")
    what = f"log10 of the error at radius {radius:g} with decay over that without dead neurons"
    return decide.sign(gain, says, what, least)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw what dead neurons do at each radius."""
    from stepscape.experiments.plane import ood_neurons_figures as figures

    return {"awake": figures.awake(result), "errors": figures.errors(result)}


NUMBERS = (
    "train_error", "realized_noise", "population_error", "null_population", "linear_population", "sharpness",
    "edge_ratio", "dead_share", "live_rate", "path_rate", "live_path_rate", "decay_time", "observed",
    "returned", "recovered_neurons", "changed", "awake_fresh",
)  # fmt: skip
QUICK: dict[str, Any] = {
    "n": 64,
    "dimension": 10,
    "width": 256,
    "amplitude": 3.0,
    "noise": 1.0,
    "start_sharpness": 2.0,
    "step_size": 0.9,
    "weight_decay": 0.03,
    "momentum": 0.9,
    "momentum_step_size": 0.9,
    "radii": (1.0, 2.0, 5.0),
    "probes": 500,
    "steps": 1500,
    "records": 10,
    "fresh": 500,
    "seeds": 6,
    "first_seed": 200,
}

CLAIM = Claim(
    name="ood-neurons",
    title="Neurons that are dead on the data are active elsewhere",
    claim=(
        "Large step sizes push neurons out of the support of the data. There dead neurons never recover, but "
        "they may be active on other data, as culprits of nonrobustness."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 1, 'Interaction with architecture'",
    setup=(
        "PyTorch's default start lies above the edge at this step size: its first steps, with gradients "
        "clipped at 50, kill many neurons. A start below the edge has no dead ones and is shown beside it. "
        "Other data is uniform on spheres around that of the training, with the same linear truth. Sizes "
        "were tried on seeds 1000 to 1002."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "n": 128,
        "radii": (1.0, 1.5, 2.0, 3.0, 5.0),
        "probes": 3000,
        "steps": 6000,
        "records": 20,
        "fresh": 4000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=start,
    work=work,
    parts=(
        Part(
            "awake",
            "Dead neurons are active away from the data",
            "Plain gradient descent from the default start: the share of the neurons that are dead on the "
            "data and active on some input of the sphere of the largest radius, one value per seed. Yes if "
            "the interval of its mean lies above {claimed:g}, no if below.",
            is_awake,
            {"claimed": 0.5},
            primary=True,
        ),
        Part(
            "harmful",
            "Dead neurons do harm there",
            "The same runs: log10 of the root mean square distance to the truth on that sphere, with over "
            "without the dead neurons, one value per seed. Yes if its interval lies above 0, no if it "
            "excludes {least:g}.",
            is_harmful,
            {"least": 0.02},
        ),
        Part(
            "free",
            "Removing them changes nothing on the data",
            "In every run of every arm, the largest change of a prediction on the data when the dead neurons "
            "are removed is at most {tolerance:g}.",
            costs_nothing,
            {"tolerance": 1e-9},
            kind="identity",
        ),
        Part(
            "never_recover",
            "Under gradient descent dead neurons never recover",
            "Plain gradient descent, from either start: no neuron that is dead at a record is alive at a "
            "later one.",
            stays_dead,
            kind="inequality",
            where={"altered": False},
        ),
        Part(
            "comes_back",
            "Do dead neurons recover with momentum, or with weight decay?",
            "With the heavy ball, and with weight decay, from the default start: the share of the runs with "
            "dead neurons in which one that is dead at a record is alive at a later one. Yes if at least "
            "{nearly_all:.0%} do and the interval lies above one half, no if it lies below one half.",
            comes_back,
            {"nearly_all": 0.9},
            kind="open question",
            by="arm",
            literal="momentum",
            where={"altered": True},
        ),
        Part(
            "enough",
            "Is removing dead neurons as good as weight decay?",
            "log10 of the error on the sphere of the largest radius of the network trained with weight decay "
            "over that of the one trained without, less its dead neurons, one value per seed. Yes if its "
            "interval lies above 0, no if it excludes {least:g}.",
            is_enough,
            {"least": 0.02},
            kind="open question",
        ),
    ),
    draw=draw,
    premises={"dead_share": "there are dead neurons: from a start below the edge there are none"},
    numbers=lambda result: medians(
        result.table,
        ("arm",),
        [
            *NUMBERS,
            *(f"{name}_{r:g}" for r in result.settings["radii"] for name in ("awake", "error", "pruned")),
        ],
        ("arrived", "at_edge"),
        finished,
    ),
    by="arm",
    names=ARM_WORDS,
)
