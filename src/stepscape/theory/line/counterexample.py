"""T3 as printed is false for every max|x_i| < 1/√3, and the constant of T2 cannot be lowered (see `square`).

Two inputs −a and a of weights e and m = 1 − e, and one neuron that faces right, with its knot τ < a where
g+(τ) = g−(τ), so a − τ = 2a e²/(m² + e²). It is balanced, w2² (1 + a²) = w1² (a − τ)² = S/2, and every label
lies ρ above the function, so √(2L) = ρ. Then ∫|f''|g = |w1 w2| g+(τ) = m² S/2, and the gradient at a,

    φ = (w2 a, w2, w1 (a − τ), 1),     ‖φ‖² = 1 + S,     φᵀ R φ = −ρ m S √(1 + a²),

shows λ_max(H) = m (1 + S) + e/(1 + S) − ρ m √(1 + a²) S/(1 + S) + O(ρ²/S): the eigenvector is φ/‖φ‖ up to
O(ρ/S + e/S). With c in place of the constant of √(2L),

    2 (right − left) = λ_max − 1 + 2cρ − m² S  →  ρ (2c − √(1 + a²))      as S → ∞ and eS → 0.

So no c < ½ √(1 + a²) will do, which is the constant of T2. T3 has c = a: smaller exactly for a < 1/√3.

Source: derived here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stepscape.arguments import number, positive
from stepscape.errors import bad
from stepscape.theory.certificate import EPS
from stepscape.theory.line.distribution import FloatArray

_CLOSEST = 0.576  # closer to 1/√3 the knot comes within rounding of the input


@dataclass(frozen=True, eq=False)
class Counterexample:
    """A weighted data set and a network, with both sides of T2 and of T3 as printed.

    Attributes
    ----------
    inputs, labels, weights : (n,), the weights of sum 1.
    w1, b1, w2, b2 : of the network.
    variation : ∫|f''|g.
    sharpness : λ_max(H).
    printed, proved : right sides λ_max/2 − ½ + c √(2L), c = max|x_i| (T3) and c = ½ √(1 + max|x_i|²) (T2).
    needed : the least c with which the inequality would be true at this network.
    """

    inputs: FloatArray
    labels: FloatArray
    weights: FloatArray
    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: float
    variation: float
    sharpness: float
    printed: float
    proved: float
    needed: float


def one_neuron(a: float, mass: float, size: float, rho: float) -> Counterexample:
    """Construct the network of the module's text for any a > 0, with e = `mass`, S = `size` and ρ = `rho`.

    The knot is a number of float64 and w1 a power of two, so that w1 a + b1 is exact; e is then what makes g+
    and g− equal, and S is within a factor of 2 of `size`.
    """
    a, size, rho = positive("a", a), positive("size", size), positive("rho", rho)
    must = "lie strictly between 0 and 0.5"
    if not 0.0 < number("mass", mass, must) < 0.5:
        raise bad("mass", must, mass)
    root = math.hypot(1.0, a)
    knot = a - 2.0 * a * mass**2 / ((1.0 - mass) ** 2 + mass**2)
    step = a - knot
    if not step > 16.0 * EPS * a:
        raise bad("mass", "be so large that the knot lies off the input", mass)
    odds = math.sqrt(step / (a + knot))
    mass, rest = odds / (1.0 + odds), 1.0 / (1.0 + odds)
    w1 = math.ldexp(1.0, round(math.log2(math.sqrt(0.5 * size) / step)))
    value, b1 = w1 * step, -w1 * knot
    w2 = value / root
    top = _sharpness(np.array([w2 * a, w2, value, 1.0]), a, mass, rho)
    left = w2 * root * min(rest**2 * value, mass**2 * w1 * (a + knot))
    return Counterexample(
        inputs=np.array([-a, a]),
        labels=np.array([rho, w2 * value + rho]),
        weights=np.array([mass, rest]),
        w1=np.array([w1]),
        b1=np.array([b1]),
        w2=np.array([w2]),
        b2=0.0,
        variation=left,
        sharpness=top,
        printed=0.5 * top - 0.5 + a * rho,
        proved=0.5 * top - 0.5 + 0.5 * root * rho,
        needed=(left - 0.5 * top + 0.5) / rho,
    )


def _sharpness(gradient: FloatArray, a: float, mass: float, rho: float) -> float:
    """λ_max of (1 − e) φφᵀ + e e_4e_4ᵀ + R: the gradient at −a is that of b2 alone."""
    hessian = (1.0 - mass) * np.outer(gradient, gradient)
    hessian[3, 3] += mass
    hessian[[0, 1], 2] -= rho * (1.0 - mass) * np.array([a, 1.0])
    hessian[2, [0, 1]] -= rho * (1.0 - mass) * np.array([a, 1.0])
    return float(np.linalg.eigvalsh(hessian)[-1])


def printed_counterexample(a: float) -> Counterexample:
    """Construct a network that violates T3 as printed, with max|x_i| = a.

    Parameters
    ----------
    a : in (0, 0.576]. From 1/√3 ≈ 0.57735 on T3 is proved; between the two the network exists, but float64
        does not separate its knot from the input.
    """
    must = f"be positive and at most {_CLOSEST:g}"
    if not 0.0 < number("a", a, must) <= _CLOSEST:
        raise bad("a", must, a, "T3 as printed is true from 1/√3 on")
    lacking = math.hypot(1.0, a) - 2.0 * a
    # The three errors of the limit, ρ²/S, ρ/S and eS, together take a part of ρ·lacking.
    return one_neuron(a, mass=lacking**2 / 64.0, size=16.0 / lacking, rho=1.0)
