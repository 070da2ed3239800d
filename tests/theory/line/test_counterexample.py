"""T3 as printed is false below 1/√3, in rational arithmetic; the constant of T2 is the least one."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import stepscape as ss
from facts import facts_of
from oracles import Case, measure
from stepscape import theory
from stepscape.errors import InputError

ROOT = 1 / math.sqrt(3)


def exact_violation(t: Fraction, rho: Fraction) -> tuple[Fraction, bool]:
    """a = (1 − t²)/(2t), where √(1 + a²) = (1 + t²)/(2t) is rational; and whether ∫|f''|g > λ_max/2 − ½ + aρ.

    It is so exactly if c·I − H is positive definite for c = 2 ∫|f''|g + 1 − 2aρ: by its leading minors.
    """
    a, root = (1 - t * t) / (2 * t), (1 + t * t) / (2 * t)
    lacking = root - 2 * a
    e, size = rho * lacking**2 / 64, 16 / lacking
    m = 1 - e
    step = 2 * a * e * e / (m * m + e * e)
    w1 = Fraction(math.isqrt(int(size / (2 * step * step))))
    w2 = w1 * step / root
    # g+ = m² (a − τ) √(1 + a²) and g− = e² (τ + a) √(1 + a²) agree at τ = a − step.
    assert m * m * step == e * e * (2 * a - step)
    left = w1 * w2 * m * m * step * root
    gradient, below = (w2 * a, w2, w1 * step, Fraction(1)), (0, 0, 0, 1)
    hessian = [[m * p * q + e * r * s for q, s in zip(gradient, below, strict=True)]
               for p, r in zip(gradient, below, strict=True)]  # fmt: skip
    for i, feature in enumerate((a, Fraction(1))):  # ∂²f/∂w1∂w2 = x, ∂²f/∂b1∂w2 = 1, times the residual −ρ
        hessian[i][2] -= rho * m * feature
        hessian[2][i] -= rho * m * feature
    c = 2 * left + 1 - 2 * a * rho
    rest = [[(c if i == j else 0) - hessian[i][j] for j in range(4)] for i in range(4)]
    return a, positive_definite(rest)


def positive_definite(matrix: list[list[Fraction]]) -> bool:
    """By Gaussian elimination: all pivots are positive."""
    rows = [list(row) for row in matrix]
    for k in range(len(rows)):
        if rows[k][k] <= 0:
            return False
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return True


@pytest.mark.parametrize("t", ["0.95", "0.8", "0.6", "0.58", "0.5775", "0.57736"])
@pytest.mark.parametrize("rho", ["1", "1/10"])
def test_false_below_one_over_root_three_in_rational_arithmetic(t: str, rho: str) -> None:
    a, violated = exact_violation(Fraction(t), Fraction(rho))
    assert 0 < a < ROOT
    assert violated


def test_the_closest_of_these_is_close() -> None:
    assert float(exact_violation(Fraction("0.57736"), Fraction(1))[0]) == pytest.approx(ROOT, abs=2e-5)


def certificates(found: theory.Counterexample) -> dict[str, theory.Certificate]:
    case = Case(found.w1, found.b1, found.w2, found.b2, found.inputs, found.labels, found.weights)
    facts = facts_of(case, **vars(measure(case)))
    return {each.name: each for each in (
        theory.published_as_printed(facts), theory.published(facts), theory.sharpness_loss(facts)
    )}  # fmt: skip


@pytest.mark.parametrize("a", [1e-6, 0.1, 0.258, 0.3, 0.5, 0.57, 0.576])
def test_the_network_of_every_radius_below(a: float) -> None:
    found = theory.printed_counterexample(a)
    c = certificates(found)
    assert np.abs(found.inputs).max() == a
    # A certificate forgives what rounding of a knot could do; close to 1/√3 that is more than the violation.
    assert c["published_as_printed"].slack < 0.0
    assert (c["published_as_printed"].verdict == "violated") == (a <= 0.5)
    assert c["published"].verdict == c["sharpness_loss"].verdict == "holds"
    # Its numbers against those of the certificates, whose eigenvalue is dense.
    size = found.sharpness
    assert found.variation == pytest.approx(c["published_as_printed"].left, abs=1e-14 * size)
    assert found.printed == pytest.approx(c["published_as_printed"].right, abs=1e-14 * size)
    assert found.proved == pytest.approx(c["sharpness_loss"].right, abs=1e-14 * size)
    assert found.sharpness == pytest.approx(2 * (found.printed + 0.5 - a), rel=1e-12)
    # The shortfall is the part of ρ (√(1 + a²) − 2a)/2 that S and e leave.
    shortfall = 0.5 * (math.hypot(1, a) - 2 * a)
    assert 0.3 * shortfall < found.variation - found.printed < shortfall


def test_the_engine_sees_it_too() -> None:
    found = theory.printed_counterexample(0.5)
    problem = ss.Problem(found.inputs, found.labels, weights=found.weights)
    network = ss.TwoLayerReLU(found.w1, found.b1, found.w2, found.b2)
    assert ss.sharpness(problem, network).value == pytest.approx(found.sharpness, rel=1e-10)
    assert math.sqrt(2 * problem.training_loss(network.predict(found.inputs))) == pytest.approx(1.0)
    assert ss.certify(problem, network)["published"].verdict == "holds"


@pytest.mark.parametrize("a", [0.1, ROOT, 1.0, 10.0])
def test_no_smaller_constant_than_that_of_t2_is_true(a: float) -> None:
    constant = 0.5 * math.hypot(1, a)
    ratios = [theory.one_neuron(a, 0.1 / size**1.5, size, 1.0).needed / constant for size in (1e2, 1e3, 1e4)]
    assert ratios[0] < ratios[1] < ratios[2] < 1.0
    assert ratios[2] > 0.998


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(InputError, match=r"a must be positive and at most 0.576, got 0.58; T3 as printed is"):
        theory.printed_counterexample(0.58)
    with pytest.raises(InputError, match=r"mass must lie strictly between 0 and 0\.5, got 0\.5"):
        theory.one_neuron(1.0, 0.5, 10.0, 1.0)
    with pytest.raises(InputError, match="mass must be so large that the knot lies off the input, got 1e-09"):
        theory.one_neuron(1.0, 1e-9, 10.0, 1.0)
