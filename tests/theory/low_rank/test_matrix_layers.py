"""Deep linear networks against automatic differentiation, and their least trace against numerical descent."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flat_cases import EPS, factors, matrices, problem
from stepscape.errors import InputError
from stepscape.theory.low_rank import (
    block_penalty,
    flat_layers,
    flattest_blocks_trace,
    flattest_diagonal_trace,
    flattest_layers_trace,
    flattest_trace,
    hessian_trace,
    identity_measurements,
    layers_trace,
)

seeds, depths = st.integers(0, 2**32 - 1), st.integers(2, 5)


def chain(seed: int, widths: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((b, a)) for a, b in pairwise(widths)]


def product(layers: list[np.ndarray]) -> np.ndarray:
    X = layers[0]
    for W in layers[1:]:
        X = W @ X
    return X


def torch_trace(layers: list[np.ndarray], A: np.ndarray, b: np.ndarray) -> float:
    import torch

    sizes = np.cumsum([0, *(W.size for W in layers)])

    def loss(theta):
        parts = [theta[i:j].reshape(W.shape) for i, j, W in zip(sizes, sizes[1:], layers, strict=False)]
        X = parts[0]
        for W in parts[1:]:
            X = W @ X
        return torch.mean((torch.sum(torch.tensor(A) * X, dim=(1, 2)) - torch.tensor(b)) ** 2)

    theta = torch.tensor(np.concatenate([W.ravel() for W in layers]))
    return float(np.trace(torch.autograd.functional.hessian(loss, theta).numpy()))


@pytest.mark.parametrize("widths", [(2, 3), (3, 2, 4), (2, 3, 2, 3), (2, 2, 2, 2, 2)])
def test_the_trace_is_that_of_the_hessian_for_measurements_and_for_the_identity(widths):
    layers = chain(4, widths)
    p = problem("dense", (widths[-1], widths[0]), 5, 3)
    assert layers_trace(layers, p) == pytest.approx(torch_trace(layers, matrices(p), p.labels), rel=256 * EPS)
    same = identity_measurements(np.ones((widths[-1], widths[0])))
    expected = torch_trace(layers, matrices(same), same.labels)
    assert layers_trace(layers) == pytest.approx(expected, rel=256 * EPS)
    assert layers_trace(layers, same) == pytest.approx(expected, rel=256 * EPS)


def test_two_layers_are_factors():
    p, at = problem("dense", (4, 3), 9, 3), factors((4, 3), 2, 5)
    assert layers_trace([at.right.T, at.left], p) == pytest.approx(hessian_trace(p, at), rel=64 * EPS)
    same = identity_measurements(p.truth)
    assert flattest_layers_trace(p.truth, 2) == pytest.approx(flattest_trace(same, p.truth), rel=64 * EPS)


@given(seeds, st.lists(st.integers(1, 4), min_size=3, max_size=6))
def test_no_layers_of_the_product_are_flatter(seed, widths):
    layers = chain(seed, tuple(widths))
    least = flattest_layers_trace(product(layers), len(layers))
    assert layers_trace(layers) >= least * (1 - 64 * EPS)


@given(seeds, depths, st.integers(1, 3))
def test_flat_layers_attain_the_bound(seed, depth, rank):
    X = product(chain(seed, (3, rank, 4)))
    layers = flat_layers(X, depth, rank + 1)
    assert [W.shape[0] for W in layers] == [rank + 1] * (depth - 1) + [4]
    assert np.abs(product(layers) - X).max() <= 256 * EPS * np.abs(X).max()
    assert layers_trace(layers) == pytest.approx(flattest_layers_trace(X, depth), rel=256 * EPS)


def test_descent_over_all_layers_of_a_matrix_ends_at_the_bound():
    from scipy.optimize import minimize

    X, k = product(chain(7, (3, 2, 3))), 3
    _, *rest = start = chain(1, (3, 3, 3, 3))
    # W_2 and W_3 are free, and W_1 is what makes the product X.

    def layers(theta: np.ndarray) -> list[np.ndarray]:
        second, third = theta.reshape(2, 3, 3)
        return [np.linalg.solve(third @ second, X), second, third]

    found = minimize(
        lambda theta: np.log(layers_trace(layers(theta))),
        np.ravel(rest),
        method="BFGS",
        options={"gtol": 1e-7},
    )
    assert layers_trace([product([X @ np.linalg.inv(product(start)), *start])]) == 2 * 9.0
    assert np.exp(found.fun) == pytest.approx(flattest_layers_trace(X, k), rel=1e-3)
    assert np.exp(found.fun) >= flattest_layers_trace(X, k) * (1 - 1e-12)


@given(seeds, depths)
def test_measurements_lie_between_the_bounds_of_their_isometry(seed, depth):
    p = problem("dense", (3, 3), 30, 3)
    A = matrices(p).reshape(30, 9)
    low, high = np.linalg.eigvalsh(A.T @ A / 30)[[0, -1]]  # α1² and α2², for all matrices
    layers = chain(seed, (3,) * (depth + 1))
    same, trace = layers_trace(layers), layers_trace(layers, p)
    assert low * same * (1 - 1e-12) <= trace <= high * same * (1 + 1e-12)


def test_one_layer_has_a_constant_trace():
    assert layers_trace([np.ones((2, 3))]) == flattest_layers_trace(np.ones((2, 3)), 1) == 12.0


class TestBlocks:
    def test_blocks_of_one_entry_are_diagonal_layers_and_one_block_is_a_full_one(self):
        x = np.array([1.5, -0.3, 2.0])
        blocks = [[[value]] for value in x]
        expected = 3 * flattest_diagonal_trace(np.eye(3), x, 4)  # there D_i = 1/m
        assert flattest_blocks_trace(blocks, 4) == pytest.approx(expected, rel=64 * EPS)
        X = product(chain(2, (3, 4)))
        assert flattest_blocks_trace([X], 3) == flattest_layers_trace(X, 3)

    @given(seeds, depths)
    def test_the_trace_of_blocks_is_the_sum(self, seed, depth):
        parts = [chain(seed + b, (2,) * (depth + 1)) for b in range(2)]
        blocks = [product(part) for part in parts]
        assert sum(map(layers_trace, parts)) >= flattest_blocks_trace(blocks, depth) * (1 - 64 * EPS)
        scale = 2 * depth * 4 ** (1 / depth)
        assert flattest_blocks_trace(blocks, depth) == pytest.approx(
            scale * block_penalty(blocks, depth), rel=64 * EPS
        )

    def test_depth_does_not_rank_full_matrices_otherwise_but_diagonal_ones(self):
        sparse, dense = np.diag([1.0, 0.0]), np.diag([0.55, 0.55])
        for depth in (2, 3, 10):
            assert flattest_layers_trace(sparse, depth) < flattest_layers_trace(dense, depth)
        entries = [[[[value]] for value in np.diag(X)] for X in (sparse, dense)]
        assert block_penalty(entries[0], 2) < block_penalty(entries[1], 2)
        assert block_penalty(entries[0], 3) > block_penalty(entries[1], 3)


def test_the_matrix_0_and_wrong_arguments():
    assert not any(W.any() for W in flat_layers(np.zeros((2, 3)), 3))
    with pytest.raises(InputError, match="width must be at least the rank of the matrix, 2, got 1"):
        flat_layers(np.eye(2), 3, 1)
    with pytest.raises(InputError, match="depth must be a whole number of at least 2, got 1"):
        flat_layers(np.eye(2), 1)
    with pytest.raises(InputError, match="layers must be a list of matrices, got an array of shape"):
        layers_trace(np.ones((2, 2, 2)))
    with pytest.raises(InputError, match=r"before has rows, got \(2, 3\) followed by \(2, 3\)"):
        layers_trace([np.ones((2, 3)), np.ones((2, 3))])
    with pytest.raises(InputError, match=r"blocks must be a list of matrices, got \[\]"):
        block_penalty([], 2)
    with pytest.raises(InputError, match=r"the product of the layers must have shape \(4, 3\)"):
        layers_trace([np.ones((2, 2))], problem("dense", (4, 3), 3, 1))
    with pytest.raises(InputError, match="measurements must have the structure 'any', got 'psd'"):
        layers_trace([np.eye(4)], problem("dense", (4, 4), 3, 1, "psd"))
