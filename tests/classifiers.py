"""Classifiers on the line, their Hessian as dense matrices, and the certificates of both."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.special import expit

from facts import facts_of
from oracles import ALL, EPS, Case, Measured, random_case, root
from stepscape import theory

UNDERFLOW = "the curvature of the examples does not underflow"
FORMS = ("gauss_newton", "weighted", "uncertain", "uncertain_best")


def curvature(f):
    """The second derivative of log(1 + e^f)."""
    return expit(f) * expit(-f)


def dense(case: Case, trainable=ALL):
    """G and R of the logistic loss on the trained coordinates; ``case.y`` are the labels, ±1."""
    k, p, f = case.w1.size, case.v / case.v.sum(), case.predict()
    z = case.x[:, None] * case.w1 + case.b1
    s = (z > 0).astype(float)
    phi = np.hstack([case.w2 * s * case.x[:, None], case.w2 * s, np.maximum(z, 0.0), np.ones((f.size, 1))])
    G = phi.T @ ((p * curvature(f))[:, None] * phi)
    pull, R, j = p * -case.y * expit(-case.y * f), np.zeros_like(G), np.arange(k)
    R[j, 2 * k + j] = R[2 * k + j, j] = s.T @ (pull * case.x)
    R[k + j, 2 * k + j] = R[2 * k + j, k + j] = s.T @ pull
    keep = np.isin(np.array(["w1"] * k + ["b1"] * k + ["w2"] * k + ["b2"]), trainable)
    return G[np.ix_(keep, keep)], R[np.ix_(keep, keep)]


def measure(case: Case, trainable=ALL) -> Measured:
    G, R = dense(case, trainable)
    losses = np.logaddexp(0.0, -case.y * case.predict())
    return Measured(
        gauss_newton=float(np.linalg.eigvalsh(G)[-1]),
        sharpness=float(np.linalg.eigvalsh(G + R)[-1]),
        residual_norm=float(np.abs(np.linalg.eigvalsh(R)).max()),
        loss=float(case.v @ losses / case.v.sum()),
    )


def accuracy(case: Case, m: Measured) -> float:
    """A few eps·P times the norm: what eigvalsh may lose."""
    return 4 * EPS * (3 * case.w1.size + 1) * (m.gauss_newton + m.residual_norm)


def certificates(case: Case, trainable=ALL, gamma: float = 1.0) -> dict[str, theory.Certificate]:
    m = measure(case, trainable)
    facts = facts_of(case, "logistic", trainable, residual=accuracy(case, m), gamma=gamma, **vars(m))
    return {
        "gauss_newton": theory.logistic_gauss_newton(facts),
        "weighted": theory.weighted(facts),
        "uncertain": theory.uncertain(facts),
        "uncertain_best": theory.uncertain_best(facts),
        "weighted_stationary": theory.weighted_stationary(facts),
        "uncertain_stationary": theory.uncertain_stationary(facts),
    }


def random_classifier(rng: np.random.Generator, largest: float = 1e4) -> Case:
    """Draw networks of many scales and margins; labels random, of one class, right everywhere or wrong."""
    case = random_case(rng)
    size = np.abs(case.predict()).max() + 1e-9
    if rng.random() < 0.7 or size > largest:
        factor = 10.0 ** rng.uniform(-2.0, math.log10(largest)) / size
        case = replace(case, w2=factor * case.w2, b2=factor * case.b2)
    if rng.random() < 0.3:
        case = replace(case, b2=case.b2 - float(rng.choice(case.predict())))
    sign = np.where(case.predict() > 0, 1.0, -1.0)
    labels = (rng.choice([-1.0, 1.0], sign.size), np.full(sign.size, rng.choice([-1.0, 1.0])), sign, -sign)
    return replace(case, y=labels[int(rng.integers(4))])


def at_rest(case: Case) -> Case:
    """Both labels at every input, in the proportion that f predicts: every network is then stationary."""
    f, v = case.predict(), case.v
    return replace(
        case,
        x=np.tile(case.x, 2),
        y=np.repeat([1.0, -1.0], f.size),
        v=np.concatenate([v * expit(f), v * expit(-f)]),
    )


def positive(gamma) -> float:
    """Γ of the theorems is positive; f may vanish."""
    return float(gamma) or 1e-300


def constant_case(logit: float, labels, inputs=(-1.0, 0.5, 2.0)) -> Case:
    """A network whose neurons are dead on all inputs: f is its output bias."""
    x = np.array(inputs)
    return Case(
        np.array([1.0, -2.0]),
        np.full(2, -9.0),
        np.ones(2),
        logit,
        x,
        np.array(labels),
        np.arange(1.0, x.size + 1),
    )


def balanced_case(left: float, right: float, trainable=ALL, b2: float = 0.4) -> Case:
    """Inputs ∓a, a neuron for each with its knot at 0, c_1 N_1 = c_2 N_2: L0 is an equality at unequal D."""
    a = 0.7
    slope = np.array([right, -left])
    w2 = np.abs(slope) * a / root(a, trainable)
    case = Case(slope, np.zeros(2), w2, b2, np.array([a, -a]), np.array([1.0, -1.0]), np.ones(2))
    return replace(case, v=1.0 / (curvature(case.predict()) * slope**2))
