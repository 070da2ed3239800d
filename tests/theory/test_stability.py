from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepscape import theory
from stepscape.errors import InputError

METHODS = [(0.0, False), (0.0, True), (0.5, False), (0.9, False), (0.5, True), (0.9, True), (0.99, True)]


def companion(A, step_size, momentum, nesterov):
    """One step of torch.optim.SGD (dampening 0) on ½ xᵀAx, as a matrix on (x, v)."""
    eye, zero = np.eye(len(A)), np.zeros_like(A)
    velocity = np.hstack([A, momentum * eye])
    direction = np.hstack([A, zero]) + momentum * velocity if nesterov else velocity
    return np.vstack([np.hstack([eye, zero]) - step_size * direction, velocity])


def radius(A, step_size, momentum, nesterov):
    return np.abs(np.linalg.eigvals(companion(np.atleast_2d(A), step_size, momentum, nesterov))).max()


@pytest.mark.parametrize(("momentum", "nesterov"), METHODS)
@pytest.mark.parametrize("step_size", [1e-3, 0.4, 30.0])
def test_spectral_radius_crosses_one_at_the_threshold(momentum, nesterov, step_size):
    low, high = 1e-3 / step_size, 10.0 / step_size
    while high - low > 1e-14 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if radius(middle, step_size, momentum, nesterov) < 1 else (low, middle)
    # The crossing eigenvalue is simple and −1: bisection is good to a few hundred eps.
    assert theory.threshold(step_size, momentum, nesterov) == pytest.approx(low, rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from(METHODS), st.floats(0.01, 2.0))
def test_with_decay_on_some_coordinates_the_masked_hessian_decides(seed, method, decay):
    rng = np.random.default_rng(seed)
    B, step_size = rng.standard_normal((6, 5)), 10 ** rng.uniform(-2, 1)
    mask = np.array([1.0, 1.0, 1.0, 1.0, 0.0])  # the output bias is not decayed
    A = B.T @ B
    penalized = A + decay * np.diag(mask)
    limit = theory.threshold(step_size, *method)
    top = np.linalg.eigvalsh(penalized)[-1]
    for share, stable in ((0.999, True), (1.001, False)):
        # Scale Hessian and decay together so that λ_max(H + λ·mask) is this share of the threshold.
        A_share = share * limit / top * penalized
        assert (radius(A_share, step_size, *method) < 1) == stable


def test_neither_two_over_eta_minus_decay_nor_the_bare_hessian():
    # A dead network: H = diag(0, 1), decay on the first coordinate. η = 1.9 is stable although 1 > 2/η − 0.1.
    H, mask, decay, step_size = np.diag([0.0, 1.0]), np.diag([1.0, 0.0]), 0.1, 1.9
    assert radius(H + decay * mask, step_size, 0.0, False) < 1
    assert theory.threshold(step_size) - decay < 1.0
    assert np.linalg.eigvalsh(H + decay * mask)[-1] <= theory.threshold(step_size)


def test_golden_values():
    assert theory.threshold(0.4) == 5.0
    assert theory.threshold(1.0, momentum=0.9) == pytest.approx(3.8)
    assert theory.threshold(1.0, momentum=0.9, nesterov=True) == pytest.approx(1.357, abs=5e-4)


@given(st.floats(1e-6, 1e6), st.sampled_from(METHODS))
def test_step_size_and_sharpness_invert_each_other(step_size, method):
    sharpness = theory.threshold(step_size, *method)
    assert theory.largest_stable_step_size(sharpness, *method) == pytest.approx(step_size, rel=1e-15)


def test_a_flat_point_is_stable_at_every_step_size():
    assert theory.largest_stable_step_size(0.0) == math.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.threshold(-1.0), "step_size must be finite and positive, got -1.0"),
        (lambda: theory.threshold(math.nan), "step_size must be finite and positive, got nan"),
        (lambda: theory.threshold(1.0, momentum=1.0), r"momentum must lie in \[0, 1\), got 1.0"),
        (lambda: theory.largest_stable_step_size(-2.0), "sharpness must be finite and nonnegative, got -2.0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
