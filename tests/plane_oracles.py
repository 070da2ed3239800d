"""Independent oracles for inputs in R^d: the network, its dense Hessian, and the weight as loops.

f(x) = Σ_j w2_j max(w1_j·x + b1_j, 0) + b2. Nothing here imports stepscape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

EPS = float(np.finfo(float).eps)
ALL = ("w1", "b1", "w2", "b2")


@dataclass(frozen=True)
class PlaneCase:
    w1: np.ndarray  # (k, d)
    b1: np.ndarray
    w2: np.ndarray
    b2: float
    x: np.ndarray  # (n, d)
    y: np.ndarray
    v: np.ndarray  # any positive sum

    @property
    def averaging(self):
        return self.v / self.v.sum()

    def predict(self, x=None):
        at = self.x if x is None else x
        return np.array([sum(c * max(w @ p + b, 0.0) for w, b, c in self.neurons) + self.b2 for p in at])

    @property
    def neurons(self):
        return list(zip(self.w1, self.b1, self.w2, strict=True))

    def with_labels(self, y):
        return replace(self, y=np.asarray(y, float))


def slope_and_curvature(case, loss):
    f = case.predict()
    if loss == "square":
        return f - case.y, np.ones(f.size)
    return -case.y / (1 + np.exp(case.y * f)), 1 / (4 * np.cosh(f / 2) ** 2)


def loss_value(case, loss):
    f = case.predict()
    each = 0.5 * (f - case.y) ** 2 if loss == "square" else np.logaddexp(0.0, -case.y * f)
    return float(case.averaging @ each)


def trained_mask(case, trainable):
    k, d = case.w1.shape
    sizes = {"w1": k * d, "b1": k, "w2": k, "b2": 1}
    return np.concatenate([np.full(size, name in trainable) for name, size in sizes.items()])


def dense(case, loss="square", trainable=ALL):
    """G and R on the trained coordinates, in the order w1 (row by row), b1, w2, b2."""
    k, d = case.w1.shape
    size = k * d + 2 * k + 1
    slope, curvature = slope_and_curvature(case, loss)
    G, R = np.zeros((size, size)), np.zeros((size, size))
    for x, v, r, c in zip(case.x, case.averaging, slope, curvature, strict=True):
        g = np.zeros(size)
        g[-1] = 1.0
        for j, (w, b, a) in enumerate(case.neurons):
            if w @ x + b > 0:
                g[j * d : (j + 1) * d] = a * x
                g[k * d + j] = a
                g[k * d + k + j] = w @ x + b
                for m in range(d):
                    R[j * d + m, k * d + k + j] += v * r * x[m]
                    R[k * d + k + j, j * d + m] += v * r * x[m]
                R[k * d + j, k * d + k + j] += v * r
                R[k * d + k + j, k * d + j] += v * r
        G += v * c * np.outer(g, g)
    keep = np.ix_(*2 * (trained_mask(case, trainable),))
    return G[keep], R[keep]


@dataclass(frozen=True)
class PlaneMeasured:
    gauss_newton: float
    sharpness: float
    residual_norm: float
    loss: float


def measure(case, loss="square", trainable=ALL):
    G, R = dense(case, loss, trainable)
    return PlaneMeasured(
        gauss_newton=float(np.linalg.eigvalsh(G)[-1]),
        sharpness=float(np.linalg.eigvalsh(G + R)[-1]),
        residual_norm=float(np.abs(np.linalg.eigvalsh(R)).max()),
        loss=loss_value(case, loss),
    )


def accuracy(case, measured):
    """How far dense eigenvalues may be off."""
    size = case.w1.size + 2 * case.b1.size + 1
    return 4 * EPS * size * (measured.gauss_newton + measured.residual_norm)


def root(mean, trainable):
    return (("w1" in trainable) * float(mean @ mean) + ("b1" in trainable) * 1.0) ** 0.5


def one_sided(w, b, x, v, trainable=ALL):
    """g̃ of the half-space {w·x + b > 0}, literally."""
    size = float(np.sqrt(w @ w))
    u, t = w / size, -b / size
    total, mass, moment = sum(v), 0.0, np.zeros(len(w))
    for p, c in zip(x, v, strict=True):
        if w @ p + b > 0:
            mass += c / total
            moment = moment + c / total * p
    if mass == 0.0:
        return 0.0
    mean = moment / mass
    return mass**2 * (u @ mean - t) * root(mean, trainable)


def brute_weight(w, b, x, v, trainable=ALL):
    return min(one_sided(w, b, x, v, trainable), one_sided(-w, -b, x, v, trainable))


def random_plane_case(rng, dimension=None, loss="square"):
    """Draw a network and data at many scales, some with repeated inputs, weights, one-sided residuals."""

    def scale():
        return 10.0 ** rng.uniform(-1.0, 1.0)

    d = int(rng.integers(1, 7)) if dimension is None else dimension
    n, k = int(rng.integers(1, 20)), int(rng.integers(1, 7))
    x = scale() * rng.standard_normal((n, d)) + (
        scale() * rng.standard_normal(d) if rng.random() < 0.3 else 0
    )
    if rng.random() < 0.2:
        x = x[rng.integers(0, n, n)]
    w1, w2 = scale() * rng.standard_normal((k, d)), scale() * rng.standard_normal(k)
    near = x[rng.integers(0, n, k)] + 0.3 * (x.std() or 1.0) * rng.standard_normal((k, d))
    b1 = np.where(rng.random(k) < 0.7, -np.einsum("kd,kd->k", w1, near), scale() * rng.standard_normal(k))
    if rng.random() < 0.2:
        w1[0] = 0.0
    v = rng.random(n) + 0.01 if rng.random() < 0.5 else np.ones(n)
    case = PlaneCase(w1, b1, w2, float(rng.standard_normal()), x, np.zeros(n), v)
    if loss == "logistic":
        largest = np.abs(case.predict()).max() or 1.0
        shrink = 10.0 ** rng.uniform(-1.0, 1.2) / largest
        case = replace(case, w2=w2 * shrink, b2=case.b2 * shrink)
        return case.with_labels(rng.choice([-1.0, 1.0], n))
    noise = rng.standard_normal(n) if rng.random() < 0.5 else np.full(n, rng.choice([-1.0, 1.0]))
    return case.with_labels(case.predict() + scale() * noise)


def point_case(size, x, r, trainable=ALL):
    """One input, one neuron that balances the two means: T0 is an equality, whatever r = f − y."""
    x = np.asarray(x, float)
    w = np.arange(1.0, x.size + 1.0)
    a = size / root(x, trainable)
    return PlaneCase(
        w[None], np.array([size - w @ x]), np.array([a]), 0.0, x[None], np.array([a * size - r]), np.ones(1)
    )


def mirror_case(size, x, r, trainable=ALL):
    """Inputs ∓x, two neurons back to back through 0, half the mass each: T0 is an equality."""
    x = np.asarray(x, float)
    height = size * float(x @ x)
    a = height / root(x, trainable)
    return PlaneCase(
        np.array([size * x, -size * x]),
        np.zeros(2),
        np.array([a, a]),
        0.0,
        np.array([-x, x]),
        np.full(2, a * height - r),
        np.ones(2),
    )
