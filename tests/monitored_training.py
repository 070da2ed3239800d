"""Models in training for tests of the monitor: a bowl in closed form, and a small network on digits."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

nn = torch.nn


class Bowl(nn.Module):
    """½ xᵀAx of a parameter x; the batch is A."""

    def __init__(self, start: torch.Tensor) -> None:
        super().__init__()
        self.x = nn.Parameter(start.clone())


def bowl_loss(model: Bowl, matrix: torch.Tensor) -> torch.Tensor:
    """The loss of a bowl."""
    return 0.5 * model.x @ matrix @ model.x


def symmetric(values: list[float], seed: int = 0) -> torch.Tensor:
    """A symmetric matrix with these eigenvalues."""
    draw = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(len(values), len(values), generator=draw, dtype=torch.float64))
    return basis @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ basis.T


def bowl(values: list[float], seed: int = 0) -> tuple[Bowl, torch.Tensor]:
    """A bowl with these curvatures, and its batch."""
    return Bowl(torch.ones(len(values), dtype=torch.float64)), symmetric(values, seed)


@cache
def digits(count: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    """The first handwritten digits of scikit-learn and their labels, one of ten."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    ones = nn.functional.one_hot(torch.tensor(labels[:count]), 10)
    return torch.tensor(images[:count] / 16.0, dtype=torch.float64), ones.double()


def network(seed: int = 0, dropout: float = 0.0) -> nn.Module:
    """A network with one hidden layer of 16 units."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(64, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 10)
    ).double()  # fmt: skip


def square(model: nn.Module, batch: Any) -> torch.Tensor:
    """Five times the mean squared error."""
    return 5.0 * nn.functional.mse_loss(model(batch[0]), batch[1])


def descend(
    model: nn.Module, loss: Any, batch: Any, optimizer: Any, steps: int, monitor: Any = None
) -> list[float]:
    """Train on the full batch; the losses before each step."""
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        value = loss(model, batch)
        value.backward()
        optimizer.step()
        losses.append(float(value.detach()))
        if monitor is not None:
            monitor.step(step)
    return losses
