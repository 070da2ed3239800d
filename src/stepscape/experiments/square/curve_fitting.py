"""The tutorial's central experiment: the step size decides how smooth the learned curve is."""

from __future__ import annotations

from functools import partial
from typing import Any

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.step_sizes import STEP_SIZES
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
)
from stepscape.experiments.frame.contrasts import last_minus_first
from stepscape.experiments.square.medians import medians
from stepscape.experiments.square.runs import FULL, QUICK, StepSizeRun, begin, grid, work
from stepscape.experiments.square.sides import falls, is_u

NOISY, CLEAN = {"labels": "noisy"}, {"labels": "clean"}
NOISY_ARMS: dict[str, Any] = {"where": NOISY, "by": "arm", "needs": STEP_SIZES.lacks}


def both_kinds_of_labels(settings: Settings) -> list[StepSizeRun]:
    """Every arm, seed and step size, with noisy and with clean labels."""
    at_least(settings, clean_seeds=0)
    return grid(settings) + grid(settings, "clean", "clean_seeds")


def fewer_pieces(result: Result, least: float) -> Finding:
    """Whether the curve has fewer pieces at the largest working step size than at the smallest."""
    table = result.table
    lost = -last_minus_first(STEP_SIZES.at_ends(table, "pieces"))
    what = f"pieces lost {STEP_SIZES.span_words(table)}"
    return decide.sign(lost, Says("the curve", "lose", "pieces"), what, least)


def draw(result: Result) -> dict[str, Drawn]:
    """Fits across step sizes for each kind of labels, and the summary against the step size."""
    from stepscape.experiments.square import curve_fitting_figures as figures

    kinds = [labels for labels in ("noisy", "clean") if result.drawn("mean", labels=labels)]
    pages = {f"fits-{labels}": figures.fits(result.where(labels=labels), labels) for labels in kinds}
    return {**pages, "risk-and-pieces": figures.summary(result.where(**NOISY))}


CLAIM = Claim(
    name="curve-fitting",
    title="Curve fitting: the step size as smoothness",
    claim=(
        "30 noisy points, 1000 neurons, square loss, no regularization, constant step size: the larger the "
        "step size, the fewer linear pieces; the risk is U-shaped in the step size."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Qiao et al. (2024)",
    setup=(
        "The slides give n, width and constant step sizes, but no truth, range or noise. Explored on seeds "
        "1000 to 1002: the tent with noise 0.5 on [−1, 1] and [−3, 3]. Taken is [−3, 3], because there the "
        "edge is reached within the budget and both ends of the U lie inside the grid."
    ),
    quick={**QUICK, "clean_seeds": 3},
    full={**FULL, "step_sizes": (0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8), "clean_seeds": 10},
    grid=both_kinds_of_labels,
    begin=begin,
    work=work,
    parts=(
        Part(
            "pieces",
            "Larger steps, fewer linear pieces",
            "With noisy labels, the pieces at the smallest minus those at the largest working step size, "
            "paired by seed: yes when the interval lies above 0, no when it excludes {least:g} or more.",
            fewer_pieces,
            {"least": 1.0},
            primary=True,
            **NOISY_ARMS,
        ),
        Part(
            "u_shape",
            "A U of the risk",
            "With noisy labels, the risk at the inputs at the smallest and at the largest working step size, "
            "minus that at the best one, chosen for each seed on the other seeds: a side is there when its "
            "interval, simultaneous for both, lies above 0, and is not when it excludes {least:g} or more.",
            partial(is_u, column="risk"),
            {"least": 0.01},
            **NOISY_ARMS,
        ),
        Part(
            "equal_time",
            "The risk falls at equal time, too",
            "The left side of the U, with every run stopped at the same Σ η; {least:g} counts.",
            partial(falls, column="risk_equal_time"),
            {"least": 0.01},
            **NOISY_ARMS,
        ),
        Part(
            "early_stopping",
            "Do large steps beat early stopping?",
            "The left side of the U, with every run stopped where its error on a held-out sample is least; "
            "{least:g} counts.",
            partial(falls, column="risk_held_out"),
            {"least": 0.01},
            kind="open question",
            **NOISY_ARMS,
        ),
        Part(
            "clean_labels",
            "With clean labels, a better interpolant",
            "Without noise, the left side of the U for the risk on the grid, because every interpolant has "
            "risk 0 at the inputs; {least:g} counts.",
            partial(falls, column="risk_grid"),
            {"least": 1e-4},
            **{**NOISY_ARMS, "where": CLEAN},
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        "edge_ratio": "sharpness·η/2 is near 1: the step size shaped the curve, not the end of training",
        "knots_at_data": "few neurons have their kink stuck to an input, where the Hessian does not see it",
    },
    numbers=lambda result: medians(
        result, "pieces", "risk", "risk_last", "risk_grid", "loss", "pieces_truth"
    ),
    by="arm",
    names=ARM_NAMES,
)
