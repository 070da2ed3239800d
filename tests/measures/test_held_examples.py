"""Neurons that hold one example: against a count by hand, weights of 0, nothing held."""

from __future__ import annotations

import math

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.measures import shattering


@pytest.mark.parametrize("d", [1, 3])
def test_every_neuron_is_counted_where_it_is_active(d):
    rng = np.random.default_rng(d)
    x = rng.standard_normal((25, d))
    net = ss.TwoLayerReLU(
        rng.standard_normal((40, d)), rng.normal(-2.0, 1.0, 40), rng.standard_normal(40), 0.3
    )
    found = shattering(ss.Problem(x, np.zeros(25)), net)
    adds = {}
    groups = dict.fromkeys(("none", "one", "few", "many", "all"), 0)
    alone = total = 0.0
    for j in range(40):
        z = [float(np.atleast_1d(net.w1[j]) @ x[i] + net.b1[j]) for i in range(25)]
        active = [i for i in range(25) if z[i] > 0.0]
        n = len(active)
        name = "none" if n == 0 else "one" if n == 1 else "few" if n <= 2 else "all" if n == 25 else "many"
        groups[name] += 1
        strength = abs(net.w2[j]) * float(np.linalg.norm(net.w1[j]))
        total += strength
        if n == 1:
            alone += strength
            count, value = adds.get(active[0], (0, 0.0))
            adds[active[0]] = (count + 1, value + net.w2[j] * z[active[0]])
    assert found.groups == groups
    assert {h.place: h.neurons for h in found.held} == {place: count for place, (count, _) in adds.items()}
    for held in found.held:
        assert held.adds == pytest.approx(adds[held.place][1], rel=1e-12)
    sizes = [abs(held.adds) for held in found.held]
    assert sizes == sorted(sizes, reverse=True)
    assert found.single_strength == pytest.approx(alone / total, rel=1e-12)
    assert groups["one"] > 2  # the case is not empty


def test_without_its_own_neurons_an_example_is_predicted_as_far_off_as_they_add():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((15, 4))
    net = ss.TwoLayerReLU(
        rng.standard_normal((60, 4)), rng.normal(-2.0, 1.0, 60), rng.standard_normal(60), 0.0
    )
    found = shattering(ss.Problem(x, np.zeros(15)), net)
    held = found.held[0]
    without = ss.TwoLayerReLU(net.w1, net.b1, np.where(found.holds == held.place, 0.0, net.w2), 0.0)
    moved = net.predict(x) - without.predict(x)
    assert moved[held.place] == pytest.approx(held.adds, rel=1e-12)
    np.testing.assert_array_equal(np.delete(moved, held.place), 0.0)


def test_examples_of_weight_0_do_not_count():
    problem = ss.Problem([0.0, 1.0, 2.0], [0.0, 0.0, 0.0], weights=[1.0, 1.0, 0.0])
    found = shattering(problem, ss.TwoLayerReLU([1.0], [-0.5], [2.0]))
    assert found.examples == 2
    assert [(h.place, h.adds) for h in found.held] == [(1, 1.0)]


def test_a_network_of_zeros_holds_nothing():
    found = shattering(ss.Problem([0.0, 1.0], [0.0, 0.0]), ss.TwoLayerReLU([0.0], [0.0], [0.0]))
    assert found.held == ()
    assert math.isnan(found.single_strength)
    assert found.summary()["neurons_active_on"]["none"] == 1


def test_another_dimension_is_refused():
    with pytest.raises(InputError, match="network must have 2 input variables here, got 1"):
        shattering(ss.Problem([[0.0, 1.0]], [0.0]), ss.TwoLayerReLU([1.0], [0.0], [1.0]))
