"""The methods beyond descent written in PyTorch; used by engine_methods.py.

A peer takes a state and a method and returns ``advance(steps)``, which starts from the state and returns the
weights after so many steps. Both write a method in the same way:
which examples and labels a step sees, and one function for its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from engine_peers import State
from stepscape.methods import LabelNoise, SharpnessAware, StochasticGradientDescent, TracePenalty

Steps = Callable[[int], np.ndarray]
CHUNK = 1024  # steps whose random numbers are drawn together


def seen(method: object, state: State, steps: int) -> Iterator[tuple]:
    """Yield the inputs and labels that each step sees, as tensors."""
    import torch

    n = state.inputs.size
    x, y = torch.from_numpy(state.inputs), torch.from_numpy(state.labels)
    for first in range(0, steps, CHUNK):
        count = min(CHUNK, steps - first)
        if isinstance(method, StochasticGradientDescent):
            for rows in torch.from_numpy(method.batches(first, count, n)):
                yield x[rows], y[rows]
        elif isinstance(method, LabelNoise):
            for noise in torch.from_numpy(method.noises(first, count, n)):
                yield x, y + noise
        else:
            for _ in range(count):
                yield x, y


def autograd(state: State, method: object) -> Steps:
    """Modules, `backward` and `torch.optim.SGD`, as a user writes them."""
    import torch

    hidden = torch.nn.Linear(1, state.width, dtype=torch.float64)
    output = torch.nn.Linear(state.width, 1, dtype=torch.float64)
    parameters = [hidden.weight, hidden.bias, output.weight, output.bias]
    optimizer = torch.optim.SGD(parameters, lr=method.step_size)

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        z = hidden(x[:, None])
        a = torch.relu(z)
        found = 0.5 * ((output(a)[:, 0] - y) ** 2).mean()
        if isinstance(method, TracePenalty):
            # tr ∇²L = mean Σ_active (w2² (x² + 1) + z²) + 1
            scale = (z > 0.0).double() * (x[:, None] ** 2 + 1.0)
            found = found + method.weight * (scale @ output.weight[0] ** 2 + (a**2).sum(1)).mean()
        return found

    def backward(x: torch.Tensor, y: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss(x, y).backward()

    def step(x: torch.Tensor, y: torch.Tensor) -> None:
        backward(x, y)
        if isinstance(method, SharpnessAware):
            with torch.no_grad():
                scale = method.radius / torch.sqrt(sum((p.grad**2).sum() for p in parameters))
                moves = [scale * p.grad for p in parameters]
                torch._foreach_add_(parameters, moves)
            backward(x, y)
            with torch.no_grad():
                torch._foreach_sub_(parameters, moves)
        optimizer.step()

    def advance(steps: int) -> np.ndarray:
        with torch.no_grad():
            for p, block in zip(parameters, state.blocks, strict=True):
                p.copy_(torch.from_numpy(np.reshape(block, p.shape)))
        for x, y in seen(method, state, steps):
            step(x, y)
        return torch.cat([p.detach().reshape(-1) for p in parameters]).numpy()

    return advance


def by_hand(state: State, method: object) -> Steps:
    """Gradients written out as products of matrices, without autograd."""
    import torch

    def gradient(theta: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        k = state.width
        w1, b1, w2 = theta[:-1].view(3, k)
        a = torch.relu(torch.outer(x, w1).add_(b1))
        active = (a > 0.0).double()
        r = (a @ w2 + theta[-1] - y) / x.numel()
        rows = torch.stack([r * x, r])
        inner = rows @ active
        parts = [inner[0] * w2, inner[1] * w2, r @ a, r.sum()[None]]
        if isinstance(method, TracePenalty):
            weight = 2.0 * method.weight / x.numel()
            parts[0] += weight * (x @ a)
            parts[1] += weight * a.sum(0)
            parts[2] += weight * w2 * ((x * x + 1.0) @ active)
        return torch.cat(parts)

    def full(theta: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        g = gradient(theta, x, y)
        if isinstance(method, SharpnessAware):
            g = gradient(theta + method.radius / torch.linalg.norm(g) * g, x, y)
        return g

    def advance(steps: int) -> np.ndarray:
        theta = torch.from_numpy(state.theta.copy())
        with torch.no_grad():
            for x, y in seen(method, state, steps):
                theta -= method.step_size * full(theta, x, y)
        return theta.numpy()

    return advance


PEERS: dict[str, Callable[[State, object], Steps]] = {"torch autograd": autograd, "torch by hand": by_hand}
