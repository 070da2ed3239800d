"""Descent on other examples at every step, against a plain loop of torch's gradients on the same examples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cases
import oracles as ref
import plane_cases as pc
import stepscape as ss
from stepscape import objectives, training
from stepscape.errors import InputError

STEPS = 150


def drawn(loss="square", d=3):
    """Step → a problem of its own."""
    return lambda step: pc.noisy_plane(n=12 + step % 5, d=d, seed=100 + step, loss=loss, weighted=step % 2)


def looped(draw, net, method, first_step_size):
    """SGD in torch's conventions, step t with the gradient of the examples of step t; b2 is not decayed."""
    theta, decayed = net.parameters, net.trained.astype(float)
    decayed[-1] = 0.0
    if not method.decay_biases:
        decayed[net.w1.size : net.w1.size + net.width] = 0.0
    velocity, before = np.zeros_like(theta), theta
    etas = ref.geometric(first_step_size, method.step_size, method.warmup_steps, method.steps)
    for step, eta in enumerate(etas):
        at = torch.tensor(theta, requires_grad=True)
        pc.flat_loss(draw(step))(at).backward()
        g = at.grad.numpy() * net.trained
        if method.clip is not None:
            g = g * min(1.0, method.clip / (np.linalg.norm(g) + 1e-6))
        g = g + method.weight_decay * decayed * theta
        velocity = method.momentum * velocity + g
        before = theta
        theta = theta - eta * (g + method.momentum * velocity if method.nesterov else velocity)
    return theta, before


METHODS = {
    **cases.METHODS, "clip": {"clip": 0.2},
    "decay without biases": {"weight_decay": 0.02, "decay_biases": False},
}  # fmt: skip


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("options", METHODS.values(), ids=METHODS)
def test_every_method_takes_the_path_of_a_plain_loop(options, loss):
    draw, net = drawn(loss), pc.plane_network(20, seed=3)
    measured = pc.noisy_plane(seed=9, loss=loss)
    objective = objectives.with_examples(draw, measured, net)
    # A warm-up begins at 1/λ_max, which has to lie below its end.
    eta = 1.4 / objective.sharpness(net.parameters).value if "warmup_steps" in options else 0.05
    method = ss.GradientDescent(eta, STEPS, **options)
    path = training.run(objective, net.parameters, method, record_every=60, measure_sharpness=False)
    theta, before = looped(draw, net, method, path.step_size[0])
    scale = np.abs(theta).max()
    np.testing.assert_allclose(path.theta, theta, rtol=0, atol=1e-11 * scale)
    np.testing.assert_allclose(path.theta_before, before, rtol=0, atol=1e-11 * scale)
    assert path.loss[-1] == pytest.approx(pc.flat_loss(measured)(torch.tensor(theta)).item(), rel=1e-10)
    assert np.abs(theta - net.parameters).max() > 0.05
    assert "warmup_steps" not in options or path.step_size[0] < 0.9 * method.step_size


def test_frozen_blocks_stay_and_the_line_has_the_same_steps():
    net = pc.plane_network(9, d=1, seed=2, trainable=("w1", "w2"))
    draw, method = drawn(d=1), ss.GradientDescent(0.05, STEPS)
    objective = objectives.with_examples(draw, draw(0), net)
    path = training.run(objective, net.parameters, method, record_every=STEPS, measure_sharpness=False)
    np.testing.assert_allclose(path.theta, looped(draw, net, method, 0.05)[0], rtol=0, atol=1e-11)
    np.testing.assert_array_equal(path.theta[~net.trained], net.parameters[~net.trained])


def test_the_same_examples_at_every_step_are_ordinary_descent():
    problem, net = pc.noisy_plane(seed=4), pc.plane_network(30, seed=4)
    method = ss.GradientDescent(pc.plane_edge(problem, net, {}, 0.6), 250)
    objective = objectives.with_examples(lambda _: problem, problem, net)
    path = training.run(objective, net.parameters, method, record_every=100)
    run = ss.train(problem, net, method, record_every=100)
    np.testing.assert_allclose(path.theta, run.network.parameters, rtol=0, atol=1e-10)
    np.testing.assert_allclose(path.loss, run.loss, rtol=1e-9)
    np.testing.assert_allclose(path.sharpness, run.sharpness, rtol=1e-6)
    np.testing.assert_array_equal(path.census["dead_neurons"], run.dead_neurons)


def test_train_takes_the_examples_of_each_step():
    net, measured, draw = pc.plane_network(8, d=2), pc.noisy_plane(d=2, seed=5), drawn(d=2)
    method = ss.GradientDescent(0.05, STEPS)
    run = ss.train(measured, net, method, record_every=STEPS, examples=draw)
    theta, before = looped(draw, net, method, 0.05)
    np.testing.assert_allclose(run.network.parameters, theta, rtol=0, atol=1e-11)
    np.testing.assert_allclose(run.network_before.parameters, before, rtol=0, atol=1e-11)
    top = np.linalg.eigvalsh(pc.dense_hessian(measured, run.midpoint))[-1]
    assert run.sharpness[-1] == pytest.approx(top, rel=1e-7)


def test_it_measures_the_measured_examples():
    net, measured = pc.plane_network(8, d=2), pc.noisy_plane(n=15, d=2, seed=5)
    objective = objectives.with_examples(drawn(d=2), measured, net)
    theta = net.parameters
    assert objective.loss(theta) == pytest.approx(pc.flat_loss(measured)(torch.tensor(theta)).item())
    np.testing.assert_allclose(
        objective.gradient(theta), pc.torch_gradient(measured, net), rtol=0, atol=1e-12
    )
    top = np.linalg.eigvalsh(pc.dense_hessian(measured, net))[-1]
    assert objective.sharpness(theta).value == pytest.approx(top, rel=1e-7)
    assert objective.rough_sharpness(theta) == pytest.approx(top, rel=1e-3)
    product = objective.hessian(theta).product(np.ones(net.size))
    np.testing.assert_allclose(
        product, pc.dense_hessian(measured, net) @ np.ones(net.size), rtol=0, atol=1e-11
    )
    step = np.cos(np.arange(net.size))
    plain = objectives.plane(measured, net)
    assert objective.smoothness(theta, theta + step) == plain.smoothness(theta, theta + step)
    assert objective.largest_loss(theta) == plain.largest_loss(theta)


def test_steps_that_are_too_large_diverge():
    net = pc.plane_network(8, d=2)
    objective = objectives.with_examples(drawn(d=2), pc.noisy_plane(d=2), net)
    method = ss.GradientDescent(1e4, 3000)
    assert training.run(objective, net.parameters, method, measure_sharpness=False).outcome == "diverged"


def test_what_is_no_such_problem_is_refused():
    net, measured = pc.plane_network(8, d=2), pc.noisy_plane(d=2)
    with pytest.raises(InputError, match="examples must be a function of the number of a step"):
        objectives.with_examples(measured, measured, net)
    with pytest.raises(InputError, match=r"measured must be a Problem"):
        objectives.with_examples(drawn(d=2), net, net)
    with pytest.raises(InputError, match=r"measured must be the loss of a network"):
        objectives.OwnSteps(measured, len)
    with pytest.raises(InputError, match=r"steps must be a function"):
        objectives.OwnSteps(objectives.plane(measured, net), 3)
    with pytest.raises(InputError, match=r"examples\(0\) must be a Problem"):
        objectives.with_examples(lambda _: 3, measured, net)
    with pytest.raises(InputError, match=r"examples\(0\) must have the dimension of the measured problem, 2"):
        objectives.with_examples(drawn(d=3), measured, net)
    with pytest.raises(InputError, match="must have the loss of the measured problem, 'square'"):
        objectives.with_examples(drawn("logistic", 2), measured, net)
