"""The edge ratio against dense matrices, companion matrices, and what real optimizers do."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from monitor_models import Point, dense, mlp, mse, pair, quadratic, quartic, random_matrix, snapshot
from stepscape.errors import InputError
from stepscape.monitor.edge import edge_ratio, preconditioned
from stepscape.monitor.probe import Probe

STILL = 1.0 - 1e-13  # a running mean that does not move
TIGHT = {"tolerance": 1e-9, "precision": "float64"}


def ratio(model, optimizer, matrix, loss=quadratic, **settings):
    return edge_ratio(model, loss, matrix, optimizer, **TIGHT, **settings)


def heavy(model, scale, first, second):
    """SGD with its own settings for either piece; step sizes are multiples of `scale`."""
    groups = [{"params": [model.head], **first}, {"params": [model.tail], **second}]
    for group in groups:
        group["lr"] *= scale
    return torch.optim.SGD(groups, lr=1.0)


PLAIN = {"lr": 0.1}
PAIRS = {
    "descent": (PLAIN, PLAIN),
    "heavy ball": ({"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.9}),
    "two groups": ({"lr": 0.1, "momentum": 0.9}, {"lr": 0.3, "momentum": 0.2, "weight_decay": 0.4}),
    "nesterov and dampening": (
        {"lr": 0.1, "momentum": 0.7, "nesterov": True}, {"lr": 0.2, "momentum": 0.5, "dampening": 0.3},
    ),
}  # fmt: skip


def companion(matrix, groups):
    """Matrix of one step on (x, v): v ← μv + (1 − τ)(A + W)x, x ← x − η·(v, or g + μv for Nesterov)."""

    def column(name):
        rows = [
            np.full(size, float(group.get(name, 0.0))) for size, group in zip((2, 3), groups, strict=True)
        ]
        return np.concatenate(rows)[:, None]

    eta, mu, tau = column("lr"), column("momentum"), column("dampening")
    nesterov = column("nesterov")
    bent, eye, zero = matrix.numpy() + np.diag(column("weight_decay")[:, 0]), np.eye(5), np.zeros((5, 5))
    grow = np.hstack([(1.0 - tau) * bent, mu * eye])
    step = nesterov * (np.hstack([bent, zero]) + mu * grow) + (1.0 - nesterov) * grow
    return np.vstack([np.hstack([eye, zero]) - eta * step, grow])


def radius(matrix, groups, scale):
    scaled = [{**group, "lr": group["lr"] * scale} for group in groups]
    return np.abs(np.linalg.eigvals(companion(matrix, scaled))).max()


@pytest.mark.parametrize("name", PAIRS)
def test_ratio_is_one_where_the_companion_matrix_has_radius_one(name):
    groups, matrix = PAIRS[name], random_matrix(seed=3, low=0.2)
    low, high = 1e-2, 10.0
    for _ in range(40):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if radius(matrix, groups, middle) <= 1.0 else (low, middle)
    model = Point()
    found = ratio(model, heavy(model, low, *groups), matrix)
    assert found.value == pytest.approx(1.0, abs=1e-6)
    assert found.status == "converged"
    assert len(found.thresholds) == (1 if groups[0] == groups[1] else 2)


def frozen_adam(model, scale):
    """AdamW and Adam's decay in one optimizer: its P is fixed and differs by coordinate."""
    groups = [
        {"params": [model.head], "lr": 0.1 * scale, "weight_decay": 0.3},
        {"params": [model.tail], "lr": 0.2 * scale, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, STILL), eps=1e-12)
    for p in model.parameters():
        square = torch.linspace(0.5, 3.0, p.numel(), dtype=p.dtype) ** 2
        still = {"step": torch.tensor(1e16), "exp_avg": torch.zeros_like(p), "exp_avg_sq": square}
        optimizer.state[p].update(still)
    return optimizer


MAKERS = {
    **{name: lambda model, scale, case=case: heavy(model, scale, *case) for name, case in PAIRS.items()},
    "adamw": frozen_adam,
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_real_optimizer_converges_below_the_edge_and_diverges_beyond(name):
    make, matrix = MAKERS[name], random_matrix(seed=5, low=0.5)
    scale = 1.0
    for _ in range(6):  # the ratio is proportional to the step sizes, but for decoupled decay nearly so
        model = Point()
        scale /= ratio(model, make(model, scale), matrix).value
    lengths = []
    for share in (0.99, 1.01):
        model = Point()
        optimizer = make(model, share * scale)
        for _ in range(450):
            x = model().detach()
            model.head.grad, model.tail.grad = (matrix @ x).split([2, 3])
            optimizer.step()
            if x.norm() > 1e2:
                break  # farther out, gradients would move even the slowest mean of squares
        lengths.append(model().detach().norm())
    assert lengths[0] < 0.03
    assert lengths[1] > 20.0


def trained(model, kind, batch, loss=mse, steps=3, **settings):
    optimizer = getattr(torch.optim, kind)(model.parameters(), **settings)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model, batch).backward()
        optimizer.step()
    return optimizer


KINDS = {
    "adam": ("Adam", {"lr": 0.01, "weight_decay": 0.2}, 0.2, 380.0 / 0.1),
    "amsgrad": ("Adam", {"lr": 0.01, "amsgrad": True}, 0.0, 3800.0),
    "adamw": ("AdamW", {"lr": 0.01, "weight_decay": 2.0}, 0.0, 19.0 * 1.98 / 0.01),
    "rmsprop": ("RMSprop", {"lr": 0.01, "momentum": 0.5, "centered": True}, 0.0, 300.0),
}


@pytest.mark.parametrize("name", KINDS)
def test_ratio_of_a_network_is_that_of_the_dense_matrix(name):
    kind, settings, decay, threshold = KINDS[name]
    model, batch = mlp(), pair()
    optimizer = trained(model, kind, batch, **settings)
    scales = []
    for p in model.parameters():
        state = optimizer.state[p]
        if kind == "RMSprop":
            scales.append((state["square_avg"] - state["grad_avg"] ** 2).sqrt() + 1e-8)
        else:
            square = state["max_exp_avg_sq" if settings.get("amsgrad") else "exp_avg_sq"]
            scales.append((1 - 0.9**3) * ((square / (1 - 0.999**3)).sqrt() + 1e-8))
    root = (threshold * torch.cat([scale.reshape(-1) for scale in scales])).rsqrt()
    _, hessian = dense(model, mse, batch)
    matrix = root[:, None] * (hessian + decay * torch.eye(len(hessian), dtype=torch.float64)) * root
    before = snapshot(model, optimizer)
    found = edge_ratio(model, mse, batch, optimizer, **TIGHT)
    assert before == snapshot(model, optimizer)
    assert found.value == pytest.approx(float(torch.linalg.eigvalsh(matrix)[-1]), rel=1e-8)
    assert found.thresholds == (pytest.approx(threshold),)
    assert found.residual <= 1e-9 * found.value


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("SGD", {"lr": 0.15}),
        ("Adam", {"lr": 0.01, "betas": (0.9, 0.99)}),
    ],
)
def test_full_batch_training_settles_at_the_edge(kind, settings):
    """What the ratio is for: whatever the optimizer, a network that it trains ends near 1."""
    inputs = torch.linspace(-1.0, 1.0, 20, dtype=torch.float64)[:, None]
    model, batch = mlp((1, 20, 20, 1)), (inputs, torch.sin(6.0 * inputs))
    optimizer, found = getattr(torch.optim, kind)(model.parameters(), **settings), []
    for _ in range(10):
        for _ in range(45):
            optimizer.zero_grad()
            mse(model, batch).backward()
            optimizer.step()
        found.append(edge_ratio(model, mse, batch, optimizer).value)
    assert 0.85 < np.median(found[5:]) < 1.15


def test_chosen_clipped_and_climbing_parameters():
    matrix, model = random_matrix(seed=2), Point()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    values = torch.linalg.eigvalsh(matrix)
    whole = ratio(model, optimizer, matrix)
    assert whole.value == pytest.approx(0.05 * float(values[-1]), rel=1e-9)
    assert not whole.clipped
    block = ratio(model, optimizer, matrix, select="tail")
    assert block.value == pytest.approx(0.05 * float(torch.linalg.eigvalsh(matrix[2:, 2:])[-1]), rel=1e-9)
    half = ratio(model, optimizer, matrix, clip_coefficient=0.5)
    assert (half.value, half.clipped) == (pytest.approx(0.5 * whole.value, rel=1e-9), True)
    up = torch.optim.SGD(model.parameters(), lr=0.1, maximize=True)
    assert ratio(model, up, matrix).value == pytest.approx(-0.05 * float(values[0]), rel=1e-9)


def test_a_parameter_outside_the_optimizer_does_not_count():
    matrix, model = random_matrix(seed=2), Point()
    found = ratio(model, torch.optim.SGD([model.tail], lr=0.1), matrix)
    assert found.value == pytest.approx(0.05 * float(torch.linalg.eigvalsh(matrix[2:, 2:])[-1]), rel=1e-9)


def test_graph_of_a_hessian_at_hand_serves_again():
    model, matrix = Point(), random_matrix()
    probe = Probe(model, quartic, matrix, precision="float64")
    hessian = probe.operator()
    operator = preconditioned(probe, torch.optim.SGD(model.parameters(), lr=0.1), hessian=hessian)
    vector = torch.ones(5, dtype=torch.float64)
    torch.testing.assert_close(operator.product(vector), 0.05 * hessian.product(vector))
    assert hessian.graphs == 1


def test_a_user_brings_a_rule_and_the_wrapper_is_opened():
    class Accelerated:
        def __init__(self, optimizer):
            self.optimizer = optimizer

    model, matrix = Point(), random_matrix(seed=2)
    optimizer = Accelerated(torch.optim.NAdam(model.parameters(), lr=0.1))
    found = ratio(model, optimizer, matrix, preconditioner=lambda one, p: (2.0, 5.0, 0.5))  # noqa: ARG005
    assert found.value == pytest.approx(0.1 * (4.0 + 0.5), rel=1e-9)


def test_what_has_no_ratio_says_why():
    model, matrix = Point(), random_matrix()
    groups = [{"params": [model.head]}, {"params": [model.tail], "maximize": True}]
    for optimizer, reason in {
        torch.optim.NAdam(model.parameters()): "no threshold is known for NAdam",
        torch.optim.Adam(model.parameters()): "Adam has no state before its first step",
        torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1): "moves none of the chosen parameters",
        torch.optim.SGD(groups, lr=0.1): "some groups of the optimizer maximize and others do not",
    }.items():
        found = edge_ratio(model, quadratic, matrix, optimizer)
        assert (found.status, found.products, found.thresholds) == ("unsupported", 0, ())
        assert math.isnan(found.value)
        assert reason in found.reason


def test_a_wrong_clip_coefficient_is_refused():
    model = Point()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for wrong in (0.0, 1.5, math.nan):
        with pytest.raises(InputError, match="clip_coefficient must be above 0 and at most 1"):
            edge_ratio(model, quadratic, random_matrix(), optimizer, clip_coefficient=wrong)
