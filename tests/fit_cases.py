"""Noisy data for the tests of fits."""

from __future__ import annotations

import numpy as np
from scipy.special import expit


def noisy(n=60, seed=0):
    """Labels of P(1 | x) = s(2x)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.0, 3.0, n)
    return x, (rng.uniform(size=n) < expit(2.0 * x)).astype(int)


def wiggle(n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.0, 3.0, n)
    return x, np.abs(x) + 0.2 * rng.standard_normal(n)
