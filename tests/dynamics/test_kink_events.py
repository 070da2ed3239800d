"""Gradient flow through kinks: a neuron in closed form, Euler's steps, and what is refused."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq

import stepscape as ss
from stepscape import dynamics
from stepscape.errors import InputError, NotConverged

INPUTS, LABELS, SHARES = np.array([-1.0, 0.0, 1.0]), np.array([-6.0, -3.0, 2.0]), np.array([0.3, 0.4, 0.3])


def one_neuron(
    start: tuple[float, float], inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> tuple[ss.objectives.ReLULine, np.ndarray]:
    """f(x) = max(x + b, 0) + c with b and c trained, from (b, c)."""
    net = ss.TwoLayerReLU([1.0], [start[0]], [1.0], start[1], trainable=("b1", "b2"))
    return ss.objectives.line(ss.Problem(inputs, labels, weights=weights), net), net.parameters


def linear(active: list[bool], start: np.ndarray, time: float) -> np.ndarray:
    """(b, c) after a time on one piece: θ' = −(Gθ − h), G = Σ v φφᵀ, φ = (active, 1)."""
    phi = np.column_stack([np.array(active, float), np.ones(3)])
    still = np.linalg.solve(phi.T @ (SHARES[:, None] * phi), phi.T @ (SHARES * (LABELS - phi[:, 0] * INPUTS)))
    return still + expm(-phi.T @ (SHARES[:, None] * phi) * time) @ (start - still)


def exact(b: float, times: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The knot −b comes to 0, slides there while c falls to the level of both middle labels, and passes.

    On the slide c' = Σ v (y − active·x) − c, and F⁺ = v_1(y_1 − 1 − c) + v_0(y_0 − c) is negative until c is
    the level at which it vanishes.
    """
    start, active = np.array([b, 0.8]), [False, b > 0.0, True]
    reached = float(brentq(lambda t: linear(active, start, t)[0], 0.01, 0.5 if b > 0.0 else 2.0))
    first = linear(active, start, reached)[1]
    end = float(SHARES @ (LABELS - [0.0, 0.0, 1.0]))
    level = float(SHARES[1:] @ (LABELS[1:] - [0.0, 1.0]) / SHARES[1:].sum())
    passed = reached + np.log((first - end) / (level - end))
    found = []
    for t in times:
        if t < reached:
            found.append(linear(active, start, t))
        elif t < passed:
            found.append(np.array([0.0, end + (first - end) * np.exp(reached - t)]))
        else:
            found.append(linear([False, True, True], np.array([0.0, level]), t - passed))
    return np.array(found), reached, passed


@pytest.mark.parametrize("b", [-0.2, 0.2])
def test_a_knot_comes_to_an_input_from_either_side_slides_on_it_and_passes(b: float) -> None:
    o, theta = one_neuron((b, 0.8), INPUTS, LABELS, SHARES)
    flow = dynamics.gradient_flow(o, theta, 3.0, points=30, method="events")
    want, reached, passed = exact(b, flow.time)
    assert 0.05 < reached < reached + 0.3 < passed < 2.5
    assert 0.05 < want[-1, 0] < 1.0
    np.testing.assert_allclose(flow.theta[:, [1, 3]], want, rtol=0, atol=1e-8)
    assert flow.error.max() < 1e-7
    steps = dynamics.gradient_flow(o, theta, 3.0, points=30, tolerance=1e-3)
    assert np.linalg.norm(steps.theta[:, [1, 3]] - want, axis=1).max() <= steps.error.max() + 1e-3


def test_the_knot_of_a_neuron_that_sees_one_input_passes_it_for_good() -> None:
    o, theta = one_neuron((-0.98, 1.0), np.array([0.0, 1.0]), np.array([-4.0, 0.0]))
    flow = dynamics.gradient_flow(o, theta, 4.0, points=8, method="events")
    np.testing.assert_allclose(flow.theta[4:, 1], -1.0, rtol=0, atol=1e-9)
    c = flow.theta[:, 3]  # of a constant: to the mean label, at which an active neuron would be drawn back
    np.testing.assert_allclose(c[5:] + 2.0, (c[4] + 2.0) * np.exp(-flow.time[1:5]), rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("loss", "blocks"), [("square", ("w1", "b1", "w2", "b2")), ("logistic", ("b1", "w2", "b2"))]
)
def test_euler_steps_converge_to_it(loss: str, blocks: tuple[str, ...]) -> None:
    given = ss.problems.tent(n=8, noise=0.5, seed=1)
    labels = np.sign(given.labels) if loss == "logistic" else given.labels
    problem, drawn = ss.Problem(given.inputs, labels, loss=loss), ss.TwoLayerReLU.random(8, 1.0, "torch", 3)
    o = ss.objectives.line(problem, ss.TwoLayerReLU(drawn.w1, drawn.b1, drawn.w2, drawn.b2, blocks))
    flow = dynamics.gradient_flow(o, drawn.parameters, 20.0, points=4, method="events")
    ends = [drawn, drawn.with_parameters(flow.theta[-1])]
    was, now = (np.multiply.outer(given.inputs, net.w1) + net.b1 > 0.0 for net in ends)
    assert (was != now).sum() >= 3, "knots pass inputs"
    away = []
    for each in (2000, 20_000):
        run = dynamics.iterates(o, drawn.parameters, ss.GradientDescent(5.0 / each, 4 * each), every=each)
        away.append(np.linalg.norm(run.theta - flow.theta, axis=1).max())
    assert away[1] < 0.2 * away[0]
    assert away[1] < 1e-3


def test_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"^method must be another one for this objective, got .events.;"):
        dynamics.gradient_flow(ss.objectives.quartic(), [0.3], 1.0, method="events")
    monkeypatch.setattr(importlib.import_module("stepscape.dynamics.kink_events"), "MOST_EVENTS", 0)
    o, theta = one_neuron((-0.2, 0.8), INPUTS, LABELS, SHARES)
    with pytest.raises(NotConverged, match=r"^gradient flow met more than 0 kinks; lower time, or choose an"):
        dynamics.gradient_flow(o, theta, 3.0, method="events")
