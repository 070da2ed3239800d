"""The first crossing of a loss: closed forms, and every way in which a search can end."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stepscape.monitor.crossing import first_crossing

EPS = np.finfo(float).eps


def search(loss, slope, guess, passes=8, noise=8 * EPS):
    calls = []

    def counted(step):
        calls.append(step)
        return loss(step)

    found = first_crossing(counted, loss(0.0), slope, guess, 0.02, passes, noise)
    assert found.passes == len(calls) + 1 <= passes
    return found


def parabola(step):
    """λ/2 x² from x = 1 along its gradient, λ = 3: crosses at 2/3."""
    return 1.5 * (1.0 - 3.0 * step) ** 2


@pytest.mark.parametrize("guess", [1e-4, 0.1, 0.5, 1.0, 30.0, 1e4])
def test_a_parabola_is_met_exactly_from_any_guess(guess):
    found = search(parabola, 9.0, guess)
    assert found.status == "converged"
    assert found.value == pytest.approx(2 / 3, rel=1e-9)
    assert found.passes <= 6


@pytest.mark.parametrize("guess", [0.01, 0.1, 1.0, 30.0])
def test_a_quartic_is_met_within_its_error(guess):
    found = search(lambda step: (1.0 - 4.0 * step) ** 4, 16.0, guess)
    assert found.status == "converged"
    assert abs(found.value - 0.5) <= found.error <= 0.02 * found.value


def test_a_crossing_that_was_jumped_over_is_found_by_the_look_at_half_of_it():
    # Above L(0) on (π/8, π/4) and (3π/8, π/2), below between: the secants first meet 3π/8 = 1.178.
    found = search(lambda step: 1.0 - 0.1 * math.sin(8.0 * step), 0.8, 1.15, passes=20)
    assert found.status == "nonmonotone"
    assert found.value == pytest.approx(math.pi / 8, rel=0.02)


def test_a_loss_that_only_falls_has_no_crossing():
    found = search(lambda step: math.log1p(math.exp(-1.0 - step)), 1 / (1 + math.e), 0.1)
    assert (found.status, found.passes) == ("no_crossing", 8)
    assert found.value > 10.0
    assert found.error == math.inf


def test_a_loss_that_becomes_infinite_below_its_start_is_not_called_a_crossing():
    found = search(lambda step: 1.0 - step if step < 1.0 else math.nan, 1.0, 0.3)
    assert found.status == "nonfinite"
    assert found.value < 1.0 <= found.value + found.error


def test_rounding_that_hides_the_crossing_is_noticed():
    def single(depth):
        return lambda step: float(np.float32(1.0 + depth * parabola(step)))

    noise = 8 * float(np.finfo(np.float32).eps)
    hidden = search(single(1e-6), 9e-6, 1e-3, noise=noise)
    assert hidden.status == "noise_floor"
    assert abs(hidden.value - 2 / 3) <= hidden.error
    clear = search(single(1e-2), 9e-2, 1e-3, noise=noise)
    assert clear.status == "converged"
    assert abs(clear.value - 2 / 3) <= clear.error < 2e-3


def test_a_guess_too_small_to_be_resolved_does_not_end_the_search():
    found = search(lambda step: 1.0 + 1e-4 * parabola(step), 9e-4, 1e-16)
    assert found.passes == 8  # at 1e-16 the loss rounds to its start, and the search goes farther
    assert found.value > 1e-8


def test_without_descent_or_a_finite_start_nothing_is_tried():
    assert first_crossing(parabola, 1.5, -9.0, 0.1, 0.02, 8, EPS).status == "ascent"
    assert first_crossing(parabola, 1.5, 0.0, 0.1, 0.02, 8, EPS).status == "ascent"
    for start, slope in ((math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan)):
        found = first_crossing(parabola, start, slope, 0.1, 0.02, 8, EPS)
        assert (found.status, found.passes) == ("nonfinite", 1)


def test_a_search_that_runs_out_of_passes_says_so():
    found = search(lambda step: (1.0 - 4.0 * step) ** 4, 16.0, 30.0, passes=3)
    assert found.status == "budget"
    assert abs(found.value - 0.5) <= found.error
