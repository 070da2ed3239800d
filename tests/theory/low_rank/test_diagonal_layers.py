"""Deep diagonal networks against automatic differentiation; their least trace and norm over all layers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flat_cases import EPS
from stepscape.errors import InputError
from stepscape.theory.low_rank import (
    diagonal_trace,
    diagonal_weight_decay,
    flat_diagonal_layers,
    flattest_diagonal_trace,
)

seeds, depths = st.integers(0, 2**32 - 1), st.integers(2, 6)


def draw(seed: int, depth: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((7, 4)), rng.standard_normal((depth, 4))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_trace_is_that_of_the_hessian(depth):
    import torch

    A, v = draw(3, depth)
    b = torch.tensor(np.arange(7.0))

    def loss(theta):
        return torch.mean((torch.tensor(A) @ torch.prod(theta.reshape(depth, 4), dim=0) - b) ** 2)

    hessian = torch.autograd.functional.hessian(loss, torch.tensor(v.ravel())).numpy()
    assert diagonal_trace(A, v) == pytest.approx(np.trace(hessian), rel=64 * EPS)


@given(seeds, depths)
def test_no_layers_of_the_product_are_flatter_or_smaller(seed, depth):
    A, v = draw(seed, depth)
    x = np.prod(v, axis=0)
    assert diagonal_trace(A, v) >= flattest_diagonal_trace(A, x, depth) * (1 - 64 * EPS)
    assert np.sum(v**2) >= diagonal_weight_decay(x, depth) * (1 - 64 * EPS)


@given(seeds, depths)
def test_flat_layers_attain_both(seed, depth):
    A, v = draw(seed, depth)
    x = np.prod(v, axis=0) * [0.0, 1.0, 1.0, 1.0]
    flat = flat_diagonal_layers(x, depth)
    assert np.abs(np.prod(flat, axis=0) - x).max() <= 64 * EPS * np.abs(x).max()
    assert diagonal_trace(A, flat) == pytest.approx(flattest_diagonal_trace(A, x, depth), rel=256 * EPS)
    assert np.sum(flat**2) == pytest.approx(diagonal_weight_decay(x, depth), rel=256 * EPS)


def test_two_zero_factors_suffice_and_one_does_not():
    A, v = np.eye(2), np.ones((4, 2))
    v[0, 0] = 0.0
    assert diagonal_trace(A, v) > flattest_diagonal_trace(A, [0.0, 1.0], 4)
    v[1, 0] = 0.0
    assert diagonal_trace(A, v) == flattest_diagonal_trace(A, [0.0, 1.0], 4)


def test_two_layers_have_weighted_l1_norms_and_many_layers_opposite_limits():
    A, x = np.diag([1.0, 2.0]), np.array([3.0, -0.5])
    assert flattest_diagonal_trace(A, x, 2) == pytest.approx(4 * (0.5 * 3.0 + 2.0 * 0.5), rel=8 * EPS)
    assert diagonal_weight_decay(x, 2) == pytest.approx(2 * 3.5, rel=8 * EPS)
    depth = 10**6
    assert flattest_diagonal_trace(A, x, depth) / (2 * depth) == pytest.approx(0.5 * 9 + 2.0 * 0.25, rel=1e-5)
    assert diagonal_weight_decay([3.0, 0.0], depth) / depth == pytest.approx(1.0, rel=1e-5)


def test_a_root_in_the_definition_of_d_would_change_the_solution():
    # Two solutions of x1 + x2/2 = 1: which one is flatter depends on whether D_i is ‖a_i‖² or ‖a_i‖.
    A = np.array([[1.0, 0.6]])
    first, second = np.array([1.0, 0.0]), np.array([0.0, 1 / 0.6])
    squares, roots = np.array([1.0, 0.36]), np.array([1.0, 0.6])
    assert flattest_diagonal_trace(A, first, 3) == pytest.approx(6 * squares[0], rel=8 * EPS)
    assert flattest_diagonal_trace(A, second, 3) < flattest_diagonal_trace(A, first, 3)
    assert roots[1] * second[1] ** (4 / 3) > roots[0]


def test_wrong_arguments_are_refused():
    A = np.ones((3, 2))
    with pytest.raises(
        InputError, match=r"layers must have one column for each of the 2 columns of design, got \(2, 3\)"
    ):
        diagonal_trace(A, np.ones((2, 3)))
    with pytest.raises(
        InputError, match="vector must have one number for each of the 2 columns of design, got 3"
    ):
        flattest_diagonal_trace(A, np.ones(3), 2)
    with pytest.raises(InputError, match=r"vector must have shape \(d,\), got \(2, 2\)"):
        flat_diagonal_layers(np.ones((2, 2)), 2)
    with pytest.raises(InputError, match="vector must be finite, got inf in it"):
        diagonal_weight_decay([1.0, np.inf], 2)
    with pytest.raises(InputError, match="depth must be a whole number of at least 1, got 0"):
        flat_diagonal_layers([1.0], 0)
    with pytest.raises(InputError, match="the trace must be finite"):
        diagonal_trace(A, np.full((3, 2), 1e100))
    with pytest.raises(InputError, match="the squared norm of a column must be finite"):
        diagonal_trace(1e200 * A, np.ones((3, 2)))
    with pytest.raises(InputError, match="depth must fit in memory"):
        flat_diagonal_layers([1.0], 10**15)
