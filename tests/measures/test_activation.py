from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepscape as ss
from stepscape.errors import InputError
from stepscape.theory.plane.half_space import half_spaces


def drawn(seed, d, weighted):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 12)), int(rng.integers(1, 9))
    x = np.round(2.0 * rng.standard_normal((n, d)))  # whole numbers: inputs lie on hyperplanes, too
    v = rng.random(n) * (rng.random(n) < 0.7) if weighted else None
    if weighted and not v.any():
        v[0] = 1.0
    net = ss.TwoLayerReLU(
        np.round(2.0 * rng.standard_normal((k, d))),
        np.round(2.0 * rng.standard_normal(k) - 1.0),
        rng.standard_normal(k),
    )
    return ss.Problem(x, np.zeros(n), weights=v), net


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 5]), st.booleans())
def test_every_number_is_what_it_is_called(seed, d, weighted):
    problem, net = drawn(seed, d, weighted)
    found = ss.measures.activity(problem, net)
    rates, counts, paths = [], [], []
    for w, b, a in zip(net.w1.reshape(net.width, -1), net.b1, net.w2, strict=True):
        inside = [float(w @ x) + b > 0.0 for x in problem.points]
        rates.append(sum(v for v, s in zip(problem.averaging, inside, strict=True) if s))
        counts.append(sum(s for v, s in zip(problem.averaging, inside, strict=True) if v > 0.0))
        paths.append(abs(a) * math.sqrt(float(w @ w)))
    live = [rate for rate, count in zip(rates, counts, strict=True) if count]
    np.testing.assert_allclose(found.rates, rates, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(found.counts, counts)
    assert found.dead == pytest.approx(sum(c == 0 for c in counts) / net.width)
    if live:
        assert found.live_mean == pytest.approx(sum(live) / len(live))
        assert found.live_least == pytest.approx(min(live))
    else:
        assert math.isnan(found.live_mean)
        assert math.isnan(found.live_least)
    if sum(paths):
        mean = sum(p * r for p, r in zip(paths, rates, strict=True)) / sum(paths)
        assert found.path_weighted == pytest.approx(mean, abs=1e-14)
    else:
        assert math.isnan(found.path_weighted)
    np.testing.assert_allclose(
        found.rates, half_spaces(problem.points, net.w1.reshape(net.width, -1), net.b1, problem.weights).mass
    )


def test_rescaling_a_neuron_changes_nothing():
    problem, net = drawn(0, 2, weighted=False)
    other = ss.TwoLayerReLU(net.w1 / 1024.0, net.b1 / 1024.0, 1024.0 * net.w2)
    first, second = ss.measures.activity(problem, net), ss.measures.activity(problem, other)
    np.testing.assert_array_equal(first.rates, second.rates)
    assert first.path_weighted == pytest.approx(second.path_weighted)
    huge = ss.TwoLayerReLU(np.full((2, 2), 1e307), [0.0, 0.0], [1e307, -1e307])
    assert 0.0 <= ss.measures.activity(problem, huge).path_weighted <= 1.0


def test_networks_of_the_theory():
    n = 40
    x = ss.problems.sphere(n, 3, seed=0).inputs
    made = ss.theory.sphere_interpolator(x, np.ones(n))
    found = ss.measures.activity(ss.Problem(x, np.ones(n)), ss.TwoLayerReLU(made.w1, made.b1, made.w2))
    np.testing.assert_array_equal(found.counts, 1)
    assert found.path_weighted == pytest.approx(1.0 / n)
    assert (found.dead, found.live_mean) == (0.0, pytest.approx(1.0 / n))
    caps = ss.theory.empty_caps(0.9 * x, seed=0)
    dead = ss.measures.activity(ss.Problem(0.9 * x, np.ones(n)), ss.TwoLayerReLU(caps.w1, caps.b1, caps.w2))
    assert (dead.dead, dead.path_weighted) == (1.0, 0.0)


def test_refusals():
    problem, net = drawn(0, 2, weighted=False)
    for call, sentence in (
        (lambda: ss.measures.activity(3, net), "problem must be a Problem, got"),
        (lambda: ss.measures.activity(problem, 3), "network must be a TwoLayerReLU, got"),
        (
            lambda: ss.measures.activity(problem, ss.TwoLayerReLU([1.0], [0.0], [1.0])),
            "network must have 2 input variables here, got 1",
        ),
        (
            lambda: ss.measures.activity(
                ss.Problem([[1e200, 1e200]], [0.0]), ss.TwoLayerReLU([[1e200, -1e200]], [0.0], [1.0])
            ),
            "the network's input to a neuron must be finite, got a number beyond",
        ),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
