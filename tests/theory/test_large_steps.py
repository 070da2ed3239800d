"""What is proved of descent with any step size holds on hard data, and its sides are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import lambertw

from stepscape.theory.large_steps import (
    CALM,
    accelerated_bound,
    adaptive_bound,
    average_bound,
    phase_bound,
)


def test_calm_is_where_x_times_its_exponential_is_two():
    assert pytest.approx(float(lambertw(2.0).real), rel=1e-15, abs=0.0) == CALM


def test_bounds_at_numbers_computed_by_hand():
    # γ²ηT = e with γ = 1, η = 2, T = e/2: [1 + ½(1 + 1)²]/e = 3/e
    assert average_bound(1.0, 2.0, np.array([np.e / 2.0])) == pytest.approx(3.0 / np.e, rel=1e-14)
    # γ²ηT² = e² with γ = ½, η = 4, T = e: 1/e² + 2·4/(e + 1)²
    assert accelerated_bound(0.5, 4.0, np.array([np.e])) == pytest.approx(
        np.exp(-2.0) + 8.0 / (np.e + 1.0) ** 2, rel=1e-14
    )
    # γ²T = 3: −η
    assert adaptive_bound(0.1, 7.0, np.array([300.0])) == pytest.approx(-7.0, rel=1e-13)


def test_where_they_say_nothing_they_are_infinite():
    few = np.array([1.0])
    for bound in (average_bound, accelerated_bound, adaptive_bound):
        assert bound(0.1, 1.0, few) == np.inf


@pytest.mark.parametrize(("margin", "step_size", "n"), [(0.05, 30.0, 2), (0.2, 1.0, 100), (0.1, 1e4, 5)])
def test_the_phase_ends_where_the_smallest_slope_must_be_small(margin, step_size, n):
    found = phase_bound(margin, step_size, n)
    wanted = min(0.5 / n, CALM / (2.0 * np.log(2.0) * step_size))

    def least(steps):
        pull = margin**2 * step_size * steps
        return (np.sqrt(2.0) + 2.0 * np.log(pull) + step_size) / pull

    assert least(found) <= wanted < least(found - 1)


def test_a_loss_is_at_most_two_log_two_slopes_on_its_side():
    m = np.linspace(0.0, 40.0, 400)
    assert (np.log1p(np.exp(-m)) <= 2.0 * np.log(2.0) / (1.0 + np.exp(m)) * (1.0 + 1e-12)).all()
