"""Digests of whole training runs, to show that a change of the kernels changes no bit of a trajectory.

Usage: python tests/trajectories.py [--write]; prints the digests as JSON, or writes them to golden/.

The last bits of a sum depend on the width of the processor's vectors and on its fused multiply-add, and those
of an exponential on the variant that the C library picks. `PORTABLE` forbids all of them, so that every x86
processor gives the same digests.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parent / "golden" / "trajectories.json"
PORTABLE = {
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_CPU_FEATURES": "",
    "OPENBLAS_CORETYPE": "Prescott",  # LAPACK's tridiagonal solver, for the first step size of a warm-up
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-FMA_Usable,-FMA4_Usable,-AVX2_Usable",  # exp, pow
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Run:
    """One training run; `init` and `scale` are those of ``TwoLayerReLU.random``.

    `options` are of ``GradientDescent``; `tiny` makes the parameters of every third neuron subnormal.
    """

    n: int
    k: int
    step_size: float
    steps: int = 2000
    loss: str = "square"
    init: str = "mean_field"
    scale: float = 6.0
    half_width: float = 3.0
    blocks: tuple[str, ...] = ("w1", "b1", "w2", "b2")
    tiny: bool = False
    every: int = 500
    options: dict[str, Any] = field(default_factory=dict)


WARM = {"warmup_steps": 500}
HEAVY = {"momentum": 0.9}
NESTEROV = {"momentum": 0.9, "nesterov": True}


def logistic(n: int, k: int, step_size: float, **others: Any) -> Run:
    return Run(n, k, step_size, **{
        "loss": "logistic", "init": "torch", "scale": 1.0, "half_width": 1.0, **others
    })  # fmt: skip


RUNS = {
    "small step": Run(30, 100, 0.002),
    "small step, default start": Run(30, 1000, 0.001, init="torch", scale=1.0),
    "edge": Run(30, 100, 0.3, options=WARM),
    "edge, wide": Run(30, 1000, 0.3, options=WARM),
    "edge, wide, large step": Run(30, 1000, 0.8, 4000, options=WARM),
    "edge, more inputs": Run(200, 400, 0.6, options=WARM),
    "edge, few neurons": Run(60, 50, 0.3, options=WARM),
    "edge, n above the private histograms": Run(1000, 300, 0.6, options=WARM),
    "edge, n far above k": Run(3000, 60, 0.3, 1000, options=WARM),
    "steep inputs": Run(2000, 64, 0.001, 1000, half_width=30.0, options=WARM),
    "deaths": Run(30, 400, 0.05, scale=3.0),
    "deaths in a violent start": Run(60, 50, 0.1, scale=2.0, every=100),
    "divergence": Run(30, 100, 3.0, scale=9.0),
    "subnormal parameters": Run(30, 300, 0.3, tiny=True, options=WARM),
    "subnormal parameters and momentum": Run(30, 300, 0.002, tiny=True, options=WARM | HEAVY),
    "heavy ball": Run(30, 1000, 0.001, options=HEAVY),
    "heavy ball, edge": Run(200, 400, 0.03, options=WARM | HEAVY),
    "Nesterov": Run(60, 50, 0.001, options=NESTEROV),
    "Nesterov, edge": Run(30, 100, 0.1, options=WARM | NESTEROV),
    "weight decay": Run(30, 1000, 0.1, options=WARM | {"weight_decay": 1e-3}),
    "weight decay, heavy ball, deaths": Run(30, 100, 0.02, scale=3.0, options=HEAVY | {"weight_decay": 0.01}),
    "no biases": Run(200, 400, 0.01, blocks=("w1", "w2"), options=WARM),
    "outer layer alone": Run(60, 50, 0.01, blocks=("w2", "b2")),
    "inner layer alone": Run(30, 100, 0.1, blocks=("w1", "b1"), options=WARM),
    "logistic, small step": logistic(100, 400, 0.01),
    "logistic, edge": logistic(100, 400, 0.8, steps=4000),
    "logistic, large step": logistic(100, 400, 2.0, steps=4000),
    "logistic, wide": logistic(30, 1000, 1.2),
    "logistic, warm-up": logistic(200, 400, 1.2, scale=3.0, options=WARM),
    "logistic, few neurons, deaths": logistic(60, 50, 4.0, scale=2.0),
    "logistic, n above the private histograms": logistic(1000, 100, 1.2, steps=1000),
    "logistic, Nesterov": logistic(60, 50, 0.4, options=NESTEROV),
    "logistic, heavy ball and decay": logistic(30, 100, 0.1, options=HEAVY | {"weight_decay": 1e-3}),
}


def trained(run: Run) -> Any:
    """Train; data and start need no function but the four operations and the square root."""
    import stepscape as ss

    rng = np.random.default_rng([run.n, run.k])
    spread = run.half_width * rng.uniform(-1, 1, run.n)
    labels = 2 * (1 - np.abs(spread) * 3 / run.half_width).clip(0) - 0.5 + rng.uniform(-0.9, 0.9, run.n)
    if run.loss == "logistic":
        labels = np.where(labels > 0, 1.0, -1.0)
    net = ss.TwoLayerReLU.random(run.k, run.scale, run.init, 1, run.blocks)
    factor = np.where(run.tiny & (np.arange(run.k) % 3 == 0), 2.0**-1035, 1.0)
    net = ss.TwoLayerReLU(factor * net.w1, factor * net.b1, factor * net.w2, net.b2, run.blocks)
    method = ss.GradientDescent(run.step_size, run.steps, **run.options)
    return ss.train(ss.Problem(spread, labels, run.loss), net, method, run.every, measure_sharpness=False)


def digest(run: Run) -> dict[str, Any]:
    """SHA-256 of the last two iterates and of the losses recorded on the way; the loss to look at."""
    path = trained(run)
    seen = hashlib.sha256(path.outcome.encode())
    for array in (path.network.parameters, path.network_before.parameters, path.at_steps, path.loss[1:]):
        seen.update(np.ascontiguousarray(array).tobytes())
    counts = {"dead": int(path.dead_neurons[-1]), "steps": int(path.at_steps[-1])}
    return {
        "outcome": path.outcome,
        "loss": float(f"{path.loss[-1]:.6g}"),
        **counts,
        "sha256": seen.hexdigest(),
    }


def digests() -> dict[str, Any]:
    """Return every run's digest, computed by this process as it is."""
    import numba

    return {"numba": numba.__version__, "runs": {name: digest(run) for name, run in RUNS.items()}}


def portable_digests() -> dict[str, Any]:
    """Compute the digests in a process of their own under the settings `PORTABLE`."""
    environment = {**os.environ, **PORTABLE}
    done = subprocess.run(
        [sys.executable, __file__], env=environment, text=True, capture_output=True, check=True
    )
    return json.loads(done.stdout)


if __name__ == "__main__":
    if "--write" in sys.argv:
        GOLDEN.write_text(json.dumps(portable_digests(), indent=1) + "\n")
    else:
        print(json.dumps(digests(), indent=1))
