"""One run of a fit: blocks that join, and every way in which it ends."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from fit_cases import noisy, wiggle
from stepscape.estimators.descent import FLOOR, Schedule, descend, join
from stepscape.problems.user.units import Standardized, TwoClasses
from stepscape.training.train import train


def test_a_run_in_blocks_is_one_run():
    problem = ss.problems.tent(seed=1)
    net = ss.TwoLayerReLU.random(30, 2.0, "mean_field")
    whole = train(problem, net, ss.GradientDescent(0.3, 400, warmup_steps=50), record_every=50)
    first = train(problem, net, ss.GradientDescent(0.3, 200, warmup_steps=50), record_every=50)
    both = join(first, train(problem, first.network, ss.GradientDescent(0.3, 200), record_every=50))
    np.testing.assert_array_equal(both.network.parameters, whole.network.parameters)
    np.testing.assert_array_equal(both.network_before.parameters, whole.network_before.parameters)
    np.testing.assert_array_equal(both.at_steps, whole.at_steps)
    np.testing.assert_allclose(both.time, whole.time, rtol=1e-13)
    np.testing.assert_array_equal(both.loss, whole.loss)
    assert both.message == whole.message


def test_each_stop_is_reached():
    x, y = wiggle(30)
    problem = Standardized.of(x, y, np.ones(30)).problem()
    at_edge = descend(problem, 0.4, Schedule(60, 20_000))
    assert at_edge.stop == "edge"
    assert at_edge.trajectory.at_steps[-1] < 20_000
    assert at_edge.edge_ratio == pytest.approx(np.mean(at_edge.trajectory.edge_ratio[-4:]), abs=0.1)
    assert at_edge.edge_ratio == pytest.approx(1.0, abs=0.1)
    assert descend(problem, 0.001, Schedule(60, 2000)).stop == "budget"
    line = ss.Problem([-1.0, 1.0], [-1.0, 1.0])
    settled = descend(line, 2e-4, Schedule(20, 20_000))
    assert settled.stop == "stationary"
    assert settled.trajectory.loss[-1] < FLOOR
    ticks = []
    descend(problem, 0.1, Schedule(20, 100), ticks.append)
    assert ticks == sorted(ticks)
    assert ticks[-1] == 1.0


def test_each_stop_of_two_classes_is_reached():
    # Two inputs with labels of both classes: the least loss is the entropy given the input, a proper minimum.
    mixed = ss.Problem([-1.0, -1.0, 1.0, 1.0], [0, 1, 0, 1], "logistic", weights=[3.0, 1.0, 1.0, 3.0])
    settled = descend(mixed, 0.1, Schedule(20, 10_000))
    assert settled.stop == "stationary"
    assert settled.trajectory.loss[-1] == pytest.approx(0.75 * np.log(4 / 3) + 0.25 * np.log(4), rel=1e-5)
    x, _ = noisy(100)
    # The swing at the edge is chaotic, and now and then a start is still on its way: one of five arrives.
    assert "edge" in {descend(mixed, 4.0, Schedule(60, 8000, seed)).stop for seed in range(5)}
    # Most of the loss of noisy labels stays whatever is learned, so that slow is not level.
    coin = TwoClasses.of(x, np.random.default_rng(0).choice([-1.0, 1.0], 100), np.ones(100)).problem()
    assert descend(coin, 1e-3, Schedule(60, 2000)).stop == "budget"
    stopped = descend(mixed, 0.1, Schedule(20, 10_000), until=2500)
    assert stopped.stop == "validated"
    assert stopped.trajectory.at_steps[-1] == 2500
    alone = ss.Problem([-1.0, 1.0], [-1, 1], "logistic")
    assert descend(alone, 1.0, Schedule(20, 300)).stop == "interpolating"
