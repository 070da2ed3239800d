"""The trace penalty against all signs, and sharpness-aware steps against closed forms."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from stepscape.errors import InputError
from stepscape.monitor.regularize import SAM, trace_penalty

EPS = np.finfo(float).eps


def quartic(theta):
    """A loss of three numbers whose Hessian depends on them."""
    return (theta**4).sum() + (theta.prod() - 1.0) ** 2 + theta[0] * theta[1] ** 2


def every_sign(monkeypatch, count):
    """Let the next probes be all sign vectors (count,) in turn."""
    signs = iter(product([0, 1], repeat=count))
    monkeypatch.setattr(torch, "randint", lambda *a, **k: torch.tensor(next(signs)))  # noqa: ARG005


def test_mean_over_all_signs_is_the_trace_and_so_is_its_gradient(monkeypatch):
    theta = torch.tensor([0.7, -1.2, 0.4], dtype=torch.float64, requires_grad=True)
    every_sign(monkeypatch, 3)
    penalty = trace_penalty(quartic(theta), [theta], probes=8)
    expected = torch.autograd.functional.hessian(quartic, theta.detach()).trace()
    torch.testing.assert_close(penalty.detach(), expected, rtol=64 * EPS, atol=0)

    def trace(at):
        return torch.autograd.functional.hessian(quartic, at, create_graph=True).trace()

    slope = torch.autograd.functional.jacobian(trace, theta.detach())
    torch.testing.assert_close(torch.autograd.grad(penalty, theta)[0], slope, rtol=256 * EPS, atol=0)


def test_penalty_draws_from_its_generator_and_passes_over_what_does_not_count():
    layers = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()
    layers[0].bias.requires_grad_(False)
    unused = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    inputs = torch.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=torch.float64)
    parameters = [*layers.parameters(), unused]
    state = torch.get_rng_state()
    values = [
        trace_penalty(
            (layers(inputs) ** 2).mean(), iter(parameters), generator=torch.Generator().manual_seed(s)
        )
        for s in (0, 0, 1, 2)
    ]
    assert values[0] == values[1]
    assert len({value.item() for value in values}) > 1
    assert torch.equal(state, torch.get_rng_state())


def test_penalty_of_a_loss_without_curvature_is_zero():
    theta = torch.ones(3, requires_grad=True)
    assert trace_penalty(theta.sum(), [theta]) == 0.0


def test_penalty_flattens_a_minimum_of_a_valley():
    """On (xy − 1)²/2 the trace at a minimum is x² + y²: the penalty leads to the balanced one, x = y."""
    theta = torch.tensor([2.0, 0.5], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=0.05)
    generator = torch.Generator().manual_seed(0)
    for _ in range(400):
        optimizer.zero_grad()
        loss = 0.5 * (theta.prod() - 1.0) ** 2
        (loss + 0.1 * trace_penalty(loss, [theta], generator=generator)).backward()
        optimizer.step()
    assert abs(theta[0] - theta[1]) < 0.1


def test_penalty_refuses():
    theta = torch.ones(2, requires_grad=True)
    for wrong in (1.0, theta, torch.ones(())):
        with pytest.raises(InputError, match="loss must be a scalar tensor with its graph"):
            trace_penalty(wrong, [theta])
    with pytest.raises(InputError, match="parameters must hold some that require gradients, got none"):
        trace_penalty(theta.sum(), [theta.detach()])
    with pytest.raises(InputError, match="probes must be a whole number of at least 1"):
        trace_penalty(theta.sum(), [theta], probes=0)


class Doubled(torch.autograd.Function):
    """Twice its input, with a backward pass that cannot be differentiated."""

    @staticmethod
    def forward(_, z):
        return 2.0 * z

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(_, slope):
        return 2.0 * slope


def test_penalty_refuses_what_would_count_as_flat():
    """Autograd takes the derivative of the marked function for 0, and under a mean leaves no trace of it."""
    theta = torch.ones(2, requires_grad=True)
    sentence = (
        "loss must be twice differentiable by autograd, got a function marked as once differentiable; its"
    )
    for loss in (Doubled.apply(theta**2).mean(), Doubled.apply(theta).square().mean()):
        with pytest.raises(InputError, match=sentence):
            trace_penalty(loss, [theta])
    assert trace_penalty((theta**2).mean(), [theta]) == 2.0


def test_penalty_names_an_operation_without_a_second_derivative():
    q = torch.ones(1, 1, 4, 2, requires_grad=True)
    attention = torch.nn.functional.scaled_dot_product_attention
    says = r"got the operation aten::_scaled_dot_product.*; for attention, compute the loss within torch"
    with pytest.raises(InputError, match=says):
        trace_penalty(attention(q, q, q).square().mean(), [q])
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        assert float(trace_penalty(attention(q, q, q).square().mean(), [q]).detach()) != 0.0


def closure_of(optimizer, loss):
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    return closure


def test_steps_are_those_of_the_description_of_the_method():
    theta = torch.tensor([1.7, 0.4], dtype=torch.float64, requires_grad=True)
    sam = SAM(torch.optim.SGD([theta], lr=0.05), radius=0.1)
    closure = closure_of(sam.base, lambda: 0.5 * (theta.prod() - 1.0) ** 2)
    path = [theta.detach().numpy().copy()]
    for _ in range(20):
        assert sam.step(closure) >= 0.0
        path.append(theta.detach().numpy().copy())
    for before, after in pairwise(path):

        def slope(at):
            return (at[0] * at[1] - 1.0) * at[::-1]

        g = slope(before)
        expected = before - 0.05 * slope(before + 0.1 * g / np.linalg.norm(g))
        np.testing.assert_allclose(after, expected, rtol=0, atol=16 * EPS)


def test_parameters_come_back_bit_by_bit_and_also_after_an_exception():
    theta = torch.tensor([0.1, 3.0, -3e-9], requires_grad=True)
    sam = SAM(torch.optim.SGD([theta], lr=0.0), radius=0.05)
    before = theta.detach().clone()
    sam.step(closure_of(sam.base, lambda: (theta**2).sum()))
    assert torch.equal(theta, before)
    calls = []

    def failing():
        calls.append(theta.detach().clone())
        if len(calls) == 2:
            raise KeyError("in the second pass")
        return closure_of(sam.base, lambda: (theta**2).sum())()

    with pytest.raises(KeyError):
        sam.step(failing)
    assert not torch.equal(calls[1], before)
    assert torch.equal(theta, before)


def test_by_hand_with_a_step_of_ones_own_and_a_group_that_climbs():
    down, up = (torch.tensor([1.0], dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.SGD([{"params": [down]}, {"params": [up], "maximize": True}], lr=0.1)
    sam = SAM(optimizer, radius=0.5)
    assert "SGD" in repr(sam)
    (down**2 - up**2).sum().backward()
    sam.climb()
    length = 0.5 / np.sqrt(2.0)
    np.testing.assert_allclose([down.item(), up.item()], [1 + length, 1 + length], rtol=8 * EPS)
    optimizer.zero_grad()
    (down**2 - up**2).sum().backward()
    steps = []
    sam.descend(lambda: steps.append((down.item(), up.item())))
    assert steps == [(1.0, 1.0)]


def test_without_slope_there_is_no_climb():
    theta = torch.zeros(2, requires_grad=True)
    sam = SAM(torch.optim.SGD([theta], lr=0.1))
    sam.step(closure_of(sam.base, lambda: (theta**2).sum()))
    assert torch.equal(theta, torch.zeros(2))


def test_order_of_calls_and_arguments_are_checked():
    theta = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=0.1)
    with pytest.raises(InputError, match="radius must be finite and positive"):
        SAM(optimizer, radius=0.0)
    sam = SAM(optimizer)
    with pytest.raises(InputError, match="closure must be a function that clears gradients"):
        sam.step(None)
    with pytest.raises(InputError, match="descend must come after climb, got no climb"):
        sam.descend()
    with pytest.raises(
        InputError, match=r"climb must come after backward\(\), got parameters without gradients"
    ):
        sam.climb()
    theta.grad = torch.full((2,), float("nan"))
    with pytest.raises(InputError, match="the gradient must be finite before climb, got nan; skip the step"):
        sam.climb()
    theta.grad = torch.ones(2)
    sam.climb()
    with pytest.raises(InputError, match="climb must be followed by descend before the next climb"):
        sam.climb()


def test_threshold_of_plain_descent_is_not_that_of_sam():
    from stepscape.monitor.thresholds import threshold_of

    theta = torch.ones(2, requires_grad=True)
    with pytest.raises(InputError, match="optimizer must be an optimizer of PyTorch, or hold one"):
        threshold_of(SAM(torch.optim.SGD([theta], lr=0.1)), theta)
