"""On the sphere any labels have a flat interpolator, which is wrong elsewhere; whether descent finds it."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.finding import together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import every_run, medians
from stepscape.experiments.plane.pairs import COUNTS, Array, decades, fewer, of_seeds
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.experiments.plane.sphere_runs import NEAR_EDGE, SCALES, CapRun, SphereRun, grid, work
from stepscape.lab.spec import Spec
from stepscape.tables.records import Table

ROUNDING = 1e-9  # relative, of a measured λ_max beside its residual


def built(result: Result, kind: type[Spec]) -> Table:
    """Return the rows of the networks of a kind that were built."""
    return result.of(kind).where(outcome="finished").table


def is_flat(result: Result) -> Finding:
    """Whether λ_max stays below what the largest label and n allow, in both scalings."""
    table = built(result, SphereRun)
    if not len(table):
        return lacking("no interpolator was built")
    sharp, rest, bound = (
        np.concatenate([table[f"{name}_{scale}"].astype(float) for scale in SCALES])
        for name in ("sharpness", "residual", "bound")
    )
    beyond = sharp - rest > bound * (1.0 + ROUNDING)
    found = decide.inequality(sharp.size, int(beyond.sum()), "interpolators", (sharp - 1.0) / (bound - 1.0))
    return found.with_numbers({**found.numbers, "λ_max, largest": float(sharp.max())})


def interpolates(result: Result, tolerance: float) -> Finding:
    """Whether f(x_i) = y_i, each neuron is active on one input, and λ_max is its closed form."""
    table = built(result, SphereRun)
    if not len(table):
        return lacking("no interpolator was built")
    gaps = [table["off"], table["most_active"] - 1.0]
    gaps += [table[f"sharpness_{scale}"] / table[f"formula_{scale}"] - 1.0 for scale in SCALES]
    return decide.identity(
        np.concatenate([np.abs(gap) for gap in gaps]), tolerance, "numbers of interpolators"
    )


def is_wrong(result: Result, least: float) -> Finding:
    """Whether the population error of the interpolator is as large with many examples as with few."""
    table = built(result, SphereRun)
    if not len(table):
        return lacking("no interpolator was built")
    sizes = np.unique(table["n"])
    few, many = (of_seeds(table, "population_error", {"n": sizes[at]}, every_run) for at in (0, -1))
    says = Says("the error of the interpolator", "stay", f"from n = {sizes[0]:g} to {sizes[-1]:g}")
    what = "log10 of the population error at the largest over that at the smallest n"
    at_once = len(result.settings["dimensions"])
    found = decide.at_least(decades(many, few), least, says, what, at_once=at_once)
    largest = table.where(n=sizes[-1])
    return found.with_numbers({
        "share of the sphere where f is not 0, median": median(largest["covered"]),
        "error over that of the best constant, median": median(
            largest["population_error"] / largest["null_population"]
        ),
    })  # fmt: skip


def is_kept(result: Result, errs: float, nearly_all: float) -> Finding:
    """Whether nearly all descents from beside an interpolator fit the labels again and stay as wrong."""
    table = built(result, SphereRun)
    if not len(table):
        return lacking("no interpolator was built")
    if "train_error_kept" not in table:
        return lacking("every descent from beside an interpolator diverged")
    fits = table["train_error_kept"] <= errs * table["realized_noise"]
    change = np.abs(np.log10(table["population_error_kept"] / table["population_error"]))
    says = Says("descents from beside an interpolator", "come", "back to one")
    back = (table["kept"] == 1) & fits & (change <= np.log10(1.0 + errs))
    found = decide.share(back, says, nearly_all, table["seed"])
    return found.with_numbers({
        "training error over noise, median": median(table["train_error_kept"] / table["realized_noise"]),
        "change of the population error, largest decades": float(np.nanmax(change, initial=0.0)),
    })  # fmt: skip


def is_reached(result: Result, decades_below: float, floor: float) -> Finding:
    """Whether descent on the sphere from below the edge memorizes its labels, in one dimension."""
    table = result.of(PlaneRun).table
    if not len(table):
        return lacking("no descent was made")
    ratio = of_seeds(table, "train_error", {}) / of_seeds(table, "realized_noise", {})
    below: Array = -np.log10(np.clip(ratio, 10.0**-floor, None))
    if lacks := fewer(below, "on the sphere"):
        return lacking(lacks)
    says = Says("descent from below the edge", "memorize", "the labels on the sphere")
    what = f"decades by which the training error lies below the noise, {floor:g} at most"
    found = decide.at_least(below, decades_below, says, what, at_once=len(result.settings["dimensions"]))
    columns = ("sharpness", "live_path_rate", "population_error", "null_population")
    return found.with_numbers({f"{name}, median": median(of_seeds(table, name, {})) for name in columns})


def caps_are_unseen(result: Result, tolerance: float, within: float) -> Finding:
    """Whether λ_max = 1 with f = 0 on the data, and E f² falls as n^(−2/(d+1)), in every dimension."""
    table = built(result, CapRun)
    if not len(table):
        return lacking("no caps were built")
    gaps = np.concatenate([np.abs(table["sharpness_caps"] - 1.0), table["seen"]])
    found = {"flat": decide.identity(gaps, tolerance, "numbers of networks on empty caps")}
    dimensions = np.unique(table["dimension"])
    for d in dimensions:
        rows = table.where(dimension=d)
        sizes = np.unique(rows["n"])
        squares = np.column_stack([of_seeds(rows, "mean_square", {"n": n}, every_run) for n in sizes])
        claimed = -2.0 / (d + 1.0)
        says = Says(f"for d = {d:g} the error", "fall", f"as n^({claimed:.2f})")
        found[f"d = {d:g}"] = decide.equivalent(
            slopes(squares, sizes) - claimed, within, says, "slope of log E f² on log n less that",
            at_once=len(dimensions),
        )  # fmt: skip
    return together(found, named=False)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw λ_max and errors of the interpolators, what descent finds, and the caps."""
    from stepscape.experiments.plane import sphere_construction_figures as figures

    return {"flat": figures.flat(result), "reached": figures.reached(result), "caps": figures.caps(result)}


def numbers(result: Result) -> Table:
    """Medians over the runs of every kind, dimension and n."""
    table = result.table
    part = np.where(table["kind"] == "plane/1", "descent", table["part"])
    return medians(Table({**table.columns, "part": part}), ("part", "dimension", "n"), NUMBERS)


NUMBERS = (
    "sharpness_best", "bound_best", "sharpness_unit", "bound_unit", "covered", "population_error",
    "null_population", "linear_population", "realized_noise", "train_error_kept", "population_error_kept",
    "caps", "empty", "sharpness_caps", "mean_square", "train_error", "sharpness", "edge_ratio",
    "live_path_rate",
)  # fmt: skip
QUICK: dict[str, Any] = {
    "dimensions": (3, 5, 10),
    "sizes": (30, 100),
    "cap_dimensions": (2, 3),
    "cap_sizes": (50, 200, 800),
    "candidates": 2000,
    "amplitude": 3.0,
    "noise": 1.0,
    "beside": 0.0001,
    "kept_steps": 300,
    "width": 128,
    "start_sharpness": 2.0,
    "step_size": 0.9,
    "steps": 2000,
    "fresh": 1000,
    "seeds": 4,
    "first_seed": 200,
}
_DIMENSIONS = " Intervals are simultaneous over the dimensions."

CLAIM = Claim(
    name="sphere-construction",
    title="On the sphere any labels have a flat interpolator, which cannot generalize",
    claim=(
        "The shape of the data matters: if all inputs lie on a sphere, flat networks interpolate any labels "
        "and cannot generalize at all; in the ball they do, but suffer from the curse of dimensionality."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 1, 'The shape of data distribution "
        "matters'; Liang, Cloninger, Parhi and Wang (2025); Liang, Qiao, Wang and Parhi (2025)"
    ),
    setup=(
        "The networks are those of the proofs, built in closed form: one neuron per example on the sphere, "
        "neurons on caps of the ball without inputs. Descent then starts beside the first ones, and from "
        "below the edge on the largest data set. Sizes were tried on seeds 1000 and 1001."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "dimensions": (3, 5, 10, 20),
        "sizes": (30, 100, 300),
        "cap_dimensions": (2, 3, 4, 5),
        "cap_sizes": (64, 256, 1024),
        "candidates": 20_000,
        "kept_steps": 1000,
        "width": 256,
        "steps": 5000,
        "fresh": 2000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    work=work,
    parts=(
        Part(
            "flat",
            "The interpolator is flat",
            "Square loss, unit sphere, any labels, D = max|y_i|: λ_max ≤ 1 + 2√2·D/n for the flattest "
            "scaling and 1 + (D² + 2)/n for output weights ±1. On every data set, up to the residual.",
            is_flat,
            kind="inequality",
            primary=True,
        ),
        Part(
            "interpolates",
            "One neuron per example interpolates the labels",
            "At every data set f(x_i) = y_i relative to D, every neuron is active on one input, and λ_max is "
            "its closed form, up to {tolerance:g}.",
            interpolates,
            {"tolerance": 1e-7},
            kind="identity",
        ),
        Part(
            "wrong",
            "More examples do not help the interpolator",
            "In each dimension, log10 of the population error of the flattest interpolator at the largest "
            "over that at the smallest n, one value per seed: yes if the interval lies above {least:g}, no "
            f"if below.{_DIMENSIONS}",
            is_wrong,
            {"least": -0.05},
            where={"part": "interpolator"},
            by="dimension",
        ),
        Part(
            "kept",
            "Descent near the interpolator stays with it",
            f"Descent at {NEAR_EDGE:g} times the largest stable step size, from parameters beside those of "
            "the interpolator: its training error ends at most {errs:g} times the mean of ε², and its "
            "population error within that share of the interpolator's. Yes if at least {nearly_all:.0%} of "
            "the runs do and the interval lies above one half, no if below.",
            is_kept,
            {"errs": 0.1, "nearly_all": 0.9},
        ),
        Part(
            "reached",
            "Does descent from below the edge memorize on the sphere?",
            "In each dimension, on the largest data sets at one step size: the decades by which the training "
            "error lies below the mean of ε², at most {floor:g}. Yes if the interval of its mean lies above "
            f"{{decades_below:g}}, no if below.{_DIMENSIONS} {COUNTS}",
            is_reached,
            {"decades_below": 1.0, "floor": 3.0},
            kind="open question",
            where={"geometry": "sphere"},
            by="dimension",
        ),
        Part(
            "caps",
            "In the ball a flat network can hide where no input is",
            "Neurons on caps of the ball without inputs, labels 0: λ_max is 1 and f is 0 at every input, up "
            "{tolerance:g}; and in each dimension the slope of log E f² on log n, one value per seed, "
            f"differs from −2/(d + 1) by less than {{within:g}}.{_DIMENSIONS}",
            caps_are_unseen,
            {"tolerance": 1e-9, "within": 0.15},
        ),
    ),
    draw=draw,
    premises={"most_active": "every neuron is active on one input, which the sphere allows"},
    numbers=numbers,
    by="dimension",
    names={str(d): f"d = {d}" for d in range(1, 101)},
)
