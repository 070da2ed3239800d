"""Where the midpoint of a run of logistic descent stands: its fate, and the bound on its risk.

λ_max stands for λ_max plus its residual, L(f0) for the loss of the truth on the labels at hand.

``diverged``
    the loss left the range of numbers
``unfinished``
    the run has not arrived: see `has_arrived`
``dead``
    no neuron bends among the inputs
``over the edge``
    λ_max is above 2/η by more than a tenth, which is more than what descent at the edge swings by
``interpolation trap``
    flat, and every label is fitted, also the wrong ones (least y f > 0): larger scales let L and λ_max fall
    to 0
``underfits``
    flat, but L(f) > L(f0): the network fits the labels less well than the truth does
``covered``
    flat, L(f) ≤ L(f0), and the bound of `stepscape.theory.uncertain_best` on ∫|f''|g_A says something: A is
    not empty, and the bound lies below the least ∫|f''|g_A of a function that passes through γ y_i at every
    input of A. Otherwise it would hold for a function that fits every label in A with confidence γ
``loose bound``
    flat, L(f) ≤ L(f0), but the bound allows such a function, or its premises fail

Covered says something about ∫|f''|g_A, and nothing about the risk: that is asked of
`stepscape.measures.tightest_worst_case`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.curvature import Eigenpair
from stepscape.errors import bad
from stepscape.experiments.frame.limits import EDGE
from stepscape.lab.pool import Tick
from stepscape.losses import best_constant as constant_logit
from stepscape.losses import divergence, probability
from stepscape.measures import facts
from stepscape.objectives.relu_line import count_neurons
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_line_sharpness import top
from stepscape.problems import Problem
from stepscape.training import Snapshot

Array = NDArray[np.float64]
COVERED, UNFINISHED = "covered", "unfinished"
ARRIVED = {"moved": 0.1, "fell": 0.005}  # the limits of `has_arrived` in every rule
FATES = (
    COVERED, "loose bound", "underfits", "over the edge", "interpolation trap", "dead", UNFINISHED,
    "diverged",
)  # fmt: skip


def standings(problem: Problem, snapshots: Sequence[Snapshot], tick: Tick) -> list[dict[str, Any]]:
    """Measure what decides the fate at each record."""
    vector: Array | None = None
    found = []
    for snapshot in snapshots:
        tick(1.0)
        operator = Hessian(problem, snapshot.midpoint)
        eigen = top(operator, vector)
        vector = eigen.vector
        found.append(standing(operator, eigen))
    return found


def standing(operator: Hessian, eigen: Eigenpair) -> dict[str, Any]:
    """Measure one network whose λ_max is known.

    ``bound`` and ``variation`` are the sides of `stepscape.theory.uncertain_best` (``bound`` is nan where its
    premises fail), ``gamma`` and ``uncertain_count`` its γ and the size of its A; ``interpolant`` is the
    least ∫|f''|g_A of a function with f(x_i) = γ y_i on A, 0 if A holds fewer than three inputs.
    """
    problem, network = operator.problem, operator.network
    inputs, labels, _ = problem.line.arrays
    certificate = theory.uncertain_best(facts(problem, network, sharpness=eigen))
    gamma = certificate.details["gamma"]
    some = theory.uncertain_set(operator.predictions, gamma)
    least = theory.interpolation_bound(inputs[some], gamma * labels[some]).variation if some.any() else 0.0
    return {
        "upper_sharpness": eigen.value + eigen.error,
        "midpoint_loss": operator.loss,
        "smallest_margin": float((labels * operator.predictions).min()),
        "bent_neurons": count_neurons(problem, network)[0],
        "bound": certificate.right if certificate.verdict == "holds" else np.nan,
        "variation": certificate.left,
        "interpolant": least,
        "gamma": gamma,
        "uncertain_count": int(certificate.details["count"]),
    }


def fate(at: Mapping[str, Any], threshold: float, loss_truth: float, edge: float = EDGE[1]) -> str:
    """Say which fate a measured network has: any of `FATES` but the last two."""
    if at["bent_neurons"] == 0:
        return "dead"
    if at["upper_sharpness"] > edge * threshold:
        return "over the edge"
    if at["smallest_margin"] > 0.0:
        return "interpolation trap"
    if at["midpoint_loss"] > loss_truth:
        return "underfits"
    return COVERED if at["bound"] < at["interpolant"] else "loose bound"


def movement(at_steps: NDArray[np.int64], found: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Say how a run moved over the last half of its steps.

    ``edge_moved``: largest over smallest λ_max of the records there, minus 1; ``loss_fell``: the loss at the
    first of them minus that at the last.
    """
    late = [at for step, at in zip(at_steps, found, strict=True) if step >= at_steps[-1] / 2]
    peaks = [at["upper_sharpness"] for at in late]
    return {
        "edge_moved": max(peaks) / min(peaks) - 1.0 if min(peaks) > 0.0 else float("inf"),
        "loss_fell": late[0]["midpoint_loss"] - late[-1]["midpoint_loss"],
    }


def has_arrived(edge_moved: Any, loss_fell: Any, moved: float, fell: float) -> Any:
    """Whether both are small: the edge ratio stands still, and the gradient leads nowhere soon.

    The loss falls by ∫‖∇L‖² dt, so that a small fall over half of the training time is a small gradient, in
    units of the loss.
    """
    return (edge_moved <= moved) & (loss_fell <= fell)


def best_constant(problem: Problem, inside: NDArray[np.bool_]) -> float:
    """Excess risk, over a set of inputs, of the best constant answer; nan over no inputs."""
    if problem.truth is None:
        raise bad("truth", "be given to measure the error to it", None)
    if not inside.any():
        return float("nan")
    f0 = problem.truth(problem.inputs[inside])
    best = constant_logit(float(probability(f0).mean()), float(probability(-f0).mean()))
    return float(divergence(f0, best).mean())
