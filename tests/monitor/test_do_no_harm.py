"""Training with measurements is training without them, bit by bit; and a guard that fails is noticed."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
import torch

from probed_models import mse, pair
from stepscape.monitor import Monitor, Probe, Unmeasured, is_probing, sharpness
from stepscape.monitor.fingerprint import Disturbed, fingerprint, require_equal

nn = torch.nn


class Noisy(nn.Module):
    """Batch normalization, dropout, attention, spectral normalization: what keeps a state or draws."""

    def __init__(self):
        super().__init__()
        self.inner, self.norm, self.drop = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.3)
        self.heads = nn.MultiheadAttention(4, 2, dropout=0.2, batch_first=True)
        self.outer = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 2))
        self.calls = 0

    def forward(self, x):
        self.calls += not is_probing()
        y = self.drop(torch.tanh(self.norm(self.inner(x))))[:, None]
        return self.outer(self.heads(y, y, y, need_weights=False)[0][:, 0])


def loss_of(autocast):
    def loss(model, batch):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            return mse(model, batch).float()

    return loss


def raising(model, batch):
    mse(model, batch)
    random.random(), np.random.standard_normal(), torch.rand(1)  # noqa: NPY002
    raise KeyError("label")


def measure(kind, model, batch, loss):
    """Everything a probe does, in the middle of training."""
    if kind == "raising":
        assert sharpness(model, raising, batch).status == "error"
        return
    if kind == "frozen":
        assert sharpness(model, loss, batch, dropout="frozen", max_products=4).status in (
            "budget",
            "converged",
        )
        return
    with torch.inference_mode(kind == "inference"):
        probe = Probe(model, loss, [batch, batch], batch_norm="running" if kind == "running" else "as_is")
        with probe.measuring(verify=True):
            probe.loss([torch.ones_like(p) for p in probe.parameters])
            probe.gradient()
            probe.operator("double").product(torch.ones(probe.size))
        assert sharpness(model, loss, batch, max_products=6).products <= 6


def train(kinds, autocast):
    """Five steps of AdamW over gradients accumulated twice, with a measurement of some kind in each."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    model = Noisy()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    loss, fired = loss_of(autocast), []
    model.inner.weight.register_hook(lambda _: fired.append(1))
    for step, kind in enumerate(kinds):
        for half in range(2):
            loss(model, pair(8, seed=2 * step + half)).backward()
            if kind is not None and step % 2 == half:
                measure(kind, model, pair(8), loss)
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
        float(torch.rand(1)) + np.random.standard_normal() + random.random()  # noqa: NPY002
    assert model.training
    return fingerprint(model, optimizer) | {"calls": str(model.calls), "hooks fired": str(len(fired))}


def watch_everything(model, batch, optimizer):
    """All quantities of a monitor, where each hook and each shift could leave a trace."""
    monitor = Monitor(
        model, mse, batch, optimizer, 1, layers=["inner"], blocks={"outer": ["outer.*"]}, batches=[batch] * 2,
        measure=["lambda_max", "edge_ratio", "lambda_min", "trace", "critical_step_size", "dead_units"],
        on_error="raise",
    )  # fmt: skip
    return monitor.step(0)


def test_measuring_everything_changes_nothing():
    torch.manual_seed(0)
    model = Noisy()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    mse(model, pair(8)).backward()
    optimizer.step()
    before = fingerprint(model, optimizer)
    row = watch_everything(model, pair(8), optimizer)
    require_equal(before, fingerprint(model, optimizer))
    found = (
        row.trace,
        row.lambda_min,
        row.critical_step_size,
        row.blocks,
        row.batch_sharpness,
        row.dead_units,
    )
    assert None not in found


def test_batches_that_were_born_in_inference_mode_are_measured():
    model = nn.Linear(3, 2)
    with torch.inference_mode():
        batch = pair()
        found = sharpness(model, mse, batch)
    assert found.status == "converged"
    assert found.value == sharpness(model, mse, pair()).value


def test_casts_that_autocast_keeps_are_not_taken_for_those_of_another_point():
    """Within one autocast, a weight is cast once: neither a shifted loss nor training may see an old cast."""
    model, batch = nn.Linear(3, 2), pair()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        before = mse(model, batch).float()
        probe = Probe(model, lambda m, b: mse(m, b).float(), batch, precision="as_is")
        with probe.measuring():
            losses = {
                float(probe.loss([s * torch.ones_like(p) for p in probe.parameters])) for s in (0, 1, 2)
            }
        assert len(losses) == 3
        assert mse(model, batch).float() == before


KINDS = ("as it is", "frozen", "running", "inference", "raising")


@pytest.mark.parametrize("autocast", [False, True], ids=["float32", "autocast"])
def test_training_with_measurements_is_bit_identical(autocast):
    without, found = train([None] * len(KINDS), autocast), train(KINDS, autocast)
    assert [name for name in without if without[name] != found[name] and "flags of" not in name] == []
    assert without["hooks fired"] == str(2 * len(KINDS))


def test_measurements_also_leave_an_exception_what_they_met():
    """A raising loss changes nothing: random states, modes, switches, and the sign of a measurement."""
    model = Noisy()
    before = fingerprint(model)
    probe = Probe(model, raising, pair())
    with torch.no_grad(), pytest.raises(Unmeasured, match=r"the loss raised KeyError: 'label'"):
        probe.loss()
    with pytest.raises(Unmeasured, match="KeyError"), probe.measuring(verify=True):
        probe.gradient()
    require_equal(before, fingerprint(model))
    assert not is_probing()
    assert model.drop.training


def test_an_interrupt_passes_through_and_leaves_everything_as_it_was():
    def interrupted(model, batch):
        mse(model, batch)
        raise KeyboardInterrupt

    model = Noisy()
    before = fingerprint(model)
    with pytest.raises(KeyboardInterrupt):
        sharpness(model, interrupted, pair())
    require_equal(before, fingerprint(model))


def test_a_loss_that_writes_is_found_out():
    def writes(model, batch):
        with torch.no_grad():
            stored.add_(1.0)
        return mse(model, batch)

    model = Noisy()
    stored = model.norm.running_mean
    probe = Probe(model, writes, pair())
    changed = r"must change nothing, it changed buffer norm\.running_mean"
    with pytest.raises(Disturbed, match=changed), probe.measuring(verify=True):
        probe.loss()


def test_switches_of_the_process_are_put_back():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    seen = []

    def loss(model, batch):
        seen.append((torch.get_float32_matmul_precision(), torch.backends.cuda.flash_sdp_enabled()))
        return mse(model, batch)

    try:
        for chosen, expected in (("float32", "highest"), ("as_is", "medium")):
            Probe(model, loss, pair(), precision=chosen).loss()
            assert seen.pop() == (expected, False)
            assert torch.get_float32_matmul_precision() == "medium"
            assert torch.backends.cuda.flash_sdp_enabled()
    finally:
        torch.set_float32_matmul_precision(precision)


def test_a_measurement_is_known_only_where_it_runs():
    """Another thread does not take its own forward pass for a part of the measurement."""
    elsewhere = []

    def loss(model, batch):
        worker = threading.Thread(target=lambda: elsewhere.append(is_probing()))
        worker.start()
        worker.join()
        assert is_probing()
        return mse(model, batch)

    Probe(nn.Linear(3, 2), loss, pair()).loss()
    assert elsewhere == [False]


def test_a_batch_that_is_changed_later_does_not_change_the_measurement():
    batch = pair()
    probe = Probe(nn.Linear(3, 2), mse, batch)
    before = probe.loss()
    batch[0].zero_()
    assert probe.loss() == before


def test_a_probe_follows_training():
    """Its parameters are those of this moment; a product through the graph of an older one is refused."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    probe = Probe(model, mse, pair())
    operator, before = probe.operator("cached"), probe.loss()
    operator.product(torch.ones(probe.size))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    mse(model, pair()).backward()
    optimizer.step()
    assert probe.loss() < before
    assert abs(probe.loss() - mse(model, pair())) <= 1e-6
    with pytest.raises(Unmeasured, match="modified by an inplace operation"):
        operator.product(torch.ones(probe.size))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")
def test_random_numbers_of_a_gpu_are_put_back():
    model = Noisy().cuda()
    batch = tuple(each.cuda() for each in pair(8))
    for dropout in ("off", "frozen"):
        before = torch.cuda.get_rng_state()
        with Probe(model, mse, batch, dropout=dropout).measuring(verify=True):
            sharpness(model, mse, batch, dropout=dropout)
        assert torch.equal(before, torch.cuda.get_rng_state())
