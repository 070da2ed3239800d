"""What functions of a low-rank problem check before they compute, and the norm that they all need."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.errors import bad, expect
from stepscape.factorization import Factorization, Structure
from stepscape.problems.measurements import Measurements

Array = NDArray[np.float64]
SYMMETRY = 1e-8  # relative departure from a symmetric or semidefinite matrix that is taken for rounding


def check_factors(measurements: Measurements, factors: Factorization) -> tuple[Array, Array]:
    """Return L and R (U1 and U2; U and no columns), after a look at their shapes and their structure."""
    expect("measurements", measurements, Measurements)
    expect("factors", factors, Factorization)
    if factors.structure != measurements.structure:
        raise bad("factors", f"have the structure {measurements.structure!r}", repr(factors.structure))
    left, right = sides(factors)
    if factors.shape != measurements.shape:
        raise bad("factors", f"be those of a matrix {measurements.shape}", factors.shape)
    return left, right


def sides(factors: Factorization, name: str = "factors") -> tuple[Array, Array]:
    """Return the two factors; the second one of "psd" has no columns."""
    expect(name, factors, Factorization)
    assert factors.right is not None  # the constructor fills it
    return factors.left, factors.right


def check_matrix(measurements: Measurements, matrix: ArrayLike, name: str = "matrix") -> Array:
    """Return X (d1, d2), finite and with the symmetry that the structure asks for."""
    expect("measurements", measurements, Measurements)
    X = finite_matrix(name, matrix)
    if X.shape != measurements.shape:
        raise bad(name, f"have shape {measurements.shape}", X.shape)
    return structured(X, measurements.structure, name)


def structured(X: Array, structure: Structure, name: str) -> Array:
    """Return X, its symmetric part if it must be symmetric; refuse one without the structure."""
    if structure == "any":
        return X
    largest = float(np.abs(X).max())
    if np.abs(X - X.T).max() > SYMMETRY * largest:
        raise bad(name, f"be symmetric for the structure {structure!r}", "another matrix", "give (X + X.T)/2")
    X = X / 2.0 + X.T / 2.0
    if structure == "psd":
        least = float(np.linalg.eigvalsh(X)[0])
        if least < -SYMMETRY * len(X) * largest:
            raise bad(name, "be positive semidefinite", f"a matrix with the eigenvalue {least:.3g}")
    return X


def finite_matrix(name: str, values: ArrayLike) -> Array:
    """Read a matrix of finite numbers, at least 1×1."""
    X = reals(name, values)
    if X.ndim != 2 or X.size == 0:
        raise bad(name, "have shape (d1, d2)", X.shape)
    if not np.isfinite(X).all():
        raise bad(name, "be finite", f"{X[~np.isfinite(X)][0]} in it")
    return X


def finite_result(what: str, value: float) -> float:
    """Return a result that float64 can hold."""
    if not math.isfinite(value):
        raise bad(what, "be finite", "a number beyond 1.8e308", "rescale the measurements or the factors")
    return float(value)


def nuclear_norm(matrix: Array) -> float:
    """‖X‖_*, the sum of the singular values; 0 for a matrix without columns."""
    if not matrix.size:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        return finite_result("the nuclear norm", float(np.linalg.svd(matrix, compute_uv=False).sum()))
