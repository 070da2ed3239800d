"""Losses scaled for gradients in float16: the scale enters no number, and skipped steps are none."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from probed_models import mse, network, pair
from stepscape.monitor import Monitor, Row, sharpness

nn = torch.nn


def train(scale: float | None, overflows: tuple[int, ...] = (), half: bool = False) -> tuple[Any, list[Row]]:
    """Eight steps of Adam with clipping, as the documentation of PyTorch has them, and a monitor."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, enabled=scale is not None)
    monitor = Monitor(model, mse, pair(), optimizer, every=1)
    for step in range(8):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16, enabled=half):
            loss = mse(model, pair(8, seed=step))
        scaler.scale(loss.float()).backward()
        if step in overflows:
            model[0].weight.grad[0, 0] = torch.inf
        scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        before = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        if scaler.get_scale() >= before:  # it is lowered after a step that is skipped
            monitor.step(step, clip_coefficient=min(1.0, 0.5 / float(norm)))
    return model, list(monitor.rows)


def numbers(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [(row.step, row.loss, row.lambda_max, row.edge_ratio, row.clipped, row.status) for row in rows]


def test_the_scale_of_the_loss_enters_no_number() -> None:
    (plain, rows), (scaled, others) = train(None), train(2.0**16)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), scaled.parameters(), strict=True))
    assert numbers(rows) == numbers(others)
    assert {row.status for row in rows} == {"converged"}
    assert rows[-1].lambda_max == pytest.approx(sharpness(plain, mse, pair()).value, rel=1e-4)


def test_a_step_that_the_scaler_skips_is_none() -> None:
    _, rows = train(2.0**16, overflows=(0, 3, 4))
    assert [row.step for row in rows] == [1, 2, 5, 6, 7]
    assert {row.status for row in rows} == {"converged"}
    assert all(row.edge_ratio > 0.0 for row in rows)


def test_a_model_that_trains_in_float16_is_measured_in_float32() -> None:
    model, rows = train(2.0**10, half=True)
    assert {row.precision for row in rows} == {"float32"}
    assert {row.status for row in rows} == {"converged"}
    assert rows[-1].lambda_max == pytest.approx(sharpness(model, mse, pair()).value, rel=1e-4)


def test_a_skipped_step_that_is_handed_in_changes_no_number() -> None:
    """A loop that does not look at the scale: the parameters are those of before, and so are the numbers."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu")
    monitor = Monitor(model, mse, pair(), optimizer, every=1)
    for step in range(2):
        optimizer.zero_grad()
        scaler.scale(mse(model, pair())).backward()
        if step == 1:
            model[0].weight.grad.fill_(torch.inf)
        scaler.step(optimizer)
        scaler.update()
        monitor.step(step)
    first, again = monitor.rows
    assert first.edge_ratio == pytest.approx(again.edge_ratio, rel=1e-4)
    assert first.loss == again.loss
