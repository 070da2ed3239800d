"""Measures of a confident network: its flatness, its margins, and its risk under the law of the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.losses import loss_of, probability
from stepscape.network import TwoLayerReLU
from stepscape.objectives import Hessian, sharpness
from stepscape.problems import Problem

Array = NDArray[np.float64]
POINTS = 4000


def flatness(problem: Problem, network: TwoLayerReLU) -> dict[str, Any]:
    """Loss, gradient, curvature, size and margins of one iterate.

    ``tv`` is Σ |slope change| over the knots in the hull of the inputs, ``training_error`` the share of the
    labels on whose side f is not.
    """
    operator, peak = Hessian(problem, network), sharpness(problem, network)
    inputs, labels, weights = problem.line.arrays
    margins = labels * operator.predictions
    inside = (network.knots > inputs[0]) & (network.knots < inputs[-1])
    return {
        "loss": operator.loss,
        "gradient_norm": float(np.linalg.norm(operator.gradient)),
        "sharpness": peak.value,
        "sharpness_residual": peak.residual,
        "residual_norm": operator.residual_norm,
        "norm": float(np.linalg.norm(network.parameters)),
        "tv": float(np.sum(np.abs(network.jumps[inside]))),
        "smallest_margin": float(margins.min()),
        "median_margin": float(np.median(margins)),
        "training_error": float(weights @ (margins <= 0.0)),
    }


def law_risks(problem: Problem, half_width: float, predict: Callable[[Array], Array]) -> dict[str, float]:
    """Risks under the law that drew the data: x uniform on [−half_width, half_width], y by the truth.

    ``test_error`` and ``test_loss``: P(y ≠ sign f(x)) and E log(1 + e^{−y f(x)}), the `bayes_` ones of the
    truth itself. ``risk_slope`` is E |f(x)| 1{y ≠ sign f(x)}; by softplus(z) = max(z, 0) + softplus(−|z|) it
    is the test loss up to something between 0 and log 2, whatever f is. 4000 cells of equal width, midpoints.
    """
    if problem.truth is None:
        raise bad("truth", "be given to know the law of the labels", None)
    x = np.asarray(half_width * ((np.arange(POINTS) + 0.5) * (2.0 / POINTS) - 1.0), np.float64)
    f0, f = np.asarray(problem.truth(x)), predict(x)
    share, value = probability(f0), loss_of("logistic").value
    wrong = np.where(f > 0.0, 1.0 - share, share)
    yes, no = np.ones(x.size), -np.ones(x.size)
    return {
        "test_error": float(wrong.mean()),
        "test_loss": float(np.mean(share * value(f, yes) + (1.0 - share) * value(f, no))),
        "risk_slope": float(np.mean(wrong * np.abs(f))),
        "bayes_error": float(np.minimum(share, 1.0 - share).mean()),
        "bayes_loss": float(np.mean(share * value(f0, yes) + (1.0 - share) * value(f0, no))),
    }
