"""The risk against the step size: whether it is a U, where, and what a fair comparison leaves of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.contrasts import sides_of_u
from stepscape.experiments.square.medians import medians
from stepscape.experiments.square.runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.square.sides import falls, is_u, largest_minus_best

LEAST = {"least": 0.01}  # 4 % of the variance of the noise
ARMS: dict[str, Any] = {"constants": LEAST, "by": "arm", "needs": STEP_SIZES.lacks}
REGIONS = ("risk_interior_grid", "risk_boundary_grid")


def is_u_in_both_regions(result: Result, least: float) -> Finding:
    """Whether the risk on the grid falls and rises again in the interior, and near the boundary."""
    return together({region: is_u(result, region, least) for region in REGIONS}, named=False)


def survives_averaging(result: Result, least: float) -> Finding:
    """Whether the risk of the mean of two iterates rises as that of the single iterates does."""
    table, what = result.table, largest_minus_best(result)
    mean, last, before = (STEP_SIZES.values(table, name) for name in ("risk", "risk_last", "risk_before"))
    (_, alone), (_, averaged) = sides_of_u(0.5 * (last + before)), sides_of_u(mean)
    rises = Says("the risk of the single iterates", "rise", "at large step sizes")
    single = decide.sign(alone, rises, what, least)
    if single.answer != "yes":
        return lacking(single.sentence) if single.answer == "no" else single
    says = Says("the rise", "survive", "when two consecutive iterates are averaged")
    whole, left = float(np.nanmean(alone)), float(np.nanmean(averaged))
    numbers = {"rise of the single iterates": whole, "share that is left": left / whole}
    return decide.sign(averaged, says, what, least).with_numbers(numbers)


def draw(result: Result) -> dict[str, Drawn]:
    """Risk by region and stopping, and risk of the iterates and of their mean, with the training loss."""
    from stepscape.experiments.square import risk_vs_step_size_figures as figures

    return {"risk": figures.regions(result), "averaging": figures.averaging(result)}


CLAIM = Claim(
    name="risk-vs-step-size",
    title="Risk against step size: the U and what it rests on",
    claim=(
        "The risk of what gradient descent finds is U-shaped in the step size: small steps overfit, large "
        "ones smooth too much. Here it is also asked inside and near the boundary of the data, at equal "
        "time, at the best held-out moment, and for the mean of two consecutive iterates."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Qiao et al. (2024)",
    setup=(
        "The problem, the arms and the runs are those of curve-fitting, at 12 step sizes instead of 8. "
        "Records are evenly spaced in the steps and in their logarithm, so that a run can also be stopped "
        "early. Equal time means the step at which Σ η reaches the total of the smallest step size; with "
        "warm-up, the largest step sizes reach it before their warm-up is over."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "u_shape",
            "The risk is U-shaped",
            "The two sides of the U are the risks at the inputs at the smallest and at the largest working "
            "step size, each minus the risk at the best one, which is chosen for each seed on the other "
            "seeds. A side exists if its interval, simultaneous for both sides, lies above 0; it does not "
            "if the interval excludes a difference of {least:g} or more.",
            partial(is_u, column="risk"),
            primary=True,
            **ARMS,
        ),
        Part(
            "regions",
            "The risk is U-shaped in the interior and near the boundary",
            "As for the U, but with the risk on a grid: in the interior, where the weight g is at least a "
            "tenth of its largest value, and elsewhere. A difference of {least:g} counts.",
            is_u_in_both_regions,
            **ARMS,
        ),
        Part(
            "equal_time",
            "The risk falls at equal time, too",
            "As for the left side of the U, but with every run stopped at the same training time Σ η; a "
            "difference of {least:g} counts.",
            partial(falls, column="risk_equal_time"),
            **ARMS,
        ),
        Part(
            "early_stopping",
            "Do large steps beat early stopping?",
            "As for the left side of the U, but with every run stopped at its best held-out moment; a "
            "difference of {least:g} counts.",
            partial(falls, column="risk_held_out"),
            kind="open question",
            **ARMS,
        ),
        Part(
            "averaging",
            "The rise is more than oscillation",
            "If the risk of the single iterates (averaged over the last two) has the right side of the U, "
            "the risk of their mean function has it, too; a difference of {least:g} counts.",
            survives_averaging,
            **ARMS,
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        "edge_reached": "the sharpness reached 2/η, so that the step size shaped the curve",
        "fits_interior": (
            "the training error in the interior is at most that of the truth, as the theorems suppose"
        ),
        "knots_at_data": "few neurons have their kink stuck to an input, where the Hessian does not see it",
    },
    numbers=lambda result: medians(
        result,
        "risk",
        "risk_equal_time",
        "risk_held_out",
        "risk_last",
        "risk_before",
        *REGIONS,
        "loss",
        shares=("edge_reached", "fits_interior"),
    ),
    by="arm",
    names=ARM_NAMES,
)
