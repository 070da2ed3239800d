"""Dense float64 NumPy reference of the network, its loss and its training, written from the definitions.

f(x) = Σ_j w2_j max(w1_j x + b1_j, 0) + b2,  L = ½ Σ_i v_i (f(x_i) - y_i)²,  Σ v_i = 1,
max(z, 0)' = 1{z > 0}; with `logistic` L = Σ_i v_i log(1 + exp(-y_i f(x_i))), y = ±1.
Parameters are one vector in the order w1 (k), b1 (k), w2 (k), b2. Nothing here imports stepscape.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

BLOCKS = ("w1", "b1", "w2", "b2")
SUBSETS = [blocks for size in (1, 2, 3, 4) for blocks in combinations(BLOCKS, size)]


class Data(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    v: np.ndarray  # averaging weights, sum 1
    logistic: bool = False


def data(x, y, weights=None, logistic=False) -> Data:
    x, y = np.asarray(x, float), np.asarray(y, float)
    weights = np.ones(x.size) if weights is None else np.asarray(weights, float)
    return Data(x, y, weights / weights.sum(), logistic)


def split(theta):
    k = (theta.size - 1) // 3
    return theta[:k], theta[k : 2 * k], theta[2 * k : 3 * k], theta[-1]


def mask(width: int, blocks) -> np.ndarray:
    """Boolean (3k + 1,): the coordinates of the named blocks."""
    return np.concatenate([np.full(1 if name == "b2" else width, name in blocks) for name in BLOCKS])


def preactivation(theta, x):
    w1, b1, _, _ = split(theta)
    return x[:, None] * w1[None, :] + b1[None, :]


def forward(theta, x):
    _, _, w2, b2 = split(theta)
    return np.maximum(preactivation(theta, x), 0.0) @ w2 + b2


def loss(theta, d: Data) -> float:
    f = forward(theta, d.x)
    return float(np.sum(d.v * (np.logaddexp(0.0, -d.y * f) if d.logistic else 0.5 * (f - d.y) ** 2)))


def slope(theta, d: Data):
    """v ∂ℓ/∂f (n,)."""
    f = forward(theta, d.x)
    return -d.v * d.y * np.exp(-np.logaddexp(0.0, d.y * f)) if d.logistic else d.v * (f - d.y)


def curvature(theta, d: Data):
    """v ∂²ℓ/∂f² (n,)."""
    f = forward(theta, d.x)
    return d.v * np.exp(-np.logaddexp(0.0, f) - np.logaddexp(0.0, -f)) if d.logistic else d.v


def tangent(theta, x):
    """Φ (n, 3k + 1): row i is ∇_θ f(x_i)."""
    _, _, w2, _ = split(theta)
    z = preactivation(theta, x)
    s = (z > 0).astype(float)
    return np.concatenate([s * w2 * x[:, None], s * w2, s * z, np.ones((x.size, 1))], axis=1)


def gradient(theta, d: Data):
    return tangent(theta, d.x).T @ slope(theta, d)


def gauss_newton(theta, d: Data):
    phi = tangent(theta, d.x)
    return phi.T @ (curvature(theta, d)[:, None] * phi)


def residual_part(theta, d: Data):
    """R = Σ_i v_i ℓ'_i ∇²f(x_i); ∂²f/∂w1∂w2 = 1{z > 0} x and ∂²f/∂b1∂w2 = 1{z > 0}."""
    k = (theta.size - 1) // 3
    s = (preactivation(theta, d.x) > 0).astype(float)
    g = slope(theta, d)
    p, q = s.T @ (g * d.x), s.T @ g
    r = np.zeros((theta.size, theta.size))
    j = np.arange(k)
    r[j, 2 * k + j] = r[2 * k + j, j] = p
    r[k + j, 2 * k + j] = r[2 * k + j, k + j] = q
    return r


def hessian(theta, d: Data):
    return gauss_newton(theta, d) + residual_part(theta, d)


@dataclass
class Run:
    theta: np.ndarray
    before: np.ndarray
    switches: int  # changes of an activation between consecutive iterates, over the whole run
    losses: list[float]


def descend(theta, d: Data, trained, step_sizes, beta=0.0, nesterov=False, decay=0.0) -> Run:
    """torch.optim.SGD's recursion with dampening 0, full batch, output bias not decayed."""
    theta, velocity = theta.copy(), np.zeros_like(theta)
    decayed = np.ones(theta.size)
    decayed[-1] = 0.0
    before, switches, losses = theta.copy(), 0, [loss(theta, d)]
    active = preactivation(theta, d.x) > 0
    for eta in step_sizes:
        before = theta.copy()
        g = gradient(theta, d) + decay * decayed * theta
        velocity = beta * velocity + g
        direction = g + beta * velocity if nesterov else velocity
        theta = np.where(trained, theta - eta * direction, theta)
        now = preactivation(theta, d.x) > 0
        switches += int(np.sum(now != active))
        active = now
        losses.append(loss(theta, d))
    return Run(theta, before, switches, losses)


def geometric(first: float, last: float, warmup: int, steps: int) -> np.ndarray:
    """Step sizes rising geometrically from `first` to `last` over `warmup` steps, then constant."""
    t = np.arange(steps)
    return np.where(t < warmup, first * (last / first) ** np.minimum(t / max(1, warmup), 1), last)
