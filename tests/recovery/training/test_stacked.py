"""Stacks of matrices and factors: each row is what the measurements and the factors of one start give."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from low_rank_cases import KINDS, STRUCTURES, linear_map
from stepscape.recovery.training.stacked_factors import stacked_factors
from stepscape.recovery.training.stacked_maps import stacked

EPS = np.finfo(float).eps


def close(actual, expected):
    """Equal up to 100 roundings of the largest number."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=100 * EPS * np.abs(expected).max())


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_is_measured_as_its_matrices_are(kind):
    rng = np.random.default_rng(0)
    given = linear_map(kind, 4, 3, 9, rng)
    X, v = rng.standard_normal((5, 4, 3)), rng.standard_normal((5, 9))
    close(stacked(given).apply(X), np.array([given.apply(x) for x in X]))
    close(stacked(given).adjoint(v), np.array([given.adjoint(values) for values in v]))


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_measurements_are_those_with_the_numbers_even_if_one_comes_twice(kind):
    rng = np.random.default_rng(1)
    given = linear_map(kind, 4, 3, 9, rng)
    places = rng.integers(0, 9, (5, 6))
    places[:, 0] = places[:, 1]
    X, v = rng.standard_normal((5, 4, 3)), rng.standard_normal((5, 6))
    drawn = stacked(given).take(places)
    close(drawn.apply(X), np.array([given.apply(x)[at] for x, at in zip(X, places, strict=True)]))
    full = np.zeros((5, 9))
    for s in range(5):
        np.add.at(full[s], places[s], v[s])
    close(drawn.adjoint(v), np.array([given.adjoint(values) for values in full]))


@pytest.mark.parametrize("count", [2, 3, 10])
@pytest.mark.parametrize("kind", KINDS)
def test_a_matrix_of_a_stack_has_the_bits_that_it_has_alone(kind, count):
    rng = np.random.default_rng(2)
    given = stacked(linear_map(kind, 20, 20, 300, rng))
    X, v, places = (
        rng.standard_normal((count, 20, 20)),
        rng.standard_normal((count, 300)),
        rng.integers(0, 300, (count, 37)),
    )
    for s in range(count):
        one = slice(s, s + 1)
        np.testing.assert_array_equal(given.apply(X)[one], given.apply(X[one]))
        np.testing.assert_array_equal(given.adjoint(v)[one], given.adjoint(v[one]))
        np.testing.assert_array_equal(given.take(places).apply(X)[one], given.take(places[one]).apply(X[one]))
        drawn = v[:, :37]
        np.testing.assert_array_equal(
            given.take(places).adjoint(drawn)[one], given.take(places[one]).adjoint(drawn[one])
        )


@pytest.mark.parametrize("structure", STRUCTURES)
def test_factors_of_a_stack_are_those_of_the_objective(structure):
    rng = np.random.default_rng(3)
    squares = structure != "any"
    given = linear_map("dense", 4, 4 if squares else 3, 9, rng, squares)
    widths = {"any": (2, 2), "symmetric": (2, 1), "psd": (2, 0)}[structure]
    o = ss.objectives.factors(ss.problems.Measurements(given, rng.standard_normal(9), structure), widths)
    form = stacked_factors(given.shape, widths, structure)
    theta, along = rng.standard_normal((2, 5, o.size))
    G = np.array([given.adjoint(values) for values in rng.standard_normal((5, 9))])
    close(form.matrices(theta), np.array([o.factorization(each).matrix for each in theta]))
    close(form.pull(G, theta), np.array([o.form.pull(g, each) for g, each in zip(G, theta, strict=True)]))
    expected = [np.matmul(p, q.T) for p, q in map(o.form.tangent, theta, along)]
    close(form.tangents(theta, along), np.array(expected))
    moments = given.row_moment(), given.column_moment()
    close(
        form.trace_gradient(theta, moments), np.array([o.form.squares_gradient(t, *moments) for t in theta])
    )
