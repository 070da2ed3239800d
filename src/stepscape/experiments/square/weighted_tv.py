"""Both sides of each certificate against the step size and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepscape.experiments.common.experiment import Experiment, Result
from stepscape.experiments.square.runs import FULL, QUICK, specs, work
from stepscape.experiments.square.weighted_tv_rule import judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(result: Result) -> dict[str, Figure]:
    """Both sides at the end against the step size, and over time for the first seed."""
    from stepscape.experiments.square import weighted_tv_figures as draw

    arms, etas = result.settings["arms"], sorted(result.settings["step_sizes"])
    return {
        "sides": draw.sides(result.table, arms),
        "over-time": draw.over_time(result.arrays, arms, etas),
    }


EXPERIMENT = Experiment(
    name="weighted-tv",
    title="Flat networks have small weighted variation: both sides of each bound",
    claim=(
        "A network with λ_max ≤ 2/η has ∫|f''|g ≤ 1/η − ½ + x_max √(2L): flatness bounds the weighted total "
        "variation, at every point of training, interpolating or not, whatever the width."
    ),
    kind="inequality",
    source=(
        "Qiao et al. (2024), Theorem 3.1; Mulayoff et al. (2021), Theorem 1; Fazel and Wang, NeurIPS "
        "tutorial 'Training Instability', part 2 (one slide prints 2/η, the next λ_max/2 − ½: half as much)"
    ),
    setup=(
        "The runs of risk-vs-step-size, every certificate at every record. The theorems are proved, so the "
        "runs test the program and show how tight the bounds are; no run can reproduce an upper bound. "
        "x_max is 3 here, so that the published bound holds as printed; for max|x| below 0.26 it does not. "
        "λ_max is measured by Lanczos and enters with its residual, on the side where an error can only "
        "hide slack, not a violation. It is the Hessian almost everywhere: curvature at a kink that sits on "
        "an input is not in it, and the bounds do not need it."
    ),
    quick=QUICK,
    full=FULL,
    specs=specs,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "bent_neurons": "some neurons bend among the data: for a dead network every bound holds emptily",
        "edge_ratio": "sharpness·η/2 is at most 1, where the bound is stated with 2/η in place of λ_max",
        "knots_at_data": "no knot lies exactly on an input; these lie within 1e-3 of the range of one",
        "noisy_checks": "truth and noise are known, for the bound on noisy labels",
    },
)
