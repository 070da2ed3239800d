"""The ReLU network on the line as an objective: its derivatives, and the twin of its compiled descent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import oracles as ref
import stepscape as ss
from cases import METHODS, dense, edge, network, noisy
from stepscape import objectives, training
from stepscape.measures.measures import pieces, shape


@dataclass(frozen=True)
class Bare:
    """An objective with the five methods of the protocol and nothing else."""

    inner: objectives.ReLULine

    @property
    def size(self):
        return self.inner.size

    def loss(self, theta):
        return self.inner.loss(theta)

    def gradient(self, theta):
        return self.inner.gradient(theta)

    def hessian(self, theta):
        return self.inner.hessian(theta)

    def census(self, theta):
        return self.inner.census(theta)


def decayed(net):
    mask = net.trained.copy()
    mask[-1] = False  # not the output bias
    return mask


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_generic_loop_is_the_twin_of_the_compiled_one(method, loss):
    problem, net = noisy(seed=2, loss=loss, weighted=True), network(25, seed=2)
    compiled = objectives.line(problem, net)
    settings = ss.GradientDescent(edge(problem, net, method), 250, **method)
    one = training.run(compiled, net.parameters, settings, record_every=60)
    two = training.run(Bare(compiled), net.parameters, settings, record_every=60, decayed=decayed(net))
    assert one.outcome == two.outcome == "finished"
    for name in ("at_steps", "message"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    for name in ("theta", "theta_before", "midpoint", "loss", "time", "step_size"):
        scale = np.abs(getattr(one, name)).max()
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=0, atol=1e-11 * scale)
    for name in ("sharpness", "edge_ratio", "smoothness"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-6, equal_nan=True)
    assert one.census.keys() == two.census.keys()
    for name in one.census:
        np.testing.assert_array_equal(one.census[name], two.census[name])


@pytest.mark.parametrize("blocks", ref.SUBSETS, ids="+".join)
def test_twins_agree_on_any_subset_of_blocks(blocks):
    problem, net = noisy(seed=3), network(20, seed=3, trainable=blocks)
    method = METHODS["heavy ball, decay, warm-up"]
    settings = ss.GradientDescent(edge(problem, net, method), 200, **method)
    compiled = objectives.line(problem, net)
    one = training.run(compiled, net.parameters, settings)
    two = training.run(Bare(compiled), net.parameters, settings, decayed=decayed(net))
    scale = np.abs(one.theta).max()
    np.testing.assert_allclose(two.theta, one.theta, rtol=0, atol=1e-11 * scale)
    np.testing.assert_array_equal(two.theta[~net.trained], net.parameters[~net.trained])


def test_train_is_the_run_of_the_objective_to_the_bit():
    problem, net = noisy(seed=4), network(30, seed=4)
    method, points, snapshots = ss.GradientDescent(0.3, 500, warmup_steps=50), [], []
    options = {"record_every": 70, "record_at": [3]}
    path = training.run(
        objectives.line(problem, net), net.parameters, method, observe=points.append, **options
    )
    run = ss.train(problem, net, method, observe=snapshots.append, **options)
    for name in ("at_steps", "time", "step_size", "loss", "sharpness", "sharpness_residual", "edge_ratio"):
        np.testing.assert_array_equal(getattr(run, name), getattr(path, name))
    for name, column in path.census.items():
        np.testing.assert_array_equal(getattr(run, name), column)
    for snapshot, point in zip(snapshots, points, strict=True):
        assert (snapshot.step, snapshot.loss) == (point.step, point.loss)
        np.testing.assert_array_equal(snapshot.network.parameters, point.theta)
        np.testing.assert_array_equal(snapshot.network_before.parameters, point.theta_before)
        np.testing.assert_array_equal(snapshot.midpoint.parameters, point.midpoint)
    np.testing.assert_array_equal(run.midpoint.parameters, path.midpoint)


def test_the_midpoint_is_a_network_between_the_last_two():
    problem, net = noisy(seed=4), network(30, seed=4, trainable=("w1", "w2"))
    run = ss.train(problem, net, ss.GradientDescent(0.3, 100))
    both = run.network.parameters + run.network_before.parameters
    np.testing.assert_array_equal(run.midpoint.parameters, both / 2.0)
    assert run.midpoint.trainable == ("w1", "w2")


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_loss_gradient_and_hessian_are_the_dense_ones_anywhere(loss):
    problem, net = noisy(seed=5, loss=loss, weighted=True), network(9, seed=5, trainable=("w1", "b1", "w2"))
    objective, keep = objectives.line(problem, net), net.trained
    theta = net.parameters + 0.3 * np.random.default_rng(1).standard_normal(net.parameters.size)
    d = dense(problem)
    assert objective.size == theta.size
    assert objective.loss(theta) == pytest.approx(ref.loss(theta, d), rel=1e-12)
    np.testing.assert_allclose(objective.gradient(theta), keep * ref.gradient(theta, d), rtol=0, atol=1e-13)
    rows = np.array([objective.hessian(theta).product(row) for row in np.eye(theta.size)])
    np.testing.assert_allclose(rows, np.outer(keep, keep) * ref.hessian(theta, d), rtol=0, atol=1e-12)


def test_the_census_counts_bent_dead_and_stuck_neurons():
    problem = ss.Problem([-1.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    net = ss.TwoLayerReLU([1.0, 1.0, 1.0, 1.0, -1.0], [0.5, -0.0019, -0.0021, -2.0, -2.0], np.ones(5))
    # Knots at -½, just within and just beyond 1e-3 of the range from the input 0, and two that see nothing.
    assert objectives.line(problem, net).census(net.parameters) == {
        "bent_neurons": 3,
        "dead_neurons": 2,
        "knots_at_data": 1,
    }


def test_inputs_of_several_variables_are_refused_in_one_sentence():
    problem, net = ss.Problem(np.ones((4, 2)), np.ones(4)), network(3)
    message = r"inputs must have shape \(n,\) here, got \(4, 2\); this works with one input variable"
    for use in (
        lambda: objectives.line(problem, net),
        lambda: objectives.Hessian(problem, net),
        lambda: pieces(problem, net),
    ):
        with pytest.raises(ss.InputError, match=message):
            use()


def test_a_network_of_several_variables_is_refused_on_the_line():
    problem, net = noisy(), ss.TwoLayerReLU.random(3, dimension=2)
    message = r"network must have one input variable here, got 2"
    for use in (
        lambda: objectives.line(problem, net),
        lambda: ss.train(problem, net, ss.GradientDescent(0.1, 3)),
        lambda: ss.sharpness(problem, net),
        lambda: shape(problem, net),
        lambda: net.knots,
        lambda: net.jumps,
    ):
        with pytest.raises(ss.InputError, match=message):
            use()


def test_a_problem_and_a_network_are_expected_in_their_places():
    problem, net = noisy(), network(3)
    with pytest.raises(ss.InputError, match=r"problem must be a Problem, got a TwoLayerReLU"):
        objectives.line(net, problem)
    with pytest.raises(ss.InputError, match=r"network must be a TwoLayerReLU, got a float"):
        objectives.line(problem, 1.0)
