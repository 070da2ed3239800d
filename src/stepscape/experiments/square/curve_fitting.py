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
        "With 30 noisy points, 1000 neurons, the square loss, no regularization and a constant step size, "
        "larger step sizes give fewer linear pieces, and the risk is U-shaped in the step size."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Qiao et al. (2024)",
    setup=(
        "The slides give n, width and constant step sizes, but no truth, range or noise. The tent with "
        "noise 0.5 was tried on [−1, 1] and on [−3, 3], with seeds 1000 to 1002; [−3, 3] was chosen because "
        "there runs reach the edge within the budget and both ends of the U lie inside the grid."
    ),
    quick={**QUICK, "clean_seeds": 4},
    full={**FULL, "step_sizes": (0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8), "clean_seeds": 10},
    grid=both_kinds_of_labels,
    begin=begin,
    work=work,
    parts=(
        Part(
            "pieces",
            "Larger steps find fewer linear pieces",
            "With noisy labels, the pieces at the largest working step size are subtracted from those at "
            "the smallest, paired by seed: yes if the interval lies above 0, no if it excludes a difference "
            "of {least:g} or more.",
            fewer_pieces,
            {"least": 1.0},
            primary=True,
            **NOISY_ARMS,
        ),
        Part(
            "u_shape",
            "The risk is U-shaped",
            "With noisy labels, the two sides of the U are the risks at the inputs at the smallest and at "
            "the largest working step size, each minus the risk at the best one, which is chosen for each "
            "seed on the other seeds. A side exists if its interval, simultaneous for both sides, lies "
            "above 0; it does not if the interval excludes a difference of {least:g} or more.",
            partial(is_u, column="risk"),
            {"least": 0.01},
            **NOISY_ARMS,
        ),
        Part(
            "equal_time",
            "The risk falls at equal time, too",
            "As for the left side of the U, but with every run stopped at the same training time Σ η; a "
            "difference of {least:g} counts.",
            partial(falls, column="risk_equal_time"),
            {"least": 0.01},
            **NOISY_ARMS,
        ),
        Part(
            "early_stopping",
            "Do large steps beat early stopping?",
            "As for the left side of the U, but with every run stopped at its best held-out moment; a "
            "difference of {least:g} counts.",
            partial(falls, column="risk_held_out"),
            {"least": 0.01},
            kind="open question",
            **NOISY_ARMS,
        ),
        Part(
            "clean_labels",
            "With clean labels, larger steps find a better interpolant",
            "Without noise, as for the left side of the U, but with the risk on a grid, because every "
            "interpolant has risk 0 at the inputs; a difference of {least:g} counts.",
            partial(falls, column="risk_grid"),
            {"least": 1e-4},
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
        result, "pieces", "risk", "risk_last", "risk_grid", "loss", "pieces_truth"
    ),
    by="arm",
    names=ARM_NAMES,
)
