"""The gain over the mean label: the identity behind it, its constants, and how often it fails."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepscape import theory
from stepscape.errors import InputError

seeds = st.integers(0, 2**32 - 1)


def spent(flat, h):
    """∫|h''|g of connect-the-dots."""
    return np.abs(np.diff(np.diff(h) / np.diff(flat.points))) @ flat.cost[1:-1]


def sample(seed, n=12, sigma=0.3):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-1, 1, n))
    f0 = np.sin(3 * x)
    return x, f0, f0 + sigma * rng.standard_normal(n), rng


def test_the_bound_of_a_class_without_a_budget_in_closed_form():
    """Then Z = 2M Σ v|ε| with M = 1, so that E Z = 2σ√(2/π); C = 2^20 = 2^(40/2), M = 2^(0/2)."""
    n, sigma, delta, draws = 25, 0.4, 0.1, 100
    rng = np.random.default_rng(0)
    x, y = np.linspace(-1, 1, n), rng.standard_normal(n)
    h = 0.5 * y
    flat = theory.FlatClass(x, 2.0**20, 1.0, center=float(y.mean()))
    found = theory.certified_gain(flat, y, h, sigma, delta, draws)
    mean, error = 2 * sigma * math.sqrt(2 / math.pi), 2 * sigma * math.sqrt((1 - 2 / math.pi) / n / draws)
    assert abs(found.supremum - mean) < 4 * error
    assert found.standard_error == pytest.approx(error, rel=0.2)
    # 1/p = (3.2·(1 + 40²))·(3.2·(1 + 0²))/δ.
    logarithm = math.log(3.2 * 1601 * 3.2 / delta)
    deviation = 2 * sigma / math.sqrt(n) * math.sqrt(2 * logarithm) + 3 * found.standard_error
    assert found.deviation == pytest.approx(deviation, rel=1e-12)
    fitted = np.mean((y - y.mean()) ** 2) - np.mean((y - h) ** 2)
    assert found.fitted == pytest.approx(fitted, rel=1e-12)
    assert found.value == pytest.approx(fitted - found.supremum - deviation, rel=1e-12)
    assert found.in_the_mean == pytest.approx(fitted - found.supremum, rel=1e-12)


def test_the_class_is_rounded_up_to_powers_of_the_square_root_of_two():
    """C = 1.42 > 2^(1/2) counts as 2^(2/2), M = 0.9 as 2^0; the classes of these j = 2 and k = 0 decide."""
    x, _, y, _ = sample(5, n=20)
    found = theory.certified_gain(theory.FlatClass(x, 1.42, 0.9, center=y.mean()), y, y, 0.3, 0.1, draws=6)
    wider = theory.expected_gap(theory.FlatClass(x, 2.0, 1.0), 0.3, draws=6)
    assert wider.value > theory.expected_gap(theory.FlatClass(x, 1.0, 1.0), 0.3, draws=6).value
    tail = 2 * 0.3 / math.sqrt(20) * math.sqrt(2 * math.log(3.2 * 5 * 3.2 / 0.1))
    reach = wider.value + 3 * wider.standard_error + tail
    assert found.supremum + found.deviation == pytest.approx(reach, rel=1e-12)


def test_the_probabilities_of_all_classes_sum_to_less_than_one():
    j = np.arange(-100_000, 100_001.0)
    assert 0.97 < float((1 / (3.2 * (1 + j * j))).sum()) < 1.0


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_no_member_gains_less_than_its_own_noise_term_says(seed):
    """The identity: gain = T(ȳ) − T(h) − 2 Σ v ε (h − ȳ), and the last sum is at most that of the class."""
    x, f0, y, rng = sample(seed)
    v = rng.uniform(0.2, 1.0, x.size)
    v /= v.sum()
    mean = v @ y
    h = mean + rng.uniform(-1, 1) * np.interp(x, x[::3], rng.uniform(-1, 1, x[::3].size))
    flat = theory.FlatClass(x, 1.0, 1.0, weights=v)
    here = theory.FlatClass(x, spent(flat, h) + 1e-9, np.abs(h - mean).max() + 1e-9, weights=v)
    gain = v @ (mean - f0) ** 2 - v @ (h - f0) ** 2
    fitted = v @ (mean - y) ** 2 - v @ (h - y) ** 2
    np.testing.assert_allclose(gain, fitted - 2 * v @ ((y - f0) * (h - mean)), rtol=0, atol=1e-12)
    worst = theory.worst_case_gap(here, y, f0).value + 2 * v @ ((y - f0) * f0)
    assert gain >= fitted - worst - 1e-9


def test_it_fails_less_often_than_allowed_for_a_class_chosen_after_the_labels():
    """The fit is the labels themselves, shrunk by a factor that is chosen to look best: never too good."""
    failures = optimistic = 0
    for seed in range(30):
        x, f0, y, _ = sample(seed)
        h = y.mean() + 0.9 * (y - y.mean())
        flat = theory.FlatClass(x, 1.0, 1.0)
        around = theory.FlatClass(x, spent(flat, h), np.abs(h - y.mean()).max(), center=y.mean())
        found = theory.certified_gain(around, y, h, 0.3, delta=0.3, draws=4)
        gain = np.mean((y.mean() - f0) ** 2) - np.mean((h - f0) ** 2)
        failures += found.value > gain
        optimistic += found.fitted > gain
    assert failures == 0 < 15 < optimistic


def test_vacuous_is_no_proved_gain():
    x, _, y, _ = sample(1)
    flat = theory.FlatClass(x, 0.1, 1.0, center=y.mean())
    silent = theory.certified_gain(flat, y, np.full(y.size, y.mean()), 0.3, draws=2)
    assert silent.fitted == 0.0
    assert silent.vacuous
    exact = theory.certified_gain(flat, y, np.sin(3 * x), 0.0, draws=2)
    assert exact.supremum == exact.deviation == 0.0
    assert not exact.vacuous
    assert "noise of standard deviation 0.3" in silent.assumptions[0]


def test_noise_of_each_example():
    x, v = sample(2, n=3)[0], np.array([0.7, 0.2, 0.1])
    flat, sigma = theory.FlatClass(x, 1e6, 2.0, weights=v), np.array([0.1, 0.5, 0.0])
    found = theory.expected_gap(flat, sigma, draws=300)
    exact = 2 * 2 * math.sqrt(2 / math.pi) * v @ sigma
    assert abs(found.value - exact) < 4 * found.standard_error
    assert found.assumptions[0].endswith("deviation 0 to 0.5")
    signs = theory.expected_gap(flat, sigma, draws=5, law="signs")
    assert signs.value == pytest.approx(2 * 2 * v @ sigma)
    assert signs.standard_error == pytest.approx(0.0, abs=1e-12)
    assert signs.assumptions[0] == "independent symmetric noise of at most 0 to 0.5"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [1.0]}, r"labels must have shape \(12,\), got \(1,\)"),
        ({"predictions": [1.0]}, r"predictions must have shape \(12,\)"),
        ({"noise": [0.1, 0.2]}, r"noise must be one number or one per input \(12\), got 2"),
        ({"noise": np.full(12, -1.0)}, "noise must be finite and nonnegative, got -1"),
        ({"noise": -1.0}, "noise must be finite and nonnegative, got -1"),
        ({"delta": 1.0}, "delta must lie strictly between 0 and 1"),
        ({"flat": 3}, "flat must be a FlatClass"),
    ],
)
def test_refused(change, message):
    x, _, y, _ = sample(3)
    arguments = {"flat": theory.FlatClass(x, 1.0, 1.0), "labels": y, "predictions": y, "noise": 0.1}
    with pytest.raises(InputError, match=message):
        theory.certified_gain(**(arguments | change))


def test_an_unknown_law_is_refused():
    with pytest.raises(InputError, match="unknown law 'cauchy'"):
        theory.expected_gap(theory.FlatClass([0.0, 1.0], 1.0, 1.0), 0.1, law="cauchy")
