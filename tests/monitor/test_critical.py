"""The critical step size of a model: closed forms on quadratics, directions, and every way to fail."""

from __future__ import annotations

import math
import re

import pytest
import torch

from monitor_models import Point, dense, mlp, mse, on_vector, pair, quadratic, random_matrix, snapshot
from stepscape.errors import InputError
from stepscape.monitor.critical import MEANINGS, critical_step_size


def closed_form(matrix, x, along):
    """L(x − ηΔ) = L(x) at η = 2gᵀΔ/(ΔᵀAΔ)."""
    return float(2.0 * (matrix @ x) @ along / (along @ matrix @ along))


@pytest.mark.parametrize("step_size", [None, 0.01, 0.3, 20.0])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_quadratic_has_the_closed_form(step_size, precision):
    model, matrix = Point(), random_matrix(seed=1, low=0.3)
    model = model if precision == "float64" else model.float()
    given = matrix if precision == "float64" else matrix.float()
    x = model().detach().double()
    expected = closed_form(matrix, x, matrix @ x)
    before = snapshot(model)
    found = critical_step_size(model, quadratic, given, step_size=step_size)
    assert before == snapshot(model)
    assert found.status == "converged"
    accuracy = 1e-9 if precision == "float64" else 1e-4
    assert found.value == pytest.approx(expected, rel=accuracy)
    assert found.sharpness == pytest.approx(2.0 / expected, rel=accuracy)
    assert found.slope == pytest.approx(float((matrix @ x) @ (matrix @ x)), rel=accuracy)
    assert found.passes <= 6
    if step_size is None:
        assert math.isnan(found.safety)
    else:
        assert found.safety == pytest.approx(expected / step_size, rel=accuracy)


def test_a_direction_by_name_or_in_order():
    model, matrix = Point(), random_matrix(seed=1, low=0.3)
    x, along = model().detach(), torch.tensor([1.0, -1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    expected = closed_form(matrix, x, along)
    sign = math.copysign(1.0, expected)
    named = critical_step_size(model, quadratic, matrix, {"head": sign * along[:2]})
    listed = critical_step_size(model, quadratic, matrix, [sign * along[:2], along[2:]])
    assert (named.value, named.passes) == (listed.value, listed.passes)
    assert named.value == pytest.approx(abs(expected), rel=1e-9)
    against = critical_step_size(model, quadratic, matrix, [-sign * along[:2], along[2:]])
    assert (against.status, against.passes) == ("ascent", 1)
    assert math.isnan(against.value)
    assert against.slope == pytest.approx(-named.slope)


def test_a_network_crosses_where_bisection_says():
    model, batch = mlp(), pair()
    gradient, _ = dense(model, mse, batch)
    value, at = on_vector(model, mse, batch)
    low, high = 0.0, 1e-3
    while value(at - high * gradient) <= value(at):
        low, high = high, 1.05 * high
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if value(at - middle * gradient) <= value(at) else (low, middle)
    found = critical_step_size(model, mse, batch, step_size=0.1)
    assert found.status == "converged"
    assert abs(found.value - low) <= found.error <= 0.02 * low
    assert found.passes <= 8


def separable(model, _):
    return torch.nn.functional.softplus(-model().sum())


def kinked(model, _):
    """Once differentiable only: its second derivative is unknown to PyTorch."""
    return torch.cdist(model()[None], torch.zeros(1, 5, dtype=torch.float64)).square().sum()


def bounded(model, _):
    """Falls until it stops being a number."""
    x = model()
    return -torch.sqrt(4.0 - x[0]) * 0.0 - x[0]


def test_ways_to_end_without_a_crossing():
    nothing = torch.zeros(1)
    assert critical_step_size(Point(), separable, nothing).status == "no_crossing"
    assert critical_step_size(Point(), bounded, nothing).status == "nonfinite"
    hidden = critical_step_size(Point().float(), lambda m, b: 1e6 + 1e-3 * quadratic(m, b), torch.eye(5))
    assert hidden.status == "noise_floor"
    lost = critical_step_size(Point(), lambda m, b: (m().sum() + b.sum()) * math.nan, nothing)
    assert (lost.status, lost.passes) == ("nonfinite", 1)


SENTENCES = {
    "converged": (
        quadratic, {"step_size": 0.1},
        r"^A step along the direction raises the loss from a step size of 2 ± .* on, 20 times the one in "
        r"use\.$",
    ),
    "ascent": (
        quadratic, {"direction": [-torch.ones(2), -torch.ones(3)]},
        r"^No critical step size is known: the loss does not fall along this direction .*; give the update "
        r"of the",
    ),
    "no_crossing": (
        separable, {"step_size": 1.0},
        r"^No critical .*: the loss was still below its start at the largest step size tried, \S*; it may "
        r"have no",
    ),
    "nonmonotone": (
        lambda m, _: -torch.sin(3 * (m()[0] - 1)),  # L(η) = −sin 3η, above its start from π/3 to 2π/3
        {"step_size": 0.1, "direction": {"head": torch.tensor([-1.0, 0.0])}},
        r"from a step size of \S* ± .*; the loss falls below its start again farther out, .*; give a smaller",
    ),
    "budget": (
        lambda m, _: torch.sin(3 * m()[0]) + 0.1 * m()[0], {"step_size": 10.0},
        r"from a step size of .* max_passes were spent before the crossing was known .*; give more",
    ),
    "noise_floor": (
        lambda m, b: 1e6 + 1e-3 * quadratic(m, b.float()), {},
        r"^No critical .*: rounding of the loss hides the crossing; give precision='float64', or take a "
        r"large",
    ),
    "nonfinite": (bounded, {}, r"; the loss is not finite at the steps tried beyond 2\.9.; give a smaller "
                               r"step_size"),
}  # fmt: skip


@pytest.mark.parametrize("status", SENTENCES)
def test_a_status_is_a_sentence_with_a_remedy(status):
    loss, settings, says = SENTENCES[status]
    model = Point().float() if status == "noise_floor" else Point()
    found = critical_step_size(model, loss, torch.eye(5, dtype=torch.float64), **settings)
    assert found.status == status
    assert re.search(says, str(found)), str(found)
    assert bool(found.reason) == (status != "converged")
    assert SENTENCES.keys() == MEANINGS.keys()


def test_a_loss_that_is_lost_asks_for_a_smaller_step_size():
    found = critical_step_size(Point(), lambda m, _: m().sum() * math.nan, torch.zeros(1))
    assert str(found) == (
        "No critical step size is known: the loss or its gradient is not finite at the parameters; lower "
        "the step "
        "size of the training."
    )


def test_a_loss_without_second_derivatives_is_measured():
    found = critical_step_size(Point(), kinked, torch.zeros(1))
    assert found.value == pytest.approx(1.0, rel=1e-6)  # ‖x‖², whose Hessian is 2


def test_precision_of_the_loss_decides_on_the_noise():
    model = Point().bfloat16()
    coarse = critical_step_size(model, quadratic, torch.eye(5).bfloat16(), precision="as_is")
    fine = critical_step_size(model, quadratic, torch.eye(5).bfloat16())
    assert coarse.status == "noise_floor"
    assert fine.status == "converged"
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = critical_step_size(Point().float(), quadratic, torch.eye(5), precision="as_is")
    assert cast.status == "noise_floor"


def test_a_failing_loss_is_a_status():
    found = critical_step_size(Point(), lambda m, b: 1 / 0, torch.zeros(1))  # noqa: ARG005
    assert (found.status, found.passes) == ("error", 0)
    assert "ZeroDivisionError" in found.reason


def test_arguments_are_checked():
    model, eye = Point(), torch.eye(5, dtype=torch.float64)
    for settings, sentence in (
        ({"step_size": 0.0}, "step_size must be finite and positive"),
        ({"tolerance": 1.0}, "tolerance must lie strictly between 0 and 1"),
        ({"max_passes": 1}, "max_passes must be a whole number of at least 2"),
        (
            {"direction": {"neck": torch.ones(2)}},
            "direction must have names of chosen parameters, got 'neck'",
        ),
        ({"direction": [torch.ones(2)]}, "direction must hold one tensor of the same shape for each chosen"),
        ({"direction": {"head": 1.0}}, "direction must hold one tensor of the same shape for each chosen"),
        ({"direction": {"head": torch.zeros(2)}}, "direction must be finite and not zero"),
        ({"direction": {"head": torch.full((2,), math.inf)}}, "direction must be finite and not zero"),
    ):
        with pytest.raises(InputError, match=sentence):
            critical_step_size(model, quadratic, eye, **settings)
