"""A matrix of low rank under gross errors in some of its entries, and what is known of the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import nonnegative, text
from stepscape.problems.known_truth import finite_loss, matrix_of, relative_error
from stepscape.problems.linear_maps.linear_map import finite_array

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CorruptedMatrix:
    """Y = truth + S with a sparse S, and the loss dist²(Y − X, Ω), Ω = {S : Σ_jk |S_jk| ≤ budget}.

    The loss is the squared Frobenius distance, a sum over entries that nothing is averaged over.

    Parameters
    ----------
    observed : array_like (d1, d2)
        Y.
    budget : float
        The sum of the magnitudes of S. The theory takes that of the true S, which only an oracle knows.
    truth : array_like (d1, d2), optional
        The matrix of low rank, for errors.
    noise : float, optional
        Standard deviation of Y around truth + S in every entry.
    name : str
        Used in figures and messages.

    Raises
    ------
    InputError
        For shapes that differ, numbers that are not finite, a negative budget.

    Source: Ding, Drusvyatskiy, Fazel, Harchaoui (2024), section 6.
    """

    observed: Array
    budget: float
    truth: Array | None = None
    noise: float | None = None
    name: str = "corrupted matrix"

    def __post_init__(self) -> None:
        text("name", self.name)
        object.__setattr__(self, "observed", finite_array("observed", self.observed, "(d1, d2)"))
        object.__setattr__(self, "budget", nonnegative("budget", self.budget))
        if self.truth is not None:
            object.__setattr__(self, "truth", matrix_of(self.shape, self.truth, "truth", "observed"))
        if self.noise is not None:
            object.__setattr__(self, "noise", nonnegative("noise", self.noise))

    @property
    def shape(self) -> tuple[int, int]:
        """(d1, d2)."""
        return self.observed.shape[0], self.observed.shape[1]

    @property
    def size(self) -> int:
        """Number d1·d2 of entries."""
        return self.observed.size

    def errors(self, matrix: ArrayLike) -> Array:
        """Return S (d1, d2), the point of Ω that is nearest to Y − X."""
        return project_to_budget(self.observed - self._matrix(matrix), self.budget)

    def residuals(self, matrix: ArrayLike) -> Array:
        """X + S − Y (d1, d2) with that S: what the errors that the budget allows leave unexplained."""
        difference = self.observed - self._matrix(matrix)
        return np.asarray(project_to_budget(difference, self.budget) - difference)

    def loss(self, matrix: ArrayLike) -> float:
        """dist²(Y − X, Ω)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return finite_loss(float(np.sum(self.residuals(matrix) ** 2)))

    def error(self, matrix: ArrayLike) -> float:
        """‖X − truth‖_F/‖truth‖_F, without the division if the truth is 0; needs `truth`."""
        return relative_error(self._matrix(matrix), self.truth)

    def _matrix(self, values: ArrayLike) -> Array:
        return matrix_of(self.shape, values)

    def __repr__(self) -> str:
        d1, d2 = self.shape
        noise = "" if self.noise is None else f", noise={self.noise:g}"
        return f"CorruptedMatrix({self.name}: {d1}×{d2}, budget={self.budget:.4g}{noise})"


def project_to_budget(values: Array, budget: float) -> Array:
    """Return the nearest array whose magnitudes sum to at most `budget`.

    Inside the budget it is the array itself, otherwise sign(v)·max(|v| − t, 0) with the t at which the
    magnitudes sum to the budget.
    """
    sizes = np.abs(values)
    if float(sizes.sum()) <= budget:
        return values.copy()
    # With the j largest magnitudes left, t_j = (Σ of them − budget)/j; the right j is the last whose smallest
    # magnitude exceeds t_j.
    descending = np.sort(sizes, axis=None)[::-1]
    levels = (np.cumsum(descending) - budget) / np.arange(1, descending.size + 1)
    kept = int(np.count_nonzero(descending > levels))
    level = levels[max(kept, 1) - 1]
    return np.asarray(np.sign(values) * np.maximum(sizes - level, 0.0))
