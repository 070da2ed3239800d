"""The examples of a problem in the order in which methods that draw at random number them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.objectives.relu_plane_hessian import with_ones
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]


def numbered_examples(problem: Problem) -> tuple[Array, Array, Array]:
    """Return inputs with a last column of ones (n, d + 1), labels (n,) and averaging weights (n,).

    In the order of their inputs if these are one variable, else in that of the problem.
    """
    if problem.dimension > 1:
        return with_ones(problem.points), problem.labels, problem.averaging
    inputs, labels, averaging = problem.line.arrays
    return with_ones(inputs[:, None]), labels, averaging
