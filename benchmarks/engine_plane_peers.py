"""Full-batch descent in R^d written for other tools; used by engine_plane.py.

A peer takes a state and returns ``advance(steps) -> loss``: so many steps from the state's weights, and the
loss after them. A peer whose tool is not installed raises ImportError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Advance = Callable[[int], float]


@dataclass(frozen=True)
class PlaneState:
    """Data (n, d) and (n,), weights θ ((d + 2)k + 1,) in the order (w1, b1, w2, b2), step size."""

    inputs: np.ndarray
    labels: np.ndarray
    theta: np.ndarray
    step_size: float

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Return n, d, k."""
        n, d = self.inputs.shape
        return n, d, (self.theta.size - 1) // (d + 2)

    @property
    def blocks(self) -> list[np.ndarray]:
        """Copies of w1 (k, d), b1 (k,), w2 (k,) and b2 (1,)."""
        _, d, k = self.sizes
        b1, w2 = self.theta[k * d : -1].reshape(2, k)
        return [self.theta[: k * d].reshape(k, d).copy(), b1.copy(), w2.copy(), self.theta[-1:].copy()]

    @property
    def points(self) -> np.ndarray:
        """Inputs with a last column of ones (n, d + 1)."""
        return np.ascontiguousarray(np.column_stack([self.inputs, np.ones(len(self.inputs))]))

    def loss(self, w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray) -> float:
        """½ mean (f - y)²."""
        f = np.maximum(self.inputs @ w1.T + b1, 0.0) @ w2 + b2
        return float(0.5 * np.mean((f - self.labels) ** 2))


def numpy_naive(state: PlaneState) -> Advance:
    """Backpropagation as it is usually written."""
    x, y, n = state.inputs, state.labels, state.sizes[0]

    def advance(steps: int) -> float:
        w1, b1, w2, b2 = state.blocks
        for _ in range(steps):
            z = x @ w1.T + b1
            hidden = np.maximum(z, 0.0)
            g = (hidden @ w2 + b2 - y) / n
            back = (z > 0.0) * np.outer(g, w2)
            changes = back.T @ x, back.sum(axis=0), hidden.T @ g, g.sum()
            for block, change in zip((w1, b1, w2, b2), changes, strict=True):
                block -= state.step_size * change
        return state.loss(w1, b1, w2, b2)

    return advance


def numpy_moments(state: PlaneState) -> Advance:
    """Write the matrix P of all gradients, as the engine does."""
    points, y, n = state.points, state.labels, state.sizes[0]
    turned = np.ascontiguousarray(points.T)

    def advance(steps: int) -> float:
        w1, b1, w2, b2 = state.blocks
        inner = np.column_stack([w1, b1]).T.copy()
        for _ in range(steps):
            z = points @ inner
            active = (z > 0.0).astype(np.float64)
            g = (np.maximum(z, 0.0, out=z) @ w2 + b2 - y) / n
            moments = (turned * g) @ active
            pull = np.einsum("ck,ck->k", inner, moments)
            inner -= state.step_size * w2 * moments
            w2 -= state.step_size * pull
            b2 -= state.step_size * g.sum()
        return state.loss(inner[:-1].T, inner[-1], w2, b2)

    return advance


def torch_module(state: PlaneState) -> Advance:
    """Take a module, autograd and SGD."""
    import torch

    _, d, k = state.sizes

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = torch.nn.Linear(d, k, dtype=torch.float64)
            self.output = torch.nn.Linear(k, 1, dtype=torch.float64)

        def forward(self, x):
            return self.output(torch.relu(self.hidden(x)))

    net = Network()
    x, y = torch.tensor(state.inputs), torch.tensor(state.labels)[:, None]
    optimizer = torch.optim.SGD(net.parameters(), lr=state.step_size)
    parameters = [net.hidden.weight, net.hidden.bias, net.output.weight, net.output.bias]

    def advance(steps: int) -> float:
        with torch.no_grad():
            for p, block in zip(parameters, state.blocks, strict=True):
                p.copy_(torch.from_numpy(np.reshape(block, p.shape)))
        for _ in range(steps):
            optimizer.zero_grad()
            loss = 0.5 * ((net(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
        w1, b1, w2, b2 = (p.detach().numpy() for p in parameters)
        return state.loss(w1, b1, w2[0], b2)

    return advance


def torch_moments(state: PlaneState) -> Advance:
    """Write the matrix P of all gradients by hand, without autograd."""
    import torch

    points, y = torch.from_numpy(state.points), torch.from_numpy(state.labels)
    turned, n, eta = points.T.contiguous(), state.sizes[0], state.step_size

    def advance(steps: int) -> float:
        w1, b1, w2, b2 = (torch.from_numpy(block) for block in state.blocks)
        inner = torch.cat([w1, b1[:, None]], dim=1).T.contiguous()
        with torch.no_grad():
            for _ in range(steps):
                z = points @ inner
                active = (z > 0).to(z.dtype)
                g = (z.clamp_(min=0.0) @ w2 + b2 - y) / n
                moments = (turned * g) @ active
                pull = (inner * moments).sum(dim=0)
                inner -= eta * w2 * moments
                w2 -= eta * pull
                b2 -= eta * g.sum()
        return state.loss(inner[:-1].T.numpy(), inner[-1].numpy(), w2.numpy(), b2.numpy())

    return advance


def torch_compile(state: PlaneState) -> Advance:
    """Compile a step through ``torch.func.grad``."""
    import torch

    x, y = torch.from_numpy(state.inputs), torch.from_numpy(state.labels)

    def loss(w1, b1, w2, b2):
        return 0.5 * ((torch.relu(x @ w1.T + b1) @ w2 + b2 - y) ** 2).mean()

    gradient = torch.func.grad(loss, argnums=(0, 1, 2, 3))

    @torch.compile
    def step(blocks, eta):
        return tuple(p - eta * g for p, g in zip(blocks, gradient(*blocks), strict=True))

    def advance(steps: int) -> float:
        blocks = tuple(torch.from_numpy(block) for block in state.blocks)
        eta = torch.tensor(state.step_size, dtype=torch.float64)
        for _ in range(steps):
            blocks = step(blocks, eta)
        return state.loss(*(block.numpy() for block in blocks))

    return advance


def jax_loop(state: PlaneState) -> Advance:
    """Take ``jax.grad`` in a compiled loop."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    x, y = jnp.asarray(state.inputs), jnp.asarray(state.labels)

    def loss(blocks):
        w1, b1, w2, b2 = blocks
        return 0.5 * ((jnp.maximum(x @ w1.T + b1, 0.0) @ w2 + b2 - y) ** 2).mean()

    @jax.jit
    def run(blocks, steps):
        def step(_, p):
            return jax.tree.map(lambda q, g: q - state.step_size * g, p, jax.grad(loss)(p))

        return jax.lax.fori_loop(0, steps, step, blocks)

    def advance(steps: int) -> float:
        blocks = run(tuple(jnp.asarray(block) for block in state.blocks), steps)
        return state.loss(*(np.asarray(block) for block in blocks))

    return advance


PEERS: dict[str, Callable[[PlaneState], Advance]] = {
    "torch autograd": torch_module,
    "torch by hand": torch_moments,
    "torch.compile": torch_compile,
    "NumPy": numpy_naive,
    "NumPy, matrix P": numpy_moments,
    "JAX": jax_loop,
}
