"""Thresholds of the optimizers of PyTorch: those of `stepscape.methods`, and real steps on quadratics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stepscape import methods
from stepscape.errors import InputError
from stepscape.monitor.failure import Unmeasured
from stepscape.monitor.thresholds import inner_optimizer, threshold_of

P = np.array([0.5, 2.0, 7.0])  # fixed preconditioner of the quadratics
STILL = 1.0 - 1e-13  # a running mean that does not move within some hundred steps
OPTIMIZERS = {  # name: (class, settings, methods' own description)
    "descent": ("SGD", {}, lambda lr: methods.GradientDescent(lr, 1)),
    "heavy ball": ("SGD", {"momentum": 0.8}, lambda lr: methods.GradientDescent(lr, 1, momentum=0.8)),
    "nesterov": (
        "SGD", {"momentum": 0.8, "nesterov": True},
        lambda lr: methods.GradientDescent(lr, 1, momentum=0.8, nesterov=True),
    ),
    "dampened": ("SGD", {"momentum": 0.8, "dampening": 0.5}, None),
    "dampening without momentum": ("SGD", {"dampening": 0.5}, lambda lr: methods.GradientDescent(lr, 1)),
    "decayed": ("SGD", {"weight_decay": 0.5}, lambda lr: methods.GradientDescent(lr, 1, weight_decay=0.5)),
    "rmsprop": ("RMSprop", {"alpha": STILL, "eps": 1e-12}, lambda lr: methods.RMSProp(lr, 1)),
    "rmsprop, momentum": ("RMSprop", {"alpha": STILL, "eps": 1e-12, "momentum": 0.7}, None),
    "rmsprop, centered": ("RMSprop", {"alpha": STILL, "eps": 0.25, "centered": True}, None),
    "adam": ("Adam", {"betas": (0.9, STILL)}, lambda lr: methods.Adam(lr, 1)),
    "adam, decayed": (
        "Adam", {"betas": (0.5, STILL), "weight_decay": 0.5}, lambda lr: methods.Adam(lr, 1, beta1=0.5),
    ),
    "amsgrad": (
        "Adam", {"betas": (0.9, STILL), "amsgrad": True, "eps": 0.25}, lambda lr: methods.Adam(lr, 1),
    ),
    "adamw": (
        "AdamW", {"betas": (0.9, STILL), "weight_decay": 0.3},
        lambda lr: methods.AdamW(lr, 1, weight_decay=0.3),
    ),
}  # fmt: skip


def prepared(name, lr):
    """One parameter of three numbers, and an optimizer whose preconditioner is P and stays so."""
    kind, settings, own = OPTIMIZERS[name]
    parameter = torch.nn.Parameter(torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64))
    optimizer = getattr(torch.optim, kind)([parameter], lr=lr, **settings)
    shift = settings.get("eps", 1e-8) if kind != "SGD" else 0.0
    square = torch.tensor((P - shift) ** 2)
    state = optimizer.state[parameter]
    zero = torch.zeros_like(parameter)
    if kind == "RMSprop":
        mean = 0.5 * torch.ones_like(square) if settings.get("centered") else zero
        state |= {"step": torch.tensor(1.0), "square_avg": square + mean**2}
        state |= {"grad_avg": mean.clone()} if settings.get("centered") else {}
        state |= {"momentum_buffer": zero.clone()} if settings.get("momentum") else {}
    elif kind != "SGD":  # after 1e16 steps β^t is 0
        state |= {"step": torch.tensor(1e16), "exp_avg": zero.clone(), "exp_avg_sq": square}
        state |= {"max_exp_avg_sq": square.clone()} if settings.get("amsgrad") else {}
        if settings.get("amsgrad"):
            state["exp_avg_sq"] = 0.1 * square
    return parameter, optimizer, own


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_real_optimizer_stays_below_its_threshold_and_leaves_beyond_it(name):
    """On ½Σ h_i x_i² with h_i = c·tP_i − W the edge ratio is c in each coordinate."""
    lengths = {}
    for share in (0.99, 1.01):
        parameter, optimizer, _ = prepared(name, 0.02)
        found = threshold_of(optimizer, parameter)
        curvature = share * found.value * found.preconditioner - found.decay
        for _ in range(300):
            parameter.grad = curvature * parameter.detach()
            optimizer.step()
            lengths[share] = parameter.detach().abs()
            if lengths[share].min() > 1e2:
                break  # farther out, gradients would move even the slowest mean of squares
    assert (lengths[0.99] < 1e-2).all()
    assert (lengths[1.01] > 1e2).all()


@pytest.mark.parametrize("name", [name for name, case in OPTIMIZERS.items() if case[2]])
def test_threshold_is_that_of_the_methods(name):
    parameter, optimizer, own = prepared(name, 0.02)
    found = threshold_of(optimizer, parameter)
    assert found.value == pytest.approx(own(0.02).threshold(), rel=4e-16)
    expected = 1.0 if OPTIMIZERS[name][0] == "SGD" else P
    np.testing.assert_allclose(np.asarray(found.preconditioner), expected, rtol=1e-13)


def test_preconditioner_of_adam_is_that_of_its_first_steps():
    """θ moves by η·m/P, with the m of the state, from the first step on."""
    parameter = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimizer = torch.optim.Adam([parameter], lr=torch.tensor(0.1), eps=0.01)
    for step in range(1, 4):
        before = parameter.detach().clone()
        parameter.grad = torch.tensor([0.3, -2.0], dtype=torch.float64) * step
        optimizer.step()
        found = threshold_of(optimizer, parameter)
        moved = 0.1 * optimizer.state[parameter]["exp_avg"] / found.preconditioner
        torch.testing.assert_close(before - parameter.detach(), moved, rtol=1e-7, atol=0)
        assert found.value == pytest.approx(380.0)


def test_settings_of_the_group_of_a_parameter_are_read():
    first, second, third = (torch.nn.Parameter(torch.ones(2)) for _ in range(3))
    groups = [
        {"params": [first], "lr": 0.1},
        {"params": [second], "lr": 0.2, "momentum": 0.5, "weight_decay": 0.3, "maximize": True},
    ]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    one, other = threshold_of(optimizer, first), threshold_of(optimizer, second)
    assert (one.value, one.decay, one.maximize) == (pytest.approx(20.0), 0.0, False)
    assert (other.value, other.decay, other.maximize) == (pytest.approx(15.0), 0.3, True)
    assert threshold_of(optimizer, third) is None


def test_a_step_size_of_zero_has_an_infinite_threshold():
    parameter = torch.nn.Parameter(torch.ones(2))
    assert threshold_of(torch.optim.SGD([parameter], lr=0.0), parameter).value == float("inf")


def test_a_parameter_that_never_had_a_gradient_does_not_move():
    moved, resting = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = torch.optim.Adam([moved, resting])
    moved.grad = torch.ones(2)
    optimizer.step()
    assert threshold_of(optimizer, moved) is not None
    assert threshold_of(optimizer, resting) is None


def test_an_optimizer_without_rule_or_state_says_so():
    parameter = torch.nn.Parameter(torch.ones(2))
    for name in ("NAdam", "Adafactor", "LBFGS", "RAdam", "Adagrad"):
        optimizer = getattr(torch.optim, name)([parameter], lr=0.1)
        with pytest.raises(
            Unmeasured, match=rf"no threshold is known for {name}; give preconditioner="
        ) as found:
            threshold_of(optimizer, parameter)
        assert found.value.status == "unsupported"
    with pytest.raises(Unmeasured, match=r"Adam has no state before its first step"):
        threshold_of(torch.optim.Adam([parameter]), parameter)


class Renamed(torch.optim.SGD):
    """An optimizer with the steps of another."""


class Other(torch.optim.SGD):
    """An optimizer with steps of its own."""

    def step(self, closure=None):
        """Do nothing."""


class Wrapper:
    """What Accelerate and Lightning make of an optimizer."""

    def __init__(self, optimizer):
        self.optimizer = optimizer


def test_a_subclass_has_the_rule_of_the_steps_that_it_makes():
    parameter = torch.nn.Parameter(torch.ones(2))
    assert threshold_of(Renamed([parameter], lr=0.1), parameter).value == pytest.approx(20.0)
    with pytest.raises(Unmeasured, match="no threshold is known for Other"):
        threshold_of(Other([parameter], lr=0.1), parameter)


def test_wrappers_are_opened():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1)
    assert inner_optimizer(Wrapper(Wrapper(optimizer))) is optimizer
    for wrong in (3, None, Wrapper(3), torch.nn.Linear(1, 1)):
        with pytest.raises(InputError, match=r"optimizer must be an optimizer of PyTorch, or hold one"):
            inner_optimizer(wrong)


def test_a_user_brings_a_rule():
    parameter = torch.nn.Parameter(torch.ones(2, 3))
    optimizer = torch.optim.NAdam([parameter], lr=0.1)

    def read(answer):
        return threshold_of(
            optimizer, parameter, lambda one, p: answer if (one, p) == (optimizer, parameter) else 0
        )

    assert read((2.0, 5)).value == 5.0
    assert read((2.0, 5)).decay == 0.0
    assert read((torch.full((2, 3), 4.0), 5.0, 0.5)).decay == 0.5
    assert read((torch.full((2, 3), 4.0), 5.0)).preconditioner.shape == (2, 3)
    for answer, sentence in {
        3: r"preconditioner must return \(P, t\) or \(P, t, W\), got 3",
        (1.0, 0.0): "t of preconditioner must be finite and positive, got 0.0",
        (1.0, 1.0, -1.0): "W of preconditioner must be finite and not negative",
        (torch.ones(3), 1.0): r"P of preconditioner must have the shape \(2, 3\) of the parameter",
        (-1.0, 1.0): "P of preconditioner must be positive, got zero, a negative number or nan",
        (float("nan"), 1.0): "P of preconditioner must be positive, got zero, a negative number or nan",
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=sentence):
            read(answer)
