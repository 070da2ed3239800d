"""An optimizer as a map of one flat vector: torch.optim's steps, and where the map stops contracting."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

import stepscape as ss
from stepscape import methods, objectives
from stepscape.training import OptimizerMap

START = np.array([1.7, 0.4])
MASK = np.array([True, False])
CASES = {  # method, the optimizer of PyTorch
    "descent": (
        ss.GradientDescent(0.05, 1, weight_decay=0.1),
        lambda groups: torch.optim.SGD(groups, lr=0.05),
    ),
    "heavy ball": (
        ss.GradientDescent(0.02, 1, momentum=0.5, weight_decay=0.1),
        lambda groups: torch.optim.SGD(groups, lr=0.02, momentum=0.5),
    ),
    "nesterov": (
        ss.GradientDescent(0.02, 1, momentum=0.7, nesterov=True),
        lambda groups: torch.optim.SGD(groups, lr=0.02, momentum=0.7, nesterov=True),
    ),
    "rmsprop": (
        methods.RMSProp(0.003, 1, beta2=0.9, epsilon=1e-3, weight_decay=0.1),
        lambda groups: torch.optim.RMSprop(groups, lr=0.003, alpha=0.9, eps=1e-3),
    ),
    "adam": (
        methods.Adam(0.01, 1, beta1=0.8, beta2=0.95, epsilon=0.1, weight_decay=0.1),
        lambda groups: torch.optim.Adam(groups, lr=0.01, betas=(0.8, 0.95), eps=0.1),
    ),
    "adamw": (
        methods.AdamW(0.01, 1, beta1=0.8, beta2=0.95, epsilon=0.1, weight_decay=0.3),
        lambda groups: torch.optim.AdamW(groups, lr=0.01, betas=(0.8, 0.95), eps=0.1),
    ),
}


def torch_path(method, make, steps):
    """Iterates of an optimizer of PyTorch on (xy − 1)², weight decay on the masked coordinate only."""
    parts = [torch.tensor([value], requires_grad=True) for value in START]
    decay = method.weight_decay
    optimizer = make(
        [{"params": [part], "weight_decay": decay * bool(on)} for part, on in zip(parts, MASK, strict=True)]
    )
    iterates = [START]
    for _ in range(steps):
        optimizer.zero_grad()
        ((parts[0] * parts[1] - 1.0) ** 2).sum().backward()
        optimizer.step()
        iterates.append(np.array([part.item() for part in parts]))
    return np.array(iterates)


def walk(map_, start, steps):
    z = map_.start(start)
    states = [z]
    for _ in range(steps):
        z = map_.step(z)
        states.append(z)
    return states


@pytest.mark.parametrize("name", CASES)
def test_steps_are_those_of_torch(name):
    method, make = CASES[name]
    map_ = OptimizerMap(objectives.scalar_product(), method, MASK)
    states = walk(map_, START, 300)
    found = np.array([map_.weights(z) for z in states])
    np.testing.assert_allclose(found, torch_path(method, make, 300), rtol=0, atol=1e-11)
    assert np.linalg.norm(found[-1] - START) > 0.1
    assert {z.shape for z in states} == {(map_.size,)}
    assert map_.deterministic


def test_scalar_rmsprop_divides_by_one_number():
    method = methods.RMSProp(0.01, 1, beta2=0.9, epsilon=1e-3, scalar=True)
    map_ = OptimizerMap(objectives.scalar_product(), method)
    (x, y), square = START, 0.0
    for z in walk(map_, START, 50)[1:]:
        g = 2.0 * (x * y - 1.0) * np.array([y, x])
        square = 0.9 * square + 0.1 * (g @ g)
        x, y = np.array([x, y]) - 0.01 * g / (np.sqrt(square) + 1e-3)
        np.testing.assert_allclose(map_.weights(z), [x, y], rtol=0, atol=1e-13)
        np.testing.assert_allclose(map_.preconditioner(z), np.sqrt(square) + 1e-3, rtol=1e-12)


def test_sam_looks_ahead_along_the_gradient():
    method = methods.SharpnessAware(0.05, 1, radius=0.2)
    map_ = OptimizerMap(objectives.scalar_product(), method)
    theta = torch.tensor(START, requires_grad=True)

    def slope(at):
        (found,) = torch.autograd.grad((at[0] * at[1] - 1.0) ** 2, at)
        return found

    g = slope(theta)
    ahead = (theta + 0.2 * g / g.norm()).detach().requires_grad_()
    expected = (theta - 0.05 * slope(ahead)).detach().numpy()
    np.testing.assert_allclose(map_.step(START), expected, rtol=0, atol=1e-14)
    at_rest = np.array([1.0, 1.0])
    np.testing.assert_array_equal(map_.step(at_rest), at_rest)


@pytest.mark.parametrize("name", ["rmsprop", "adam", "adamw"])
def test_the_preconditioner_divided_the_last_step(name):
    # Without memory of older gradients the step is −ηg/P, whatever v was.
    method, _ = CASES[name]
    changes = {"weight_decay": 0.0} | ({"beta1": 0.0} if name != "rmsprop" else {})
    method = type(method)(**{**vars(method), **changes})
    map_ = OptimizerMap(objectives.scalar_product(), method)
    states = walk(map_, START, 5)
    for z, after in pairwise(states):
        gradient = map_.objective.gradient(map_.weights(z))
        moved = map_.weights(z) - map_.weights(after)
        np.testing.assert_allclose(
            moved * map_.preconditioner(after), method.step_size * gradient, rtol=1e-10
        )
    # Before any step it is that of the first one.
    np.testing.assert_array_equal(map_.preconditioner(states[0]), map_.preconditioner(states[1]))


@pytest.mark.parametrize("name", [*CASES, "sam"])
def test_a_quadratic_is_stable_up_to_the_threshold(name):
    """With v frozen (β2 → 1) the map contracts below the threshold, and expands above it."""
    if name == "sam":
        method = methods.SharpnessAware(0.1, 1, radius=0.0)
    else:
        method, _ = CASES[name]
        frozen = {"beta2": 1.0 - 1e-15} if name in ("rmsprop", "adam", "adamw") else {}
        method = type(method)(**{**vars(method), **frozen})
    limit = method.threshold()

    def radius(share):
        """Spectral radius of the map of what moves, with P held at a known value."""
        map_ = OptimizerMap(objectives.quadratic([[1.0]]), method)
        z = map_.start([1e-9])
        if name in ("adam", "adamw"):
            z[-2:] = 4.0, 1e12  # v, and so many steps that no correction of the mean is left
        elif name == "rmsprop":
            z[-1] = 4.0
        p = float(map_.preconditioner(z)[0])
        decay = 0.0 if name == "adamw" else getattr(method, "weight_decay", 0.0)
        curvature = share * limit * p - decay
        map_ = OptimizerMap(objectives.quadratic([[curvature]]), method)
        moving = 2 if name in ("heavy ball", "nesterov", "adam", "adamw") else 1
        columns = []
        for j in range(moving):
            at = z.copy()
            at[:moving] = 0.0
            at[j] = 1e-9
            columns.append(map_.step(at)[:moving] / 1e-9)
        return np.abs(np.linalg.eigvals(np.array(columns).T)).max(), map_.stabilized(z)

    low, high = 0.5, 1.5
    while high - low > 1e-11:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if radius(middle)[0] < 1.0 else (low, middle)
    assert high == pytest.approx(1.0, abs=1e-10)
    # What is stabilized is measured in the units of the threshold.
    assert radius(1.0)[1].product(np.ones(1))[0] == pytest.approx(limit, rel=1e-12)


@pytest.mark.parametrize(
    ("method", "mask", "message"),
    [
        (ss.GradientDescent(0.1, 1, warmup_steps=3), None, r"warmup_steps must be 0 for a map.* got 3"),
        (ss.GradientDescent(0.1, 1, decay_biases=False), None, r"decay_biases must be True for a map"),
        (methods.TracePenalty(0.1, 1), None, r"method must be one of GradientDescent, .* got a TracePenalty"),
        (methods.LabelNoise(0.1, 1), None, r"objective must have examples to draw from for LabelNoise"),
        (methods.Adam(0.1, 1), [0.5, 1.0], r"decayed must be a mask of truth values, got other numbers"),
    ],
)
def test_what_is_no_map_is_refused(method, mask, message):
    with pytest.raises(ss.InputError, match=message):
        OptimizerMap(objectives.scalar_product(), method, mask)


def test_what_decays_of_a_network_is_trained_and_no_output_bias():
    problem, net = (
        ss.problems.tent(n=5),
        ss.TwoLayerReLU([1.0, 2.0], [0.3, 0.1], [1.0, 1.0], 0.2, ("w1", "b2")),
    )
    method = methods.Adam(0.1, 1, weight_decay=0.1)
    for make in (objectives.line, objectives.plane):
        map_ = OptimizerMap(make(problem, net), method)
        np.testing.assert_array_equal(map_.decayed, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        np.testing.assert_array_equal(OptimizerMap(map_.objective, method, np.ones(7)).decayed, np.ones(7))


def test_other_objectives_that_descend_must_be_told_what_decays():
    problem, net = ss.problems.tent(n=5), ss.TwoLayerReLU.random(2)
    own = objectives.with_examples(lambda _: problem, problem, net)
    with pytest.raises(ss.InputError, match=r"decayed must be given, because OwnSteps decays some"):
        OptimizerMap(own, methods.Adam(0.1, 1, weight_decay=0.1))
