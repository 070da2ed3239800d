"""Where on the line something is averaged: everywhere, interior, boundary, middle half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
GRID = 401


def regions(problem: Problem, points: Array) -> dict[str, NDArray[np.bool_]]:
    """Masks of the interior (g ≥ sup g/10), the boundary (the rest) and the middle half of the range."""
    low, high = problem.line.hull
    inside = theory.interior(points, problem.inputs, problem.weights)
    half = np.abs(points - 0.5 * (low + high)) <= 0.25 * (high - low)
    return {"interior": inside, "boundary": ~inside, "half": half}


def grid(problem: Problem) -> Array:
    """401 equispaced points of the hull of the data."""
    return np.linspace(*problem.line.hull, GRID)


def mean(values: Array, weights: Array) -> float:
    """Weighted mean; nan when there is no weight."""
    total = float(weights.sum())
    return float(weights @ values) / total if total > 0.0 else float("nan")
