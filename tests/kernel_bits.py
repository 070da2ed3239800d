"""Compile the kernels of the line or load them, and say which, and what bits they give.

Usage: python tests/kernel_bits.py FILE; writes FILE when all is done. The kernels are the loop, the start of
a warm-up, and a sharpness that begins at the last; the directory is that of NUMBA_CACHE_DIR.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

N, K, ROWS = 30, 500, 8


def bits() -> str:
    """Digest of what every kernel returns."""
    from stepscape.kernels.relu1d import descend, positions
    from stepscape.kernels.relu1d_hessian import lanczos, linearize
    from stepscape.kernels.relu1d_sharpness import largest

    rng = np.random.default_rng(0)
    x, y, weights = np.sort(rng.uniform(-1, 1, N)), rng.normal(size=N), np.full(N, 1 / N)
    padded = np.concatenate(([-np.inf], x, [np.inf]))
    seen = hashlib.sha256()
    for momentum, logistic in ((0.0, False), (0.5, False), (0.0, True)):
        if logistic:
            y = np.sign(y)
        theta, velocity, before = 0.1 * rng.normal(size=3 * K + 1), np.zeros(3 * K + 1), np.empty(3 * K + 1)
        descend(theta, velocity, before, x, padded, y, weights, logistic, np.ones(4), 0.0, momentum, 0.0,
                0.05, 0.05, 0, 0, 2000)  # fmt: skip
        position = np.empty(K, np.uint32)
        positions(theta[:K], theta[K : 2 * K], x, position)
        _, p, q, _ = linearize(theta, position, x, y, weights, logistic)
        basis, diagonal, beside = np.zeros((ROWS + 1, 3 * K + 1)), np.empty(ROWS), np.empty(ROWS)
        basis[0] = 1 / np.sqrt(3 * K + 1)
        lanczos(theta, position, x, weights, p, q, np.ones(4), 0.0, basis, diagonal, beside, 0, ROWS)
        start, other = rng.normal(size=(2, 3 * K + 1))
        _, value, residual, _, _, vector, *_ = largest(
            theta, position, x, y, weights, logistic, False, np.ones(4), 0.0, start, other, 1e-8
        )
        for array in (theta, velocity, basis, diagonal, vector, np.array([value, residual])):
            assert np.isfinite(array).all()
            seen.update(array.tobytes())
    return seen.hexdigest()


def kernels() -> dict[str, Any]:
    """The compiled functions of the modules of kernels that are loaded, by name."""
    from numba.core.dispatcher import Dispatcher

    modules = [module for name, module in sys.modules.items() if name.startswith("stepscape.kernels.")]
    named = [(name, value) for module in modules for name, value in vars(module).items()]
    return {name: value for name, value in named if isinstance(value, Dispatcher)}


def report() -> dict[str, Any]:
    """Bits, and how many kernels were loaded from the disk and compiled here."""
    found = bits()
    stats = [kernel.stats for kernel in kernels().values()]
    return {
        "bits": found,
        "loaded": sum(sum(each.cache_hits.values()) for each in stats),
        "compiled": sum(sum(each.cache_misses.values()) for each in stats),
    }


def reported(environment: dict[str, str], file: Path) -> dict[str, Any]:
    """The report of a process of its own."""
    subprocess.run([sys.executable, __file__, str(file)], env=environment, check=True, capture_output=True)
    return json.loads(file.read_text())


def main(file: Path) -> None:
    import stepscape as ss

    part = file.with_name(f"{file.name}.part")
    try:
        part.write_text(json.dumps(report()))
        method = ss.GradientDescent(0.01, 2, warmup_steps=1)
        ss.train(ss.problems.tent(), ss.TwoLayerReLU.random(3), method, record_every=1)
        part.rename(file)
    finally:
        file.touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
