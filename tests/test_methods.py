"""GradientDescent: its stability threshold, its step sizes, and every way to get it wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles as ref
import stepscape as ss

BETAS = st.floats(0.01, 0.99)


def companion_radius(product, beta, nesterov):
    """Spectral radius of one step on ½ λ x² with ηλ = product, as a map of (x, η v)."""
    g = product
    heavy_ball = [[1 - g, -beta], [g, beta]]  # v ← βv + g x, x ← x - v
    nesterovs = [[1 - g - beta * g, -(beta**2)], [g, beta]]  # v ← βv + g x, x ← x - g x - βv
    return np.abs(np.linalg.eigvals(nesterovs if nesterov else heavy_ball)).max()


@given(beta=st.one_of(st.just(0.0), BETAS), nesterov=st.booleans(), step_size=st.floats(1e-6, 1e6))
def test_the_threshold_is_where_the_companion_matrix_reaches_radius_one(beta, nesterov, step_size):
    nesterov = nesterov and beta > 0
    method = ss.GradientDescent(step_size, 1, momentum=beta, nesterov=nesterov)
    product = method.threshold() * step_size
    assert companion_radius(product, beta, nesterov) == pytest.approx(1, abs=1e-9)
    assert companion_radius(product * (1 - 1e-4), beta, nesterov) < 1 - 1e-6
    assert companion_radius(product * (1 + 1e-4), beta, nesterov) > 1 + 1e-6
    # Stable on the whole way up, not only next to the edge.
    inner = np.linspace(0.01, 0.99, 25) * product
    assert max(companion_radius(p, beta, nesterov) for p in inner) < 1
    assert method.threshold(2 * step_size) == pytest.approx(method.threshold() / 2, rel=1e-15)


def test_named_thresholds():
    assert ss.GradientDescent(0.4, 1).threshold() == pytest.approx(5.0)
    assert ss.GradientDescent(1.0, 1, momentum=0.9).threshold() == pytest.approx(3.8)
    assert ss.GradientDescent(1.0, 1, momentum=0.9, nesterov=True).threshold() == pytest.approx(
        1.357, abs=5e-4
    )
    # Decay is part of the curvature, not of the threshold.
    assert ss.GradientDescent(0.4, 1, weight_decay=0.3).threshold() == pytest.approx(5.0)


@given(warmup=st.integers(0, 50), ratio=st.floats(1e-6, 1.0))
def test_step_sizes_rise_geometrically(warmup, ratio):
    method = ss.GradientDescent(0.3, 10, warmup_steps=warmup)
    got = method.step_size_at(np.arange(80), 0.3 * ratio)
    np.testing.assert_allclose(got, ref.geometric(0.3 * ratio, 0.3, warmup, 80), rtol=1e-13)
    assert method.step_size_at(warmup, 0.3 * ratio) == 0.3
    assert got[0] == pytest.approx(0.3 * ratio if warmup else 0.3)
    assert method.step_size_at(10**9, 0.3 * ratio) == 0.3


def test_numbers_are_numbers():
    method = ss.GradientDescent(
        np.float32(0.5), np.int64(3), warmup_steps=2.0, weight_decay=np.array(1), momentum=0
    )
    assert method == ss.GradientDescent(0.5, 3, 0.0, False, 1.0, 2)
    assert type(method.step_size) is type(method.momentum) is type(method.weight_decay) is float
    assert type(method.steps) is type(method.warmup_steps) is int
    assert type(ss.GradientDescent(1.0, 1, 0.5, np.True_).nesterov) is bool
    assert hash(method) == hash(ss.GradientDescent(0.5, 3, 0.0, False, 1.0, 2))
    assert repr(method).startswith("GradientDescent(step_size=0.5, steps=3, momentum=0.0, nesterov=False")
    with pytest.raises(AttributeError, match="cannot assign"):
        method.steps = 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step_size": 0.0}, r"step_size must be finite and positive, got 0\.0"),
        ({"step_size": -1.0}, r"step_size must be finite and positive, got -1\.0"),
        ({"step_size": float("nan")}, r"step_size must be finite and positive, got nan"),
        ({"step_size": float("inf")}, r"step_size must be finite and positive, got inf"),
        ({"steps": 0}, r"steps must be at least 1, got 0"),
        ({"steps": -5}, r"steps must be at least 1, got -5"),
        ({"steps": 2.5}, r"steps must be a whole number, got 2\.5"),
        ({"steps": float("nan")}, r"steps must be a whole number, got nan"),
        ({"steps": float("inf")}, r"steps must be a whole number, got inf"),
        ({"momentum": 1.0}, r"momentum must lie in \[0, 1\), got 1\.0"),
        ({"momentum": -0.1}, r"momentum must lie in \[0, 1\), got -0\.1"),
        ({"momentum": float("nan")}, r"momentum must lie in \[0, 1\), got nan"),
        ({"weight_decay": -1e-9}, r"weight_decay must be finite and not negative, got -1e-09"),
        ({"weight_decay": float("inf")}, r"weight_decay must be finite and not negative, got inf"),
        ({"weight_decay": float("nan")}, r"weight_decay must be finite and not negative, got nan"),
        ({"warmup_steps": -1}, r"warmup_steps must not be negative, got -1"),
        ({"warmup_steps": 0.5}, r"warmup_steps must be a whole number, got 0\.5"),
        (
            {"nesterov": True},
            r"nesterov must come with momentum > 0, got momentum 0; set momentum, or nesterov=False",
        ),
        ({"nesterov": 0.9}, r"nesterov must be True or False, got 0\.9"),
        ({"nesterov": "yes"}, r"nesterov must be True or False, got 'yes'"),
    ],
)
def test_impossible_methods_are_refused(change, message):
    with pytest.raises(ss.InputError, match=message):
        ss.GradientDescent(**{"step_size": 0.1, "steps": 10, **change})


@pytest.mark.parametrize("name", ["step_size", "steps", "momentum", "weight_decay", "warmup_steps"])
@pytest.mark.parametrize("value", ["0.4", None, 1j, [1.0], np.ones(1), True, np.True_, b"1", 10**400])
def test_what_is_no_number_is_refused(name, value):
    with pytest.raises(ss.InputError, match=f"{name} must be a number, got"):
        ss.GradientDescent(**{"step_size": 0.1, "steps": 10, name: value})
