"""Models in training on which benchmarks/monitor.py measures, with the truth by ARPACK in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.datasets import load_digits
from torch import nn

Vector = torch.Tensor
Product = Callable[[Vector], Vector]


@dataclass(frozen=True)
class Situation:
    """A model at some point of its training: loss = criterion(model(batch[0]), batch[1])."""

    what: str
    model: nn.Module
    criterion: nn.Module
    batch: tuple[torch.Tensor, torch.Tensor]

    def loss(self, model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Loss of a model on a batch."""
        return self.criterion(model(batch[0]), batch[1])

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(p.numel() for p in self.model.parameters())


class Attention(nn.Module):
    """Causal self-attention with four heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inward, self.outward = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Output."""
        shape = (*x.shape[:2], 4, x.shape[2] // 4)
        parts = (part.reshape(shape).transpose(1, 2) for part in self.inward(x).chunk(3, -1))
        mixed = nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
        return self.outward(mixed.transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    """Attention and a perceptron, each after layer normalization and beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Output."""
        x = x + self.attention(self.first(x))
        return x + self.perceptron(self.second(x))


class Transformer(nn.Module):
    """Two blocks of width 64 over 64 symbols; the output is (batch, symbol, place)."""

    def __init__(self, symbols: int = 64, places: int = 32, width: int = 64) -> None:
        super().__init__()
        self.symbols, self.places = nn.Embedding(symbols, width), nn.Embedding(places, width)
        self.blocks = nn.Sequential(
            Block(width), Block(width), nn.LayerNorm(width), nn.Linear(width, symbols)
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Output."""
        place = torch.arange(tokens.shape[1])
        return self.blocks(self.symbols(tokens) + self.places(place)).transpose(1, 2)


def perceptron(steps: int) -> Situation:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3072, 200), nn.Tanh(), nn.Linear(200, 10))
    x = torch.randn(300, 3072)
    y = x @ torch.randn(3072, 10) / 3072**0.5 + 0.5 * torch.randn(300, 10)
    return _trained(Situation(f"3072-200-10, tanh, square loss, 300 examples, {_after(steps)}",
                              model, nn.MSELoss(), (x, y)), steps, 1.0)  # fmt: skip


def convolutional(steps: int) -> Situation:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    images, digits = load_digits(return_X_y=True)
    x = torch.tensor(images[:1000], dtype=torch.float32).reshape(-1, 1, 8, 8) / 16.0
    y = torch.tensor(digits[:1000])
    return _trained(Situation(f"convolutions on digits, cross-entropy, 1000 examples, {_after(steps)}",
                              model, nn.CrossEntropyLoss(), (x, y)), steps, 0.2)  # fmt: skip


def transformer(steps: int) -> Situation:
    torch.manual_seed(0)
    text = torch.randint(0, 64, (16, 33))
    text[:, 1::2] = (text[:, :-1:2] * 7 + 3) % 64  # every second symbol follows from the one before
    batch = (text[:, :-1], text[:, 1:])
    return _trained(Situation(f"2 blocks of width 64, cross-entropy, 16 × 32 symbols, {_after(steps)}",
                              Transformer(), nn.CrossEntropyLoss(), batch), steps, 0.1)  # fmt: skip


def _after(steps: int) -> str:
    return f"after {steps} steps of descent" if steps else "at the start"


def _trained(situation: Situation, steps: int, step_size: float) -> Situation:
    optimizer = torch.optim.SGD(situation.model.parameters(), lr=step_size)
    for _ in range(steps):
        train_step(situation, situation.model, optimizer)
    situation.model.zero_grad()
    return situation


def train_step(situation: Situation, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    situation.loss(model, situation.batch).backward()
    optimizer.step()


SITUATIONS: dict[str, Callable[[], Situation]] = {
    "perceptron_start": lambda: perceptron(0),
    "perceptron_trained": lambda: perceptron(100),
    "convolutions_trained": lambda: convolutional(100),
    "transformer_start": lambda: transformer(0),
}


def kept_graph(situation: Situation, model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> Product:
    """Hessian products by double backward, with one graph of the gradient."""
    parameters = list(model.parameters())
    slopes = torch.autograd.grad(situation.loss(model, batch), parameters, create_graph=True)

    def product(vector: Vector) -> Vector:
        along = [
            part.reshape(p.shape) for part, p in zip(_split(vector, parameters), parameters, strict=True)
        ]
        found = torch.autograd.grad(slopes, parameters, along, retain_graph=True)
        return torch.cat([each.reshape(-1) for each in found])

    return product


def _split(vector: Vector, parameters: list[nn.Parameter]) -> tuple[Vector, ...]:
    return vector.split([p.numel() for p in parameters])


def truth(situation: Situation) -> tuple[float, float]:
    """Return the two largest eigenvalues of the Hessian in float64.

    The tolerance is that of the residual; the error is its square over the gap.
    """
    model = copy.deepcopy(situation.model).double()
    x, y = (each.double() if each.is_floating_point() else each for each in situation.batch)
    product = kept_graph(situation, model, (x, y))
    matrix = LinearOperator((situation.size,) * 2, lambda v: product(torch.from_numpy(v.ravel())).numpy())
    second, first = eigsh(matrix, k=2, which="LA", ncv=30, tol=1e-6, return_eigenvectors=False)
    return float(first), float(second)
