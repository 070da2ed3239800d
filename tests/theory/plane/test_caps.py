from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from plane_facts import measured_facts
from plane_oracles import EPS, PlaneCase, dense
from stepscape.errors import InputError
from stepscape.problems import geometry
from stepscape.theory import plane


def values(net, x):
    return np.maximum(x @ net.w1.T + net.b1, 0.0) @ net.w2 + net.b2


@pytest.mark.parametrize(("n", "d"), [(40, 2), (200, 3), (200, 5)])
def test_the_network_is_invisible_and_its_sharpness_is_one(n, d):
    x = geometry.ball(n, d, seed=n)
    net = plane.empty_caps(x, seed=1)
    assert (x @ net.w1.T + net.b1 < 0).all()
    assert (values(net, x) == 0.0).all()
    few = slice(0, 6)
    case = PlaneCase(net.w1[few], net.b1[few], net.w2[few], 0.0, x[:30], np.zeros(30), np.ones(30))
    for loss, top in (("square", 1.0), ("logistic", 0.25)):
        labels = case.with_labels(np.ones(30)) if loss == "logistic" else case
        G, R = dense(labels, loss)
        assert np.linalg.eigvalsh(G + R)[-1] == pytest.approx(top, abs=64 * EPS)
    assert (net.sharpness, net.logistic_sharpness) == (1.0, 0.25)
    # Its weighted variation on the data is 0: T0 is 1 ≤ 1.
    c = plane.gauss_newton(measured_facts(case))
    assert (c.left, c.verdict) == (1.0, "holds")


@pytest.mark.parametrize("d", [2, 3, 5])
def test_caps_are_disjoint_and_heights_as_given(d):
    x = geometry.ball(100, d, seed=0)
    net = plane.empty_caps(x, seed=2, height=3.0)
    units = net.w1 / np.linalg.norm(net.w1, axis=1)[:, None]
    assert np.abs(values(net, units)) == pytest.approx(3.0, rel=1e-12)
    assert net.caps >= len(units) >= 1
    assert net.width == pytest.approx(0.75 * 100 ** (-1 / (d + 1)))
    # Two caps meet only if a point of norm 1 reaches both: halfway between their centers is the best one.
    for i in range(len(units)):
        for other in units[i + 1 :]:
            halfway = units[i] + other
            size = np.linalg.norm(halfway)
            assert size == 0.0 or units[i] @ halfway / size <= 1 - net.width**2 + 1e-12
    assert set(np.sign(net.w2)) <= {-1.0, 1.0}


@pytest.mark.parametrize("d", [2, 3])
def test_its_mean_square_on_the_ball(d):
    x = geometry.ball(10, d, seed=3)
    net = plane.empty_caps(x, seed=4, height=2.0, width=0.4)
    depth = 0.4**2

    def square(s):
        return 4.0 * ((s - 1 + depth) / depth) ** 2 * float(plane.projection_density(s, d))

    expected = len(net.w1) * integrate.quad(square, 1 - depth, 1)[0]
    assert net.mean_square == pytest.approx(expected, rel=1e-9)
    found = values(net, geometry.ball(200_000, d, seed=5)) ** 2
    assert abs(found.mean() - net.mean_square) <= 5 * found.std() / np.sqrt(found.size)


def test_the_same_seed_gives_the_same_network():
    x = geometry.ball(100, 3, seed=0)
    one, other, third = (plane.empty_caps(x, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.w1, other.w1)
    assert one.w1.shape != third.w1.shape or (one.w1 != third.w1).any()


def test_refusals():
    x = geometry.ball(2000, 2, seed=0)
    for call, sentence in (
        (lambda: plane.empty_caps([[0.5], [0.1]]), "inputs must have at least 2 variables, got 1"),
        (lambda: plane.empty_caps(2 * x), "inputs must lie in the unit ball.*divide by the largest norm"),
        (lambda: plane.empty_caps(x, width=1.0), "width must lie strictly between 0 and 1, got 1.0"),
        (
            lambda: plane.empty_caps(x, width=0.9),
            r"inputs must leave one of the \d+ caps empty.*smaller width",
        ),
        (lambda: plane.empty_caps(x, height=0.0), "height must be finite and positive"),
        (lambda: plane.empty_caps(x, candidates=0), "candidates must be a whole number of at least 1"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
