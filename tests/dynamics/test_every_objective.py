"""The contract of `Objective`: every method and every flow on every kind of loss of one flat vector."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import stepscape as ss
from stepscape import dynamics, methods, objectives, training
from stepscape.training import OptimizerMap

TINY = 1e-300


def _model() -> tuple[Any, np.ndarray]:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    rng = np.random.default_rng(1)
    batch = torch.tensor(rng.standard_normal((7, 2))), torch.tensor(rng.standard_normal((7, 1)))
    o = objectives.torch(net, lambda model, data: 0.5 * ((model(data[0]) - data[1]) ** 2).mean(), batch)
    return o, o.parameters


def _line() -> tuple[Any, np.ndarray]:
    net = ss.TwoLayerReLU.random(4, seed=1)
    return objectives.line(ss.problems.tent(n=7, seed=2), net), net.parameters


def _plane() -> tuple[Any, np.ndarray]:
    net = ss.TwoLayerReLU.random(4, dimension=2, seed=1)
    return objectives.plane(ss.problems.ball(n=7, dimension=2, seed=2), net), net.parameters


def _factors() -> tuple[Any, np.ndarray]:
    o = objectives.factors(ss.problems.matrix_sensing(3, 2, 1, 12, seed=0), 1)
    return o, np.linspace(0.3, 0.9, o.size)


KINDS: dict[str, Callable[[], tuple[Any, np.ndarray]]] = {
    "line": _line,
    "plane": _plane,
    "factors": _factors,
    "toy": lambda: (objectives.scalar_product(), np.array([1.2, 0.5])),
    "torch": _model,
}
WITH_EXAMPLES, ON_THE_LINE = ("line", "plane", "torch"), ("line",)
STEPS = 6
METHODS: dict[str, Any] = {
    "descent": ss.GradientDescent(0.05, STEPS),
    "heavy ball": ss.GradientDescent(0.05, STEPS, momentum=0.5, weight_decay=0.1),
    "clipped": ss.GradientDescent(0.05, STEPS, clip=0.01),
    "rmsprop": methods.RMSProp(1e-3, STEPS, beta2=0.9, weight_decay=0.1),
    "adam": methods.Adam(1e-3, STEPS, beta2=0.9, epsilon=1e-3, weight_decay=0.1),
    "adamw": methods.AdamW(1e-3, STEPS, beta2=0.9, epsilon=1e-3),
    "sam": methods.SharpnessAware(0.05, STEPS),
    "sgd": methods.StochasticGradientDescent(0.05, STEPS, 2, momentum=0.5),
    "label noise": methods.LabelNoise(0.05, STEPS),
    "trace penalty": methods.TracePenalty(0.05, STEPS),
}
RANDOM = ("sgd", "label noise")
MAPS = [name for name in METHODS if name not in (*RANDOM, "trace penalty")]

kind = pytest.mark.parametrize("kind", KINDS)
made = cache(lambda name: KINDS[name]())


def dense(operator: Any) -> np.ndarray:
    return np.stack([operator.product(row) for row in np.eye(operator.size)])


@kind
@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_and_stands_against_its_threshold(kind: str, name: str) -> None:
    (o, theta), method = made(kind), METHODS[name]
    if name in RANDOM and kind not in WITH_EXAMPLES:
        with pytest.raises(ss.InputError, match="objective must have examples to draw from for"):
            training.run(o, theta, method)
        return
    if name == "trace penalty" and kind not in ON_THE_LINE:
        with pytest.raises(ss.InputError, match=r"method must be (one of|another method than TracePenalty)"):
            training.run(o, theta, method)
        return
    path = training.run(o, theta, method, record_every=1)
    assert path.outcome == "finished"
    assert path.at_steps.tolist() == list(range(STEPS + 1))
    assert path.loss[0] == pytest.approx(o.loss(theta), rel=1e-12)
    np.testing.assert_allclose(path.edge_ratio, path.sharpness / method.threshold(), rtol=1e-13)
    momentum = getattr(method, "momentum", 0.0)
    np.testing.assert_allclose(
        path.time, method.step_size * path.at_steps / (1.0 - momentum), rtol=1e-13, atol=0
    )
    if name not in MAPS:
        return
    step_of = OptimizerMap(o, method)
    z = step_of.start(theta)
    for _ in range(STEPS):
        z = step_of.step(z)
    np.testing.assert_allclose(path.theta, step_of.weights(z), rtol=0, atol=1e-11)
    matrix = dense(step_of.stabilized(z, 0.5 * (path.theta + path.theta_before)))
    scale = np.abs(np.linalg.eigvalsh(matrix)).max()
    assert path.sharpness[-1] == pytest.approx(np.linalg.eigvalsh(matrix)[-1], abs=1e-6 * scale)


@kind
@pytest.mark.parametrize("name", MAPS)
def test_the_mirror_flow_of_whole_steps_is_the_method(kind: str, name: str) -> None:
    o, theta = made(kind)
    run = dynamics.orbit(o, theta, METHODS[name], skip=1)
    flow = dynamics.mirror_flow(o, theta, METHODS[name], skip=1, substeps=1, floor=TINY)
    for found in ("time", "theta", "mean_loss", "amplitude"):
        np.testing.assert_allclose(getattr(flow, found), getattr(run, found), rtol=0, atol=1e-11)


@kind
def test_all_flows_are_gradient_flow_for_small_steps(kind: str) -> None:
    """Inside the edge the distance of each from gradient flow is O(η): a tenth of the step, a tenth of it."""
    o, theta = made(kind)
    gaps = {}
    for eta, steps in ((1e-3, 21), (1e-4, 201)):
        method = ss.GradientDescent(eta, steps)
        middle = dynamics.orbit(o, theta, method).theta[0]
        way = dynamics.gradient_flow(o, middle, eta * (steps - 1), 2, method="DOP853", tolerance=1e-9).theta[
            -1
        ]
        curves = [
            dynamics.orbit(o, theta, method),
            dynamics.mirror_flow(o, theta, method),
            dynamics.rod_flow(o, theta, method),
            dynamics.central_flow(o, theta, method),
        ]
        gaps[eta] = np.array([np.linalg.norm(curve.theta[-1] - way) for curve in curves])
        assert gaps[eta].max() < 0.05 * np.linalg.norm(way - middle)
    assert (gaps[1e-4] < 0.2 * gaps[1e-3] + 1e-9).all()


@kind
def test_chaos_tests_say_that_small_steps_are_orderly(kind: str) -> None:
    o, theta = made(kind)
    method = ss.GradientDescent(1e-3, 40)
    assert 0.0 < dynamics.chaos_floor(o, theta, method) < 1e-3
    least = np.linalg.eigvalsh(dense(o.hessian(theta)))[0]
    assert dynamics.lyapunov(o, theta, method) <= np.log(1.0 + 1e-3 * max(0.0, -least)) + 1e-4


@kind
@pytest.mark.parametrize("flow", [dynamics.rod_flow, dynamics.central_flow])
@pytest.mark.parametrize("name", ["heavy ball", "rmsprop", "adam", "sam"])
def test_two_flows_are_of_plain_descent_alone(kind: str, flow: Any, name: str) -> None:
    with pytest.raises(ss.InputError, match="method must be gradient descent with a constant step size"):
        flow(*made(kind), METHODS[name])
