"""The two-layer network and its loss in PyTorch, and the losses that each method steps along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import stepscape as ss
from stepscape import methods
from stepscape.network import BLOCKS


class Torch:
    """The same network and loss in PyTorch; examples are sorted by their inputs if these are one variable."""

    def __init__(self, given: ss.Problem, net: ss.TwoLayerReLU) -> None:
        order = np.argsort(given.inputs) if given.dimension == 1 else np.arange(given.size)
        self.x, self.y, self.v = (
            torch.tensor(a[order], dtype=torch.float64) for a in (given.points, given.labels, given.averaging)
        )
        self.logistic = given.loss == "logistic"
        self.blocks = [
            torch.tensor(np.atleast_1d(getattr(net, name)), dtype=torch.float64).requires_grad_(
                name in net.trainable
            )
            for name in BLOCKS
        ]

    @property
    def trained(self) -> list[torch.Tensor]:
        return [block for block in self.blocks if block.requires_grad]

    @property
    def theta(self) -> np.ndarray:
        return torch.cat([block.detach().clone().ravel() for block in self.blocks]).numpy()

    def loss(self, labels: torch.Tensor, chosen: Any = slice(None), scale: float = 1.0) -> torch.Tensor:
        w1, b1, w2, b2 = self.blocks
        f = torch.relu(self.x[chosen] @ w1.reshape(len(b1), -1).T + b1) @ w2 + b2
        y, v = labels[chosen], scale * self.v[chosen]
        return (v * (torch.nn.functional.softplus(-y * f) if self.logistic else 0.5 * (f - y) ** 2)).sum()

    def trace(self) -> torch.Tensor:
        """Trace of the Hessian by differentiating twice, coordinate by coordinate."""
        total = torch.zeros((), dtype=torch.float64)
        first = torch.autograd.grad(self.loss(self.y), self.trained, create_graph=True)
        for block, gradient in zip(self.trained, first, strict=True):
            for i in range(gradient.numel()):
                if gradient[i].requires_grad:
                    second = torch.autograd.grad(gradient[i], block, create_graph=True, allow_unused=True)[0]
                    total = total + (second[i] if second is not None else 0.0)
        return total

    def step(self, loss: Callable[[], torch.Tensor], optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    def run(self, method: Any, steps: int) -> np.ndarray:
        """Train, and return θ."""
        momentum = getattr(method, "momentum", 0.0)
        optimizer = torch.optim.SGD(self.trained, lr=method.step_size, momentum=momentum)
        for t in range(steps):
            self.step(lambda t=t: _LOSSES[type(method)](self, method, t), optimizer)  # type: ignore[misc]
        return self.theta


def _of_batch(self: Torch, method: Any, t: int) -> torch.Tensor:
    chosen = torch.tensor(method.batches(t, 1, len(self.y))[0])
    return self.loss(self.y, chosen, len(self.y) / method.batch_size)


def _of_noise(self: Torch, method: Any, t: int) -> torch.Tensor:
    return self.loss(self.y + torch.tensor(method.noises(t, 1, len(self.y))[0]))


def _of_sam(self: Torch, method: Any, t: int) -> torch.Tensor:
    """A function whose gradient is ∇L(θ + ρ ∇L/‖∇L‖): the loss at θ plus a constant move."""
    del t
    gradients = torch.autograd.grad(self.loss(self.y), self.trained)
    length = torch.sqrt(sum((g**2).sum() for g in gradients))  # type: ignore[arg-type]
    moves = iter([method.radius * g / length for g in gradients])
    kept = self.blocks
    self.blocks = [block + next(moves) if block.requires_grad else block for block in kept]
    loss = self.loss(self.y)
    self.blocks = kept
    return loss


def _of_trace(self: Torch, method: Any, t: int) -> torch.Tensor:
    del t
    return self.loss(self.y) + method.weight * self.trace()


_LOSSES = {
    methods.StochasticGradientDescent: _of_batch,
    methods.LabelNoise: _of_noise,
    methods.SharpnessAware: _of_sam,
    methods.TracePenalty: _of_trace,
}
