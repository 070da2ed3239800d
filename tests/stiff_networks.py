"""Stiff, cancelling and extreme networks, and the exact numbers of each in rational arithmetic.

Nothing here imports stepscape but to build its objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import mpmath
import numpy as np

import oracles as ref
import stepscape as ss

DIGITS = 60


@dataclass(frozen=True)
class StiffCase:
    """A problem, a network, and the kind of difficulty it was drawn for."""

    kind: str
    problem: ss.Problem
    network: ss.TwoLayerReLU

    @cached_property
    def exact(self) -> ExactNumbers:
        return ExactNumbers(self.problem, self.network)


class ExactNumbers:
    """Numbers of a network as fractions, or of 60 digits where the logistic loss needs an exponential."""

    def __init__(self, problem: ss.Problem, network: ss.TwoLayerReLU) -> None:
        line = problem.line
        self.logistic = problem.loss == "logistic"
        self.x, self.y, self.v = ([Fraction(float(t)) for t in part] for part in line.arrays)
        self.w, self.b, self.a = (
            [Fraction(float(t)) for t in p] for p in (network.w1, network.b1, network.w2)
        )
        self.b2, self.trained = Fraction(network.b2), network.trained
        with np.errstate(over="ignore", invalid="ignore"):
            self.in_float64 = np.multiply.outer(line.inputs, network.w1) + network.b1 > 0.0

    @cached_property
    def active(self):
        """As float64 decides, but exactly where that moves f by more than 1e-10 of the largest |f|, label."""
        labels = [] if self.logistic else self.y
        scale = Fraction(1, 10**10) * max(abs(t) for t in (*self.predictions, *labels))
        exact = np.array([[z > 0 for z in row] for row in self.z])
        matters = np.array([[abs(a * z) > scale for a, z in zip(self.a, row, strict=True)] for row in self.z])
        return np.where(matters, exact, self.in_float64)

    @cached_property
    def z(self):
        """w1 x + b1, rows of inputs."""
        return [[w * x + b for w, b in zip(self.w, self.b, strict=True)] for x in self.x]

    @cached_property
    def predictions(self):
        return [
            self.b2 + sum((a * z for a, z in zip(self.a, row, strict=True) if z > 0), Fraction(0))
            for row in self.z
        ]

    @cached_property
    def _pairs(self):
        """v ℓ' and v ℓ''."""
        if not self.logistic:
            return [v * (f - y) for v, f, y in zip(self.v, self.predictions, self.y, strict=True)], self.v
        slopes, bends = [], []
        with mpmath.workdps(DIGITS):
            for v, f, y in zip(self.v, self.predictions, self.y, strict=True):
                small = fraction(mpmath.exp(-abs(real(f)))) if abs(f) < 20_000 else Fraction(0)
                wrong = (1 if y * f <= 0 else small) / (1 + small)
                slopes.append(-v * y * wrong)
                bends.append(v * small / (1 + small) ** 2)
        return slopes, bends

    @cached_property
    def loss(self):
        if not self.logistic:
            terms = zip(self.v, self.predictions, self.y, strict=True)
            return sum((v * (f - y) ** 2 for v, f, y in terms), Fraction(0)) / 2
        total = Fraction(0)
        with mpmath.workdps(DIGITS):
            for v, f, y in zip(self.v, self.predictions, self.y, strict=True):
                m = y * f
                tail = mpmath.log1p(mpmath.exp(-abs(real(m)))) if abs(m) < 20_000 else mpmath.mpf(0)
                total += v * (max(-m, Fraction(0)) + fraction(tail))
        return total

    @cached_property
    def rows(self):
        """∇f(x_i) on all coordinates, inputs by parameters."""
        out = []
        for i, x in enumerate(self.x):
            s = [bool(active) for active in self.active[i]]
            out.append([
                *(a * x if on else Fraction(0) for a, on in zip(self.a, s, strict=True)),
                *(a if on else Fraction(0) for a, on in zip(self.a, s, strict=True)),
                *(z if on else Fraction(0) for z, on in zip(self.z[i], s, strict=True)),
                Fraction(1),
            ])  # fmt: skip
        return out

    @cached_property
    def gradient(self):
        return self._back(self._pairs[0])

    def _back(self, weights):
        sums = [sum((g * row[j] for g, row in zip(weights, self.rows, strict=True)), Fraction(0))
                for j in range(len(self.trained))]  # fmt: skip
        return [s if on else Fraction(0) for s, on in zip(sums, self.trained, strict=True)]

    @cached_property
    def gradient_terms(self):
        """Σ |v ℓ' ∂f|, parameter by parameter: what is summed up in the gradient."""
        weights = [abs(g) for g in self._pairs[0]]
        rows = [[abs(r) for r in row] for row in self.rows]
        return [
            sum((g * row[j] for g, row in zip(weights, rows, strict=True)), Fraction(0))
            if on
            else Fraction(0)
            for j, on in enumerate(self.trained)
        ]

    @cached_property
    def steepest(self):
        """Σ v |∂f| over all inputs and parameters, times the largest label."""
        largest = Fraction(1) if self.logistic else max(abs(y) for y in self.y)
        return largest * sum(v * sum(map(abs, row)) for v, row in zip(self.v, self.rows, strict=True))

    @cached_property
    def size(self):
        """tr G + a bound on ‖R‖, on the trained coordinates: at least ‖H‖."""
        k, largest = len(self.w), Fraction(0)
        for j in range(k):
            on = [i for i in range(len(self.x)) if self.active[i, j]]
            p = abs(sum((self._pairs[0][i] * self.x[i] for i in on), Fraction(0))) * bool(self.trained[j])
            q = abs(sum((self._pairs[0][i] for i in on), Fraction(0))) * bool(self.trained[k + j])
            largest = max(largest, (p + q) * bool(self.trained[2 * k + j]))
        return self.trace + largest

    @cached_property
    def trace(self):
        return sum(
            (d * r * r for d, row in zip(self._pairs[1], self.rows, strict=True)
             for r, on in zip(row, self.trained, strict=True) if on),
            Fraction(0),
        )  # fmt: skip

    def product(self, vector):
        """H·vector on the trained coordinates."""
        u = [Fraction(float(t)) if on else Fraction(0) for t, on in zip(vector, self.trained, strict=True)]
        slopes, bends = self._pairs
        ahead = [d * sum((r * t for r, t in zip(row, u, strict=True)), Fraction(0))
                 for d, row in zip(bends, self.rows, strict=True)]  # fmt: skip
        out, k = self._back(ahead), len(self.w)
        for j in range(k):
            on = [i for i in range(len(self.x)) if self.active[i, j]]
            p = sum((slopes[i] * self.x[i] for i in on), Fraction(0))
            q = sum((slopes[i] for i in on), Fraction(0))
            out[j] += p * u[2 * k + j]
            out[k + j] += q * u[2 * k + j]
            out[2 * k + j] += p * u[j] + q * u[k + j]
        return [s if on else Fraction(0) for s, on in zip(out, self.trained, strict=True)]

    @cached_property
    def sharpness(self):
        """λ_max of the dense Hessian, to about 40 digits."""
        at = np.flatnonzero(self.trained)
        columns = [self.product(np.eye(len(self.trained))[j]) for j in at]
        with mpmath.workdps(DIGITS):
            largest = max((abs(t) for column in columns for t in column), default=Fraction(0))
            if largest == 0:
                return Fraction(0)
            matrix = mpmath.matrix([[real(column[i] / largest) for column in columns] for i in at])
            return fraction(max(mpmath.eigsy((matrix + matrix.T) / 2, eigvals_only=True))) * largest


def real(number: Fraction):
    """Return a fraction as a number of mpmath."""
    return mpmath.mpf(number.numerator) / number.denominator


def fraction(number) -> Fraction:
    """Return a finite number of mpmath as a fraction."""
    sign, mantissa, exponent, _ = mpmath.mpf(number)._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent


def draw(rng: np.random.Generator, most_inputs: int = 9, most_neurons: int = 7) -> StiffCase:
    """Draw a case of a kind drawn at random."""
    kind = str(rng.choice(sorted(KINDS)))
    n, k = int(rng.integers(1, most_inputs + 1)), int(rng.integers(1, most_neurons + 1))
    x, w1, b1, w2, b2, y = KINDS[kind](rng, n, k)
    logistic = bool(rng.random() < 0.35)
    if logistic:
        y = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    weights = rng.exponential(size=n) * 10.0 ** rng.uniform(-6, 6, n) if rng.random() < 0.3 else None
    blocks = ref.BLOCKS if rng.random() < 0.6 else tuple(ref.SUBSETS[rng.integers(len(ref.SUBSETS))])
    problem = ss.Problem(x, y, "logistic" if logistic else "square", weights=weights)
    return StiffCase(kind, problem, ss.TwoLayerReLU(w1, b1, w2, b2, blocks))


def _ordinary(rng, n, k):
    x = rng.standard_normal(n)
    if rng.random() < 0.3:
        x = rng.choice(x, n)
    w1, w2 = rng.standard_normal((2, k))
    b1 = -w1 * (rng.choice(x, k) + 0.3 * rng.standard_normal(k))
    return x, w1, b1, w2, float(rng.standard_normal()), rng.standard_normal(n)


def _together(rng, n, k):
    """All parameters at one scale."""
    x, w1, b1, w2, b2, y = _ordinary(rng, n, k)
    s = 10.0 ** rng.uniform(-150, 150)
    return x, s * w1, s * b1, s * w2, s * b2, s * y


def _apart(rng, n, k):
    """Each block at a scale of its own."""
    x, w1, b1, w2, b2, y = _ordinary(rng, n, k)
    r, s, t, u, v = 10.0 ** rng.uniform(-75, 75, 5)
    return r * x, s / r * w1, s * b1, t * w2, u * b2, v * y


def _balanced(rng, n, k):
    """Huge inner weights with tiny outer ones, or the other way around: f is ordinary."""
    x, w1, b1, w2, b2, y = _ordinary(rng, n, k)
    s = 10.0 ** rng.uniform(-150, 150)
    return x, s * w1, s * b1, w2 / s, b2, y


def _elsewhere(rng, n, k):
    """Pairs of huge neurons that cancel, active on a part of the inputs."""
    x, w1, b1, w2, b2, y = _ordinary(rng, n, k)
    s = 10.0 ** rng.uniform(6, 140)
    w1, b1, w2 = np.append(w1, [w1[0]] * 2), np.append(b1, [b1[0]] * 2), np.append(w2, [s, -s])
    return x, w1, b1, w2, b2, y


def _alone(rng, n, k):
    """One huge neuron that sees only the first input, all others ordinary."""
    x, w1, b1, w2, b2, y = _ordinary(rng, n, k)
    x, s = np.sort(x), 10.0 ** rng.uniform(3, 16)
    edge = x[0] + 0.5 * (x[1] - x[0]) if n > 1 else x[0] + 1.0
    return x, np.append(w1, -s), np.append(b1, s * edge), np.append(w2, s), b2, y


def _nearly(rng, n, k):
    """Neurons active everywhere that cancel but for a small rest."""
    x, w1, b1, w2, b2, y = _ordinary(rng, n, k)
    s, rest = 10.0 ** rng.uniform(3, 30), 10.0 ** rng.uniform(-16, -2)
    wide = 10.0 + np.abs(x).max()
    w1, b1 = np.append(w1, [1.0, 1.0]), np.append(b1, [wide, wide * (1 + rest * rng.choice([0.0, 1.0]))])
    return x, w1, b1, np.append(w2, [s, -s * (1 + rest)]), b2, y


def _offset(rng, n, k):
    """Inputs far from 0."""
    x, w1, b1, w2, b2, y = _ordinary(rng, n, k)
    far = 10.0 ** rng.uniform(2, 9) * rng.choice([-1.0, 1.0])
    return x + far, w1, b1 - w1 * far, w2, b2, y


def _confident(rng, n, k):
    """Outputs far out, where the logistic loss has no curvature left."""
    x, w1, b1, w2, b2, y = _ordinary(rng, n, k)
    s = 10.0 ** rng.uniform(0.5, 4)
    return x, w1, b1, s * w2, s * b2, y


def _dead(rng, n, k):
    """Huge neurons that see nothing beside ordinary ones, or nothing but these."""
    x, w1, b1, w2, b2, y = _ordinary(rng, n, k)
    s, reach = 10.0 ** rng.uniform(6, 140), 2.0 + np.abs(x).max()
    dead = np.array([s, -s, 0.0]), -s * reach * np.ones(3), np.array([s, 1.0, s])
    if rng.random() < 0.3:
        return x, *dead, b2, y
    return x, *(np.append(p, d) for p, d in zip((w1, b1, w2), dead, strict=True)), b2, y


def _fitted(rng, n, k):
    """Labels that the network nearly or exactly fits."""
    x, w1, b1, w2, b2, _ = _ordinary(rng, n, k)
    f = np.maximum(np.multiply.outer(x, w1) + b1, 0.0) @ w2 + b2
    return x, w1, b1, w2, b2, f + rng.choice([0.0, 1e-15, 1e-12, 1e-9]) * rng.standard_normal(n)


KINDS = {
    "ordinary": _ordinary, "together": _together, "apart": _apart, "balanced": _balanced,
    "elsewhere": _elsewhere, "alone": _alone, "nearly": _nearly, "offset": _offset, "confident": _confident,
    "dead": _dead, "fitted": _fitted,
}  # fmt: skip
