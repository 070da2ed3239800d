"""Linear pieces, knots, variation and active neurons against the step size."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import Array, log_ratio
from stepscape.experiments.frame.medians import nothing_finished
from stepscape.experiments.frame.sentences import number
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.family import (
    AS_PRIMARY,
    ENDS,
    PRIMARY,
    Asks,
    by_range,
    ends,
    falls_along,
    in_every_member,
    pieces,
)
from stepscape.experiments.square.medians import medians
from stepscape.experiments.square.runs import FULL, QUICK, begin, grid, work
from stepscape.tables.records import Table

ARMS: dict[str, Any] = {"by": "arm"}
LEAST_CORRELATION = 0.2
_PIECES = AS_PRIMARY.format("the pieces")
SMOOTHNESS = {"tv": "∫|f''|", "weighted_tv": "∫|f''|g", "knots": "knots"}
COUNTS = ("pieces", "pieces_equal_time", "features", "participation", "carriers", "knots", "bent_neurons",
          "dead_neurons", "rearranged", "tv", "weighted_tv", "pieces_truth")  # fmt: skip


def fewer_pieces(result: Result, least: float, least_correlation: float, column: str = "pieces") -> Finding:
    """Whether the pieces become fewer from end to end and along the step sizes, in every range."""
    return in_every_member(by_range(result.table), pieces(least, least_correlation, column))


def smoother(result: Result, least: float, least_correlation: float) -> Finding:
    """Whether variation, weighted variation and knots become fewer, from end to end and along the way."""
    asked = {}
    for column, name in SMOOTHNESS.items():
        says = partial(Says, name, "fall", plural=column == "knots")
        asked[column] = Asks(partial(_decades, column=column), says(), f"its fall in decades {ENDS}", least)
        asked[f"{column} ranks"] = falls_along(column, says("along the step sizes"), least_correlation)
    return in_every_member(by_range(result.table), asked)


def few_carry(result: Result, few: float, least: float) -> Finding:
    """Whether few neurons carry the bends at the largest working step size, and fewer than at the start."""
    are = partial(Says, "the neurons that carry the bends", "be", plural=True)
    limit = f"{few:.0%} of the width".replace("%", " %")
    share, start = (partial(_at_largest, column=name) for name in ("carriers", "carriers_at_start"))
    return in_every_member(by_range(result.table), {
        "few": Asks(lambda rows: few - share(rows), are(f"fewer than {limit}"), f"{limit} minus their share"),
        "fewer": Asks(
            lambda rows: start(rows) - share(rows), are("fewer than at the start"), "share lost", least
        ),
    })  # fmt: skip


def pushed_out(result: Result, least: float, least_correlation: float) -> Finding:
    """Whether neurons leave the data, and fewer remain there at larger step sizes."""
    leave = Says("more neurons", "leave", "the data than come in at the largest working η", plural=True)
    fewer = partial(Says, "fewer neurons", "bend", plural=True)
    lost = ends(
        "bent_neurons", fewer("among the data at the largest η"), f"share of the width lost {ENDS}", least
    )
    return in_every_member(by_range(result.table), {
        "leave": Asks(_net_loss, leave, "share of the width", least),
        "ends": replace(lost, contrast=lambda rows: lost.contrast(rows) / rows["width"][0]),
        "ranks": falls_along("bent_neurons", fewer("among the data along the step sizes"), least_correlation),
    })  # fmt: skip


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


def _at_largest(rows: Table, column: str) -> Array:
    """Share of the width at the largest working step size, by seed."""
    largest = ARRIVED.working(rows)[-1:]
    return np.asarray(ARRIVED.values(rows, column, largest)[:, 0] / rows["width"][0])


def _net_loss(rows: Table) -> Array:
    return _at_largest(rows, "pushed_out") - _at_largest(rows, "pulled_in")


def _decades(rows: Table, column: str) -> Array:
    return log_ratio(ARRIVED.at_ends(rows, column))


def draw(result: Result) -> dict[str, Drawn]:
    """Bends of the function, neurons behind them, and variation, against the step size."""
    from stepscape.experiments.square import sparsity_vs_step_size_figures as figures

    return {"sparsity": figures.sparsity(result), "sparsity-all": figures.everything(result)}


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
            "In every range, two numbers are asked for: the pieces at the smallest minus those at the "
            "largest working step size, and minus Spearman's rank correlation of the pieces with the "
            "working step sizes. An interval, simultaneous with all others, says yes if it lies above 0, and "
            "no if it excludes a loss of {least:g} pieces or more, or a correlation of {least_correlation:g} "
            "or more." + PRIMARY,
            fewer_pieces,
            {"least": 1.0, "least_correlation": LEAST_CORRELATION},
            primary=True,
            **ARMS,
        ),
        Part(
            "equal_time",
            "Larger steps find fewer pieces at equal time, too",
            "As before, with every run stopped at the same training time Σ η; a loss of {least:g} pieces "
            "and a rank correlation of {least_correlation:g} count." + _PIECES,
            partial(fewer_pieces, column="pieces_equal_time"),
            {"least": 1.0, "least_correlation": LEAST_CORRELATION},
            **ARMS,
        ),
        Part(
            "smoothness",
            "Larger steps find less variation and fewer knots",
            "In every range, for the total variation of f', the weighted total variation, and the knots "
            "inside the data: log10 of the value at the smallest working step size over that at the "
            "largest, of which {least:g} counts, and minus the rank correlation with the working step "
            "sizes, of which {least_correlation:g} counts. Yes if all intervals, simultaneous, lie above 0."
            + _PIECES,
            smoother,
            {"least": 0.05, "least_correlation": LEAST_CORRELATION},
            **ARMS,
        ),
        Part(
            "few_active_neurons",
            "Only a few neurons carry the bends",
            "In every range, at the largest working step size, the carriers are fewer than {few:.0%} of the "
            "width, and fewer than in the network at the start, by a difference of which {least:.0%} of the "
            "width counts: then training selected them." + _PIECES,
            few_carry,
            {"few": 0.1, "least": 0.05},
            **ARMS,
        ),
        Part(
            "pushed_out",
            "Neurons are pushed out of the data",
            "In every range, at the largest working step size, more neurons left the data than came in; "
            "fewer neurons bend there than at the smallest, and fewer and fewer along the working step "
            "sizes. A difference of {least:.0%} of the width and a rank correlation of "
            "{least_correlation:g} count; all intervals, simultaneous, must lie above 0 for a yes." + _PIECES,
            pushed_out,
            {"least": 0.05, "least_correlation": LEAST_CORRELATION},
            **ARMS,
        ),
        Part(
            "dead_stay_dead",
            "Dead neurons stay dead: an identity",
            "Without momentum and decay, the gradient of a neuron that is active on no input is a sum over "
            "no input. So this part tests the program, not the claim: at every record of every run the "
            "gradient of the dead neurons must be exactly 0. That none is active again follows, and cannot "
            "fail here, because the engine leaves dead neurons out.",
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
