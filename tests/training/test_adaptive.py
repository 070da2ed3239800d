"""RMSProp, Adam and AdamW on networks: trajectories of PyTorch, and what stands against their thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import oracles as ref
import plane_cases as pc
import stepscape as ss
from cases import dense
from stepscape import methods
from stepscape.network import BLOCKS
from torch_network import Torch

N, K, STEPS = 12, 17, 200
METHODS: dict[str, Any] = {
    "rmsprop": methods.RMSProp(2e-3, STEPS, beta2=0.9, epsilon=1e-3, weight_decay=0.1),
    "scalar rmsprop": methods.RMSProp(1e-2, STEPS, beta2=0.9, epsilon=1e-3, scalar=True, weight_decay=0.1),
    "adam": methods.Adam(3e-3, STEPS, 0.8, 0.95, epsilon=1e-3, weight_decay=0.1),
    "adamw": methods.AdamW(3e-3, STEPS, 0.8, 0.95, epsilon=1e-3, weight_decay=0.3),
}


def problem(loss: str = "square") -> ss.Problem:
    given = ss.problems.tent(n=N, noise=0.5, seed=3, half_width=2.0)
    labels = np.sign(given.labels) if loss == "logistic" else given.labels
    return ss.Problem(given.inputs, labels, loss=loss, weights=np.arange(1.0, N + 1.0))


def network(trainable: tuple[str, ...] = BLOCKS) -> ss.TwoLayerReLU:
    drawn = ss.TwoLayerReLU.random(K, 0.8, "torch", seed=2)
    return ss.TwoLayerReLU(drawn.w1, drawn.b1, drawn.w2, drawn.b2, trainable)


class ScalarRMSprop(torch.optim.Optimizer):
    """One running mean of ‖g‖² for all parameters, which PyTorch does not have."""

    def __init__(self, groups: list[dict[str, Any]], lr: float, alpha: float, eps: float) -> None:
        super().__init__(groups, {})
        self.lr, self.alpha, self.eps, self.square = lr, alpha, eps, 0.0

    @torch.no_grad()  # type: ignore[misc]
    def step(self) -> None:  # type: ignore[override]
        pairs = [
            (p, p.grad + g["weight_decay"] * p)
            for g in self.param_groups for p in g["params"] if p.grad is not None
        ]  # fmt: skip
        total = sum(float((g**2).sum()) for _, g in pairs)
        self.square = self.alpha * self.square + (1.0 - self.alpha) * total
        for p, g in pairs:
            p -= self.lr * g / (np.sqrt(self.square) + self.eps)


def optimizer(model: Torch, method: Any) -> torch.optim.Optimizer:
    """The optimizer of PyTorch, weight decay on all trained blocks but the output bias."""
    groups = [
        {"params": [block], "weight_decay": method.weight_decay * (name != "b2")}
        for name, block in zip(BLOCKS, model.blocks, strict=True) if block.requires_grad
    ]  # fmt: skip
    if isinstance(method, methods.RMSProp):
        make = ScalarRMSprop if method.scalar else torch.optim.RMSprop
        return make(groups, lr=method.step_size, alpha=method.beta2, eps=method.epsilon)
    make = torch.optim.AdamW if isinstance(method, methods.AdamW) else torch.optim.Adam
    return make(groups, lr=method.step_size, betas=(method.beta1, method.beta2), eps=method.epsilon)


def by_torch(given: ss.Problem, net: ss.TwoLayerReLU, method: Any, steps: int) -> tuple[Torch, Any]:
    model = Torch(given, net)
    chosen = optimizer(model, method)
    for _ in range(steps):
        model.step(lambda: model.loss(model.y), chosen)
    return model, chosen


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("blocks", [BLOCKS, ("w1", "w2"), ("b1", "w2", "b2")])
def test_trajectories_of_pytorch(name: str, loss: str, blocks: tuple[str, ...]) -> None:
    given, net, method = problem(loss), network(blocks), METHODS[name]
    run = ss.train(given, net, method, record_every=37, measure_sharpness=False)
    expected = by_torch(given, net, method, STEPS)[0].theta
    np.testing.assert_allclose(run.network.parameters, expected, rtol=0, atol=1e-11)
    before = by_torch(given, net, method, STEPS - 1)[0].theta
    np.testing.assert_allclose(run.network_before.parameters, before, rtol=0, atol=1e-11)
    assert np.abs(expected - net.parameters).max() > 0.05
    assert run.time[-1] == pytest.approx(STEPS * method.step_size, rel=1e-14)
    assert run.method == method


@pytest.mark.parametrize("name", METHODS)
def test_trajectories_of_pytorch_in_several_variables(name: str) -> None:
    given, net = pc.noisy_plane(N, 4, seed=3), pc.plane_network(K, 4, seed=2)
    run = ss.train(given, net, METHODS[name], record_every=STEPS, measure_sharpness=False)
    expected = by_torch(given, net, METHODS[name], STEPS)[0].theta
    np.testing.assert_allclose(run.network.parameters, expected, rtol=0, atol=1e-11)


def divisor(method: Any, chosen: Any) -> np.ndarray:
    """P of the last step, from the state of the optimizer of PyTorch."""
    if method is METHODS["scalar rmsprop"]:
        return np.full(3 * K + 1, np.sqrt(chosen.square) + method.epsilon)
    states = [chosen.state[p] for group in chosen.param_groups for p in group["params"]]
    if isinstance(method, methods.RMSProp):
        return np.concatenate([state["square_avg"].sqrt().ravel() + method.epsilon for state in states])
    first, second = 1.0 - method.beta1**STEPS, 1.0 - method.beta2**STEPS
    roots = [np.sqrt(state["exp_avg_sq"].numpy().ravel() / second) for state in states]
    return first * (np.concatenate(roots) + method.epsilon)


@pytest.mark.parametrize("name", METHODS)
def test_sharpness_is_that_of_the_preconditioned_hessian(name: str) -> None:
    given, net, method = problem(), network(), METHODS[name]
    run = ss.train(given, net, method, record_every=STEPS)
    root = np.sqrt(divisor(method, by_torch(given, net, method, STEPS)[1]))
    decay = 0.0 if name == "adamw" else method.weight_decay
    hessian = ref.hessian(run.midpoint.parameters, dense(given)) + decay * np.diag(
        np.arange(3 * K + 1) < 3 * K
    )
    top = np.linalg.eigvalsh(hessian / np.outer(root, root))[-1]
    assert run.sharpness[-1] == pytest.approx(top, rel=1e-7)
    assert run.edge_ratio[-1] == pytest.approx(top / method.threshold(), rel=1e-7)


@pytest.mark.parametrize("name", METHODS)
def test_records_change_no_bit(name: str) -> None:
    ends = [
        ss.train(problem(), network(), METHODS[name], every, measure_sharpness=False).network.parameters
        for every in (7, STEPS)
    ]
    assert np.array_equal(*ends)


@pytest.mark.parametrize("step_size", [1e8, 1e80, 1e200])
@pytest.mark.parametrize("d", [1, 4])
def test_a_huge_step_size_diverges_and_says_so(step_size: float, d: int) -> None:
    """Also where the loss or its gradient is beyond the range of float64."""
    given, net = (problem(), network()) if d == 1 else (pc.noisy_plane(N, d), pc.plane_network(K, d))
    run = ss.train(given, net, methods.Adam(step_size, 40), record_every=20)
    assert run.outcome == "diverged"
    assert f"at step_size {step_size:g}; lower it, or shrink the initialization" in run.message
    assert np.isfinite(run.network.parameters).all()
