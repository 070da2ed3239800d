"""One trained network and the largest error of any function in its certified class, on two regions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures import tightest_worst_case
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, bernoulli, curve
from stepscape.tables.records import Record
from stepscape.training import train

REGIONS = ("middle", "everywhere")  # |x| up to half the half width, and all inputs
LOSSES = ("square", "logistic")
RECORDS = 5
DETAILS = ("constant", "noise", "attained", "gamma", "variation")


class CertificateRun(Spec, frozen=True, tag="when-certificates-speak/2"):
    """Descent on one sample, and the certificates of its end."""

    loss: str
    truth: str
    n: int
    noise: float
    amplitude: float
    flip_rate: float
    half_width: float
    width: int
    scale: float
    step_size: float
    steps: int
    seed: int


def grid(settings: Settings) -> list[CertificateRun]:
    """Every loss with its step sizes, every size and seed."""
    at_least(settings, seeds=1, n_largest=8, steps=1, width=1)
    cases = [{"loss": loss, "step_size": eta} for loss in LOSSES for eta in settings[f"{loss}_step_sizes"]]
    return sweep(CertificateRun, settings, case=cases, n=sizes(settings), seed=seeds(settings))


def sizes(settings: Settings) -> list[int]:
    """Halve the largest size until one more half would be below the smallest."""
    at_least(settings, n_smallest=8, n_largest=8)
    halvings = max(0.0, math.log2(settings["n_largest"] / settings["n_smallest"]))
    return [settings["n_largest"] >> k for k in range(int(halvings), -1, -1)]


def begin(run: CertificateRun) -> tuple[Problem, TwoLayerReLU, GradientDescent]:
    """Return sample, start and method."""
    problem = (
        curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
        if run.loss == "square"
        else bernoulli(
            run.truth,
            n=run.n,
            amplitude=run.amplitude,
            flip_rate=run.flip_rate,
            seed=run.seed,
            half_width=run.half_width,
        )
    )
    start = TwoLayerReLU.random(run.width, scale=run.scale, seed=run.seed)
    return problem, start, GradientDescent(run.step_size, run.steps)


def work(run: CertificateRun, tick: Tick) -> Record:
    """Train, and certify the midpoint network on both regions.

    Columns of a region: ``bound`` on the error, ``noise`` (the supremum in it), ``attained`` (by some
    function of the class), ``error`` of the network, ``constant`` (that of the best constant), ``gamma`` and
    ``variation`` of the class; None if the midpoint has a knot on an input, where no theorem speaks. Errors:
    mean squared distance to the truth, or excess risk.
    """
    problem, start, method = begin(run)
    path = train(problem, start, method, record_every=max(1, run.steps // RECORDS))
    if path.outcome == "diverged":
        return Record("diverged", reason="the loss grew without bound")
    tick(0.4)
    network = path.midpoint
    numbers: dict[str, Any] = {
        "edge_ratio": float(path.edge_ratio[-1]),
        "bent_neurons": int(path.bent_neurons[-1]),
        "height": float(np.abs(network.predict(problem.inputs)).max()),
    }
    for region in REGIONS:
        reach = 0.5 * run.half_width
        found = tightest_worst_case(problem, network, (-reach, reach) if region == "middle" else None)
        numbers |= {
            f"error_{region}": found.left,
            f"bound_{region}": found.right,
            f"rounding_{region}": found.tolerance,
            **{f"{name}_{region}": found.details.get(name) for name in DETAILS},
        }
        tick(0.7)
    return Record("finished", numbers)
