"""Sums over many numbers in float32, against float64."""

from __future__ import annotations

import pytest
import torch

from stepscape.monitor.vectors import dot, norm


def test_sums_of_many_squares_do_not_lose_the_digits_that_float32_loses():
    vector = torch.randn(620_000, generator=torch.Generator().manual_seed(0))
    exact = float(vector.double() @ vector.double())
    assert abs(float(torch.dot(vector, vector)) - exact) > 1e-6 * exact
    assert dot(vector, vector) == pytest.approx(exact, rel=1e-12)
    assert norm(vector) == pytest.approx(exact**0.5, rel=1e-12)


def test_squares_beyond_the_range_of_float32_have_a_norm():
    assert norm(torch.full((4,), 1e-30)) == pytest.approx(2e-30, rel=1e-6)
    assert norm(torch.full((4,), 1e30)) == pytest.approx(2e30, rel=1e-6)
