"""Linear pieces, knots, variation and active neurons against the step size."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.contrasts import Array, last_minus_first, log_ratio, rank_correlations
from stepscape.experiments.frame.medians import nothing_finished
from stepscape.experiments.frame.sentences import number
from stepscape.experiments.square.medians import medians
from stepscape.experiments.square.runs import FULL, QUICK, begin, grid, work

ARMS: dict[str, Any] = {"by": "arm", "needs": STEP_SIZES.lacks}
SMOOTHNESS = {"tv": "∫|f''|", "weighted_tv": "∫|f''|g", "knots": "knots"}
COUNTS = ("pieces", "pieces_equal_time", "features", "participation", "carriers", "knots", "bent_neurons",
          "dead_neurons", "rearranged", "tv", "weighted_tv", "pieces_truth")  # fmt: skip


def fewer_pieces(result: Result, least: float, column: str = "pieces") -> Finding:
    """Whether the curve has fewer pieces at the largest working step size than at the smallest."""
    table = result.table
    moment = "at equal time" if column.endswith("equal_time") else ""
    what = f"pieces lost {STEP_SIZES.span_words(table)}"
    lost = -last_minus_first(STEP_SIZES.at_ends(table, column))
    return decide.sign(lost, Says("the curve", "lose", f"pieces {moment}".strip()), what, least)


def fewer_and_fewer_pieces(result: Result, least: float, least_correlation: float) -> Finding:
    """Whether the pieces become fewer from end to end, and along the working step sizes."""
    levels = STEP_SIZES.working(result.table)
    falling = -rank_correlations(STEP_SIZES.values(result.table, "pieces", levels), levels)
    steadily = Says("the number of pieces", "fall", "along the step sizes")
    what = "minus Spearman's rank correlation with η"
    ranks = decide.sign(falling, steadily, what, least_correlation)
    return together({"ends": fewer_pieces(result, least), "ranks": ranks}, named=False)


def smoother(result: Result, least: float) -> Finding:
    """Whether variation, weighted variation and knots become fewer."""
    table, found = result.table, {}
    for column, name in SMOOTHNESS.items():
        says = Says(name, "fall", plural=column == "knots")
        what = f"its fall in decades {STEP_SIZES.span_words(table)}"
        found[column] = decide.sign(log_ratio(STEP_SIZES.at_ends(table, column)), says, what, least)
    return together(found, named=False)


def few_carry(result: Result, few: float, least: float) -> Finding:
    """Whether few neurons carry the bends at the largest working step size, and fewer than at the start."""
    carriers, before = (_at_largest(result, name) for name in ("carriers", "carriers_at_start"))
    are = partial(Says, "the neurons that carry the bends", "be", plural=True)
    limit = f"{few:.0%} of the width".replace("%", " %")
    return together({
        "few": decide.sign(few - carriers, are(f"fewer than {limit}"), f"{limit} minus their share"),
        "fewer": decide.sign(before - carriers, are("fewer than at the start"), "share lost", least),
    }, named=False)  # fmt: skip


def pushed_out(result: Result, least: float) -> Finding:
    """Whether neurons leave the data, and fewer remain there at larger step sizes."""
    eta, width = STEP_SIZES.working(result.table)[-1], result.table["width"][0]
    left = _at_largest(result, "pushed_out") - _at_largest(result, "pulled_in")
    lost = -last_minus_first(STEP_SIZES.at_ends(result.table, "bent_neurons")) / width
    leave = Says("more neurons", "leave", f"the data than come in at η = {eta:g}", plural=True)
    fewer = Says("fewer neurons", "bend", "among the data at the largest step size", plural=True)
    span = STEP_SIZES.span_words(result.table)
    return together({
        "leave": decide.sign(left, leave, "share of the width", least),
        "fewer": decide.sign(lost, fewer, f"share of the width lost {span}", least),
    }, named=False)  # fmt: skip


def dead_stay_dead(result: Result) -> Finding:
    """Whether a dead neuron ever had a gradient or became active again."""
    rows = result.table.where(outcome="finished")
    checks, revived = int(rows["dead_checked"].sum()), int(rows["revived"].sum())
    if not checks:
        return lacking("no neuron was dead at any record")
    gradient = float(rows["dead_gradient"].max())
    violations = revived + int(np.sum(rows["dead_gradient"] != 0.0))
    found = decide.inequality(checks, violations, "observations of a dead neuron")
    seen = f"{number(checks)} observations of a dead neuron in {number(len(rows))} runs"
    back = f"{number(revived) if revived else 'none'} became active again"
    return replace(found, sentence=f"{seen}: the largest gradient was {number(gradient)}, and {back}.")


def _at_largest(result: Result, column: str) -> Array:
    """Share of the width at the largest working step size, by seed."""
    largest = STEP_SIZES.working(result.table)[-1:]
    return np.asarray(STEP_SIZES.values(result.table, column, largest)[:, 0] / result.table["width"][0])


def draw(result: Result) -> dict[str, Drawn]:
    """Bends of the function, neurons behind them, and variation, against the step size."""
    from stepscape.experiments.square import sparsity_vs_step_size_figures as figures

    return {"sparsity": figures.sparsity(result)}


CLAIM = Claim(
    name="sparsity-vs-step-size",
    title="Sparsity against step size: pieces, knots and active neurons",
    claim=(
        "The step size effectively tunes the number of linear pieces: larger steps find simpler functions. "
        "Only a few neurons are active in the end; others are pushed out of the support of the data, and "
        "dead ones never recover."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2",
    setup=(
        "The runs are those of risk-vs-step-size. The slides do not say how they count. Linear pieces are "
        "the fewest lines that stay within 5 % of the standard deviation of the labels. Features are those "
        "of 100 cells of the range whose net slope change exceeds 1 % of the total. Carriers are the fewest "
        "neurons that hold 90 % of Σ |w1 w2| among the data."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "pieces",
            "Larger steps find fewer linear pieces",
            "Two numbers are asked for, so that the ends are not an exception: the pieces at the smallest "
            "minus those at the largest working step size, and minus Spearman's rank correlation of the "
            "pieces with the working step sizes. Yes if the interval over seeds lies above 0, no if it "
            "excludes a loss of {least:g} pieces or more, or a correlation of {least_correlation:g} or more.",
            fewer_and_fewer_pieces,
            {"least": 1.0, "least_correlation": 0.2},
            primary=True,
            **ARMS,
        ),
        Part(
            "equal_time",
            "Larger steps find fewer pieces at equal time, too",
            "The pieces at the largest working step size are subtracted from those at the smallest, with "
            "every run stopped at the same training time Σ η; a difference of {least:g} counts.",
            partial(fewer_pieces, column="pieces_equal_time"),
            {"least": 1.0},
            **ARMS,
        ),
        Part(
            "smoothness",
            "Larger steps find less variation and fewer knots",
            "For the total variation of f', the weighted total variation, and the knots inside the data: "
            "log10 of the value at the smallest working step size over that at the largest; {least:g} "
            "counts.",
            smoother,
            {"least": 0.05},
            **ARMS,
        ),
        Part(
            "few_active_neurons",
            "Only a few neurons carry the bends",
            "At the largest working step size the carriers are fewer than {few:.0%} of the width, and fewer "
            "than in the network at the start, by a difference of which {least:.0%} of the width counts: "
            "then training selected them.",
            few_carry,
            {"few": 0.1, "least": 0.05},
            **ARMS,
        ),
        Part(
            "pushed_out",
            "Neurons are pushed out of the data",
            "At the largest working step size more neurons left the data than came in, and fewer neurons "
            "bend there than at the smallest; a difference of {least:.0%} of the width counts.",
            pushed_out,
            {"least": 0.05},
            **ARMS,
        ),
        Part(
            "dead_stay_dead",
            "Dead neurons stay dead",
            "Without momentum and decay, the gradient of a neuron that is active on no input is 0. At every "
            "record of every run the gradient of the dead neurons is exactly 0, and none is active again. "
            "The check is one of the gradients, because the engine leaves dead neurons out.",
            dead_stay_dead,
            kind="identity",
            needs=nothing_finished,
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network has one piece for another reason",
        "edge_reached": "the sharpness reached 2/η, so that the step size shaped the curve",
        "dead_checked": "some neuron was dead at some record, as the claim that it stays dead supposes",
    },
    numbers=lambda result: medians(result, *COUNTS, shares=("edge_reached",)),
    by="arm",
    names=ARM_NAMES,
)
