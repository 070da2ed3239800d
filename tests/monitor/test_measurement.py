"""Every quantity of a measurement against the dense Hessian."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from monitored_training import Bowl, bowl, bowl_loss, symmetric
from stepscape.monitor import measurement
from stepscape.monitor.measurement import Measurement, Moment, measure_moment
from stepscape.monitor.subject import Subject
from stepscape.monitor.tracking import Followed

VALUES = [-3.0, 0.5, 1.0, 10.0]


def subject(*measure: str, values: list[float] = VALUES, lr: float = 0.1, **settings: Any) -> Subject:
    model, matrix = bowl(values)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    return Subject.read(model, bowl_loss, matrix, optimizer, measure=measure, **settings)


def measured(*measure: str, **settings: Any) -> Measurement:
    return measure_moment(subject(*measure, **settings), Moment())


def test_smallest_eigenvalue() -> None:
    found = measured("lambda_min").values
    assert found["lambda_min"] == pytest.approx(-3.0, abs=1e-5)
    assert found["lambda_min_residual"] <= 1e-3 * 10.0


def test_trace_lies_within_its_error() -> None:
    found = measured("trace").values
    assert abs(found["trace"] - sum(VALUES)) <= 4.0 * found["trace_standard_error"] + 1e-9


def test_critical_step_size_of_a_bowl_is_that_of_its_gradient() -> None:
    found = measured("critical_step_size", values=[1.0, 2.0, 4.0])
    matrix = symmetric([1.0, 2.0, 4.0])
    g = matrix @ torch.ones(3, dtype=torch.float64)
    # L(x − ηg) = L(x) at η = 2 gᵀg/(gᵀAg).
    exact = float(2.0 * (g @ g) / (g @ matrix @ g))
    assert found.values["critical_step_size"] == pytest.approx(exact, rel=0.02)
    assert abs(found.values["critical_step_size"] - exact) <= found.values["critical_step_size_error"] + 1e-6


def test_critical_step_size_follows_the_preconditioner() -> None:
    model, matrix = bowl([1.0, 2.0, 4.0])
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
    bowl_loss(model, matrix).backward()
    optimizer.step()
    state = optimizer.state[model.x]["square_avg"].sqrt() + 1e-8
    given = Subject.read(model, bowl_loss, matrix, optimizer, measure=["critical_step_size"])
    found = measure_moment(given, Moment()).values["critical_step_size"]
    x = model.x.detach()
    g = matrix @ x
    d = g / state
    assert found == pytest.approx(float(2.0 * (g @ d) / (d @ matrix @ d)), rel=0.02)


def test_a_critical_step_size_that_there_is_not() -> None:
    found = measured("critical_step_size", values=[-3.0, -2.0, -1.0])
    assert "critical_step_size" not in found.values
    assert found.reason.startswith(
        "critical_step_size: the loss was still below its start at the largest step"
    )


def test_a_loss_with_one_derivative_has_a_critical_step_size() -> None:
    model, matrix = bowl([1.0, 2.0, 4.0])

    def once(model: Any, batch: torch.Tensor) -> torch.Tensor:
        return torch.cdist((batch @ model.x)[None], torch.zeros(1, 3, dtype=torch.float64)).square().sum()

    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    given = Subject.read(model, once, matrix, optimizer, measure=["critical_step_size"])
    found = measure_moment(given, Moment())
    assert found.status == "converged"
    g = 2.0 * matrix @ matrix @ model.x.detach()  # of ‖Ax‖²
    assert found.values["critical_step_size"] == pytest.approx(float(g @ g / (matrix @ g).square().sum()))
    both = Subject.read(model, once, matrix, optimizer, measure=["lambda_max"])
    reason = "has no second derivative in PyTorch; only critical_step_size needs none"
    assert reason in measure_moment(both, Moment()).reason


def test_batch_sharpness_in_both_definitions() -> None:
    matrices = [symmetric([1.0, 2.0, 3.0, 4.0], seed) * (seed + 1) for seed in range(3)]
    found = measured(batches=matrices).values
    along, sizes = [], []
    for matrix in matrices:
        g = matrix @ torch.ones(4, dtype=torch.float64)
        along.append(float(g @ matrix @ g))
        sizes.append(float(g @ g))
    assert found["batch_sharpness"] == pytest.approx(sum(along) / sum(sizes), rel=1e-9)
    ratios = [a / s for a, s in zip(along, sizes, strict=True)]
    assert found["batch_sharpness_mean_of_ratios"] == pytest.approx(sum(ratios) / 3, rel=1e-9)
    assert found["batch_sharpness_standard_error"] > 0.0


class Two(torch.nn.Module):
    """Two bowls side by side, with 4 and 2 as curvatures, and a ReLU whose second unit is dead."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Linear(1, 2, dtype=torch.float64)
        self.relu = torch.nn.ReLU()
        self.head = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)
        with torch.no_grad():
            self.body.weight[:] = torch.tensor([[1.0], [-1.0]])
            self.body.bias.zero_()


def two_loss(model: Two, batch: torch.Tensor) -> torch.Tensor:
    active = model.relu(model.body(batch))
    return (active[:, 0] ** 2).mean() + (model.head(batch) ** 2).mean()


def test_blocks_and_dead_units() -> None:
    model, batch = Two(), torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    blocks = {"body": ["body.*"], "head": ["head.weight"]}
    given = Subject.read(model, two_loss, batch, optimizer, measure=["dead_units"], blocks=blocks)
    found = measure_moment(given, Moment()).values
    # Of the body: the mean of 2 [x, 1][x, 1]ᵀ; of the head: 2 E x² = 5.
    x = torch.tensor([[1.0, 1.0], [2.0, 1.0]], dtype=torch.float64)
    assert found["blocks"]["body"] == pytest.approx(float(torch.linalg.eigvalsh(x.T @ x).max()), rel=1e-5)
    assert found["blocks"]["head"] == pytest.approx(5.0, rel=1e-9)
    assert found["dead_units"] == {"relu": 1}


def test_a_model_without_activations_says_so() -> None:
    found = measured("dead_units")
    assert "dead_units" not in found.values
    assert found.reason.startswith(
        "dead_units: no module such as ReLU or GELU was called, and functions such"
    )


def test_groups_with_different_step_sizes_have_no_one_threshold() -> None:
    model, matrix = bowl([4.0, 4.0, 4.0])
    model.y = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    loss = lambda m, b: bowl_loss(m, b) + 2.0 * (m.y @ m.y)  # noqa: E731
    optimizer = torch.optim.SGD([{"params": [model.x]}, {"params": [model.y], "lr": 0.3}], lr=0.1)
    given = Subject.read(model, loss, matrix, optimizer, measure=["edge_ratio"])
    found = measure_moment(given, Moment()).values
    assert found["edge_ratio"] == pytest.approx(4.0 * 0.3 / 2.0, rel=1e-6)
    assert "threshold" not in found
    assert "lambda_max" not in found  # not asked for, and it costs a search of its own
    assert given.step_sizes == (0.1, 0.3)


def test_weight_decay_counts_as_curvature() -> None:
    model, matrix = bowl([1.0, 4.0])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=2.0)
    given = Subject.read(model, bowl_loss, matrix, optimizer)
    found = measure_moment(given, Moment()).values
    assert found["lambda_max"] == pytest.approx(4.0, rel=1e-6)
    assert found["edge_ratio"] == pytest.approx((4.0 + 2.0) * 0.1 / 2.0, rel=1e-6)


def test_an_optimizer_that_climbs_sees_the_other_end() -> None:
    model, matrix = bowl(VALUES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, maximize=True)
    found = measure_moment(Subject.read(model, bowl_loss, matrix, optimizer), Moment()).values
    assert found["lambda_max"] == pytest.approx(10.0, rel=1e-6)
    assert found["edge_ratio"] == pytest.approx(3.0 * 0.1 / 2.0, rel=1e-3)


def test_a_warm_start_knows_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    given = subject("lambda_max")
    first = measure_moment(given, Moment())
    assert first.tracks["lambda_max"].measured == 1
    again = measure_moment(given, Moment(first.tracks))
    assert again.tracks["lambda_max"].measured == 2
    real = measurement.follow

    def overtaken(*given: Any, **named: Any) -> Followed:
        found = real(*given, **named)
        return Followed(found.pair, found.track, True, True)

    monkeypatch.setattr(measurement, "follow", overtaken)
    crossed = measure_moment(given, Moment(again.tracks))
    assert crossed.reason == (
        "lambda_max: another eigenvalue had overtaken the one that was followed; corrected here"
    )
    assert crossed.status == "converged"


def test_a_budget_of_products_gives_a_lower_bound() -> None:
    values = [float(i) for i in range(1, 60)]
    found = measure_moment(subject("lambda_max", values=values, max_products=6), Moment())
    assert found.status == "budget"
    assert found.values["lambda_max"] < 59.0
    assert found.products <= 6
    assert "lower bound" in found.reason


def test_one_quantity_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(measurement, "activity", broken)
    found = measured("lambda_max", "dead_units", "trace")
    assert found.status == "error"
    assert "RuntimeError: the sky fell" in found.reason
    assert {"lambda_max", "trace"} <= set(found.values)


def test_what_a_measurement_will_cost() -> None:
    blocks, batches = {"all": ["*"]}, [symmetric([1.0, 2.0])] * 3
    given = subject("lambda_max", "trace", blocks=blocks, batches=batches)
    assert given.products == 13 + 60 + 13 + 3 * 3
    rest = subject("edge_ratio", "lambda_min", "critical_step_size", "dead_units")
    assert rest.products == 13 + 30 + 5 + 1
    assert isinstance(given.model, Bowl)
