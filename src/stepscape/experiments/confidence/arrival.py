"""The fate of a run of logistic descent at each record and in the end.

Descent alternates between two iterates at the edge of stability; a record stands for the flatter of its two.

``diverged``
    the loss left the range of numbers
``dead``
    no neuron of the last iterate bends among the inputs, whichever of the two the record stands for
``over the edge``
    λ_max + residual > 2/η
``interpolation trap``
    flat, and every label is fitted, also the wrong ones (least y f > 0): larger scales let L and λ_max fall
    to 0
``underfits``
    flat, but L(f) > L(f0): the network fits the labels less well than the truth does
``certified flat``
    flat, L(f) ≤ L(f0), and the bound of `stepscape.theory.uncertain_best` on ∫|f''|g_A says something: A is
    not empty, and the bound lies below the least ∫|f''|g_A of a function that passes through γ y_i at every
    input of A. Otherwise it would hold for a function that fits every label in A with confidence γ, and be
    vacuous
``not certified``
    flat, L(f) ≤ L(f0), but the bound is vacuous or its premises fail
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.curvature import Eigenpair
from stepscape.errors import bad
from stepscape.lab.pool import Tick
from stepscape.losses import best_constant as constant_logit
from stepscape.losses import divergence, probability
from stepscape.measures import facts
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_line_sharpness import top
from stepscape.problems import Problem
from stepscape.training import Snapshot

Array = NDArray[np.float64]
CERTIFIED = "certified flat"
FATES = (CERTIFIED, "not certified", "underfits", "over the edge", "interpolation trap", "dead", "diverged")


@dataclass(frozen=True, eq=False)
class Standing:
    """One iterate, and λ_max at it."""

    operator: Hessian
    eigenpair: Eigenpair

    @property
    def sharpness(self) -> float:
        """λ_max plus its residual."""
        return self.eigenpair.value + self.eigenpair.residual

    @property
    def loss(self) -> float:
        """Training loss."""
        return self.operator.loss

    @property
    def smallest_margin(self) -> float:
        """Least y f over the inputs."""
        return float((self.operator.problem.line.arrays[1] * self.operator.predictions).min())

    @cached_property
    def certificate(self) -> theory.Certificate:
        """The bound on ∫|f''|g_A at the γ where it is smallest."""
        operator = self.operator
        known = facts(operator.problem, operator.network, sharpness=self.eigenpair)
        return theory.uncertain_best(known)

    @cached_property
    def interpolant(self) -> float:
        """Least ∫|f''|g_A over the functions with f(x_i) = γ y_i on A; 0 if A holds fewer than three."""
        inputs, labels, _ = self.operator.problem.line.arrays
        gamma = self.certificate.details["gamma"]
        some = theory.uncertain_set(self.operator.predictions, gamma)
        if not some.any():
            return 0.0
        return theory.interpolation_bound(inputs[some], gamma * labels[some]).variation

    @property
    def certified(self) -> bool:
        """Whether the bound applies and is not vacuous."""
        return self.certificate.verdict == "holds" and self.certificate.right < self.interpolant


def standings(problem: Problem, snapshots: Sequence[Snapshot], tick: Tick) -> list[Standing]:
    """Return the flatter iterate of each record."""
    vector: Array | None = None
    found = []
    for snapshot in snapshots:
        tick(1.0)
        pair = []
        for network in (snapshot.network_before, snapshot.network):
            operator = Hessian(problem, network)
            eigen = top(operator, vector)
            vector = eigen.vector
            pair.append(Standing(operator, eigen))
        found.append(min(pair, key=lambda standing: standing.sharpness))
    return found


def fate(standing: Standing, threshold: float, loss_truth: float, bent_neurons: int) -> str:
    """Say which of `FATES` a network has; see the module."""
    if bent_neurons == 0:
        return "dead"
    if standing.sharpness > threshold:
        return "over the edge"
    if standing.smallest_margin > 0.0:
        return "interpolation trap"
    if standing.loss > loss_truth:
        return "underfits"
    return CERTIFIED if standing.certified else "not certified"


def at_the_end(standing: Standing, threshold: float, loss_truth: float) -> dict[str, Any]:
    """Measure what decides the fate at the end of a run."""
    certificate = standing.certificate
    return {
        "flattest_edge_ratio": standing.sharpness / threshold,
        "flat": bool(standing.sharpness <= threshold),
        "optimized": bool(standing.loss <= loss_truth),
        "bound": certificate.right,
        "variation": certificate.left,
        "interpolant": standing.interpolant,
        "gamma": certificate.details["gamma"],
        "uncertain_count": int(certificate.details["count"]),
    }


def best_constant(problem: Problem, inside: NDArray[np.bool_]) -> float:
    """Excess risk, over a set of inputs, of the best constant answer; nan over no inputs."""
    if problem.truth is None:
        raise bad("truth", "be given to measure the error to it", None)
    if not inside.any():
        return float("nan")
    f0 = problem.truth(problem.inputs[inside])
    best = constant_logit(float(probability(f0).mean()), float(probability(-f0).mean()))
    return float(divergence(f0, best).mean())
