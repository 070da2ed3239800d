"""The weight g of a half-space for two laws of the inputs: uniform on the unit ball, and on the unit sphere.

u·X has the density proportional to (1 − s²)^{p − 1} on (−1, 1), with p = (d + 1)/2 for the ball and (d − 1)/2
for the sphere, whatever the unit vector u, and E[X | u·X > t] = E u with E = E[s | s > t]. So

    g(u, t) = g(|t|) = P(|t|)² · (E − |t|) · √(1 + E²),     0 for |t| ≥ 1,

    P = C_p ε^p ∫_0^1 w^{p−1} (2 − ε w)^{p−1} dw,           ε = 1 − |t|,   1/C_p = B(½, p),
    E − |t| = ε ∫ (1 − w) w^{p−1} (2 − ε w)^{p−1} dw / ∫ w^{p−1} (2 − ε w)^{p−1} dw,

from s = 1 − ε w: no term is negative, and nothing cancels near the edge, where

    g(t) ≈ √2 (C_p 2^{p−1}/p)² ε^{2p+1}/(p + 1):     ε^{d+2} for the ball, ε^d for the sphere.

Source: Liang, Qiao, Wang and Parhi (2025), the exponent d + 2; exact forms and constants derived here.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import reals, whole, word
from stepscape.errors import bad
from stepscape.theory.line.distribution import FloatArray

_LARGEST = 1000  # dimension: the constant of the edge law is 1e295 there
LAWS = ("ball", "sphere")


def half_space_weight(t: ArrayLike, dimension: int, law: str = "ball") -> FloatArray:
    """Evaluate g at a distance t of the hyperplane from the center, any sign and any shape.

    Parameters
    ----------
    t : any shape.
    dimension : d, at least 1 for the ball and 2 for the sphere, at most 1000.
    law : "ball" or "sphere", the uniform law on it; the radius is 1.
    """
    p, edge = power(dimension, law), 1.0 - np.minimum(np.abs(_distances(t)), 1.0)
    mass, step = _tail(edge, p)
    mean = 1.0 - edge + step
    return np.asarray(mass * mass * step * np.hypot(1.0, mean))


def half_space_mass(t: ArrayLike, dimension: int, law: str = "ball") -> FloatArray:
    """P(u·X > t): the mass of the half-space beyond t, which is at most ½ for t ≥ 0.

    For t ≥ 0 it is the half-space depth of a point at distance t from the center.
    """
    p, at = power(dimension, law), _distances(t)
    beyond = _tail(1.0 - np.minimum(np.abs(at), 1.0), p)[0]
    return np.asarray(np.where(at >= 0.0, beyond, 1.0 - beyond))


def edge_law(dimension: int, law: str = "ball") -> tuple[float, float]:
    """Return (constant, exponent) of g(t) ≈ constant · (1 − |t|)^exponent as |t| → 1."""
    p = power(dimension, law)
    root = math.exp((p - 1.0) * math.log(2.0) - math.log(p) - log_beta(p))
    return math.sqrt(2.0) * root * root / (p + 1.0), 2.0 * p + 1.0


def projection_density(t: ArrayLike, dimension: int, law: str = "ball") -> FloatArray:
    """Density of u·X at t, 0 outside (−1, 1)."""
    p, at = power(dimension, law), _distances(t)
    inside = np.abs(at) < 1.0
    room = np.where(inside, (1.0 - at) * (1.0 + at), 1.0)
    return np.asarray(np.where(inside, np.exp((p - 1.0) * np.log(room) - log_beta(p)), 0.0))


def power(dimension: int, law: str) -> float:
    """Return p of the density (1 − s²)^{p−1} of a projection."""
    word("law", law, LAWS)
    d = whole("dimension", dimension, 1 if law == "ball" else 2, _LARGEST)
    return (d + 1) / 2.0 if law == "ball" else (d - 1) / 2.0


def _distances(t: ArrayLike) -> FloatArray:
    at = reals("t", t)
    if np.isnan(at).any():
        raise bad("t", "hold distances", "nan in it")
    return at


def log_beta(p: float) -> float:
    """Return log B(½, p), the integral of that density."""
    return math.lgamma(0.5) + math.lgamma(p) - math.lgamma(p + 0.5)


def _tail(edge: FloatArray, p: float) -> tuple[FloatArray, FloatArray]:
    """P and E − |t| at the distances 1 − edge, edge in [0, 1], by Gauss-Jacobi quadrature with w^{p−1}."""
    from scipy.special import roots_jacobi

    # (2 − ε w)^{p−1} varies by at most 2^{p−1}: this many nodes are exact to rounding.
    nodes, masses = roots_jacobi(24 + int(p / 2.0), 0.0, p - 1.0)
    w, masses = 0.5 * (1.0 + nodes), masses / masses.sum() / p  # ∫ w^{p−1} dw = 1/p
    half = np.exp((p - 1.0) * np.log1p(-0.5 * edge[..., None] * w))  # ((2 − ε w)/2)^{p−1}
    total = half @ masses
    with np.errstate(divide="ignore", under="ignore"):
        logs = p * np.log(edge) + (p - 1.0) * math.log(2.0) - log_beta(p)
        mass = np.exp(logs) * total
    return mass, edge * ((half * (1.0 - w)) @ masses) / total
