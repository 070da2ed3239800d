"""The risk against the step size: whether it is a U, where, and what a fair comparison leaves of it."""

from __future__ import annotations

from functools import partial
from typing import Any

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.family import AS_PRIMARY, PRIMARY, by_range
from stepscape.experiments.square.medians import medians
from stepscape.experiments.square.runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.square.sides import RISKS, falls, is_u, sides
from stepscape.tables.records import Table

LEAST = {"least": 0.01}  # 4 % of the variance of the noise
ARMS: dict[str, Any] = {"constants": LEAST, "by": "arm"}
_U = AS_PRIMARY.format("the U at the end of training")
REGIONS = ("risk_interior_grid", "risk_boundary_grid")
SOLUTIONS = ("risk", "risk_mean", "risk_last")


def survives(result: Result, least: float) -> Finding:
    """Whether the U is there whichever function counts as the solution; numbers compare their rises."""
    rises = {name: _rise(result.table, name) for name in SOLUTIONS}
    whole = rises["risk_last"]
    numbers = {f"rise of the risk {RISKS[name]} over that of the last iterate": rises[name] / whole
               for name in ("risk", "risk_mean") if whole > 0.0}  # fmt: skip
    return is_u(result, least, SOLUTIONS).with_numbers(numbers)


def _rise(table: Table, column: str) -> float:
    """Right side of the U, mean over seeds and ranges; nan where no range works."""
    judged = [rows for rows in by_range(table).values() if not ARRIVED.lacks(rows)]
    means = [student(sides(rows, column)[1]).mean for rows in judged]
    return sum(means) / len(means) if means else float("nan")


def draw(result: Result) -> dict[str, Drawn]:
    """Risk at three moments, of three functions, and in two regions."""
    from stepscape.experiments.square import risk_vs_step_size_figures as figures

    return {
        "risk": figures.moments_in_arms(result),
        "solutions": figures.solutions(result),
        "regions-all": figures.regions(result),
    }


CLAIM = Claim(
    name="risk-vs-step-size",
    title="Risk against step size: the U and what it rests on",
    claim=(
        "The risk of what gradient descent finds is U-shaped in the step size: small steps overfit, large "
        "ones smooth too much. Here it is also asked inside and near the boundary of the data, at equal "
        "time, at the best held-out moment, and for three functions: the midpoint network, the mean of the "
        "last two predictions, and the last iterate."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Qiao et al. (2024)",
    setup=(
        "The problem, the arms and the runs are those of curve-fitting, on [−3, 3] and on [−1, 1]. "
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
            "In every range, the two sides of the U are the risks at the inputs at the smallest and at the "
            "largest working step size, each minus the risk at the best one, which is chosen for each seed "
            "on the other seeds. A side exists if its interval, simultaneous for both sides and all ranges, "
            "lies above 0; it does not if the interval excludes a difference of {least:g} or more." + PRIMARY,
            is_u,
            primary=True,
            **ARMS,
        ),
        Part(
            "regions",
            "The risk is U-shaped in the interior and near the boundary",
            "As for the U, but with the risk on a grid: in the interior, where the weight g is at least a "
            "tenth of its largest value, and elsewhere. All intervals are simultaneous; a difference of "
            "{least:g} counts." + _U,
            partial(is_u, columns=REGIONS),
            **ARMS,
        ),
        Part(
            "equal_time",
            "The risk falls at equal time, too",
            "As for the left side of the U, but with every run stopped at the same training time Σ η; a "
            "difference of {least:g} counts." + _U,
            partial(falls, column="risk_equal_time"),
            **ARMS,
        ),
        Part(
            "early_stopping",
            "Do large steps beat early stopping?",
            "As for the left side of the U, but with every run stopped at its best held-out moment; a "
            "difference of {least:g} counts." + _U,
            partial(falls, column="risk_held_out"),
            kind="open question",
            **ARMS,
        ),
        Part(
            "averaging",
            "The U survives whichever network is the solution",
            "As for the U, with the risks of three functions: the midpoint network, the mean of the last two "
            "predictions, and the last iterate. All must have both sides; all intervals are simultaneous, "
            "and a difference of {least:g} counts." + _U,
            survives,
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
        "risk_mean",
        "risk_last",
        *REGIONS,
        "loss",
        shares=("edge_reached", "fits_interior"),
    ),
    by="arm",
    names=ARM_NAMES,
)
