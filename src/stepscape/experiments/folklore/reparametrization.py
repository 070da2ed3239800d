"""Rescalings of the neurons: the same function with any sharpness, and the least one that it has."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.folklore.columns import STRETCH
from stepscape.experiments.folklore.ranges import ENOUGH, in_every_range
from stepscape.experiments.folklore.ranks import tau
from stepscape.experiments.folklore.runs import FULL, QUICK, WARM, begin, grid, work
from stepscape.experiments.folklore.solutions import SOLUTION, counts, lacks, solutions
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.medians import medians, nothing_finished
from stepscape.experiments.frame.sentences import clause, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
ROUNDING = 1e-12
SHARPER = 1.1
NAMES = {**ARM_NAMES, WARM: "the mean-field starts with warm-up"}


def unmoved(result: Result, column: str, tolerance: float, what: str) -> Finding:
    """Whether random rescalings leave something where it is, up to rounding."""
    return decide.identity(result.table[column], tolerance, what)


def gains(result: Result, stretch: float, decades: float) -> Finding:
    """Whether stretching all neurons multiplies the sharpness by a power of ten."""
    rows = solutions(result.table)
    says = Says("the stretched network", "be", f"sharper by {decades:g} decade or more")
    values = _by_seed(rows, np.log10(rows["stretched_sharpness"] / rows["sharpness"]))
    return decide.at_least(values, decades, says, f"log10 of λ_max at c = {stretch:g} over that at c = 1")


def bounded(result: Result) -> Finding:
    """Whether no rescaling that was measured is flatter than the certified least sharpness."""
    table = result.table
    seen = np.concatenate([
        table[name] + table["residual_norm"]
        for name in ("sharpness", "random_sharpness", "stretched_sharpness", "rescaled_sharpness")
    ])  # fmt: skip
    least = np.tile(table["least_sharpness"], 4)
    known = np.isfinite(seen) & np.isfinite(least)
    wrong = least[known] > seen[known] * (1.0 + ROUNDING)
    return decide.inequality(int(known.sum()), int(wrong.sum()), "rescalings", least[known] / seen[known])


def sharper_than_needed(result: Result, factor: float) -> Finding:
    """Whether solutions are sharper than their function needs, in every range."""
    return in_every_range(result.table, partial(_sharper, factor=factor))


def _sharper(rows: Table, at_once: int, factor: float) -> Finding:
    """Yes needs a flatter network that was found; no needs that none can be flatter by the factor."""
    says = Says(
        "solutions", "be", f"sharper than their function needs, by a factor of {factor:g}", plural=True
    )
    what = "log10 of λ_max over that of the flattest rescaling"
    limit = float(np.log10(factor))
    found = decide.at_least(_by_seed(rows, excess(rows)), limit, says, what, at_once=at_once)
    if found.answer != "no":
        return found
    least = rows["least_sharpness"] - rows["residual_norm"]
    at_most = np.where(least > 0.0, np.log10(rows["sharpness"] / np.maximum(least, 1e-300)), np.inf)
    if student(_by_seed(rows, at_most), at_once).high < limit:
        return found
    open_ = "the certified bound leaves room for a flatter one"
    return replace(found, answer="undecided", sentence=sentence(clause(found.sentence), open_))


def nearer_with_large_steps(result: Result, least: float) -> Finding:
    """Whether larger steps find solutions nearer to the flattest rescaling of their function."""
    return in_every_range(result.table, partial(_nearer, least=least))


def _nearer(rows: Table, at_once: int, least: float) -> Finding:
    rows = Table({**rows.columns, "excess": excess(rows)})
    values = [-tau(rows.where(seed=seed), "excess", "step_size") for seed in np.unique(rows["seed"])]
    if not np.isfinite(values).any():
        return lacking("no data set has solutions at several step sizes")
    says = Says(
        "larger steps", "find", "solutions nearer to the flattest rescaling of their function", plural=True
    )
    what = "minus Kendall's τ of step size and λ_max over that of the flattest rescaling"
    return decide.sign(values, says, what, least, at_once=at_once)


def excess(rows: Table) -> Array:
    """log10 of the sharpness of solutions over that of the flattest rescaling of the same function."""
    return np.asarray(np.log10(rows["sharpness"] / rows["rescaled_sharpness"]), float)


def _by_seed(rows: Table, values: Array) -> Array:
    return np.array([np.mean(values[rows["seed"] == seed]) for seed in np.unique(rows["seed"])])


def numbers(result: Result) -> Table:
    """Medians of the sharpness and the trace, and of their least values, for each start and step size."""
    return medians(
        result.table, ("half_width", "arm", "scale", "step_size"),
        ("sharpness", "least_sharpness", "rescaled_sharpness", "residual_norm", "trace", "least_trace"),
        ("edge_reached",), counts,
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Sharpness over a common scale of the neurons; how far solutions are from their least sharpness."""
    from stepscape.experiments.folklore import reparametrization_figures as figures

    return {"excess": figures.over_step_sizes(result), "scales": figures.over_scales(result)}


CLAIM = Claim(
    name="reparametrization",
    title="Sharp minima can generalize: the same function with any sharpness",
    claim=(
        "Rescaling the neurons of a network leaves its function, its risk and its weighted variation where "
        "they are, and gives it any sharpness above a least one."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'Sharp Minima Can Generalize'; Dinh et al. "
        "(2017); the least sharpness and trace are derived here"
    ),
    setup=(
        "The solutions of sharpness-vs-risk. Each is rescaled at random, neuron by neuron, stretched as a "
        "whole, and brought to the least sharpness and the least trace of its function. λ_max is a convex "
        "function of the logarithms of the scales, so that the least one is found and certified."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "sharper_than_needed",
            "Are trained solutions sharper than their function needs?",
            "For each seed, log10 of λ_max of the midpoint over λ_max at the flattest rescaling that was "
            "found is averaged over its solutions. Yes if the interval lies above the logarithm of "
            "{factor:g}, no if it lies below, and so does that for λ_max over the certified least minus "
            "‖R‖; in each range. " + ENOUGH + SOLUTION,
            sharper_than_needed,
            {"factor": SHARPER},
            kind="open question",
            primary=True,
            by="arm",
            needs=lacks,
        ),
        Part(
            "nearer_with_large_steps",
            "Do larger steps find solutions nearer to the least sharpness of their function?",
            "For each seed, Kendall's τ of the step size with λ_max over that at the flattest rescaling is "
            "taken over its solutions of one kind of start, in each range. Yes if the mean of −τ lies above "
            "0, no if it excludes {least:g} or more. " + ENOUGH + SOLUTION,
            nearer_with_large_steps,
            {"least": 0.1},
            kind="open question",
            by="arm",
            needs=lacks,
        ),
        Part(
            "any_sharpness",
            "The same function can be much sharper",
            "For each seed, log10 of λ_max with all neurons stretched by c = {stretch:g} over λ_max of the "
            "solution is averaged. Yes if the interval lies above {decades:g}. " + SOLUTION,
            gains,
            {"stretch": STRETCH, "decades": 1.0},
            needs=lacks,
        ),
        Part(
            "same_function",
            "The function does not move",
            "Random scales between e⁻³ and e³ for each neuron move the network on 401 points by at most "
            "{tolerance:g} of the sizes of its terms.",
            partial(unmoved, column="function_moved", what="rescaled functions"),
            {"tolerance": ROUNDING},
            kind="identity",
            reads=("function_moved",),
            needs=nothing_finished,
        ),
        Part(
            "same_variation",
            "The weighted variation does not move",
            "The same scales move Σ|w1 w2| g(knot) by at most {tolerance:g} of itself.",
            partial(unmoved, column="tv_moved", what="weighted variations"),
            {"tolerance": ROUNDING},
            kind="identity",
            reads=("tv_moved",),
            needs=nothing_finished,
        ),
        Part(
            "least",
            "No rescaling is flatter than the certified least sharpness",
            "λ_max of every rescaling that is measured is at least the certified bound minus ‖R‖, the norm "
            "of the residual part of the Hessian.",
            bounded,
            kind="inequality",
            reads=("least_sharpness",),
            needs=nothing_finished,
        ),
    ),
    draw=draw,
    premises={
        STEP_SIZES.alive: "some neurons bend among the data: a dead network has nothing to rescale",
        "drift": "the sharpness stands still: an unfinished run is not a solution",
    },
    numbers=numbers,
    by="arm",
    names=NAMES,
)
