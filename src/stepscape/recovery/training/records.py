"""What is recorded of factors on their path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import largest_eigenpair
from stepscape.errors import NotConverged
from stepscape.objectives.matrix_factors import Factors
from stepscape.recovery.training.frobenius import hessian_frobenius
from stepscape.theory.low_rank.balance import imbalance, norm_excess

Array = NDArray[np.float64]
TOLERANCE = 1e-6  # of λ_max, relative
RANK_CUT = 1e-2  # share of the largest singular value above which one counts
COLUMNS = (
    "loss",
    "sharpness",
    "sharpness_residual",
    "trace",
    "trace_ratio",
    "hessian_frobenius",
    "error",
    "rank",
    "stable_rank",
    "norm_excess",
    "imbalance",
)


@dataclass(frozen=True)
class Records:
    """What to measure; `sharpness` and `frobenius` take much more time than the rest."""

    objective: Factors
    flattest: float | None
    sharpness: bool
    frobenius: bool

    def measure(self, theta: Array, vector: Array | None) -> tuple[dict[str, float], Array | None]:
        """Return the numbers of one θ (size,), and the eigenvector, from which the next search starts."""
        row = dict.fromkeys(COLUMNS, np.nan)
        trace = self.objective.trace(theta)
        row |= {"loss": self.objective.loss(theta), "trace": trace} | self._of_matrix(theta)
        if self.flattest:
            row["trace_ratio"] = trace / self.flattest
        if self.frobenius:
            row["hessian_frobenius"] = hessian_frobenius(self.objective, theta)
        if self.sharpness:
            row["sharpness"], row["sharpness_residual"], vector = self._sharpness(theta, vector)
        return row, vector

    def _of_matrix(self, theta: Array) -> dict[str, float]:
        factors, problem = self.objective.factorization(theta), self.objective.measurements
        values = np.linalg.svd(factors.matrix, compute_uv=False)
        row = {"rank": float(np.sum(values > RANK_CUT * values[0]))}
        if values[0] > 0.0:
            row["stable_rank"] = float(np.sum((values / values[0]) ** 2))
            row["norm_excess"], row["imbalance"] = norm_excess(factors), imbalance(factors)
        if problem.truth is not None:
            row["error"] = problem.error(factors.matrix)
        return row

    def _sharpness(self, theta: Array, vector: Array | None) -> tuple[float, float, Array | None]:
        try:
            pair = largest_eigenpair(self.objective.hessian(theta), vector, TOLERANCE)
        except NotConverged:
            return np.nan, np.nan, None
        return pair.value, pair.error, pair.vector
