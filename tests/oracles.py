"""Independent oracles: dense NumPy of the network, its loss and its training; the weight's sums as loops.

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


# ---- theory on the line: definitions, dense matrices, random networks

EPS = float(np.finfo(float).eps)
ALL = ("w1", "b1", "w2", "b2")
BOUNDED = [
    ALL,
    ("w1", "b1", "w2"),
    ("b1", "w2", "b2"),
    ("w1", "w2", "b2"),
    ("b1", "w2"),
    ("w1", "w2"),
]
UNBOUNDED = [("w1", "b1", "b2"), ("w2", "b2"), ("w2",), ("b2",), ()]


def root(mean, trainable):
    """√ of the sum of the squared entries of (mean, 1) that belong to a trained block."""
    return (("w1" in trainable) * mean**2 + ("b1" in trainable) * 1.0) ** 0.5


def one_sided(t, x, v, sign, trainable=ALL):
    """g+ (sign 1) or g− (sign −1) at the number t, literally."""
    total = sum(v)
    mass = moment = 0.0
    for xi, vi in zip(x, v, strict=True):
        if sign * (xi - t) > 0:
            mass += vi / total
            moment += vi / total * xi
    if mass == 0.0:
        return 0.0
    mean = moment / mass
    return mass**2 * sign * (mean - t) * root(mean, trainable)


def brute_weight(t, x, v, trainable=ALL):
    return min(one_sided(t, x, v, 1, trainable), one_sided(t, x, v, -1, trainable))


@dataclass(frozen=True)
class Case:
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: float
    x: np.ndarray
    y: np.ndarray
    v: np.ndarray  # any positive sum

    @property
    def network(self):
        return {"w1": self.w1, "b1": self.b1, "w2": self.w2, "inputs": self.x, "weights": self.v}

    def predict(self):
        return np.maximum(self.x[:, None] * self.w1 + self.b1, 0.0) @ self.w2 + self.b2


@dataclass(frozen=True)
class Measured:
    gauss_newton: float
    sharpness: float
    residual_norm: float
    loss: float


def dense(case: Case, trainable=ALL):
    """G and R on the trained coordinates."""
    theta, d = np.concatenate([case.w1, case.b1, case.w2, [case.b2]]), data(case.x, case.y, case.v)
    trained = mask(case.w1.size, trainable)
    keep = np.ix_(trained, trained)
    return gauss_newton(theta, d)[keep], residual_part(theta, d)[keep]


def measure(case: Case, trainable=ALL) -> Measured:
    G, R = dense(case, trainable)
    p = case.v / case.v.sum()
    return Measured(
        gauss_newton=float(np.linalg.eigvalsh(G)[-1]),
        sharpness=float(np.linalg.eigvalsh(G + R)[-1]),
        residual_norm=float(np.abs(np.linalg.eigvalsh(R)).max()),
        loss=float(0.5 * p @ (case.predict() - case.y) ** 2),
    )


def random_case(rng: np.random.Generator) -> Case:
    """Draw a network and data at many scales, some with repeated inputs, weights, one-sided residuals."""

    def scale():
        return 10.0 ** rng.uniform(-1.0, 1.5)

    n, k = int(rng.integers(1, 13)), int(rng.integers(1, 9))
    x = scale() * rng.standard_normal(n) + (scale() * rng.standard_normal() if rng.random() < 0.3 else 0.0)
    if rng.random() < 0.3:
        x = rng.choice(x, n)
    w1, w2 = scale() * rng.standard_normal(k), scale() * rng.standard_normal(k)
    near = rng.choice(x, k) + 0.3 * (np.ptp(x) or 1.0) * rng.standard_normal(k)
    b1 = np.where(rng.random(k) < 0.7, -w1 * near, scale() * rng.standard_normal(k))
    if rng.random() < 0.2:
        w1[0] = 0.0
    v = rng.random(n) + 0.01 if rng.random() < 0.5 else np.ones(n)
    case = Case(w1, b1, w2, float(rng.standard_normal()), x, np.zeros(n), v)
    noise = rng.standard_normal(n) if rng.random() < 0.5 else np.full(n, rng.choice([-1.0, 1.0]))
    return Case(w1, b1, w2, case.b2, x, case.predict() + scale() * noise, v)


def point_case(size: float, x: float, r: float, trainable=ALL) -> Case:
    """One input, one neuron that balances the two means: T0 is an equality, whatever r = f − y."""
    z = size
    w2 = z / root(x, trainable)
    w1 = 2.0
    return Case(
        np.array([w1]),
        np.array([z - w1 * x]),
        np.array([w2]),
        0.0,
        np.array([x]),
        np.array([w2 * z - r]),
        np.ones(1),
    )


def mirror_case(size: float, a: float, r: float, trainable=ALL) -> Case:
    """Inputs ∓a, two neurons back to back with knots at 0, half the mass each: T0 is an equality."""
    s = size
    u = s * a / root(a, trainable)
    return Case(
        np.array([s, -s]),
        np.zeros(2),
        np.array([u, u]),
        0.0,
        np.array([-a, a]),
        np.full(2, u * s * a - r),
        np.ones(2),
    )
