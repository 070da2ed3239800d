"""The last bits do not depend on whether a process compiled the kernels or found them on the disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DIGEST = """
import hashlib
import numpy as np
from stepscape.kernels.relu1d import descend, positions
from stepscape.kernels.relu1d_hessian import lanczos, linearize
from stepscape.kernels.relu1d_sharpness import largest

n, k, rows = 30, 500, 8
rng = np.random.default_rng(0)
x, y, weights = np.sort(rng.uniform(-1, 1, n)), rng.normal(size=n), np.full(n, 1 / n)
padded = np.concatenate(([-np.inf], x, [np.inf]))
seen = hashlib.sha256()
for momentum, logistic in ((0.0, False), (0.5, False), (0.0, True)):
    if logistic:
        y = np.sign(y)
    theta, velocity, before = 0.1 * rng.normal(size=3 * k + 1), np.zeros(3 * k + 1), np.empty(3 * k + 1)
    descend(theta, velocity, before, x, padded, y, weights, logistic, np.ones(4), 0.0, momentum, 0.0,
            0.05, 0.05, 0, 0, 2000)
    position = np.empty(k, np.uint32)
    positions(theta[:k], theta[k : 2 * k], x, position)
    _, p, q, _ = linearize(theta, position, x, y, weights, logistic)
    basis, diagonal, beside = np.zeros((rows + 1, 3 * k + 1)), np.empty(rows), np.empty(rows)
    basis[0] = 1 / np.sqrt(3 * k + 1)
    lanczos(theta, position, x, weights, p, q, np.ones(4), 0.0, basis, diagonal, beside, 0, rows)
    start, other = rng.normal(size=(2, 3 * k + 1))
    _, value, residual, _, _, vector, *_ = largest(
        theta, position, x, y, weights, logistic, False, np.ones(4), 0.0, start, other, 1e-8
    )
    for array in (theta, velocity, basis, diagonal, vector, np.array([value, residual])):
        assert np.isfinite(array).all()
        seen.update(array.tobytes())
print(seen.hexdigest())
"""


def test_bits_are_the_same_compiled_here_and_loaded(tmp_path: Path) -> None:
    environment = dict(os.environ, NUMBA_CACHE_DIR=str(tmp_path))
    bits = [
        subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, text=True, capture_output=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert any(tmp_path.rglob("*.nbc")), "nothing was cached: both processes compiled"
    assert bits[0] == bits[1]
