"""What no gradient reaches is left out of a descent in R^d where that is exact, and only there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cases
import oracles as ref
import plane_cases as pc
import stepscape as ss
from stepscape import objectives
from stepscape.kernels import relu_plane
from stepscape.kernels.coasting import coast
from stepscape.objectives.relu_plane_part import span_of

LOSSES = ["square", "logistic"]
SPARING = {
    "decay": {"weight_decay": 0.05, "decay_biases": False},
    "heavy ball, decay": {"momentum": 0.7, "weight_decay": 0.02, "decay_biases": False},
    "Nesterov, decay, warm-up": {
        "momentum": 0.7, "nesterov": True, "weight_decay": 0.02, "warmup_steps": 100, "decay_biases": False,
    },
}  # fmt: skip


@pytest.fixture
def trained(monkeypatch):
    """Widths and numbers of directions that the kernel was given, a pair for each call."""
    calls, descend = [], relu_plane.descend

    def watched(theta, velocity, before, points, *rest):
        d = points.shape[1] - 1
        calls.append(((theta.size - 1) // (d + 2), d))
        return descend(theta, velocity, before, points, *rest)

    monkeypatch.setattr(relu_plane, "descend", watched)
    return calls


def like_torch(problem, net, options, steps=300, fraction=0.3, switches=1):
    method = ss.GradientDescent(pc.plane_edge(problem, net, options, fraction), steps, **options)
    run = ss.train(problem, net, method, record_every=max(1, steps // 3), measure_sharpness=False)
    expected = pc.torch_run(problem, net, method, run.step_size[0])
    assert expected.switches >= switches
    cases.assert_same_path(run, expected)
    return run


def half_dead(n=60, d=3, k=90, seed=8, depth=50.0, trainable=pc.BLOCKS):
    """A problem and a network two of whose three neurons see no input."""
    problem, drawn = pc.noisy_plane(n, d, seed), pc.plane_network(k, d, seed)
    still = np.arange(k) % 3 != 0
    w1 = np.where(still[:, None], np.abs(drawn.w1), drawn.w1)
    shift = problem.points.max() + 1.0  # all inputs less this are negative, and so is w1·x for w1 > 0
    moved = ss.Problem(problem.points - shift * still.any(), problem.labels)
    b1 = np.where(still, -depth, drawn.b1)
    return moved, ss.TwoLayerReLU(w1, b1, drawn.w2, drawn.b2, trainable), still


# Which decay


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("options", SPARING.values(), ids=SPARING)
def test_decay_that_spares_the_biases_is_that_of_torch(options, loss):
    like_torch(pc.noisy_plane(seed=1, loss=loss), pc.plane_network(70, seed=1), options)


@pytest.mark.parametrize("options", SPARING.values(), ids=SPARING)
def test_decay_that_spares_the_biases_works_on_the_line(options):
    problem, net = cases.noisy(seed=4), cases.network(50, seed=4)
    eta = pc.plane_edge(problem, net, options, 0.3)
    method = ss.GradientDescent(eta, 300, **options)
    run = ss.train(problem, net, method, record_every=300)
    expected = pc.torch_run(problem, net, method, run.step_size[0])
    assert expected.switches > 0
    cases.assert_same_path(run, expected)
    dense = pc.dense_hessian(problem, run.midpoint) + np.diag(pc.shifts(net, **options))
    assert run.sharpness[-1] == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-7)
    other = ss.train(problem, net, ss.GradientDescent(eta, 300, **{**options, "decay_biases": True}))
    assert not np.allclose(other.network.b1, run.network.b1, atol=1e-6)


def test_accurate_steps_on_the_line_know_the_decay():
    problem, net = cases.noisy(seed=4), cases.network(12, seed=4)
    method = ss.GradientDescent(0.05, 200, **SPARING["heavy ball, decay"])
    state = objectives.State.at(net.parameters)
    assert objectives.line(problem, net)._careful_steps(state, method, 0.05, 200) > 0.0
    expected = pc.torch_run(problem, net, method, 0.05)
    np.testing.assert_allclose(state.theta, expected.theta, rtol=0, atol=1e-11)


def test_sharpness_follows_the_decay():
    for problem, net in (
        (pc.noisy_plane(30, 4, 9), pc.plane_network(20, 4, 9)),
        (cases.noisy(20, seed=3), cases.network(9, seed=3)),
    ):
        dense = pc.dense_hessian(problem, net)
        for biases in (True, False):
            top = np.linalg.eigvalsh(dense + np.diag(pc.shifts(net, 3.0, biases)))[-1]
            pair = ss.sharpness(problem, net, weight_decay=3.0, decay_biases=biases)
            assert pair.value == pytest.approx(top, rel=1e-9)
            assert pair.lower <= top * (1 + 1e-12)
            assert pair.upper >= top * (1 - 1e-12)
    method = ss.GradientDescent(0.02, 4, weight_decay=3.0, decay_biases=False, warmup_steps=2)
    run = ss.train(problem, net, method, record_every=2)  # on the line
    assert run.sharpness[0] == pytest.approx(top, rel=1e-7)
    assert run.step_size[0] == pytest.approx(min(0.02, 1.0 / top), rel=1e-3)


def test_decay_that_spares_biases_needs_a_network():
    toy = objectives.quadratic(np.diag([1.0, 2.0]))
    method = ss.GradientDescent(0.1, 5, decay_biases=False)
    with pytest.raises(ss.InputError, match=r"decay_biases must be True, because only networks"):
        ss.training.run(toy, [1.0, 1.0], method)
    with pytest.raises(ss.InputError, match=r"decay_biases must be True or False, got 1"):
        ss.GradientDescent(0.1, 5, decay_biases=1)


# Coasting


@pytest.mark.parametrize("name", cases.METHODS)
def test_a_parameter_without_gradient_moves_as_torch_moves_it(name):
    settings = cases.METHODS[name]
    method = ss.GradientDescent(0.3, 90, **settings)
    first, decay = 0.02, settings.get("weight_decay", 0.0)
    parameter = torch.tensor([1.7], dtype=torch.float64, requires_grad=True)
    options = {"momentum": method.momentum, "nesterov": method.nesterov, "weight_decay": decay}
    optimizer = torch.optim.SGD([parameter], lr=1.0, **options)
    gradients = [2.0] * 10 + [0.0] * 80  # ten steps give it a velocity
    for eta, g in zip(ref.geometric(first, 0.3, method.warmup_steps, 90), gradients, strict=True):
        if g == 0.0 and "start" not in locals():
            speed = optimizer.state[parameter].get("momentum_buffer", torch.zeros(1))
            start = np.array([parameter.item(), speed.item()])
        optimizer.param_groups[0]["lr"] = float(eta)
        parameter.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
    matrix = coast(
        decay, 1.0, method.momentum, float(method.nesterov), first, 0.3, method.warmup_steps, 10, 80
    )
    assert (matrix @ start)[0] == pytest.approx(parameter.item(), rel=1e-13)
    frozen = coast(decay, 0.0, method.momentum, float(method.nesterov), first, 0.3, 0, 0, 80)
    assert (frozen @ start)[0] == start[0]


# Dead neurons


@pytest.mark.parametrize(
    ("options", "trainable", "which"),
    [
        ({}, pc.BLOCKS, "all"),
        ({"momentum": 0.9}, pc.BLOCKS, "all"),  # they never moved
        ({"clip": 0.3}, pc.BLOCKS, "all"),
        ({"weight_decay": 0.02}, pc.BLOCKS, "all"),
        ({"weight_decay": 0.02, "warmup_steps": 100}, pc.BLOCKS, "all"),
        ({"weight_decay": 0.02, "decay_biases": False}, pc.BLOCKS, "of bias 0 or less"),
        ({"weight_decay": 0.02}, ("w1", "w2"), "of bias 0 or less"),
        ({"weight_decay": 0.02}, ("w2", "b2"), "all"),
        ({"weight_decay": 0.02}, ("b1", "w2"), "none"),
        ({"weight_decay": 0.02, "momentum": 0.5}, pc.BLOCKS, "none"),
    ],
    ids=str,
)
def test_dead_neurons_are_left_out_where_that_is_exact(options, trainable, which, trained):
    problem, net, still = half_dead(trainable=trainable)
    dead = (pc.preactivations(problem, net.parameters) < 0.0).all(axis=0)
    expected = {"all": dead, "of bias 0 or less": dead & (net.b1 <= 0.0), "none": dead & False}[which]
    assert np.sum(dead & (net.b1 <= 0.0)) < dead.sum() < 90
    run = like_torch(problem, net, options, switches=0)
    assert trained[0] == (90 - expected.sum(), 3)
    shrinking = options.get("weight_decay", 0.0) > 0.0 and "momentum" not in options
    if shrinking:
        factor = np.prod(1.0 - 0.02 * run.method.step_size_at(np.arange(300), run.step_size[0]))
        np.testing.assert_allclose(run.network.w2[still], factor * net.w2[still], rtol=1e-12)
    elif which == "all":
        for at in (run.network, run.network_before):
            np.testing.assert_array_equal(at.w1[still], net.w1[still])


@pytest.mark.parametrize(
    ("options", "eta"),
    [({"weight_decay": 0.5, "decay_biases": False}, 0.1), ({"weight_decay": 15.0}, 0.1)],
    ids=["decay spares a positive bias", "decay turns w1 round"],
)
def test_neurons_that_come_back_are_kept(options, eta, trained):
    problem = ss.Problem([[-1.0, -1.0], [-2.0, -1.5], [-1.5, -3.0]], [1.0, -1.0, 0.5])
    net = ss.TwoLayerReLU([[1.0, 1.0], [-0.5, 0.3]], [0.9, 1.0], [0.4, 0.3])
    method = ss.GradientDescent(eta, 60, **options)
    assert not np.any(pc.preactivations(problem, net.parameters)[:, 0] > 0)
    run = ss.train(problem, net, method, record_every=30, measure_sharpness=False)
    expected = pc.torch_run(problem, net, method, eta)
    assert expected.switches > 0
    cases.assert_same_path(run, expected)
    assert trained[0] == (2, 2)


def test_neurons_that_die_in_motion_are_kept(trained):
    problem, net, _ = half_dead(depth=0.0)
    objective = objectives.plane(problem, net)
    state = objectives.State.at(net.parameters)
    state.velocity[:] = 1e-3
    method = ss.GradientDescent(0.01, 100, momentum=0.9)
    objective.descend(state, method, 0.01, 50)
    assert trained == [(90, 3)]


# Directions


def flat_problem(n=30, d=6, q=2, seed=0, loss="square"):
    """Inputs in a plane of R^d through the origin, oblique to all axes."""
    rng = np.random.default_rng([seed, n, d, q])
    x = rng.standard_normal((n, q)) @ rng.standard_normal((q, d))
    y = np.sin(x[:, 0]) + 0.3 * rng.standard_normal(n)
    return ss.Problem(x, y if loss == "square" else np.sign(y), loss)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", cases.METHODS)
def test_inputs_in_a_subspace_are_trained_in_its_coordinates(name, loss, trained):
    problem, net = flat_problem(loss=loss), pc.plane_network(40, 6, 3)
    run = like_torch(problem, net, cases.METHODS[name], fraction=0.3)
    assert {d for _, d in trained} == {2}
    across = np.eye(6) - np.linalg.pinv(problem.points) @ problem.points
    options = cases.METHODS[name]
    if "momentum" not in options:
        eta = run.method.step_size_at(np.arange(300), run.step_size[0])
        factor = np.prod(1.0 - options.get("weight_decay", 0.0) * eta)
        np.testing.assert_allclose(run.network.w1 @ across, factor * net.w1 @ across, rtol=0, atol=1e-13)


def test_clipped_steps_and_dead_neurons_in_a_subspace(trained):
    problem, net = flat_problem(), pc.plane_network(40, 6, 3)
    net = ss.TwoLayerReLU(net.w1, np.where(np.arange(40) < 25, -50.0, net.b1), net.w2, net.b2)
    like_torch(problem, net, {"clip": 0.2, "weight_decay": 0.05})
    assert trained[0] == (15, 2)


def test_the_span_is_that_of_the_inputs():
    rng = np.random.default_rng(0)
    for n, d, q in ((30, 6, 2), (4, 9, 4), (50, 5, 5), (7, 3, 1)):
        x = rng.standard_normal((n, q)) @ rng.standard_normal((q, d))
        basis = span_of(x)
        assert basis.shape == (d, q)
        np.testing.assert_allclose(basis.T @ basis, np.eye(q), rtol=0, atol=1e-14)
        np.testing.assert_allclose(x @ basis @ basis.T, x, rtol=0, atol=1e-13)
    assert span_of(np.eye(3)).tolist() == np.eye(3).tolist()


@pytest.mark.parametrize(
    "points",
    [
        [[1e20, 0.0], [0.0, 1.0]],  # small beside the other input
        [[1e20, 1.0], [2e20, 2.0 + 1e-9]],  # small beside the other variable
        [[1.0, 1.0], [1.0, 1.0 + 1e-12]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[1e308, 1e308], [1e308, -1e308]],
    ],
)
def test_no_direction_is_lost_by_scale(points):
    assert span_of(np.array(points)).shape == (2, 2)
