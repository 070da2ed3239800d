"""What a monitor says before it measures: of a wrong loss, of the optimizer, of what it waits for."""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

import pytest
import torch

from monitored_training import bowl, bowl_loss
from stepscape.errors import InputError
from stepscape.monitor import Monitor, Unmeasured, edge_ratio
from stepscape.monitor.schedule import Budget, EverySteps
from stepscape.monitor.waiting import waiting

CURVATURES = [0.5, 1.0, 2.0, 10.0]


def made(loss: Any = bowl_loss, optimizer: Any = torch.optim.SGD, **settings: Any) -> Monitor:
    model, matrix = bowl(CURVATURES)
    batch = settings.pop("batch", matrix)
    return Monitor(model, loss, batch, optimizer(model.parameters(), lr=0.1), **settings)


# ---- a wrong loss


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"batch": None}, "batch must be what the loss takes, got None; give examples"),
        ({"batch": torch.ones(0, 4)}, "batch must hold at least one example, got none"),
        ({"loss": torch.nn.CrossEntropyLoss()}, "got CrossEntropyLoss, which is one of outputs and targets"),
        ({"loss": lambda model, x, y: bowl_loss(model, x + y)}, r"got one of \(model, x, y\); wrap it"),
    ],
)  # fmt: skip
def test_what_is_seen_without_a_call_is_refused_at_once(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        made(**wrong)


def far(_model: Any, batch: torch.Tensor) -> torch.Tensor:
    return batch + torch.ones(4, 4, device="meta")


WRONG = {
    "calls backward": (lambda m, b: [bowl_loss(m, b).backward()], "call neither backward() nor grad"),
    "takes gradients": (
        lambda m, b: torch.autograd.grad(bowl_loss(m, b), [m.x])[0].norm(), "leave gradients to the monitor",
    ),
    "a float": (lambda m, b: bowl_loss(m, b).item(), "return the loss itself, without item()"),
    "one per example": (lambda m, b: m.x * b.mean(), "take the mean over the batch"),
    "detached": (lambda m, b: bowl_loss(m, b).detach(), "loss must depend on the chosen parameters"),
    "a typing error": (lambda m, b: bowl_loss(m.y, b), "the loss raised AttributeError"),
    "another device": (far, "the loss raised RuntimeError"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("every", ["auto", 1])
def test_a_wrong_loss_is_a_row_after_the_first_step_and_training_continues(name: str, every: Any) -> None:
    loss, says = WRONG[name]
    monitor = made(loss, every=every)
    with pytest.warns(RuntimeWarning, match=re.escape(says)):
        row = monitor.step(0)
    assert row is not None
    assert row.status == "error"
    assert says in row.reason
    assert monitor.rows == (row,)
    strict = made(loss, every=every, on_error="raise")
    with pytest.raises(Unmeasured, match=re.escape(says)):
        strict.step(0)


def test_a_right_loss_is_looked_at_once_and_nothing_is_said() -> None:
    calls = []

    def loss(model: Any, batch: Any) -> torch.Tensor:
        calls.append(1)
        return bowl_loss(model, batch)

    monitor = made(loss, clock=lambda: 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [monitor.step(step) for step in range(50)] == [None] * 50
    assert len(calls) == 2


# ---- an optimizer without a rule

RULELESS = [torch.optim.NAdam, torch.optim.Adagrad, torch.optim.LBFGS, torch.optim.Adafactor]


@pytest.mark.parametrize("kind", RULELESS)
def test_an_optimizer_without_a_rule_is_told_once_at_the_start(kind: Any) -> None:
    says = f"the edge ratio will not be measured: no threshold is known for {kind.__name__}; give precond"
    with pytest.warns(RuntimeWarning, match=says):
        monitor = made(optimizer=kind, every=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = monitor.step(0)
        made(optimizer=kind, measure=["lambda_max"])
        made(optimizer=kind, preconditioner=lambda *_: (1.0, 20.0))
    assert row is not None
    assert row.converged
    assert (row.edge_ratio, row.lambda_max) == (None, pytest.approx(10.0))
    assert f"no threshold is known for {kind.__name__}" in monitor.story()[0]


def test_adagrad_by_the_rule_of_the_how_to() -> None:
    model, matrix = bowl(CURVATURES)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    bowl_loss(model, matrix).backward()
    optimizer.step()

    def adagrad(optimizer: Any, parameter: Any) -> tuple[torch.Tensor, float]:
        group, state = optimizer.param_groups[0], optimizer.state[parameter]
        return state["sum"].sqrt() + group["eps"], 2.0 / group["lr"]

    found = edge_ratio(model, bowl_loss, matrix, optimizer, preconditioner=adagrad)
    root = (0.05 / (optimizer.state[model.x]["sum"].sqrt() + 1e-10)).sqrt().diag()
    assert found.value == pytest.approx(float(torch.linalg.eigvalsh(root @ matrix @ root)[-1]), rel=1e-5)


# ---- what it waits for


def test_before_the_trial_its_time_is_said() -> None:
    said = waiting(Budget(0.05).after_step(0.0).after_step(2.0), 2)
    assert "a trial, which a budget of 5 % pays for after about 40 steps (2 were made); give a larger" in said
    assert "(1 was made)" in waiting(Budget(0.1).after_step(1.0), 1)
    assert "a budget of 10 % pays for after about 20 steps" in waiting(Budget(0.1).after_step(1.0), 1)


def test_after_the_trial_the_price_and_the_time_of_the_first_measurement_are_said() -> None:
    schedule = Budget(0.05)
    for _ in range(200):
        schedule = schedule.after_step(1.0)
    schedule = schedule.after_use(10.0).after_trial(30.0)
    said = waiting(schedule, 200)
    assert "a measurement is predicted to cost 30 training steps or more" in said
    assert "pays for after about 800 steps (200 were made); give a smaller batch, a larger budget=" in said
    while not schedule.due:
        schedule = schedule.after_step(1.0)
    assert schedule.steps == 800


@pytest.mark.parametrize(("schedule", "steps"), [(EverySteps(3), 0), (EverySteps(3), 2), (Budget(0.05), 0)])
def test_a_monitor_that_is_not_told_of_steps_says_so(schedule: Any, steps: int) -> None:
    assert waiting(schedule, steps) == (
        "Nothing was measured yet: call step(number) after each step of the optimizer."
    )


def test_a_monitor_that_measured_nothing_says_why_when_it_is_closed() -> None:
    monitor = made()
    assert "call step(number)" in monitor.story()[0]
    for step in range(5):
        monitor.step(step)
    assert "(5 were made)" in monitor.story()[0]
    assert not math.isfinite(monitor._schedule.first)  # type: ignore[attr-defined]
    with pytest.warns(RuntimeWarning, match=r"stepscape: Nothing was measured yet: .* \(5 were made\)"):
        monitor.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor.close()
        made().close()
