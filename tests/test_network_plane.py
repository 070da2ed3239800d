"""Networks with inputs in R^d: shapes, draws, predictions, files."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss


def drawn(k=7, d=3, seed=0, trainable=("w1", "b1", "w2", "b2")):
    rng = np.random.default_rng(seed)
    rows, (b1, w2) = rng.standard_normal((k, d)), rng.standard_normal((2, k))
    return ss.TwoLayerReLU(rows, b1, w2, 0.3, trainable)


def test_predictions_are_sums_over_neurons_of_any_shape_of_inputs():
    net, rng = drawn(), np.random.default_rng(1)
    for shape in ((), (1,), (5,), (2, 4), (0,)):
        x = rng.standard_normal((*shape, 3))
        flat = [
            sum(a * max(float(w @ p) + b, 0.0) for w, b, a in zip(net.w1, net.b1, net.w2, strict=True)) + 0.3
            for p in x.reshape(-1, 3)
        ]
        found = net.predict(x)
        assert found.shape == shape
        np.testing.assert_allclose(found.ravel(), flat, rtol=1e-12, atol=1e-13)


def test_many_inputs_are_worked_on_in_parts(monkeypatch):
    from stepscape import network

    net, x = drawn(), np.random.default_rng(2).standard_normal((50, 3))
    whole = net.predict(x)
    monkeypatch.setattr(network, "PAIRS", 30)
    np.testing.assert_allclose(net.predict(x), whole, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("x", [3.0, [1.0, 2.0], np.ones((4, 1)), np.ones((3, 2))])
def test_inputs_have_as_many_variables_as_the_network(x):
    with pytest.raises(ss.InputError, match=r"x must have shape \(…, 3\), got"):
        drawn().predict(x)


def test_predictions_at_nan_are_nan_and_beyond_the_range_are_refused():
    net = drawn()
    assert np.isnan(net.predict([[np.nan, 0.0, 0.0], [0.0, 0.0, 0.0]])).tolist() == [True, False]
    with pytest.raises(ss.InputError, match=r"prediction must be finite, got a number beyond 1\.8e308"):
        ss.TwoLayerReLU([[1e200, 0.0]], [0.0], [1.0]).predict([[1e200, 0.0]])


def test_parameters_are_flat_neuron_by_neuron():
    net = drawn(trainable=("w1", "b2"))
    theta = net.parameters
    np.testing.assert_array_equal(
        theta, np.concatenate([net.w1[0], net.w1[1:].ravel(), net.b1, net.w2, [0.3]])
    )
    assert (net.width, net.dimension, net.size) == (7, 3, 36)
    np.testing.assert_array_equal(net.trained, [*[True] * 21, *[False] * 14, True])
    again = net.with_parameters(theta)
    np.testing.assert_array_equal(again.w1, net.w1)
    np.testing.assert_array_equal(again.parameters, theta)
    assert again.trainable == net.trainable
    with pytest.raises(ss.InputError, match=r"parameters must have shape \(36,\), got \(35,\)"):
        net.with_parameters(theta[:-1])
    with pytest.raises(ValueError, match="read-only"):
        net.w1[0, 0] = 1.0
    assert repr(net) == "TwoLayerReLU(width=7, dimension=3, b2=0.3, frozen: b1, w2)"


def test_one_column_is_one_variable():
    net = ss.TwoLayerReLU([[1.0], [-2.0]], [0.5, 0.0], [1.0, 1.0])
    assert net.w1.tolist() == [1.0, -2.0]
    assert (net.dimension, net.size) == (1, 7)
    assert net.knots.tolist() == [-0.5, 0.0]
    problem = ss.Problem(np.ones((4, 1)), np.ones(4))
    assert (problem.dimension, problem.points.shape, problem.inputs.shape) == (1, (4, 1), (4,))
    assert ss.Problem(np.ones((4, 3)), np.ones(4)).dimension == 3


def test_files_keep_every_bit(tmp_path):
    net = drawn(trainable=("w1", "w2"))
    net.save(tmp_path / "net.npz")
    again = ss.TwoLayerReLU.load(tmp_path / "net.npz")
    assert again.w1.shape == (7, 3)
    assert again.parameters.tobytes() == net.parameters.tobytes()
    assert again.trainable == ("w1", "w2")


def test_one_variable_is_drawn_as_it_always_was():
    rng = np.random.default_rng(5)
    w1, b1 = rng.uniform(-0.3, 0.3, (2, 9))
    w2, b2 = rng.uniform(-0.3 / 3.0, 0.3 / 3.0, 9), rng.uniform(-0.3 / 3.0, 0.3 / 3.0)
    net = ss.TwoLayerReLU.random(9, scale=0.3, seed=5)
    np.testing.assert_array_equal(net.parameters, np.concatenate([w1, b1, w2, [b2]]))
    flat = 0.3 * 2.0 / 3.0 * np.random.default_rng(5).standard_normal((3, 9))
    net = ss.TwoLayerReLU.random(9, scale=0.3, init="mean_field", seed=5)
    np.testing.assert_array_equal(net.parameters, np.append(flat.ravel(), 0.0))


def test_draws_have_the_moments_of_their_laws():
    k, d, scale = 20_000, 5, 0.7
    net = ss.TwoLayerReLU.random(k, scale, "torch", 1, dimension=d)
    for block, bound in ((net.w1, scale / d**0.5), (net.b1, scale / d**0.5), (net.w2, scale / k**0.5)):
        assert 0.999 * bound < np.abs(block).max() <= bound
        assert np.mean(block**2) == pytest.approx(bound**2 / 3, rel=5 * np.sqrt(4 / 5 / k))
    he = ss.TwoLayerReLU.random(k, scale, "he", 1, dimension=d)
    for block, variance in ((he.w1, 2.0 * scale**2 / d), (he.w2, 2.0 * scale**2 / k)):
        assert np.mean(block**2) == pytest.approx(variance, rel=5 * np.sqrt(2 / k))
        assert np.mean(block**4) == pytest.approx(3.0 * variance**2, rel=5 * np.sqrt(96 / 9 / k))
    assert not he.b1.any()
    assert he.b2 == 0.0
    mean_field = ss.TwoLayerReLU.random(k, scale, "mean_field", 1, dimension=d)
    for block in (mean_field.w1, mean_field.b1, mean_field.w2):
        assert np.mean(block**2) == pytest.approx(4.0 * scale**2 / k, rel=5 * np.sqrt(2 / k))
    bare = ss.TwoLayerReLU.random(9, init="torch", seed=1, trainable=("w1", "w2"), dimension=2)
    assert not bare.b1.any()
    assert bare.w1.shape == (9, 2)


@pytest.mark.parametrize("dimension", [0, -1, 2.0, "3", None, True])
def test_dimension_must_be_a_whole_number(dimension):
    with pytest.raises(ss.InputError, match=r"dimension must be a whole number of at least 1, got"):
        ss.TwoLayerReLU.random(3, dimension=dimension)


def test_a_dimension_beyond_the_memory_is_refused_before_it_is_drawn():
    with pytest.raises(ss.InputError, match=r"must fit in memory, got"):
        ss.TwoLayerReLU.random(10**6, dimension=10**6)
