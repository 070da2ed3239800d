"""The tutorial's central experiment: the step size decides how smooth the learned curve is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, Settings, at_least
from stepscape.experiments.frame.contrasts import sides_of_u
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.family import (
    AS_PRIMARY,
    PRIMARY,
    Array,
    Asks,
    by_range,
    in_every_member,
    pieces,
)
from stepscape.experiments.square.medians import medians
from stepscape.experiments.square.runs import FULL, QUICK, StepSizeRun, begin, grid, work
from stepscape.experiments.square.sides import falls, is_u
from stepscape.tables.records import Table

NOISY, CLEAN = {"labels": "noisy"}, {"labels": "clean"}
NOISY_ARMS: dict[str, Any] = {"where": NOISY, "by": "arm"}
_PIECES = AS_PRIMARY.format("the pieces")
SMALLEST = 1e-30  # a risk that rounding made 0 has a logarithm


def both_kinds_of_labels(settings: Settings) -> list[StepSizeRun]:
    """Every arm, seed and step size, with noisy and with clean labels."""
    at_least(settings, clean_seeds=0)
    return grid(settings) + grid(settings, "clean", "clean_seeds")


def fewer_pieces(result: Result, least: float, least_correlation: float) -> Finding:
    """Whether the pieces become fewer from end to end and along the step sizes, in every range."""
    return in_every_member(by_range(result.table), pieces(least, least_correlation))


def finds_the_better_interpolant(result: Result, least: float) -> Finding:
    """Whether the risk with clean labels falls first, and does not rise again, in decades."""
    falls = Says("the risk with clean labels", "fall", "first")
    stays = Says("that risk", "stay", "as low at the largest step size")
    gain, rest = "decades that the smallest η lies above the best", "decades left until its rise would count"
    fall = Asks(lambda rows: _sides_in_decades(rows)[0], falls, gain, least)
    stay = Asks(lambda rows: least - _sides_in_decades(rows)[1], stays, rest)
    members = by_range(result.table)
    found = in_every_member(members, {"fall": fall, "stay": stay})
    if in_every_member(members, {"fall": fall}, at_once=2).answer == "no":
        return replace(found, answer="no")  # what gains nothing is not better for losing nothing
    return found


def _sides_in_decades(rows: Table) -> tuple[Array, Array]:
    return sides_of_u(np.log10(np.maximum(ARRIVED.values(rows, "risk_grid"), SMALLEST)))


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the story of one arm, fits in every arm for each kind of labels, and three moments compared."""
    from stepscape.experiments.square import curve_fitting_figures as figures

    noisy = result.where(**NOISY)
    kinds = [labels for labels in ("noisy", "clean") if result.drawn("solution", labels=labels)]
    pages = {f"fits-{labels}-all": figures.fits(result.where(labels=labels), labels) for labels in kinds}
    return {"story": figures.story(noisy), **pages, "risk-and-pieces-all": figures.summary(noisy)}


CLAIM = Claim(
    name="curve-fitting",
    title="Curve fitting: the step size as smoothness",
    claim=(
        "With 30 noisy points, 1000 neurons, the square loss, no regularization and a constant step size, "
        "larger step sizes give fewer linear pieces, and the risk is U-shaped in the step size."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Qiao et al. (2024)",
    setup=(
        "The slides give n, width and constant step sizes, but no truth, range or noise. The tent with "
        "noise 0.5 is asked about on [−3, 3] and on [−1, 1], and a part is answered with yes only if it is "
        "so in both. Seeds 1000 to 1099 served for trials. Other truths, numbers of points and neurons, and "
        "levels of noise are those of robustness."
    ),
    # So few steps leave the default start too few step sizes at which descent works to be asked anything.
    quick={**QUICK, "clean_seeds": 4, "arms": ("small_init", "warm_up")},
    full={**FULL, "clean_seeds": 20},
    grid=both_kinds_of_labels,
    begin=begin,
    work=work,
    parts=(
        Part(
            "pieces",
            "Larger steps find fewer linear pieces",
            "With noisy labels, in every range, two numbers are asked for: the pieces at the smallest minus "
            "those at the largest working step size, and minus Spearman's rank correlation of the pieces "
            "with the working step sizes. An interval, simultaneous with all others, says yes if it lies "
            "above 0, and no if it excludes a loss of {least:g} pieces or more, or a correlation of "
            "{least_correlation:g} or more." + PRIMARY,
            fewer_pieces,
            {"least": 1.0, "least_correlation": 0.2},
            primary=True,
            **NOISY_ARMS,
        ),
        Part(
            "u_shape",
            "The risk is U-shaped",
            "With noisy labels, in every range, the two sides of the U are the risks at the inputs at the "
            "smallest and at the largest working step size, each minus the risk at the best one, which is "
            "chosen for each seed on the other seeds. A side exists if its interval, simultaneous for both "
            "sides and all ranges, lies above 0; it does not if the interval excludes a difference of "
            "{least:g} or more." + _PIECES,
            is_u,
            {"least": 0.01},
            **NOISY_ARMS,
        ),
        Part(
            "equal_time",
            "The risk falls at equal time, too",
            "As for the left side of the U, but with every run stopped at the same training time Σ η; a "
            "difference of {least:g} counts." + _PIECES,
            partial(falls, column="risk_equal_time"),
            {"least": 0.01},
            **NOISY_ARMS,
        ),
        Part(
            "early_stopping",
            "Do large steps beat early stopping?",
            "As for the left side of the U, but with every run stopped at its best held-out moment; a "
            "difference of {least:g} counts." + _PIECES,
            partial(falls, column="risk_held_out"),
            {"least": 0.01},
            kind="open question",
            **NOISY_ARMS,
        ),
        Part(
            "clean_labels",
            "Do larger steps find a better interpolant of clean labels?",
            "Without noise, in every range, the logarithm of the risk on a grid falls from the smallest "
            "working step size to the best one, and at the largest it lies less than {least:g} decades "
            "above the best. Both intervals, simultaneous, must say so for a yes; it is a no if the fall "
            "is less than {least:g} decades, and depends if the risk falls and rises again." + _PIECES,
            finds_the_better_interpolant,
            {"least": 0.1},
            kind="open question",
            **{**NOISY_ARMS, "where": CLEAN},
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        "edge_ratio": "λ_max·η/2 is near 1: the step size shaped the curve, not the end of training",
        "knots_at_data": "few neurons have their kink stuck to an input, where the Hessian does not see it",
    },
    numbers=lambda result: medians(
        result, "pieces", "risk", "risk_last", "risk_grid", "loss", "bent_neurons", "pieces_truth"
    ),
    by="arm",
    names=ARM_NAMES,
)
