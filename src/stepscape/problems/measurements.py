"""A matrix that is to be recovered from linear measurements, and what is known of the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import nonnegative, text, vector, whole, word
from stepscape.errors import bad
from stepscape.factorization import STRUCTURES, Structure
from stepscape.problems.known_truth import finite_loss, matrix_of, relative_error
from stepscape.problems.linear_maps.linear_map import LinearMap, finite_array, require_linear_map

Array = NDArray[np.float64]
ROUNDING = 1e-12  # relative: what a truth may lack of its structure


@dataclass(frozen=True, eq=False)
class Measurements:
    """Labels b_i = ⟨A_i, X⟩ + noise, and the loss L(X) = (1/m) Σ_i (⟨A_i, X⟩ − b_i)², without a ½.

    Parameters
    ----------
    linear_map : LinearMap
        The A_i, stored as what they are: `Dense`, `Sparse`, `RankOne` or `Entries`.
    labels : array_like (m,)
        b.
    structure : "any" | "symmetric" | "psd"
        How X is parametrized: L Rᵀ; U1 U1ᵀ − U2 U2ᵀ, so that X is symmetric; U Uᵀ, so that it is positive
        semidefinite. The last two need symmetric A_i.
    truth : array_like (d1, d2), optional
        The matrix behind the labels, for errors.
    noise : float, optional
        Standard deviation of the labels around ⟨A_i, truth⟩.
    name : str
        Used in figures and messages.

    Raises
    ------
    InputError
        For shapes that differ, numbers that are not finite, A_i or a truth that are not symmetric, or a truth
        that is not positive semidefinite, where the structure asks for it.
    """

    linear_map: LinearMap
    labels: Array
    structure: Structure = "any"
    truth: Array | None = None
    noise: float | None = None
    name: str = "measurements"

    def __post_init__(self) -> None:
        text("name", self.name)
        word("structure", self.structure, STRUCTURES)
        require_linear_map(self.linear_map)
        object.__setattr__(self, "labels", finite_array("labels", self.labels, "(m,)"))
        if self.labels.size != self.size:
            raise bad("labels", f"have one number per measurement ({self.size})", self.labels.size)
        if self.structure != "any" and not self.linear_map.symmetric:
            must = f"be symmetric for the structure {self.structure!r}"
            raise bad("every A_i", must, "another one", "give (A + A.T)/2, or the structure 'any'")
        if self.truth is not None:
            object.__setattr__(self, "truth", _truth(self.truth, self.shape, self.structure))
        if self.noise is not None:
            object.__setattr__(self, "noise", nonnegative("noise", self.noise))

    @property
    def size(self) -> int:
        """Number m of measurements."""
        return self.linear_map.size

    @property
    def shape(self) -> tuple[int, int]:
        """(d1, d2) of X."""
        return self.linear_map.shape

    def apply(self, matrix: ArrayLike) -> Array:
        """⟨A_i, X⟩ (m,)."""
        return self.linear_map.apply(self._matrix(matrix))

    def adjoint(self, values: ArrayLike) -> Array:
        """Σ_i v_i A_i (d1, d2)."""
        return self.linear_map.adjoint(vector("values", values, self.size))

    def loss(self, matrix: ArrayLike) -> float:
        """(1/m) Σ_i (⟨A_i, X⟩ − b_i)²."""
        with np.errstate(over="ignore", invalid="ignore"):
            return finite_loss(float(np.mean((self.apply(matrix) - self.labels) ** 2)))

    def error(self, matrix: ArrayLike) -> float:
        """‖X − truth‖_F/‖truth‖_F, without the division if the truth is 0; needs `truth`."""
        return relative_error(self._matrix(matrix), self.truth)

    def degrees_of_freedom(self, rank: int) -> int:
        """Dimension of the set of matrices of that rank: r(d1 + d2 − r), symmetric rd − r(r − 1)/2."""
        d1, d2 = self.shape
        r = whole("rank", rank, 0, min(d1, d2))
        return r * (d1 + d2 - r) if self.structure == "any" else r * d1 - r * (r - 1) // 2

    def _matrix(self, values: ArrayLike) -> Array:
        return matrix_of(self.shape, values)

    def __repr__(self) -> str:
        d1, d2 = self.shape
        kind = "" if self.structure == "any" else f", {self.structure}"
        noise = "" if self.noise is None else f", noise={self.noise:g}"
        return f"Measurements({self.name}: m={self.size} of a {d1}×{d2} matrix{kind}{noise})"


def _truth(values: object, shape: tuple[int, int], structure: Structure) -> Array:
    """Read a matrix of that shape that has the structure up to rounding."""
    truth = matrix_of(shape, values, "truth")
    size = float(np.abs(truth).max())
    if structure != "any" and not np.abs(truth - truth.T).max() <= ROUNDING * size:
        raise bad("truth", f"be symmetric for the structure {structure!r}", "another matrix")
    if structure == "psd" and size > 0.0:
        least = size * float(np.linalg.eigvalsh(truth / size)[0])
        if least < -ROUNDING * size * len(truth):
            raise bad(
                "truth", "be positive semidefinite for the structure 'psd'", f"the eigenvalue {least:g}"
            )
    return truth
