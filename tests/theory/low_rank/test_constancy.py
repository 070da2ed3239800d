"""Which positive semidefinite problems have one trace at all solutions: by construction, and by solutions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from flat_cases import EPS, matrices, problem
from stepscape.errors import InputError
from stepscape.factorization import Factorization
from stepscape.problems import Measurements
from stepscape.problems.linear_maps import Dense, Entries
from stepscape.theory.low_rank import constant_trace, flattest_trace, hessian_trace, matrix_weights

seeds = st.integers(0, 2**32 - 1)


def solutions(p: Measurements, seed: int) -> list[np.ndarray]:
    """Positive definite matrices with the same measurements as the identity."""
    A = matrices(p).reshape(p.size, -1)
    E = np.random.default_rng(seed).standard_normal(p.shape)
    E = E + E.T
    E = (E.ravel() - np.linalg.pinv(A) @ (A @ E.ravel())).reshape(p.shape)
    E = (E + E.T) / 2
    E *= 0.9 / np.abs(np.linalg.eigvalsh(E)).max()
    return [np.eye(p.shape[0]) + t * E for t in (-1.0, 0.0, 1.0)]


def at_identity(p: Measurements) -> Measurements:
    return Measurements(p.linear_map, p.apply(np.eye(p.shape[0])), "psd")


@given(seeds)
@examples(1 / 4)
def test_every_solution_of_phase_retrieval_is_equally_flat(seed):
    p = at_identity(problem("rank one", (5, 5), 8, seed, "psd"))
    found = constant_trace(p)
    assert found.constant
    assert found.residual <= 64 * EPS
    assert found.coefficients == pytest.approx(np.sum(p.linear_map.left**2, axis=1) / 8, rel=8 * EPS)
    for X in solutions(p, seed):
        assert p.loss(X) < 1e-20
        assert flattest_trace(p, X) == pytest.approx(found.trace, rel=1e-11)
        factor = Factorization(np.linalg.cholesky(X), structure="psd")
        assert hessian_trace(p, factor) == pytest.approx(found.trace, rel=1e-11)


@given(seeds)
@examples(1 / 4)
def test_least_squares_finds_what_the_closed_form_says(seed):
    p = at_identity(problem("rank one", (4, 4), 7, seed, "psd"))
    dense = Measurements(Dense(matrices(p)), p.labels, "psd")
    first, second = constant_trace(p), constant_trace(dense)
    assert second.constant
    assert second.trace == pytest.approx(first.trace, rel=1e-10)


@given(seeds)
@examples(1 / 4)
def test_solutions_of_full_measurements_differ_in_flatness(seed):
    p = at_identity(problem("dense", (4, 4), 5, seed, "psd"))
    found = constant_trace(p)
    assert not found.constant
    traces = [flattest_trace(p, X) for X in solutions(p, seed)]
    D2 = matrix_weights(p).left.square
    rest = D2 - p.adjoint(found.coefficients)
    # What is left of D² is orthogonal to all A_i, and the direction of steepest change.
    assert np.abs(p.apply(rest)).max() <= 1e-11 * np.linalg.norm(D2)
    assert np.linalg.norm(rest) == pytest.approx(found.residual * np.linalg.norm(D2), rel=1e-9)
    change = flattest_trace(p, np.eye(4) + 1e-2 * rest / np.linalg.norm(rest)) - traces[1]
    assert change == pytest.approx(0.08 * np.linalg.norm(rest), rel=1e-6)


def test_entries_of_the_diagonal_are_such_measurements():
    p = Measurements(Entries([0, 1, 1], [0, 1, 1], (2, 2), [1.0, 2.0, 1.0]), [1.0, 4.0, 2.0], "psd")
    found = constant_trace(p)
    assert found.constant
    assert found.trace == pytest.approx(flattest_trace(p, np.diag([1.0, 2.0])), rel=1e-13)
    assert "every solution is equally flat: the Hessian trace is" in repr(found)


def test_what_the_repr_says_otherwise():
    p = problem("dense", (4, 4), 5, 1, "psd")
    assert "solutions may differ in flatness" in repr(constant_trace(p))
    nothing = Measurements(Dense(np.zeros((1, 2, 2))), [0.0], "psd")
    assert constant_trace(nothing).constant


def test_other_structures_are_refused():
    with pytest.raises(InputError, match="measurements must have the structure 'psd', got 'symmetric'"):
        constant_trace(problem("dense", (4, 4), 5, 1, "symmetric"))
