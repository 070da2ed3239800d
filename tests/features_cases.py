"""Tables of several features for the tests of fits."""

from __future__ import annotations

import numpy as np


def hinge(n=60, seed=0):
    """|a| + b with noise; c plays no part."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3))
    return x, np.abs(x[:, 0]) + x[:, 1] + 0.3 * rng.standard_normal(n)


def two_classes(n=60, seed=0):
    """1 where the label of `hinge` exceeds its median, with some labels exchanged."""
    x, y = hinge(n, seed)
    flipped = np.random.default_rng(seed + 1).uniform(size=n) < 0.1
    return x, ((y > np.median(y)) ^ flipped).astype(float)


def wide(n=12, d=30, seed=0):
    """More features than rows."""
    x = np.random.default_rng(seed).standard_normal((n, d))
    return x, x[:, 0]


QUICK = {"width": 40, "steps": 400, "step_sizes": [0.9, 0.2], "n_splits": 3, "n_jobs": 1}
