from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plane_facts import measured_facts
from plane_oracles import EPS, PlaneCase, dense
from stepscape.errors import InputError
from stepscape.losses import divergence, innovation, loss_of, probability
from stepscape.problems import geometry
from stepscape.theory import plane
from stepscape.theory.plane.sphere_logistic import MOST

seeds = st.integers(0, 2**32 - 1)


def case_of(net, x, y, v=None):
    return PlaneCase(
        net.w1, net.b1, net.w2, net.b2, x, np.asarray(y, float), np.ones(len(x)) if v is None else v
    )


def predict(net, x):
    return np.maximum(x @ net.w1.T + net.b1, 0.0) @ net.w2 + net.b2


def gram(net, x, v):
    """diag(√v) Φ Φᵀ diag(√v) from its definition: another matrix than the Hessian, with the same top."""
    z = x @ net.w1.T + net.b1
    s = (z > 0).astype(float)
    a = s * net.w2
    kernel = (a @ a.T) * (x @ x.T + 1.0) + np.maximum(z, 0) @ np.maximum(z, 0).T + 1.0
    return np.sqrt(v)[:, None] * kernel * np.sqrt(v)


@settings(deadline=None, max_examples=30)
@given(seeds, st.sampled_from(["best", "unit"]))
def test_it_interpolates_and_its_sharpness_is_that_of_the_dense_hessian(seed, scale):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 9)), int(rng.integers(3, 6))
    x, y = geometry.sphere(n, d, seed % 1000), 10.0 ** rng.uniform(-2, 1) * rng.standard_normal(n)
    v = rng.random(n) + 0.1 if rng.random() < 0.5 else np.ones(n)
    y[0] *= rng.random() < 0.7
    net = plane.sphere_interpolator(x, y, scale, v)
    found = predict(net, x)
    room = 8 * EPS * np.abs(net.w2) @ (np.linalg.norm(net.w1, axis=1) + np.abs(net.b1))
    np.testing.assert_allclose(found, y, rtol=0, atol=room)
    G, R = dense(case_of(net, x, y, v))
    top = np.linalg.eigvalsh(G + R)[-1]
    # R is what rounding leaves of the residuals.
    assert net.sharpness == pytest.approx(top, rel=1e-10)
    assert net.sharpness <= net.bound * (1 + 8 * EPS) <= net.label_bound * (1 + 64 * EPS)


@pytest.mark.parametrize(("n", "d"), [(30, 5), (200, 10), (300, 3)])
@pytest.mark.parametrize("scale", ["best", "unit"])
def test_published_bounds_and_shape_on_the_unit_sphere(n, d, scale):
    x, y = geometry.sphere(n, d, seed=n), np.random.default_rng(n).standard_normal(n)
    net = plane.sphere_interpolator(x, y, scale)
    D = np.abs(y).max()
    bound = 1 + (D * D + 2) / n if scale == "unit" else 1 + 2 * math.sqrt(2) * D / n
    assert net.label_bound == pytest.approx(bound, rel=1e-12)
    np.testing.assert_array_equal((x @ net.w1.T + net.b1 > 0), np.eye(n, dtype=bool))
    heights = x @ net.w1.T + net.b1
    nearest = np.where(np.eye(n, dtype=bool), -np.inf, heights).max(axis=0)
    np.testing.assert_allclose(nearest, -np.diag(heights), rtol=1e-9)  # the hyperplane is in the middle
    top = np.linalg.eigvalsh(gram(net, x, np.full(n, 1 / n)))[-1]
    assert net.sharpness == pytest.approx(top, rel=64 * EPS)
    assert net.bound <= bound * (1 + 8 * EPS)
    # The largest error relative to the largest label, for gaps of this size.
    np.testing.assert_allclose(predict(net, x), y, rtol=1e-12, atol=1e-12 * D)
    if scale == "unit":
        np.testing.assert_allclose(np.abs(net.w2), 1.0, rtol=1e-9)


def test_the_best_scale_is_the_best():
    x, y = geometry.sphere(40, 4, seed=0), np.random.default_rng(0).uniform(-3, 3, 40)
    best, unit = (plane.sphere_interpolator(x, y, scale) for scale in ("best", "unit"))
    assert best.sharpness < unit.sharpness
    squares = plane.exposed_neurons(x, y).squares
    np.testing.assert_allclose(squares, 2 * np.sqrt(2) * np.abs(y), rtol=1e-9)
    # T0 of the interpolator: far from tight, its left side is that of n single inputs.
    c = plane.gauss_newton(measured_facts(case_of(best, x, y)))
    assert c.verdict == "holds"
    assert c.left == pytest.approx(1 + 2 * math.sqrt(2) * np.abs(y).sum() / 40**2, rel=1e-9)


def test_labels_zero_and_single_inputs():
    x = geometry.sphere(5, 3, seed=0)
    dead = plane.sphere_interpolator(x, np.zeros(5))
    assert dead.sharpness == pytest.approx(1.0, rel=4 * EPS)
    assert (predict(dead, x) == 0.0).all()
    alone = plane.sphere_interpolator([[2.0, 0.0]], [3.0])
    assert predict(alone, np.array([[2.0, 0.0]])) == pytest.approx(3.0)
    assert alone.sharpness == pytest.approx(1 + 2 * 3 * math.sqrt(5.0), rel=8 * EPS)


def test_exposure_is_its_definition_and_sees_close_inputs():
    x = np.random.default_rng(0).standard_normal((600, 3))
    brute = [min(p @ (p - q) for q in np.delete(x[:40], i, 0)) for i, p in enumerate(x[:40])]
    np.testing.assert_allclose(plane.exposure(x[:40]), brute, rtol=1e-12, atol=64 * EPS)
    assert plane.exposure(x).shape == (600,)  # rows in blocks
    np.testing.assert_allclose(plane.exposure(x)[:5], [
        min(p @ (p - q) for q in np.delete(x, i, 0)) for i, p in enumerate(x[:5])
    ], atol=64 * EPS)  # fmt: skip
    angle = 2.0**-20
    two = np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    assert plane.exposure(two) == pytest.approx(2 * math.sin(angle / 2) ** 2, rel=1e-4)
    assert plane.exposure([[3.0, 4.0]]) == 25.0


def test_inside_a_ball_few_inputs_are_singled_out_in_low_dimension():
    shares = [np.mean(plane.exposure(geometry.ball(300, d, seed=0)) > 0) for d in (2, 5, 20)]
    assert shares[0] < 0.15 < 0.3 < shares[1] < 0.7 < 0.98 < shares[2]


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_every_logits_on_a_sphere_are_those_of_a_flat_network(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 9)), int(rng.integers(3, 6))
    x, z = geometry.sphere(n, d, seed % 1000), 10.0 ** rng.uniform(-2, 1.7) * rng.standard_normal(n)
    y, v = rng.choice([-1.0, 1.0], n), rng.random(n) + 0.1
    net = plane.sphere_classifier(x, z, y, v)
    G, R = dense(case_of(net, x, y, v), "logistic")
    top = float(np.linalg.eigvalsh(G + R)[-1])
    assert top <= net.bound * (1 + 1e-9) <= net.uniform_bound * (1 + 2e-9)
    p = v / v.sum()
    assert net.uniform_bound == pytest.approx(0.25 + (2 * MOST + 1) * math.sqrt(2) * p.max(), rel=1e-12)
    np.testing.assert_allclose(predict(net, x), z, rtol=1e-9, atol=1e-9)


def test_the_constant_of_the_uniform_bound():
    z = np.linspace(1.5, 1.6, 100_001)
    most = (z * probability(z) * probability(-z)).max()
    assert most <= MOST <= most + 2e-8
    assert (2 * MOST + 1) * math.sqrt(2) < 2.05


def test_a_small_excess_risk_does_not_become_smaller_on_a_sphere():
    n, bound = 200, 1.0
    x, rng = geometry.sphere(n, 5, seed=3), np.random.default_rng(3)
    f0 = np.clip(x[:, 0] * 2.0, -bound, bound)
    y = np.where(rng.random(n) < probability(f0), 1.0, -1.0)
    r, loss = -innovation(f0, y), loss_of("logistic")
    for epsilon in (8.0, 1.0, 0.1, 1e-3):
        z = f0 - epsilon * r
        net = plane.sphere_classifier(x, z, y)
        assert net.bound <= 0.25 + 2.05 / n
        gain = loss.value(f0, y).mean() - loss.value(z, y).mean()
        assert gain >= (epsilon - epsilon**2 / 8) * np.mean(r**2) - 1e-15
        excess = divergence(f0, z).mean()
        least = probability(bound + epsilon) * probability(-bound - epsilon)
        assert 0.5 * epsilon**2 * least * np.mean(r**2) <= excess <= epsilon**2 / 8


@pytest.mark.parametrize("d", [2, 5])
def test_projected_interpolators_are_flat_at_large_margins(d):
    rng = np.random.default_rng(d)
    x, y = rng.uniform(-1, 1, (7, d)), np.array([1.0, -1, 1, 1, -1, 1, -1])
    for margin, most in ((1.0, math.inf), (40.0, 1e-7)):
        net = plane.projected_interpolator(x, y, margin, seed=1)
        size = 64 * EPS * margin * net.size * 3
        np.testing.assert_allclose(predict(net, x), margin * y, rtol=0, atol=size)
        assert np.linalg.norm(net.direction) == pytest.approx(1.0)
        if margin == 1.0:
            top = float(np.linalg.eigvalsh(sum(dense(case_of(net, x, y), "logistic")))[-1])
            assert top <= net.bound
        radius = np.linalg.norm(x, axis=1).max()
        assert net.bound == pytest.approx(
            math.exp(-margin) * (1 + margin * net.size * (1 + 5 * radius**2) + math.hypot(1, radius)),
            rel=1e-12,
        )
        assert net.bound < most
    few, many = (plane.projected_interpolator(x, y, 1.0, directions=k).size for k in (1, 32))
    assert many <= few


def test_refusals():
    x = geometry.sphere(4, 3, seed=0)
    inner = np.vstack([x, 0.1 * x[:1]])
    for call, sentence in (
        (
            lambda: plane.sphere_interpolator(inner, np.ones(5)),
            "inputs must each be singled out by their own direction, got input 4, which another one covers",
        ),
        (lambda: plane.sphere_interpolator(x[[0, 0]], [1.0, 1.0]), "inputs must each be singled out"),
        (
            lambda: plane.sphere_interpolator(x, np.ones(3)),
            "labels and inputs must have the same length, got 3 and 4",
        ),
        (lambda: plane.sphere_interpolator(x, np.ones(4), "half"), "unknown scale 'half'"),
        (
            lambda: plane.exposed_neurons(x, np.ones(3)),
            "values and inputs must have the same length, got 3 and 4",
        ),
        (
            lambda: plane.sphere_classifier(x, np.ones(4), np.ones(3)),
            "labels and inputs must have the same length",
        ),
        (lambda: plane.sphere_classifier(x, np.ones(4), [3.0, 1, 1, 1]), "labels must be ±1 or 0/1"),
        (
            lambda: plane.sphere_classifier(x, np.ones(3), np.ones(4)),
            "logits and inputs must have the same length",
        ),
        (lambda: plane.projected_interpolator(x, np.ones(4), -1.0), "margin must be finite and positive"),
        (lambda: plane.projected_interpolator(x[[0, 0]], [1.0, -1.0], 1.0), "inputs"),
        (lambda: plane.projected_interpolator(x, np.ones(4), 1.0, 0), "directions must be a whole number"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
