"""Whether the effects of the step size are general, or the experiment was lucky."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says
from stepscape.experiments.frame.contrasts import log_ratio
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.family import (
    AS_PRIMARY,
    ENDS,
    PRIMARY,
    Array,
    Asks,
    falls_along,
    in_every_member,
    pieces,
)
from stepscape.experiments.square.members import FIELDS, every_member, named
from stepscape.experiments.square.runs import FULL, QUICK, begin, work
from stepscape.experiments.square.sides import sides
from stepscape.tables.records import Table

_PIECES = AS_PRIMARY.format("the pieces")
SIDES = {
    "risk": "at the end of training",
    "risk_equal_time": "at equal time",
    "risk_held_out": "at its best held-out moment",
}
BASE = {
    **{name: value for name, value in QUICK.items() if name not in ("truth", "n", "width", "noise")},
    "truths": ("tent", "wave"),
    "sizes": (30, 60),
    "widths": (1000, 200),
    "noises": (0.5, 0.25),
}


def in_all(result: Result, asked: dict[str, Asks]) -> Finding:
    """Ask in every member; intervals are simultaneous over the members, the arms and the questions."""
    found = named(result.table, result.settings)
    return in_every_member(found, asked, at_once=len(result.settings["arms"]))


def fewer_pieces(result: Result, least: float, least_correlation: float) -> Finding:
    """Whether the pieces become fewer from end to end and along the step sizes."""
    return in_all(result, pieces(least, least_correlation))


def fewer_knots(result: Result, least: float, least_correlation: float) -> Finding:
    """Whether the knots become fewer from end to end and along the step sizes."""
    says = Says("knots", "become", "fewer and fewer", plural=True)
    return in_all(result, {"ends": knots(least), "ranks": falls_along("knots", says, least_correlation)})


def side(result: Result, least: float, column: str = "risk", right: bool = False) -> Finding:
    """Whether the risk falls first, or rises again, in units of the variance of the noise."""
    return in_all(result, {"side": one_side(least, column, right)})


def knots(least: float) -> Asks:
    """Ask whether the knots are fewer at the largest working step size than at the smallest."""
    return Asks(
        knots_lost, Says("knots", "become", "fewer", plural=True), f"decades of knots lost {ENDS}", least
    )


def one_side(least: float, column: str = "risk", right: bool = False) -> Asks:
    """Ask about one side of the U."""
    verb, end = ("rise", "largest") if right else ("fall", "smallest")
    says = Says("the risk", verb, f"{'again' if right else 'first'} {SIDES[column]}")
    what = f"noise variances by which the {end} η lies above the best"
    return Asks(partial(side_of_u, column=column, right=right), says, what, least)


def shown_effects() -> dict[str, Asks]:
    """Effects that the figure shows, by the title of their panel."""
    return {
        "pieces lost": pieces(0.0, 0.0)["ends"],
        "knots lost": knots(0.0),
        "fall of the risk": one_side(0.0),
        "rise of the risk": one_side(0.0, right=True),
    }


def knots_lost(rows: Table) -> Array:
    """log10 of the knots at the smallest over those at the largest working step size."""
    return log_ratio(ARRIVED.at_ends(rows, "knots"))


def side_of_u(rows: Table, column: str, right: bool) -> Array:
    """One side of the U of a risk, over the variance of the noise."""
    return sides(rows, column)[right] / (float(rows["noise"][0]) ** 2 or 1.0)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw every member's effects with their intervals."""
    from stepscape.experiments.square import robustness_figures as figures

    return {"members": figures.members(result)}


def _part(name: str, words: str, rule: str, judge: Callable[..., Finding], **more: Any) -> Part:
    return Part(name, words, rule, judge, **{"constants": {"least": 0.04}, "by": "arm", **more})


CLAIM = Claim(
    name="robustness",
    title="Is it general? Pieces, knots and the U in a family of settings",
    claim=(
        "Larger steps find fewer linear pieces, and the risk is U-shaped in the step size: is this general, "
        "or did the picture get lucky?"
    ),
    kind="open question",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'Did we get lucky?'",
    setup=(
        "On [−3, 3] and on [−1, 1] each of four choices is changed alone (tent to wave, 30 to 60 points, "
        "1000 to 200 neurons, noise 0.5 to 0.25), and all four at once, from three starts. The values were "
        "fixed before any run of this claim; that the range matters was known from trials on seeds 1000 to "
        "1099. Four step sizes between the ends of curve-fitting."
    ),
    quick={**BASE, "half_widths": (3.0,), "sizes": (30,), "widths": (100,), "noises": (0.5,)},
    full={
        **BASE,
        **{name: FULL[name] for name in ("steps", "seeds", "first_seed")},
        "step_sizes": (0.01, 0.05, 0.2, 0.8),
        "records": 8,
    },
    grid=every_member,
    begin=begin,
    work=work,
    parts=(
        _part(
            "pieces",
            "Do larger steps find fewer linear pieces everywhere?",
            "In every member, two numbers are asked for: the pieces at the smallest minus those at the "
            "largest working step size, of which {least:g} counts, and minus Spearman's rank correlation of "
            "the pieces with the working step sizes, of which {least_correlation:g} counts. Intervals are "
            "simultaneous over both numbers, members and starts. One says yes if it lies above 0, and no if "
            "it excludes an effect that counts." + PRIMARY,
            fewer_pieces,
            constants={"least": 1.0, "least_correlation": 0.2},
            primary=True,
        ),
        _part(
            "knots",
            "Do larger steps leave fewer knots everywhere?",
            "As for the pieces, with the knots inside the data: log10 of their number at the smallest over "
            "that at the largest working step size, of which {least:g} counts, and minus their rank "
            "correlation with the step sizes, of which {least_correlation:g} counts." + _PIECES,
            fewer_knots,
            constants={"least": 0.05, "least_correlation": 0.2},
        ),
        _part(
            "left_side",
            "Does the risk fall first everywhere?",
            "In every member the risk at the inputs at the smallest working step size is compared with that "
            "at the best one, which is chosen for each seed on the other seeds; {least:g} of the variance "
            "of the noise counts." + _PIECES,
            side,
        ),
        _part(
            "right_side",
            "Does the risk rise again everywhere?",
            "As for the left side, with the largest working step size in place of the smallest; {least:g} "
            "of the variance of the noise counts." + _PIECES,
            partial(side, right=True),
        ),
        _part(
            "equal_time",
            "Does the risk fall at equal time everywhere?",
            "As for the left side, with every run stopped at the same training time Σ η; {least:g} of the "
            "variance of the noise counts." + _PIECES,
            partial(side, column="risk_equal_time"),
        ),
        _part(
            "early_stopping",
            "Do large steps beat early stopping everywhere?",
            "As for the left side, with every run stopped at its best held-out moment; {least:g} of the "
            "variance of the noise counts." + _PIECES,
            partial(side, column="risk_held_out"),
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        "edge_reached": "the sharpness reached 2/η, so that the step size shaped the curve",
    },
    numbers=lambda result: medians(
        result.table,
        (*FIELDS, "arm", "step_size"),
        ("pieces", "pieces_truth", "knots", "bent_neurons", "risk", "risk_equal_time", "risk_held_out"),
        ("edge_reached",),
        ARRIVED.counts,
    ),
    by="arm",
    names=ARM_NAMES,
)
