"""What the errors of a run are compared with: a constant, a straight fit, and the labels themselves.

Errors are those of `columns.error`: squared distance to the truth, or for the logistic loss excess risk.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.losses import loss_of
from stepscape.problems import Problem

Array = NDArray[np.float64]
RIDGE = 1e-4  # of the logistic fit: separable labels have none without it


def error(problem: Problem, values: Array) -> float:
    """Mean squared distance of predictions (n,) to the truth; for the logistic loss their excess risk."""
    return (problem.design_error if problem.loss == "square" else problem.excess_risk)(values)


def training_error(problem: Problem, values: Array) -> float:
    """Mean squared residual of predictions (n,), which is twice the loss; or the logistic loss."""
    return (2.0 if problem.loss == "square" else 1.0) * problem.training_loss(values)


def references(problem: Problem, fresh: Problem) -> dict[str, float]:
    """Errors of the best constant and of the best affine fit, on the design and on fresh inputs.

    ``null``, ``linear``: on the design; ``null_population``, ``linear_population``: on fresh inputs;
    ``realized_noise``: training error of the truth, that is the mean of ε², which memorized labels cost.
    """
    if problem.truth is None:
        raise bad("truth", "be given to measure errors to it", None)
    found = {"realized_noise": training_error(problem, problem.truth(problem.inputs))}
    for name, columns in (("null", _constant), ("linear", _affine)):
        weights = _fit(problem, columns(problem))
        found[name] = error(problem, columns(problem) @ weights)
        found[f"{name}_population"] = error(fresh, columns(fresh) @ weights)
    return found


def _constant(problem: Problem) -> Array:
    return np.ones((problem.size, 1))


def _affine(problem: Problem) -> Array:
    return np.column_stack([problem.points, np.ones(problem.size)])


def _fit(problem: Problem, columns: Array) -> Array:
    """Fit by least squares, or by logistic regression with a tiny ridge."""
    if problem.loss == "square":
        return np.asarray(np.linalg.lstsq(columns, problem.labels, rcond=None)[0])
    from scipy.optimize import minimize

    loss, y = loss_of("logistic"), problem.labels

    def objective(weights: Array) -> tuple[float, Array]:
        f = columns @ weights
        value = float(loss.value(f, y).mean()) + 0.5 * RIDGE * float(weights @ weights)
        return value, columns.T @ loss.slope(f, y) / len(y) + RIDGE * weights

    return np.asarray(minimize(objective, np.zeros(columns.shape[1]), jac=True, tol=1e-12).x)
