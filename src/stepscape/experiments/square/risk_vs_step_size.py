"""The risk against the step size: a U, where, and what is left of it by a fair comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepscape.experiments.common.experiment import Experiment, Result
from stepscape.experiments.square.risk_rule import judge, with_iterates
from stepscape.experiments.square.runs import FULL, QUICK, specs, work

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(result: Result) -> dict[str, Figure]:
    """Risk by region and stopping, and risk of the iterates and of their mean, with the training loss."""
    from stepscape.experiments.square import risk_vs_step_size_figures as draw

    table, arms, noise = with_iterates(result.table), result.settings["arms"], result.settings["noise"]
    return {"risk": draw.regions(table, arms, noise), "averaging": draw.averaging(table, arms, noise)}


EXPERIMENT = Experiment(
    name="risk-vs-step-size",
    title="Risk against step size: the U and what it rests on",
    claim=(
        "The risk of what gradient descent finds is U-shaped in the step size: small steps overfit, large "
        "ones smooth too much. Asked beside it: inside and near the boundary of the data, at equal time, "
        "stopped at the best held-out moment, and for the mean of two consecutive iterates."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Qiao et al. (2024)",
    setup=(
        "The problem, arms and runs of curve-fitting (its setup says what was tried), at 12 step sizes "
        "instead of 8: the records are shared. Records lie evenly in the steps and in their logarithm, so "
        "that a run can also be stopped early. Equal time means the step at which Σ η reaches the total of "
        "the smallest step size; with warm-up the largest step sizes reach it before their warm-up is over. "
        "The rule was written before its numbers; what curve-fitting had shown on the same seeds was known."
    ),
    quick=QUICK,
    full=FULL,
    specs=specs,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        "edge_reached": "the sharpness came to 2/η, so that the step size shaped the curve",
        "fits_interior": "the training error in the interior is not above the truth's, as the theorems ask",
        "knots_at_data": "few neurons have their kink stuck to an input, where the Hessian does not see it",
    },
)
