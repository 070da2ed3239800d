"""How the risk of descent depends on step size, noise and the range of the inputs, beside the rate."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.certificates.constant_runs import QUICK, begin, grid, work
from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import fraction
from stepscape.experiments.frame.limits import EDGE, FEWEST_BENT, MOST
from stepscape.experiments.frame.medians import medians, nothing_finished
from stepscape.experiments.frame.sentences import clause, interval, listed, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
WORDS = {"step_size": "1/η", "noise": "σ", "half_width": "the range of the inputs"}
SPAN = 2.5  # largest over smallest level of a slope


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs of which the theorem speaks: at the edge, and fitting as well as the truth does."""
    if "fits" not in table:
        return np.zeros(len(table), bool)
    edge = table["edge_ratio"].astype(float)
    known = (table["outcome"] == "finished") & (table["fits"].astype(float) == 1.0)
    bent = table["bent_neurons"].astype(float) >= FEWEST_BENT
    return np.asarray(known & bent & (edge >= EDGE[0]) & (edge <= EDGE[1]))


def levels(table: Table, axis: str) -> Array:
    """Levels of an axis at which most runs count."""
    every, mask = np.unique(table[axis]), counts(table)
    share = [fraction(mask[table[axis] == level]) for level in every]
    return np.asarray(every[np.array(share) >= MOST], np.float64)


def exponents(table: Table, axis: str, column: str) -> Array:
    """Slope of the logarithm of a column on that of 1/η, σ or the range, per seed, over levels that count."""
    works, mask = levels(table, axis), counts(table)
    seeds = np.unique(table["seed"])
    values = np.full((seeds.size, works.size), np.nan)
    for j, level in enumerate(works):
        here = mask & (table[axis] == level)
        values[np.searchsorted(seeds, table["seed"][here]), j] = table[column][here]
    at = 1.0 / works if axis == "step_size" else works
    return slopes(values, at, least_span=SPAN)


def within_rate(result: Result, axis: str, least: float, until: float) -> Finding:
    """Whether the risk grows no faster along an axis than the rate of the theorem."""
    table = result.where(axis=axis).table
    if not len(table) or levels(table, axis).size < 3:
        return lacking("at too few levels most runs end at the edge and fit as well as the truth")
    over = exponents(table, axis, "over_rate")
    says = Says("the risk", "grow", f"no faster with {WORDS[axis]} than the rate allows")
    what = f"power of {WORDS[axis]}, of risk over rate"
    found = decide.slope(over, 0.0, says, what, until=until, beyond=least)
    works = levels(table, axis)
    lost = [level for level in np.unique(table[axis]) if level not in works]
    if lost:
        text = f"most runs do not count at {axis.replace('_', ' ')} {listed(lost)}"
        found = replace(found, sentence=sentence(clause(found.sentence), text))
    own = student(exponents(table, axis, "risk"))
    return found.with_numbers({f"power of {WORDS[axis]}, of the risk alone": interval(own)})


def falls(result: Result, least: float) -> Finding:
    """Whether the risk rises with 1/η at all, among runs at the edge that fit as well as the truth."""
    table = result.where(axis="step_size").table
    if not len(table) or levels(table, "step_size").size < 3:
        return lacking("at too few step sizes most runs end at the edge and fit as well as the truth")
    says = Says("the risk", "fall", "with the step size")
    return decide.sign(exponents(table, "step_size", "risk"), says, "power of 1/η", least)


def steady(result: Result, factor: float) -> Finding:
    """Whether the risk over the rate stays within a factor over all settings of an arm."""
    works = {axis: levels(result.table.where(axis=axis), axis) for axis in WORDS}
    if any(each.size < 3 for each in works.values()):
        return lacking("at too few levels most runs end at the edge and fit as well as the truth")
    ratios = np.hstack([_ratios(result.table, axis, each) for axis, each in works.items()])
    spread = np.ptp(ratios, axis=1)
    says = Says("the risk over the rate", "stay", f"within a factor of {factor:g} over all settings")
    found = decide.sign(np.log10(factor) - spread, says, "decades to spare, factor over largest ratio")
    means = 10.0 ** np.nanmean(ratios, axis=0)
    return found.with_numbers({
        "risk over rate, smallest geometric mean": float(means.min()),
        "risk over rate, largest geometric mean": float(means.max()),
    })  # fmt: skip


def _ratios(table: Table, axis: str, works: Array) -> Array:
    """log10 of risk over rate (seeds, levels), nan where a run does not count."""
    seeds, rows = np.unique(table["seed"]), table.rows(counts(table)).where(axis=axis)
    out = np.full((seeds.size, works.size), np.nan)
    for j, level in enumerate(works):
        here = rows.where(**{axis: level})
        out[np.searchsorted(seeds, here["seed"]), j] = np.log10(here["over_rate"].astype(float))
    return out


def numbers(result: Result) -> Table:
    """Medians of risk, rate and premises."""
    return medians(
        result.table, ("arm", "axis", "noise", "half_width", "step_size"),
        ("risk", "over_rate", "training_error", "edge_ratio"), shares=("fits",),
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the risk along each axis beside the rate."""
    from stepscape.experiments.certificates import risk_constants_figures as figures

    return {"axes": figures.axes(result)}


_UNTIL = {"least": 0.05, "until": 0.4}
_RULE = (
    "Of the runs that end at the edge and fit the labels of the interior at least as well as the truth, at "
    "levels where these are most, the slope of the logarithm of risk over rate on that of {axis}, per "
    "seed: contradicted if the interval lies wholly above {{least:g}}, consistent if not, and wholly below "
    "{{until:g}}. At levels that are left out the theorem says nothing, or the step size did not decide."
)


def _part(axis: str, words: str, **more: Any) -> Part:
    return Part(
        axis, words, _RULE.format(axis=WORDS[axis]), partial(within_rate, axis=axis), _UNTIL, by="arm",
        needs=nothing_finished, **more,
    )  # fmt: skip


CLAIM = Claim(
    name="risk-constants",
    title="What the risk depends on: step size, noise, range",
    claim=(
        "In the interior the mean squared error of flat networks is of the order (σ²/n)^(4/5) (x_max/η + σ "
        "x_max²)^(2/5), if the training loss is smaller than that of the truth."
    ),
    kind="one-sided rate",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'In the non-parametric' case and "
        "'if training loss smaller than σ²'; Qiao et al. (2024)"
    ),
    setup=(
        "A tent stretched over the inputs, one of step size, noise and range varied at a time from 0.2, "
        "0.5 and 3. Two starts; the default one diverges on this range. Looks used seeds 9300 to 9303 with "
        "120 labels."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "n": 120,
        "width": 100,
        "noises": (0.1, 0.2, 0.5, 1.0, 2.0),
        "half_widths": (1.0, 1.5, 2.0, 3.0, 4.0, 6.0),
        "step_sizes": (0.02, 0.05, 0.1, 0.15, 0.2, 0.3),
        "steps": 100_000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part("step_size", "The risk grows no faster with 1/η than the rate", primary=True),
        _part("noise", "It grows no faster with the noise"),
        _part("half_width", "It grows no faster with the range of the inputs"),
        Part(
            "falls",
            "Does the risk fall with the step size at all?",
            "Of the same runs, the slope of the logarithm of the risk on log 1/η: yes if the interval lies "
            "above 0, no if it excludes {least:g} or more.",
            falls,
            {"least": 0.05},
            kind="open question",
            by="arm",
            needs=nothing_finished,
        ),
        Part(
            "steady",
            "Does the rate tell the risk up to a factor, over all settings?",
            "Of the same runs, at three levels or more along each axis, log10 of {factor:g} minus the "
            "decades from the smallest to the largest ratio of risk and rate of a seed that has a run at "
            "all of these levels: yes if the interval lies above 0, no if below.",
            steady,
            {"factor": 10.0},
            kind="open question",
            by="arm",
            needs=nothing_finished,
        ),
    ),
    draw=draw,
    premises={
        "fits": "the training error in the interior is at most that of the truth, as the theorem supposes",
        "edge_ratio": "descent ended at the edge of stability, so that the step size decides",
        "bent_neurons": "some neurons bend among the data",
    },
    numbers=numbers,
    by="arm",
    names=ARM_NAMES,
)  # fmt: skip
