"""Networks without biases do not shatter centered data; whether they generalize is another question."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, seeds
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.finding import together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.settings import Settings
from stepscape.experiments.plane.pairs import COUNTS, Array, Where, counted, decades, fewer, of_seeds
from stepscape.experiments.plane.runs import begin, plane_sweep, work
from stepscape.experiments.plane.spec import PlaneRun

WITH: Where = {"biases": "both", "shift": 0.0}
MOMENTS = {"": "at the end", "_held_out": "at the best held-out moment"}
WITHOUT: Where = {"biases": "none", "shift": 0.0}


def grid(settings: Settings) -> list[PlaneRun]:
    """With biases, and without at each shift of the data, in every dimension."""
    arms = [WITH, *({"biases": "none", "shift": shift} for shift in sorted(settings["shifts"]))]
    return plane_sweep(PlaneRun, settings, dimension=settings["dimensions"], arm=arms, seed=seeds(settings))


def by_dimension(result: Result, column: str, where: Where) -> dict[str, Array]:
    """Values of the runs that count over the seeds, for each dimension."""
    table = result.table
    return {
        f"d = {d:g}": of_seeds(table.where(dimension=d), column, where) for d in np.unique(table["dimension"])
    }


def differences(result: Result, column: str, first: Where, second: Where) -> dict[str, Array]:
    """Values with `first` minus those with `second`, over the seeds, for each dimension."""
    one, other = (by_dimension(result, column, where) for where in (first, second))
    return {name: one[name] - other[name] for name in one}


def lacks(values: dict[str, Array], what: str) -> str:
    """Say in which dimension too few seeds have values; "" if none."""
    reasons = (fewer(each, f"{what} for {name}") for name, each in values.items())
    return next(filter(None, reasons), "")


def rates(result: Result, where: Where) -> dict[str, float]:
    """Return the median path-weighted rate in each dimension."""
    return {name: median(each) for name, each in by_dimension(result, "live_path_rate", where).items()}


def is_cured(result: Result, least: float) -> Finding:
    """Whether live neurons hold more examples without biases, in every dimension."""
    change = differences(result, "live_path_rate", WITHOUT, WITH)
    if reason := lacks(change, "with biases and without"):
        return lacking(reason)
    says = Says("neurons without biases", "hold", "more examples", plural=True)
    found = decide.signs(change, says, "path-weighted rate, without minus with biases", least)
    return found.with_numbers({
        f"{name}, {what}: rate, median": value
        for what, where in (("with", WITH), ("without", WITHOUT))
        for name, value in rates(result, where).items()
    })  # fmt: skip


def is_half(result: Result, least: float, within: float) -> Finding:
    """Whether without biases the mean rate is about one half and the smallest not small."""
    mean, smallest = (by_dimension(result, name, WITHOUT) for name in ("live_rate", "smallest_live_rate"))
    if reason := lacks(mean, "without biases"):
        return lacking(reason)
    at_once = 2 * len(mean)
    found = {}
    for name in mean:
        half = Says(f"for {name} the mean rate", "be", "one half")
        found[f"{name}, mean"] = decide.equivalent(
            mean[name] - 0.5, within, half, "mean rate less one half", at_once=at_once
        )
        large = Says(f"for {name} the smallest rate", "be", "at least that large")
        found[f"{name}, smallest"] = decide.at_least(
            smallest[name], least, large, "smallest rate of a live neuron", at_once=at_once
        )
    return together(found, named=False)


def shift_restores(result: Result, least: float) -> Finding:
    """Whether without biases the rate falls with the distance of the data from the origin."""
    shifts = np.sort(np.unique(result.table["shift"]))
    by_shift = [
        by_dimension(result, "live_path_rate", {"biases": "none", "shift": shift}) for shift in shifts
    ]
    found = {name: np.column_stack([each[name] for each in by_shift]) for name in by_shift[0]}
    change = {name: each[:, 0] - each[:, -1] for name, each in found.items()}
    if reason := lacks(change, f"at the shifts {shifts[0]:g} and {shifts[-1]:g}"):
        return lacking(reason)
    trends = {name: -rank_correlations(each, shifts) for name, each in found.items()}
    parts = {
        "ends": decide.signs(
            change, Says("a shift of the data", "lower", "the rate"),
            f"path-weighted rate without biases, centered minus shifted by {shifts[-1]:g}", least, at_once=2,
        ),
        "trend": decide.signs(
            trends, Says("the rate", "fall", "along the shifts"),
            "rank correlation of rate and shift with the sign turned", at_once=2,
        ),
    }  # fmt: skip
    return together(parts, named=False)


def error_falls(result: Result, least: float) -> Finding:
    """Whether without biases the population error is smaller, in every dimension, at each of two moments."""
    found = {}
    for suffix, when in MOMENTS.items():
        one, other = (by_dimension(result, f"population_error{suffix}", where) for where in (WITH, WITHOUT))
        gain = {name: decades(one[name], other[name]) for name in one}
        if reason := lacks(gain, "with biases and without"):
            return lacking(reason)
        says = Says(f"{when} networks without biases", "have", "less population error", plural=True)
        what = "log10 of the error with over that without biases"
        found[when] = decide.signs(gain, says, what, least, at_once=len(MOMENTS))
    return together(found, named=False)


def still_memorizes(result: Result, decades_below: float, floor: float) -> Finding:
    """Whether networks without biases memorize the labels where those with biases do."""
    found, what = {}, f"decades by which the training error lies below the noise, {floor:g} at most"
    memorized = {}
    for where in (WITH, WITHOUT):
        train, noise = (by_dimension(result, name, where) for name in ("train_error", "realized_noise"))
        memorized[str(where["biases"])] = {
            name: -np.log10(np.clip(train[name] / noise[name], 10.0**-floor, None)) for name in train
        }
    asked = [name for name, values in memorized["both"].items() if median(values) > decades_below]
    if not asked:
        return lacking("networks with biases memorize their labels in no dimension")
    for name in asked:
        if reason := fewer(memorized["none"][name], f"without biases for {name}"):
            return lacking(reason)
        says = Says(f"for {name} networks without biases", "memorize", "their labels", plural=True)
        found[name] = decide.at_least(memorized["none"][name], decades_below, says, what, at_once=len(asked))
    return together(found, named=False)


def draw(result: Result) -> dict[str, Drawn]:
    """Rates by arm, and errors by arm."""
    from stepscape.experiments.plane import bias_figures as figures

    return {
        "rates": figures.rates(result),
        "histogram": figures.histogram(result),
        "errors": figures.errors(result),
    }


NUMBERS = (
    "train_error", "realized_noise", "design_error", "population_error", "population_error_held_out",
    "null_population", "linear_population", "sharpness", "edge_ratio", "dead_share", "live_rate",
    "smallest_live_rate", "path_rate", "live_path_rate",
)  # fmt: skip
QUICK: dict[str, Any] = {
    "n": 64,
    "dimensions": (2, 10, 20),
    "width": 128,
    "amplitude": 3.0,
    "noise": 1.0,
    "start_sharpness": 2.0,
    "step_size": 0.9,
    "shifts": (0.0, 1.0),
    "steps": 1500,
    "moments": 4,
    "fresh": 500,
    "seeds": 4,
    "first_seed": 200,
}

CLAIM = Claim(
    name="bias",
    title="Without biases neurons do not shatter, unless the data lies off the origin",
    claim=(
        "Neural shattering does not happen if the biases are removed from the network: provably better "
        "generalization when there is no bias?"
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 1, 'Neural shattering does not happen "
        "if we remove bias', and its discussion, 'GPT models do not use biases'"
    ),
    setup=(
        "As in `shattering`, at the largest step size without weight decay, from starts with a sharpness of "
        "2. Without biases neither the neurons nor the output have one. The data is shifted along its last "
        "coordinate, and the truth with it. Larger shifts kill most neurons from any start. Sizes and shifts "
        "were tried on seeds 1000 to 1002."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "n": 128,
        "dimensions": (2, 10, 50),
        "width": 256,
        "shifts": (0.0, 0.25, 0.5, 1.0),
        "steps": 5000,
        "moments": 7,
        "fresh": 2000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "cured",
            "Without biases neurons hold more examples",
            "In each dimension, the mean share of the examples on which a live neuron is active, weighted by "
            "|w2|·‖w1‖, without biases minus with them, one value per seed. Yes if the interval of the mean "
            "over the dimensions lies above 0, and no dimension below; no if it excludes {least:g}. "
            f"{COUNTS}",
            is_cured,
            {"least": 0.05},
            primary=True,
        ),
        Part(
            "half",
            "Without biases every neuron holds a good share",
            "In each dimension, on centered data without biases: the mean rate of the live neurons differs "
            "from one half by less than {within:g}, and the smallest rate of a live neuron is {least:g} or "
            f"more. Intervals are simultaneous. {COUNTS}",
            is_half,
            {"least": 0.1, "within": 0.05},
        ),
        Part(
            "shift_restores",
            "Data off the origin brings the small rates back",
            "Without biases, in each dimension, the path-weighted rate on centered data minus that at the "
            "largest shift, and the rank correlation of rate and shift, one value per seed. Each is a yes if "
            "the interval of the mean over the dimensions says that the rate falls, and no dimension the "
            f"opposite; the first is a no if it excludes {{least:g}}. {COUNTS}",
            shift_restores,
            {"least": 0.05},
        ),
        Part(
            "error",
            "Do networks without biases generalize better?",
            "In each dimension, log10 of the population error with biases over that without, one value per "
            "seed, at the end and at the best held-out moment. Each is a yes if the interval of the mean "
            "over the dimensions lies above 0, and no dimension below, a no if it excludes {least:g}; the "
            f"two are simultaneous. {COUNTS}",
            error_falls,
            {"least": 0.02},
            kind="open question",
        ),
        Part(
            "memorizes",
            "Do networks without biases still memorize?",
            "In each dimension in which networks with biases memorize: the decades by which the training "
            "error without biases lies below the mean of ε², at most {floor:g}. Yes if the interval of its "
            "mean lies above {decades_below:g}, no if below. Intervals are simultaneous over these "
            f"dimensions. {COUNTS}",
            still_memorizes,
            {"decades_below": 1.0, "floor": 3.0},
            kind="open question",
        ),
    ),
    draw=draw,
    premises={
        "arrived": "λ_max and the predictions have stopped moving",
        "live_neurons": "neurons that are active on some example: a dead network is flat for nothing",
    },
    numbers=lambda result: medians(
        result.table, ("dimension", "biases", "shift"), NUMBERS, ("arrived", "at_edge"), counted
    ),
)
