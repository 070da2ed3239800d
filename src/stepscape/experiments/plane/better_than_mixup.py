"""Can we do better than mixup? Depth, noise, weight decay and stopping early, at the cost of mixup."""

from __future__ import annotations

from functools import partial
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
)
from stepscape.experiments.frame.contrasts import at_chosen_level
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import number
from stepscape.experiments.plane.mixed_runs import MixedRun, begin_mixed, work
from stepscape.experiments.plane.runs import plane_sweep
from stepscape.experiments.plane.seedwise import SIZES, decades, of_each, seeds_of
from stepscape.experiments.plane.signal import amplitude
from stepscape.tables.records import Table

Array = NDArray[np.float64]
ERROR = "population_error"
ARMS = {
    "plain": "nothing",
    "mixup": "mixup",
    "depth": "deepest mixed pairs",
    "noise": "noise on the inputs",
    "decay": "weight decay",
    "both": "mixup and decay",
}


def grid(settings: Settings) -> list[MixedRun]:
    """Every data set, arm at each of its strengths, and seed."""
    at_least(settings, n=2, width=1, steps=1, seeds=1, fresh=2, dimension=1, moments=1)
    for name in ("alphas", "noise_sizes", "deepest_of", "decays"):
        if not min(settings[name]) > 0:
            raise bad(name, "be positive", min(settings[name]))
    return plane_sweep(
        MixedRun,
        settings,
        data=[_data(text) for text in settings["data"]],
        arms=_arms(settings),
        seed=seeds(settings),
        amplitude=amplitude,
        drawn=False,
    )


def _data(text: str) -> dict[str, str]:
    parts = text.split()
    if len(parts) != 2:
        raise bad("data", "be pairs of a law and a truth such as 'ball first'", repr(text))
    return {"geometry": parts[0], "target": parts[1]}


def _arms(settings: Settings) -> list[dict[str, Any]]:
    """Arms at their strengths; that of weight decay is the decay, and of both the decay with α = 1."""
    found: list[dict[str, Any]] = [_arm("plain", "none", 0.0)]
    for arm, name in (("mixup", "alphas"), ("depth", "deepest_of"), ("noise", "noise_sizes")):
        found += [_arm(arm, arm, float(strength)) for strength in settings[name]]
    for decay in settings["decays"]:
        found += [_arm("decay", "none", 0.0, decay), _arm("both", "mixup", 1.0, decay)]
    return found


def _arm(arm: str, augmentation: str, strength: float, decay: float = 0.0) -> dict[str, Any]:
    return {"arm": arm, "augmentation": augmentation, "strength": strength, "weight_decay": decay}


def cells(result: Result) -> dict[str, Result]:
    """Return the runs on each data set."""
    found = dict.fromkeys((run["geometry"], run["target"]) for run in result.runs)
    return {f"{law}, {truth}": result.where(geometry=law, target=truth) for law, truth in found}


def at_best(cell: Result, arm: str, every: Array, column: str = ERROR) -> Array:
    """Values (seeds,) of an arm at the strength that one seed in four chooses for the others, nan for these.

    An arm with one strength has nothing to choose, but keeps to the same seeds.
    """
    runs = cell.where(arm=arm)
    levels = sorted({(run["weight_decay"], run["strength"]) for run in runs.runs})
    if not levels:
        return np.full(every.size, np.nan)
    tables = [runs.where(weight_decay=decay, strength=strength).table for decay, strength in levels]
    seen = np.column_stack([of_each(table, column, every) for table in tables])
    return at_chosen_level(seen, every)[0]


def chosen(cell: Result, arm: str) -> float:
    """Return the strength of an arm, or its decay, that the choosing seeds choose."""
    runs, every = cell.where(arm=arm), seeds_of(cell.table)
    best = at_best(cell, arm, every)
    for decay, strength in sorted({(run["weight_decay"], run["strength"]) for run in runs.runs}):
        table = runs.where(weight_decay=decay, strength=strength).table
        if np.array_equal(of_each(table, ERROR, every)[~np.isnan(best)], best[~np.isnan(best)]):
            return float(decay or strength)
    return float("nan")


def compared(result: Result, arm: str, other: str, column: str, least: float, says: Says) -> Finding:
    """Decide whether `arm` (its `column`) has a smaller error than `other`, over the data sets."""
    gains, numbers = {}, {}
    for name, cell in cells(result).items():
        every = seeds_of(cell.table)
        here, there = at_best(cell, arm, every, column), at_best(cell, other, every)
        gains[name] = decades(there, here)
        numbers[f"{name}: strength of {ARMS[arm]}"] = chosen(cell, arm)
        numbers[f"{name}: error of {ARMS[other]}, median"] = median(there)
        numbers[f"{name}: error of {ARMS[arm]}, median"] = median(here)
    if not gains or not any(np.isfinite(each).any() for each in gains.values()):
        return lacking("no run of the two finished")
    found = decide.signs(gains, says, f"decades of population error, {ARMS[other]} over {ARMS[arm]}", least)
    return found.with_numbers({key: number(value) for key, value in numbers.items()})


def mixup_helps(result: Result, least: float) -> Finding:
    """Whether mixup is better than nothing at all."""
    return compared(result, "mixup", "plain", ERROR, least, Says("mixup", "be", "better than nothing"))


def better(arm: str, subject: str, column: str = ERROR, plural: bool = False) -> Any:
    """Return the judge of whether an arm is better than mixup."""

    def judge(result: Result, least: float) -> Finding:
        says = Says(subject, "be", "better than mixup", plural=plural)
        return compared(result, arm, "mixup", column, least, says)

    return judge


def adds(result: Result, least: float) -> Finding:
    """Whether mixup still helps beside decay."""
    says = Says("mixup", "add", "to weight decay")
    return compared(result, "both", "decay", ERROR, least, says)


def draw(result: Result) -> dict[str, Drawn]:
    """Errors by arm, one panel per data set."""
    from stepscape.experiments.plane import better_than_mixup_figures as figures

    return {"arms": figures.draw_arms(result)}


QUICK: dict[str, Any] = {
    "data": ("ball first",),
    "dimension": 5,
    "n": 64,
    "width": 64,
    "step_size": 0.4,
    "steps": 200,
    "moments": 6,
    "noise": 1.0,
    "start_sharpness": 4.0,
    "alphas": (0.3, 1.0),
    "deepest_of": (4,),
    "noise_sizes": (0.3, 0.6),
    "decays": (0.02, 0.05),
    "fresh": 1000,
    "seeds": 6,
    "first_seed": 0,
}
_RULE = (
    "log10 of the population error of mixup over its own, each at the strength that every fourth seed "
    "chooses for the others, one per seed: yes if its interval lies above 0 and no data set says the "
    "opposite, no if it excludes {least:g}. Decided by the mean over the data sets."
)
_part = partial(Part, kind="open question", reads=(ERROR,))
LEAST = {"least": 0.03}

CLAIM = Claim(
    name="better-than-mixup",
    title="Weight decay, deeper pairs, noise or stopping early: what does better than mixup?",
    claim="Flatness explains mixup quite well. But can we do better?",
    kind="open question",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 3, 'But can we do better?'",
    setup=(
        "All arms start alike and make equally many steps on n examples each. Strengths are chosen on the "
        "seeds that 4 divides, and judged on the others. The truth is x_1 or |x_1| with variance 1, as large "
        "as the noise; a straight fit knows the first one. Depth takes the deepest of c mixed candidates. "
        "Errors are on fresh inputs. Tried out on seeds 1000 and later."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "data": ("sphere first", "ball bend"),
        "n": 128,
        "width": 256,
        "steps": 3000,
        "moments": 12,
        "alphas": (0.3, 1.0),
        "deepest_of": (2, 8),
        "noise_sizes": (0.3, 0.6),
        "decays": (0.02, 0.05),
        "fresh": 2000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin_mixed,
    work=work,
    parts=(
        _part(
            "decay",
            "Is weight decay better?",
            _RULE,
            better("decay", "weight decay"),
            LEAST,
            primary=True,
        ),
        _part(
            "depth",
            "Are the deepest pairs better?",
            _RULE,
            better("depth", "the deepest pairs", plural=True),
            LEAST,
        ),
        _part(
            "noise", "Is noise on the inputs better?", _RULE, better("noise", "noise on the inputs"), LEAST
        ),
        _part(
            "early",
            "Is stopping early better?",
            _RULE + " Its own is that of training without augmentation at its best moment on fresh labels.",
            better("plain", "plain training stopped early", f"{ERROR}_held_out"),
            LEAST,
        ),
        _part(
            "both",
            "Does mixup add to weight decay?",
            "As above, with weight decay in place of mixup and both together in place of the other; no if it "
            "excludes {least:g}.",
            adds,
            LEAST,
        ),
        _part(
            "mixup",
            "Is mixup better than nothing?",
            "As above, with plain training in place of mixup and mixup in place of the other; no if it "
            "excludes {least:g}.",
            mixup_helps,
            LEAST,
        ),
    ),
    draw=draw,
    numbers=lambda result: _numbers(result.table),
    by="arm",
    names=ARMS,
)


def _numbers(table: Table) -> Table:
    return medians(
        table,
        ("geometry", "target", "arm", "strength", "weight_decay"),
        (
            ERROR, f"{ERROR}_held_out", "design_error", "train_error", "realized_noise", "null_population",
            "linear_population", "path_rate", "live_rate", "dead_share", "edge_ratio", "decay_time",
        ),
        ("arrived",),
        SIZES.counts,
    )  # fmt: skip
