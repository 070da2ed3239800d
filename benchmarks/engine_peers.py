"""The same full-batch descent written for other tools; used by engine.py.

A peer takes a state and returns ``advance(steps) -> loss``: so many steps from the state's weights, and the
loss after them (of the run with the state's step size, when it trains a batch). A peer whose tool is not
installed raises ImportError.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

BATCH = 32  # runs trained together by the batched peers
Advance = Callable[[int], float]


@dataclass(frozen=True)
class State:
    """Data (n,), weights θ (3k + 1,) in the order (w1, b1, w2, b2), step size; labels are ±1 if logistic."""

    inputs: np.ndarray
    labels: np.ndarray
    theta: np.ndarray
    step_size: float
    logistic: bool = False

    @property
    def width(self) -> int:
        """Number of neurons k."""
        return (self.theta.size - 1) // 3

    @property
    def step_sizes(self) -> np.ndarray:
        """Step sizes of a batch; the first is the state's."""
        return self.step_size * np.linspace(1.0, 0.1, BATCH)

    @property
    def blocks(self) -> list[np.ndarray]:
        """Copies of w1, b1, w2 (k,) and b2 ()."""
        k = self.width
        return [b.copy() for b in self.theta[:-1].reshape(3, k)] + [self.theta[-1].copy()]

    def loss(self, theta: np.ndarray) -> float:
        """½ mean (f - y)² or mean log(1 + e^{-yf}) at θ, one neuron after the other."""
        w1, b1, w2 = theta[:-1].reshape(3, -1)
        total = np.full(self.inputs.size, theta[-1])
        for w, b, a in zip(w1, b1, w2, strict=True):
            total += a * np.maximum(w * self.inputs + b, 0.0)
        if self.logistic:
            return float(np.mean(np.logaddexp(0.0, -self.labels * total)))
        return float(0.5 * np.mean((total - self.labels) ** 2))


def torch_loop(state: State) -> Advance:
    import torch

    step, parameters, restore = _torch_module(state)

    def advance(steps: int) -> float:
        restore()
        for _ in range(steps):
            step()
        return state.loss(torch.cat([p.detach().reshape(-1) for p in parameters]).numpy())

    return advance


def _torch_module(state: State):
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            k = state.width
            self.hidden = torch.nn.Linear(1, k, dtype=torch.float64)
            self.output = torch.nn.Linear(k, 1, dtype=torch.float64)

        def forward(self, x):
            return self.output(torch.relu(self.hidden(x)))

    net, torch_loss = Network(), _torch_loss(state.logistic)
    x, y = torch.from_numpy(state.inputs)[:, None], torch.from_numpy(state.labels)[:, None]
    optimizer = torch.optim.SGD(net.parameters(), lr=state.step_size)
    parameters = [net.hidden.weight, net.hidden.bias, net.output.weight, net.output.bias]

    def step() -> None:
        optimizer.zero_grad()
        loss = torch_loss(net(x), y)
        loss.backward()
        optimizer.step()

    def restore() -> None:
        with torch.no_grad():
            for p, block in zip(parameters, state.blocks, strict=True):
                p.copy_(torch.from_numpy(np.reshape(block, p.shape)))

    return step, parameters, restore


def _torch_loss(logistic: bool):
    import torch

    if logistic:
        return lambda f, y: torch.nn.functional.softplus(-y * f).mean()
    return lambda f, y: 0.5 * ((f - y) ** 2).mean()


def _torch_functions(state: State):
    import torch

    torch_loss = _torch_loss(state.logistic)

    x, y = torch.from_numpy(state.inputs), torch.from_numpy(state.labels)

    def loss(w1, b1, w2, b2):
        return torch_loss(torch.relu(x[:, None] * w1 + b1) @ w2 + b2, y)

    gradient = torch.func.grad(loss, argnums=(0, 1, 2, 3))

    def step(blocks, eta):
        return tuple(p - eta * g for p, g in zip(blocks, gradient(*blocks), strict=True))

    return step


def torch_compile(state: State) -> Advance:
    import torch

    step = torch.compile(_torch_functions(state))

    def advance(steps: int) -> float:
        blocks = tuple(torch.tensor(b) for b in state.blocks)
        eta = torch.tensor(state.step_size, dtype=torch.float64)
        for _ in range(steps):
            blocks = step(blocks, eta)
        return state.loss(torch.cat([b.reshape(-1) for b in blocks]).numpy())

    return advance


def torch_vmap(state: State) -> Advance:
    import torch

    step = torch.func.vmap(_torch_functions(state))

    def advance(steps: int) -> float:
        blocks = tuple(torch.tensor(np.stack([b] * BATCH)) for b in state.blocks)
        eta = torch.from_numpy(state.step_sizes)
        for _ in range(steps):
            blocks = step(blocks, eta)
        return state.loss(torch.cat([b[0].reshape(-1) for b in blocks]).numpy())

    return advance


def jax_loop(state: State) -> Advance:
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    x, y = jnp.asarray(state.inputs), jnp.asarray(state.labels)

    def loss(blocks):
        w1, b1, w2, b2 = blocks
        f = jnp.maximum(x[:, None] * w1 + b1, 0.0) @ w2 + b2
        if state.logistic:
            return jnp.logaddexp(0.0, -y * f).mean()
        return 0.5 * ((f - y) ** 2).mean()

    def run(blocks, eta, steps):
        def step(_, p):
            return jax.tree.map(lambda q, g: q - eta * g, p, jax.grad(loss)(p))

        return jax.lax.fori_loop(0, steps, step, blocks)

    batch = jax.jit(jax.vmap(run, in_axes=(None, 0, None)))

    def advance(steps: int) -> float:
        blocks = batch(tuple(jnp.asarray(b) for b in state.blocks), jnp.asarray(state.step_sizes), steps)
        return state.loss(np.concatenate([np.asarray(b[0]).reshape(-1) for b in blocks]))

    return advance


@cache
def _scalar_library() -> ctypes.CDLL:
    source = Path(__file__).with_name("engine_scalar.c")
    target = Path(tempfile.mkdtemp()) / "engine_scalar.so"
    command = ["cc", "-O3", "-march=native", "-ffp-contract=off", "-fPIC", "-shared"]
    try:
        subprocess.run([*command, str(source), "-o", str(target), "-lm"], check=True)
    except FileNotFoundError:
        raise ImportError("there is no C compiler") from None
    library = ctypes.CDLL(str(target))
    library.descend.restype = ctypes.c_double
    return library


def scalar_c(state: State) -> Advance:
    n, k = state.inputs.size, state.width
    padded = np.concatenate([[-np.inf], state.inputs, [np.inf]])
    weights = np.full(n, 1.0 / n)
    library = _scalar_library()

    def advance(steps: int) -> float:
        theta = state.theta.copy()
        at = theta.ctypes.data
        where = [ctypes.c_void_p(at + 8 * k * i) for i in range(4)]
        data = [ctypes.c_void_p(array.ctypes.data) for array in (padded, state.labels, weights)]
        return float(
            library.descend(
                *where, ctypes.c_int64(k), *data, ctypes.c_int64(n), ctypes.c_double(state.step_size),
                ctypes.c_int64(steps), ctypes.c_int(state.logistic),
            )
        )  # fmt: skip

    return advance


@dataclass(frozen=True)
class Peer:
    """How to prepare it, how many runs a step advances, and up to which n·k it is feasible."""

    prepare: Callable[[State], Advance]
    runs: int = 1
    most: float = 1e9


PEERS = {
    "scalar C": Peer(scalar_c),
    "torch loop": Peer(torch_loop),
    "torch.compile": Peer(torch_compile, most=3e5),
    "torch vmap": Peer(torch_vmap, BATCH, 2e6),
    "jax vmap": Peer(jax_loop, BATCH, 2e6),
}
