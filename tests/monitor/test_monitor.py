"""A monitor measures what is true, when its budget allows, and training is what it would be without."""

from __future__ import annotations

import csv
import random
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from monitored_training import bowl, bowl_loss, descend, digits, network, square
from stepscape.errors import InputError
from stepscape.monitor.failure import Unmeasured
from stepscape.monitor.measurement import products_of
from stepscape.monitor.monitor import Monitor
from stepscape.monitor.run_file import read_run
from stepscape.monitor.subject import Subject

CURVATURES = [0.5, 1.0, 2.0, 10.0]


def watched(step_size: float = 0.15, every: str | int = 1, **settings: Any) -> tuple[Any, Any, Any, Monitor]:
    """A bowl, its batch, its optimizer and a monitor."""
    model, matrix = bowl(CURVATURES)
    optimizer = torch.optim.SGD(model.parameters(), lr=step_size)
    return model, matrix, optimizer, Monitor(model, bowl_loss, matrix, optimizer, every, **settings)


# ---- what it measures


def test_a_row_holds_what_is_true_of_a_bowl() -> None:
    model, matrix, optimizer, monitor = watched(0.15)
    descend(model, bowl_loss, matrix, optimizer, 3, monitor)
    assert [row.step for row in monitor.rows] == [0, 1, 2]
    for row in monitor.rows:
        assert row.converged
        assert row.lambda_max == pytest.approx(10.0, rel=1e-6)
        assert row.residual <= 1e-3 * 10.0
        assert row.lower_bound <= 10.0 * (1 + 1e-12)
        assert row.edge_ratio == pytest.approx(10.0 * 0.15 / 2.0, rel=1e-6)
        assert row.threshold == pytest.approx(2.0 / 0.15)
        assert row.step_sizes == (0.15,)
        assert (row.samples, row.precision, row.clipped) == (4, "float64", None)
        assert row.reason == ""
    assert monitor.rows[-1].loss == pytest.approx(float(bowl_loss(model, matrix).detach()))


def test_the_suggestion_trains_a_bowl_that_diverged() -> None:
    model, matrix, optimizer, monitor = watched(0.3)  # an edge ratio of 1.5
    assert descend(model, bowl_loss, matrix, optimizer, 6, monitor)[-1] > 1e3
    (found,) = monitor.suggest().step_sizes
    assert found * 10.0 / 2.0 == pytest.approx(0.8, rel=1e-6)
    optimizer.param_groups[0]["lr"] = found
    losses = descend(model, bowl_loss, matrix, optimizer, 60)
    assert losses[-1] < 1e-3 * losses[0]
    assert monitor.story()[0].startswith("The run has been beyond the edge since step 0")


def test_the_suggestion_calms_a_network_at_its_edge() -> None:
    # At the edge the loss swings from step to step; below it, it only falls.
    model, batch = network(), digits()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    monitor = Monitor(model, square, batch, optimizer, every=20)
    losses = descend(model, square, batch, optimizer, 161, monitor)
    assert sum(after > before for before, after in pairwise(losses)) > 40
    assert all(0.85 < row.edge_ratio < 1.25 for row in monitor.rows[1:])
    assert "has been at the edge since step 20" in monitor.story()[0]
    optimizer.param_groups[0]["lr"] = monitor.suggest().step_sizes[0]
    calm = descend(model, square, batch, optimizer, 40)
    assert all(after < before for before, after in pairwise(calm))


def test_the_suggestion_rescues_a_network_that_diverges() -> None:
    batch = digits()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.45)
    monitor = Monitor(model, square, batch, optimizer, every=20)
    assert descend(model, square, batch, optimizer, 61, monitor)[-1] > 1e6
    assert monitor.story()[0].startswith("The run has been beyond the edge since step 0: ")
    again = network()
    optimizer = torch.optim.SGD(again.parameters(), lr=monitor.suggest().step_sizes[0])
    calm = descend(again, square, batch, optimizer, 60)
    assert all(after < before for before, after in pairwise(calm))


def test_adam_is_measured_by_its_own_threshold() -> None:
    model, batch = network(), digits()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    monitor = Monitor(model, square, batch, optimizer, every=50)
    descend(model, square, batch, optimizer, 301, monitor)
    last = monitor.rows[-1]
    assert last.threshold is None  # another one for every parameter
    assert 0.9 < last.edge_ratio < 1.1
    assert last.lambda_max * 0.02 / 2.0 < 0.8 * last.edge_ratio  # as if Adam were gradient descent


def test_clipping_is_said_and_counted() -> None:
    model, matrix, optimizer, monitor = watched(0.15)
    descend(model, bowl_loss, matrix, optimizer, 1)
    row = monitor.step(0, clip_coefficient=torch.tensor(0.5))
    assert row.clipped is True
    assert row.edge_ratio == pytest.approx(0.5 * 0.75, rel=1e-6)
    assert monitor.step(1, clip_coefficient=1.0).clipped is False


def test_an_optimizer_of_the_user_brings_its_rule() -> None:
    class Halved(torch.optim.SGD):
        """Gradient descent with half the step size, as its own step."""

        def step(self, closure: Any = None) -> None:  # noqa: ARG002
            with torch.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p -= 0.5 * group["lr"] * p.grad

    def rule(optimizer: Any, parameter: Any) -> tuple[float, float]:  # noqa: ARG001
        return 2.0, 2.0 / optimizer.param_groups[0]["lr"]

    for lr, falls in ((0.38, True), (0.42, False)):  # the edge is at λ lr/4 = 1, for λ = 10
        model, matrix = bowl(CURVATURES)
        optimizer = Halved(model.parameters(), lr=lr)
        monitor = Monitor(model, bowl_loss, matrix, optimizer, 50, preconditioner=rule)
        losses = descend(model, bowl_loss, matrix, optimizer, 101, monitor)
        assert monitor.rows[0].edge_ratio == pytest.approx(10.0 * lr / 4.0, rel=1e-6)
        assert (losses[-1] < losses[0]) is falls
        (found,) = monitor.suggest().step_sizes
        assert found == pytest.approx(0.32, rel=1e-6)


@pytest.mark.parametrize("lost", [0.0, float("nan"), torch.tensor(0.0)])
def test_a_coefficient_of_a_gradient_that_was_not_finite_says_nothing(lost: Any) -> None:
    # As min(1, c/‖g‖) is in float16, in a step that the scaler skips.
    _, _, _, monitor = watched(0.15)
    row = monitor.step(0, clip_coefficient=lost)
    assert (row.status, row.clipped) == ("converged", None)
    assert row.edge_ratio == pytest.approx(0.75, rel=1e-6)


def test_chosen_parameters_that_are_not_moved_have_no_edge_ratio() -> None:
    model, inputs = torch.nn.Linear(1, 1).double(), torch.full((1, 1), 2.0, dtype=torch.float64)
    optimizer = torch.optim.SGD([model.bias], lr=0.1)
    monitor = Monitor(model, lambda m, x: (m(x) ** 2).mean(), inputs, optimizer, 1, select="weight")
    row = monitor.step(0)
    assert row.edge_ratio is None
    assert row.reason == "edge_ratio: the optimizer moves none of the chosen parameters"
    assert row.lambda_max == pytest.approx(8.0, rel=1e-6)  # of (2w + b)² in w
    assert row.converged


# ---- it leaves training alone


def state_of(model: torch.nn.Module, optimizer: Any) -> list[torch.Tensor]:
    kept = [*model.parameters(), *model.buffers(), *(p.grad for p in model.parameters())]
    kept += [value for state in optimizer.state.values() for value in state.values()]
    return [torch.as_tensor(each).detach().clone() for each in kept]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("fails", [False, True])
def test_training_is_bit_by_bit_what_it_is_without(dropout: float, fails: bool) -> None:
    batch, ends, draws = digits(), [], []
    for every in (None, 7):
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002 - what a user's loss may draw from
        model = network(dropout=dropout)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        calls = 0

        def loss(model: Any, batch: Any) -> torch.Tensor:
            nonlocal calls
            calls += 1
            random.random()
            if fails and calls % 3 == 0:
                raise RuntimeError("the loss of the monitor fails")
            return square(model, batch) + 0.0 * np.random.rand()  # noqa: NPY002

        monitor = None
        if every is not None:
            monitor = Monitor(model, loss, batch, optimizer, every, on_error="warn")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            descend(model, square, batch, optimizer, 30, monitor)
        ends.append(state_of(model, optimizer))
        draws.append((torch.rand(1), random.random(), np.random.rand(), model.training))  # noqa: NPY002
    assert monitor is not None
    assert len(monitor.rows) >= 3
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
    assert draws[0] == draws[1]


# ---- when it measures


class Costs:
    """A clock that training and every call of the loss move on."""

    def __init__(self, step: float, call: float) -> None:
        self.now, self._step, self._call = 0.0, step, call

    def __call__(self) -> float:
        return self.now

    def train(self) -> None:
        self.now += self._step

    def loss(self, model: Any, batch: Any) -> torch.Tensor:
        self.now += self._call
        return bowl_loss(model, batch)


def run(monitor: Monitor, costs: Costs, steps: int) -> None:
    for step in range(steps):
        costs.train()
        monitor.step(step)


def test_the_budget_is_kept_with_the_first_measurement() -> None:
    costs = Costs(step=1.0, call=0.3)
    model, matrix = bowl(CURVATURES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = Monitor(model, costs.loss, matrix, optimizer, clock=costs, budget=0.05)
    run(monitor, costs, 2000)
    training = 2000.0
    spent = costs.now - training
    assert len(monitor.rows) >= 10
    assert spent <= 0.05 * training
    assert monitor.rows[0].step == 115
    assert monitor.rows[-1].training_seconds == pytest.approx(monitor.rows[-1].step + 0.0)
    assert sum(row.seconds for row in monitor.rows) <= spent


def test_a_run_that_diverged_is_not_measured_more_often() -> None:
    # A loss that is not finite costs one call instead of dozens, and yet its rows do not pour in.
    costs = Costs(step=1.0, call=0.3)
    model, matrix = bowl(CURVATURES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = Monitor(model, costs.loss, matrix, optimizer, clock=costs)
    run(monitor, costs, 2000)
    sane = len(monitor.rows)
    with torch.no_grad():
        model.x[0] = float("inf")
    with pytest.warns(RuntimeWarning, match="the loss is not finite"):
        run(monitor, costs, 2000)
    assert 0 < len(monitor.rows) - sane <= 1.2 * sane


def auto(costs: Costs, **settings: Any) -> tuple[Any, Monitor]:
    """A bowl, and a monitor by the clock of its costs."""
    model, matrix = bowl(CURVATURES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return model, Monitor(model, costs.loss, matrix, optimizer, clock=costs, **settings)


def test_an_expensive_batch_is_said_once() -> None:
    # A call of the loss takes 1000 steps. Two are made after the first step, and two when two steps are paid
    # for: they foretell that a graph and two products take 15 as many, which (4 + 2.2·15)·1000/0.05 steps pay
    # for, each of them the average, 39/40, because nobody knows what the first one took.
    costs = Costs(step=1e-3, call=1.0)
    _, monitor = auto(costs)
    said = "measurements on this batch are expensive: the first one comes after 758974 steps or later; a sma"
    with pytest.warns(RuntimeWarning, match=said) as warned:
        run(monitor, costs, 3000)
    assert len(warned) == 1
    assert costs.now == pytest.approx(3000 * 1e-3 + 4.0)


def test_two_trials_tell_what_the_first_measurement_costs() -> None:
    # Only calls of the loss take time here, so that products are free: the first look and the trials call it
    # twice, twice and once, which (1.2 + 15·0.3)/0.05 steps pay for, and the graph is predicted to take 0.3.
    costs = Costs(step=1.0, call=0.3)
    _, monitor = auto(costs)
    run(monitor, costs, 40)
    assert costs.now == pytest.approx(40 + 1.2)
    run(monitor, costs, 74)
    assert costs.now == pytest.approx(114 + 1.2)
    run(monitor, costs, 1)
    assert costs.now == pytest.approx(115 + 1.5)
    assert monitor.rows == ()
    run(monitor, costs, 1)
    assert len(monitor.rows) == 1


@pytest.mark.parametrize(("optimizer", "count"), [("SGD", 13), ("Adam", 26), ("NAdam", 13)])
def test_an_edge_ratio_that_follows_from_the_eigenvalue_takes_no_products(optimizer: str, count: int) -> None:
    model, matrix = bowl(CURVATURES)
    made = getattr(torch.optim, optimizer)(model.parameters(), lr=0.1)
    subject = Subject.read(model, bowl_loss, matrix, made)
    descend(model, bowl_loss, matrix, made, 2)
    assert products_of(subject, subject.probe.operator()) == count


def test_sinks_are_paid_from_the_budget() -> None:
    costs = Costs(step=1.0, call=0.1)

    class Slow:
        def write(self, row: Any) -> None:  # noqa: ARG002
            costs.now += 3.0

        def close(self) -> None:
            pass

    _, monitor = auto(costs, sinks=[Slow()])
    run(monitor, costs, 2000)
    assert len(monitor.rows) >= 10
    assert costs.now - 2000.0 <= 0.05 * 2000.0 + 3.0


def test_every_so_many_steps() -> None:
    model, matrix, optimizer, monitor = watched(every=4)
    descend(model, bowl_loss, matrix, optimizer, 10, monitor)
    assert [row.step for row in monitor.rows] == [0, 4, 8]
    assert repr(monitor) == "Monitor(3 rows, on)"


# ---- what cannot be measured


def rows_of(loss: Any, count: int = 6, batch: Any = None) -> tuple[Monitor, list[str]]:
    """Watch steps with a loss that fails; the statuses and the warnings."""
    model, matrix = bowl(CURVATURES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = Monitor(model, loss, matrix if batch is None else batch, optimizer, 1)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for step in range(count):
            monitor.step(step)
    return monitor, [str(each.message) for each in warned]


def raising(error: Exception) -> Any:
    def loss(_model: Any, _batch: Any) -> torch.Tensor:
        raise error

    return loss


@pytest.mark.parametrize(
    ("loss", "status", "count", "says"),
    [
        (raising(ValueError("no such key")), "error", 3, "the loss raised ValueError: no such key"),
        (raising(torch.OutOfMemoryError("CUDA out of memory")), "oom", 2, "memory did not suffice"),
        (lambda m, b: torch.cdist(m.x[:, None] * b, b).mean(), "unsupported", 1, "has no second derivative"),
        (lambda m, b: bowl_loss(m, b) * next(TICKS), "nondeterministic", 3, "switch random operations off"),
        (lambda m, b: m.x * b.mean(), "error", 3, "loss must return a real scalar tensor, got a tensor"),
        (lambda _, b: b.mean(), "error", 3, "loss must depend on the chosen parameters"),
    ],
)  # fmt: skip
def test_failures_become_rows_and_then_silence(loss: Any, status: str, count: int, says: str) -> None:
    monitor, warned = rows_of(loss)
    assert [row.status for row in monitor.rows] == [status] * count
    assert all(says in row.reason for row in monitor.rows)
    assert monitor.rows[-1].reason.endswith("; the monitor is off")
    assert says in monitor.off
    assert repr(monitor).startswith(f"Monitor({count} rows, off: ")
    assert len(warned) == 1
    assert warned[0].startswith("stepscape: step 0: ")


TICKS = iter(float(i) for i in range(1, 10**6))


def test_a_loss_that_is_not_finite_does_not_switch_it_off() -> None:
    monitor, warned = rows_of(lambda m, b: bowl_loss(m, b) / 0.0, count=4)
    assert [(row.status, row.loss, row.reason) for row in monitor.rows] == [
        ("nonfinite", None, "the loss is not finite")
    ] * 4
    assert monitor.off == ""
    assert len(warned) == 1


def test_a_failure_between_successes_is_forgiven() -> None:
    calls = iter(range(10**6))

    def loss(model: Any, matrix: torch.Tensor) -> torch.Tensor:
        if next(calls) % 7 == 6:
            raise ValueError("once in a while")
        return bowl_loss(model, matrix)

    monitor, _ = rows_of(loss, count=12)
    assert monitor.off == ""
    assert {row.status for row in monitor.rows} == {"converged", "error"}


def test_a_model_on_two_devices_is_a_row() -> None:
    model, matrix = bowl(CURVATURES)
    model.y = torch.nn.Parameter(torch.zeros(2, device="meta"))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = Monitor(model, bowl_loss, matrix, optimizer)
    with pytest.warns(RuntimeWarning, match="cpu and meta"):
        row = monitor.step(0)
    assert (row.status, row.step_sizes) == ("unsupported", ())
    assert monitor.step(1) is None
    with pytest.raises(Unmeasured, match="cpu and meta"):
        Monitor(model, bowl_loss, matrix, optimizer, on_error="raise")


def test_failures_can_be_raised() -> None:
    model, matrix = bowl(CURVATURES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = Monitor(model, raising(ValueError("no")), matrix, optimizer, 1, on_error="raise")
    with pytest.raises(Unmeasured, match="the loss raised ValueError: no"):
        monitor.step(0)
    assert monitor.rows[0].status == "error"


def test_an_interrupt_is_not_caught() -> None:
    model, matrix = bowl(CURVATURES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(KeyboardInterrupt):
        Monitor(model, raising(KeyboardInterrupt()), matrix, optimizer, 1).step(0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"every": "often"}, "every must be 'auto' or a whole number of at least 1, got 'often'"),
        ({"every": 0}, "every must be a whole number of at least 1, got 0"),
        ({"budget": 1.5}, "budget must lie strictly between 0 and 1, got 1.5"),
        ({"measure": ["sharpness"]}, "unknown quantity 'sharpness'"),
        ({"measure": "edge_ratio"}, "measure must be a list of text"),
        ({"on_error": "ignore"}, "unknown on_error 'ignore'"),
        ({"blocks": ["head"]}, r"blocks must map names to patterns of parameters, got a list"),
        ({"blocks": {"a": ["zzz*"]}}, r"blocks\['a'\] must match names of parameters that are trained"),
        ({"tolerance": 2.0}, "tolerance must lie strictly between 0 and 1"),
        ({"max_products": 1}, "max_products must be a whole number of at least 2"),
        ({"clock": 3}, "clock must be a function"),
        ({"sinks": [3]}, "each of sinks must have methods write and close, got 3"),
        ({"file": 3}, "path must be a path"),
        ({"optimizer": 3}, "optimizer must be an optimizer of PyTorch"),
        ({"loss": 3}, "loss must be a function of the model and the batch"),
        ({"batch": []}, "batch must hold at least one example"),
        ({"model": 3}, "model must be a torch.nn.Module"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_before_training(wrong: dict[str, Any], says: str) -> None:
    model, matrix = bowl(CURVATURES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    known = {"model": model, "loss": bowl_loss, "batch": matrix, "optimizer": optimizer}
    with pytest.raises(InputError, match=says):
        Monitor(**{**known, **wrong})


def test_an_optimizer_of_another_model_is_refused() -> None:
    model, matrix = bowl(CURVATURES)
    other = torch.optim.SGD(bowl(CURVATURES)[0].parameters(), lr=0.1)
    with pytest.raises(InputError, match="optimizer must move parameters of the model"):
        Monitor(model, bowl_loss, matrix, other)


def test_a_step_is_a_whole_number() -> None:
    with pytest.raises(InputError, match=r"step must be a whole number of at least 0, got 0\.5"):
        watched()[3].step(0.5)  # type: ignore[arg-type]


# ---- where rows go


class Broken:
    """A sink that fails at its second row."""

    def __init__(self) -> None:
        self.got: list[int] = []

    def write(self, row: Any) -> None:
        self.got.append(row.step)
        if len(self.got) == 2:
            raise OSError("the disk is full")

    def close(self) -> None:
        raise AssertionError("a sink that was dropped is not closed")


def test_rows_go_to_a_file_and_a_table(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    model, matrix, optimizer, monitor = watched(file=path)
    assert read_run(path).rows == ()
    with monitor as same:
        assert same is monitor
        descend(model, bowl_loss, matrix, optimizer, 3, monitor)
        assert read_run(path).rows == monitor.rows
    monitor.to_csv(tmp_path / "run.csv")
    with open(tmp_path / "run.csv", newline="") as file:
        assert [float(each["edge_ratio"]) for each in csv.DictReader(file)] == [
            row.edge_ratio for row in monitor.rows
        ]
    assert monitor.step(3) is None
    assert monitor.off == "it was closed"


def test_a_sink_that_fails_is_dropped() -> None:
    sink = Broken()
    model, matrix, optimizer, monitor = watched(sinks=[sink])
    with pytest.warns(RuntimeWarning, match="Broken failed and gets no more rows: the disk is full"):
        descend(model, bowl_loss, matrix, optimizer, 5, monitor)
    monitor.close()
    assert sink.got == [0, 1]
    assert len(monitor.rows) == 5
    model, matrix, optimizer, monitor = watched(sinks=[Broken()], on_error="raise")
    with pytest.raises(OSError, match="the disk is full"):
        descend(model, bowl_loss, matrix, optimizer, 5, monitor)
