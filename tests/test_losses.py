"""The losses of one prediction: against high precision, derivatives, and the law that defines them."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.errors import InputError
from stepscape.losses import best_constant, divergence, innovation, loss_of, probability
from stepscape.problems import Problem, bernoulli

LOGITS = st.floats(-1e4, 1e4)
MODERATE = st.floats(-30.0, 30.0)


@pytest.mark.parametrize("name", ["square", "logistic"])
@given(f=MODERATE, y=st.sampled_from([-1.0, 1.0]))
def test_slope_and_curvature_are_the_derivatives(name, f, y):
    loss, h = loss_of(name), 1e-4
    at = np.array([f - h, f, f + h])
    values, slopes = loss.value(at, np.full(3, y)), loss.slope(at, np.full(3, y))
    assert (values[2] - values[0]) / (2 * h) == pytest.approx(slopes[1], abs=1e-6, rel=1e-6)
    assert (slopes[2] - slopes[0]) / (2 * h) == pytest.approx(loss.curvature(at)[1], abs=1e-7, rel=1e-6)


@given(f=LOGITS, y=st.sampled_from([-1.0, 1.0]))
def test_logistic_loss_at_any_margin(f, y):
    loss = loss_of("logistic")
    value, slope, curvature = (
        float(part(np.float64(f), np.float64(y)))
        for part in (loss.value, loss.slope, lambda f, _: loss.curvature(f))
    )
    margin = y * f
    # log(1 + e^{-m}) lies between max(-m, 0) and that plus e^{-|m|}
    small = float(np.exp(-abs(margin)))
    assert max(-margin, 0.0) <= value <= max(-margin, 0.0) + small
    assert abs(slope) == pytest.approx(-np.expm1(-value), rel=1e-12)  # |slope| = 1 - e^{-loss}
    assert small / 4 <= curvature <= small
    assert np.sign(slope) in (0.0, -y)


@given(f0=LOGITS, f=LOGITS)
def test_divergence_is_the_expected_excess(f0, f):
    loss, p = loss_of("logistic"), float(probability(f0))
    expected = [
        p * float(loss.value(np.float64(z), np.float64(1.0)))
        + float(probability(-f0)) * float(loss.value(np.float64(z), np.float64(-1.0)))
        for z in (f, f0)
    ]
    found = float(divergence(f0, f))
    assert found >= 0.0
    assert found == pytest.approx(expected[0] - expected[1], abs=8e-15 * (1.0 + abs(f0) + abs(f)))
    assert float(divergence(-f0, -f)) == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("d", [1e-6, -1e-6])
@pytest.mark.parametrize("f0", [0.0, 1.0, -3.0, 60.0, -60.0])
def test_divergence_keeps_small_differences(f0, d):
    """KL ≈ ½ s(f0) s(−f0) d², to first order in d."""
    f = f0 + d
    quadratic = 0.5 * float(loss_of("logistic").curvature(np.float64(f0))) * (f - f0) ** 2
    assert float(divergence(f0, f)) == pytest.approx(quadratic, rel=1e-5)


@given(f0=LOGITS, y=st.sampled_from([-1.0, 1.0]))
def test_innovation_is_the_label_less_its_chance(f0, y):
    with mpmath.workprec(16_000):
        exact = (1 + mpmath.mpf(y)) / 2 - 1 / (1 + mpmath.exp(-mpmath.mpf(f0)))
        assert float(innovation(f0, y)) == pytest.approx(float(exact), rel=4e-16, abs=1e-300)


def test_innovation_is_elementwise_and_centered():
    f0 = np.linspace(-4.0, 4.0, 9)
    each = [float(innovation(at, 1.0)) for at in f0]
    assert innovation(f0, np.ones(9)).tolist() == innovation(f0.tolist(), [1] * 9).tolist() == each
    mean = probability(f0) * innovation(f0, np.ones(9)) + probability(-f0) * innovation(f0, -np.ones(9))
    np.testing.assert_allclose(mean, 0.0, atol=1e-17)


@given(up=st.floats(1e-6, 1e6), down=st.floats(1e-6, 1e6), step=st.floats(-1.0, 1.0))
def test_no_other_constant_is_better(up, down, step):
    value, best = loss_of("logistic").value, best_constant(up, down)
    here, there = (float(up * value(f, 1.0) + down * value(f, -1.0)) for f in (best, best + step))
    assert here <= there * (1 + 1e-14)
    assert best == -best_constant(down, up)
    assert float(probability(best)) == pytest.approx(up / (up + down), rel=1e-12)


def test_the_best_constant_of_one_class_is_a_number():
    tiny = float(np.finfo(np.float64).tiny)
    assert best_constant(1.0, 0.0) == -best_constant(0.0, 1.0) == pytest.approx(-np.log(tiny))
    assert best_constant(0.0, 0.0) == 0.0


def test_probability_is_a_distribution_function():
    z = np.linspace(-800.0, 800.0, 4001)
    assert np.all(np.diff(probability(z)) >= 0.0)
    assert float(probability(0.0)) == 0.5
    np.testing.assert_allclose(probability(z) + probability(-z), 1.0, rtol=0, atol=3e-16)
    assert float(probability(np.log(3.0))) == pytest.approx(float(Fraction(3, 4)), abs=1e-16)


@pytest.mark.parametrize("labels", [[0, 1, 1], [-1, 1, 1], [False, True, True]])
def test_labels_are_kept_as_signs(labels):
    problem = Problem([0.0, 1.0, 2.0], labels, loss="logistic")
    assert problem.labels.tolist() == [-1.0, 1.0, 1.0]
    f = np.array([0.5, -2.0, 3.0])
    assert problem.training_loss(f) == pytest.approx(np.mean(np.log1p(np.exp(-problem.labels * f))))


def test_one_class_is_a_problem():
    assert Problem([0.0, 1.0], [0, 0], loss="logistic").labels.tolist() == [-1.0, -1.0]
    assert Problem([0.0, 1.0], [1, 1], loss="logistic").labels.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("labels", "came"),
    [
        ([0, 1, 2], "0, 1, 2"),
        ([-1, 0, 1], "-1, 0, 1"),
        ([0.5, 1, 1], "0.5, 1"),
        (range(3, 9), "3, 4, 5, 6, …"),
    ],
)
def test_other_labels_are_refused(labels, came):
    with pytest.raises(InputError, match=rf"labels must be ±1 or 0/1 for the logistic loss, got {came}$"):
        Problem(np.arange(len(labels)), list(labels), loss="logistic")


def test_noise_belongs_to_the_square_loss():
    with pytest.raises(InputError, match="noise must be left out for the logistic loss"):
        Problem([0.0, 1.0], [0, 1], loss="logistic", noise=0.1)


@given(amplitude=st.floats(0.0, 20.0), flip=st.floats(0.0, 0.499), seed=st.integers(0, 9))
def test_truth_of_flipped_labels(amplitude, flip, seed):
    problem = bernoulli("wave", n=20, amplitude=amplitude, flip_rate=flip, seed=seed)
    plain = probability(amplitude * np.sin(2.0 * np.pi * problem.inputs))
    np.testing.assert_allclose(
        probability(problem.truth(problem.inputs)), (1.0 - 2.0 * flip) * plain + flip, atol=1e-14
    )


def test_labels_follow_their_law():
    problem = bernoulli("tent", n=40_000, amplitude=2.0, flip_rate=0.1, seed=3)
    p = probability(problem.truth(problem.inputs))
    for low, high in ((-1.0, -0.4), (-0.4, 0.4), (0.4, 1.0)):
        here = (problem.inputs >= low) & (problem.inputs < high)
        count, mean = int(here.sum()), float(p[here].mean())
        spread = float(np.sqrt((p[here] * (1 - p[here])).sum())) / count
        assert abs(float((problem.labels[here] > 0).mean()) - mean) < 4.0 * spread


def test_excess_risk_is_least_at_the_truth():
    problem = bernoulli("wave", n=50, seed=1)
    f0 = problem.truth(problem.inputs)
    assert problem.excess_risk(f0) == 0.0
    shifted = problem.excess_risk(f0 + 0.3)
    assert shifted == pytest.approx(float(np.mean(divergence(f0, f0 + 0.3))))
    half = problem.inputs > 0
    assert problem.excess_risk(f0 + half, ~half) == 0.0
    assert np.isnan(problem.excess_risk(f0, np.zeros(50, bool)))
    with pytest.raises(InputError, match="truth must be given to measure an error to it"):
        Problem([0.0, 1.0], [0, 1], loss="logistic").excess_risk([0.0, 0.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amplitude": -1.0}, r"amplitude must be finite and not negative, got -1.0"),
        ({"amplitude": np.inf}, r"amplitude must be finite"),
        ({"flip_rate": 0.5}, r"flip_rate must lie in \[0, 0.5\), got 0.5"),
        ({"flip_rate": np.nan}, r"flip_rate must lie in"),
        ({"n": 0}, r"n must be a whole number of at least 1"),
    ],
)
def test_impossible_laws_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        bernoulli("wave", **change)
