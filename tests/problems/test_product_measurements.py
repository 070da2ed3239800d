"""Measurements of a product of layers: linearity, moments, the random problems, and every refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from stepscape.problems import ProductMeasurements, block_network, hadamard

EPS = np.finfo(float).eps
SHAPES = [(5, 3), (4, 1, 3, 3), (3, 2, 2, 2), (6, 4, 1, 1), (1, 1)]
SEEDS = st.integers(0, 2**32)


def drawn(shape, seed):
    rng = np.random.default_rng(seed)
    return ProductMeasurements(rng.standard_normal(shape), rng.standard_normal(shape[0])), rng


@examples(1 / 2)
@given(st.sampled_from(SHAPES), SEEDS)
def test_the_adjoint_is_the_adjoint(shape, seed):
    problem, rng = drawn(shape, seed)
    product, values = rng.standard_normal(problem.shape), rng.standard_normal(problem.size)
    left, right = problem.apply(product) @ values, np.sum(product * problem.adjoint(values))
    scale = np.linalg.norm(problem.design) * np.linalg.norm(product) * np.linalg.norm(values)
    assert abs(left - right) <= 8 * EPS * scale


@pytest.mark.parametrize("shape", SHAPES)
def test_moments_are_averages_over_the_measurements(shape):
    problem, _ = drawn(shape, 1)
    A = problem.block_design
    rows = sum(a @ a.transpose(0, 2, 1) for a in A) / len(A)
    columns = sum(a.transpose(0, 2, 1) @ a for a in A) / len(A)
    np.testing.assert_allclose(problem.row_moments, rows, rtol=0, atol=8 * EPS * np.abs(rows).max())
    np.testing.assert_allclose(problem.column_moments, columns, rtol=0, atol=8 * EPS * np.abs(rows).max())


def test_a_vector_is_blocks_of_size_one():
    problem, rng = drawn((5, 3), 2)
    blocks = ProductMeasurements(problem.design.reshape(5, 3, 1, 1), problem.labels)
    x = rng.standard_normal(3)
    np.testing.assert_array_equal(problem.apply(x), blocks.apply(x.reshape(3, 1, 1)))
    np.testing.assert_array_equal(problem.row_moments, blocks.row_moments)
    assert (problem.blocks, problem.block_size, problem.shape) == (3, 1, (3,))
    assert (blocks.blocks, blocks.block_size, blocks.shape) == (3, 1, (3, 1, 1))


@examples(1 / 4)
@given(st.integers(1, 12), st.integers(1, 20), st.integers(2, 9), SEEDS, st.data())
def test_a_sparse_vector_explains_its_labels(d, m, depth, seed, data):
    r = data.draw(st.integers(0, d))
    problem = hadamard(d, r, m, depth, seed=seed)
    assert problem.design.shape == (m, d)
    assert problem.depth == depth
    assert np.count_nonzero(problem.truth) == r
    assert problem.loss(problem.truth) <= (8 * d * EPS) ** 2 * max(1.0, np.max(problem.labels**2))
    assert problem.error(problem.truth) == 0.0
    assert problem.error(np.zeros(d)) == (1.0 if r else 0.0)
    more = hadamard(d, r, m + 3, depth + 1, seed=seed)
    np.testing.assert_array_equal(more.truth, problem.truth)
    np.testing.assert_array_equal(more.design[:m], problem.design)
    np.testing.assert_array_equal(hadamard(d, r, m, depth, seed=seed).labels, problem.labels)


def test_blocks_have_the_number_and_rank_that_were_asked_for():
    problem = block_network(blocks=6, size=4, nonzero=2, rank=3, m=7, depth=3, seed=4)
    ranks = np.linalg.matrix_rank(problem.truth)
    assert sorted(ranks) == [0, 0, 0, 0, 3, 3]
    assert problem.design.shape == (7, 6, 4, 4)
    assert problem.loss(problem.truth) < 1e-27
    assert not np.array_equal(problem.truth, block_network(6, 4, 2, 3, 7, 3, seed=5).truth)


@pytest.mark.parametrize("make", [hadamard, block_network])
def test_noise_is_the_standard_deviation_of_the_labels(make):
    noisy, clean = make(m=4000, noise=0.3, seed=1), make(m=4000, seed=1)
    away = noisy.labels - clean.labels
    assert noisy.noise == 0.3
    assert away.std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * 4000))
    assert abs(away.mean()) < 5 * 0.3 / np.sqrt(4000)


def test_a_problem_describes_itself():
    vector = "ProductMeasurements(hadamard: m=50 of a vector of 100, depth=2, noise=0)"
    assert repr(hadamard()) == vector
    blocks = "ProductMeasurements(product: m=3 of 2 blocks 2×2, depth=2)"
    assert repr(drawn((3, 2, 2, 2), 0)[0]) == blocks


ONES, LABELS = np.ones((3, 2)), np.ones(3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(3), LABELS), r"design must have shape \(m, d\) or \(m, B, s, s\), got \(3,\)"),
        ((np.ones((3, 1, 2, 3)), LABELS), r"design must have shape .* got \(3, 1, 2, 3\)"),
        ((np.ones((0, 2)), LABELS), r"design must hold at least one number, got an empty array"),
        ((ONES * np.nan, LABELS), r"design must be finite, got nan at index \(0, 0\)"),
        (
            (ONES * 1e61, LABELS),
            r"design must have a largest number between 1e-60 and 1e\+60, got 1e\+61; take",
        ),
        (
            (ONES, LABELS * 1e-61),
            r"labels must have a largest number between 1e-60 and 1e\+60, got 1e-61; take",
        ),
        ((ONES, np.ones(4)), r"labels must have one number per measurement \(3\), got 4"),
        ((ONES, LABELS, 1), r"depth must be a whole number of at least 2, got 1"),
        (
            (ONES, LABELS, 2, np.ones(3)),
            r"truth and design must agree: truth must have shape \(2,\), got \(3,\)",
        ),
        ((ONES, LABELS, 2, [1.0, np.inf]), r"truth must be finite, got inf in it"),
        ((ONES, LABELS, 2, None, -1.0), r"noise must be finite and not negative, got -1"),
        ((ONES, LABELS, 2, None, None, 3), r"name must be text, got 3"),
    ],
)
def test_a_problem_refuses_what_does_not_belong_together(arguments, message):
    with pytest.raises(ss.InputError, match=message):
        ProductMeasurements(*arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ProductMeasurements(ONES, LABELS).error([1, 2]), r"truth must be given to measure an error"),
        (lambda: ProductMeasurements(ONES, LABELS).apply([1]), r"product must have shape \(2,\), got \(1,\)"),
        (
            lambda: ProductMeasurements(ONES, LABELS).adjoint([1]),
            r"values must have shape \(3,\), got \(1,\)",
        ),
        (lambda: hadamard(nonzero=101), r"nonzero must be at most 100, got 101"),
        (lambda: hadamard(d=0), r"d must be a whole number of at least 1, got 0"),
        (lambda: hadamard(d=10**7, m=10**7), r"m must fit in memory, got 10000000, .*; take fewer"),
        (lambda: block_network(rank=6), r"rank must be at most 5, got 6"),
        (lambda: block_network(nonzero=5), r"nonzero must be at most 4, got 5"),
        (lambda: block_network(m=10**7, size=10**4), r"m must fit in memory, got 10000000, .*; take fewer"),
    ],
)
def test_calls_refuse_what_cannot_be(call, message):
    with pytest.raises(ss.InputError, match=message):
        call()
