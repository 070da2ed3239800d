"""Bounds on rounding against exact arithmetic: rational numbers, and 60 digits for the logistic loss."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

import stepscape as ss
from stepscape.objectives import PlaneHessian
from stepscape.objectives.relu_plane_rounding import PlaneRounding
from stepscape.objectives.relu_plane_sharpness import plane_top

BLOCKS = ("w1", "b1", "w2", "b2")
mpmath.mp.dps = 60


def drawn(seed, loss="square", trainable=BLOCKS, stiff=False):
    """A small network, in half of the cases one whose neurons cancel to eight digits."""
    rng = np.random.default_rng(seed)
    n, d, k = int(rng.integers(1, 6)), int(rng.integers(1, 4)), int(rng.integers(1, 5))
    x, w1, b1, w2 = (rng.standard_normal(s) for s in ((n, d), (k, d), k, k))
    if stiff:
        w1, b1 = np.vstack([1e4 * w1, 1e4 * w1]), np.concatenate([1e4 * b1, 1e4 * b1 + 1e-4])
        w2 = np.concatenate([1e4 * w2, -1e4 * w2])
    y = rng.standard_normal(n) if loss == "square" else rng.choice([-1.0, 1.0], n)
    problem = ss.Problem(x, y, loss, weights=rng.random(n) + 0.1)
    return problem, ss.TwoLayerReLU(w1, b1, w2, 0.3, trainable)


class Exact:
    """f, L, the P_j and uᵀHu of a Hessian, its weights and activations as float64 has them."""

    def __init__(self, operator):
        net, problem = operator.network, operator.problem
        logistic = problem.loss == "logistic"
        self.kind = (lambda t: mpmath.mpf(float(t))) if logistic else (lambda t: Fraction(float(t)))
        rows = net.w1.reshape(net.width, -1)
        self.w = [[self.kind(t) for t in (*row, b)] for row, b in zip(rows, net.b1, strict=True)]
        self.a = [self.kind(t) for t in net.w2]
        self.x = [[self.kind(t) for t in (*row, 1.0)] for row in problem.points]
        self.v = [self.kind(t) for t in problem.averaging]
        self.on = [[dot(w, x) > 0 for w in self.w] for x in self.x]
        f = [
            self.kind(net.b2) + sum(a * dot(w, x) for a, w, s in zip(self.a, self.w, on, strict=True) if s)
            for x, on in zip(self.x, self.on, strict=True)
        ]
        y = [self.kind(t) for t in problem.labels]
        pairs = list(zip(f, y, strict=True))
        self.f = f
        if logistic:
            terms = [mpmath.log1p(mpmath.exp(-t * z)) for z, t in pairs]
            self.slope = [-t / (1 + mpmath.exp(t * z)) for z, t in pairs]
            self.curvature = [1 / (2 + mpmath.exp(z) + mpmath.exp(-z)) for z in f]
        else:
            terms = [(z - t) ** 2 / 2 for z, t in pairs]
            self.slope, self.curvature = [z - t for z, t in pairs], [Fraction(1)] * len(f)
        self.loss = dot(self.v, terms)

    def couplings(self):
        g = [v * s for v, s in zip(self.v, self.slope, strict=True)]
        for j in range(len(self.w)):
            yield [sum(e * x[c] for e, x, on in zip(g, self.x, self.on, strict=True) if on[j])
                   for c in range(len(self.x[0]))]  # fmt: skip

    def quotient(self, vector, d, gauss_newton):
        k, u = len(self.w), [self.kind(t) for t in vector]
        inner = [[*u[j * d : (j + 1) * d], u[k * d + j]] for j in range(k)]
        outer, total = u[k * (d + 1) : -1], 0
        for x, on, v, s, c in zip(self.x, self.on, self.v, self.slope, self.curvature, strict=True):
            p = u[-1]
            for j in range(k):
                if on[j]:
                    p += self.a[j] * dot(inner[j], x) + outer[j] * dot(self.w[j], x)
                    total += 0 if gauss_newton else 2 * v * s * outer[j] * dot(inner[j], x)
            total += v * c * p * p
        return total / dot(u, u)


def dot(a, b):
    return sum(s * t for s, t in zip(a, b, strict=True))


CASES = [(seed, loss, stiff) for seed in range(25) for loss in ("square", "logistic") for stiff in (0, 1)]


@pytest.mark.parametrize("trainable", [BLOCKS, ("w1", "w2", "b2"), ("b1", "w2")])
def test_numbers_are_off_by_at_most_what_is_said(trainable):
    seen = []
    for seed, loss, stiff in CASES:
        operator = PlaneHessian(*drawn(seed, loss, trainable, stiff))
        exact, bounds = Exact(operator), PlaneRounding(operator)
        off = [
            abs(exact.kind(a) - b) / exact.kind(max(e, 1e-300))
            for a, b, e in zip(operator.predictions, exact.f, bounds.prediction_error, strict=True)
        ]
        away = abs(exact.kind(operator.loss) - exact.loss) / exact.kind(bounds.loss_error)
        mask = [Fraction(int(r)) for r in np.repeat(operator.rates[:2], [operator.network.dimension, 1])]
        mask = mask if loss == "square" else [mpmath.mpf(int(m)) for m in mask]
        squares = [sum((m * p) ** 2 for m, p in zip(mask, each, strict=True)) for each in exact.couplings()]
        largest = mpmath.sqrt(max(mpmath.mpf(s.numerator) / s.denominator if loss == "square" else s
                                  for s in squares))  # fmt: skip
        norm = abs(operator.residual_norm - largest) / max(bounds.residual_norm_error, 1e-300)
        assert max(off) <= 1
        assert away <= 1
        assert norm <= 1
        seen.append([float(max(off)), float(away), float(norm)])
    # Not a bound that is true because it is huge: some example uses a hundredth of each.
    assert (np.max(seen, axis=0) > 0.01).all()


@pytest.mark.parametrize("gauss_newton", [False, True])
def test_the_lower_side_is_below_the_quotient_and_close_to_it(gauss_newton):
    for seed, loss, stiff in CASES:
        operator = PlaneHessian(*drawn(seed, loss, stiff=stiff), gauss_newton=gauss_newton)
        rng = np.random.default_rng(seed)
        exact, bounds = Exact(operator), PlaneRounding(operator)
        for vector in (rng.standard_normal(operator.size), plane_top(operator).vector):
            true, least = (
                exact.quotient(vector, operator.network.dimension, gauss_newton),
                bounds.below(vector),
            )
            assert exact.kind(least) <= true
            size = float(abs(true)) + float(operator.trace) * (10.0 if stiff else 1.0)
            assert float(true - exact.kind(least)) <= 2e-15 * size + (operator.lost if stiff else 0.0)


def test_a_dead_network_is_off_by_nothing():
    x = ss.problems.ball(n=40, dimension=3).inputs
    net = ss.TwoLayerReLU(np.eye(3), np.full(3, -9.0), np.ones(3), 0.5)
    operator = PlaneHessian(ss.Problem(x, np.ones(40)), net)
    bounds = PlaneRounding(operator)
    assert bounds.residual_norm_error == 0.0
    assert bounds.below(np.eye(16)[-1]) == pytest.approx(1.0, abs=4e-15)
    assert PlaneRounding(operator.changed(gauss_newton=True)).residual_norm_error == 0.0
    frozen = ss.TwoLayerReLU(np.eye(3), np.ones(3), np.ones(3), trainable=("w1", "b2"))
    assert PlaneRounding(PlaneHessian(ss.Problem(x, np.ones(40)), frozen)).residual_norm_error == 0.0
