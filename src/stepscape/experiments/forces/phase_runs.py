"""One run at a scale of the initialization and a step size, and the phase in which it ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame.follow import Followed, follow
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures.features import census
from stepscape.measures.measures import measure
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record, Table

LAZY = 0.25  # share of the neurons that end active on other inputs, below which a run is lazy
PHASES = {
    "diverged": "diverged",
    "dead": "dead: (nearly) all neurons died",
    "thrown": "alive, far below the edge after a catapult",
    "edge": "at the edge of stability",
    "moving": "below the edge, neurons moved",
    "lazy": "below the edge, lazy",
}
LOST = ("diverged", "dead")


class PhaseRun(Spec, frozen=True, tag="phase/1"):
    """One run of plain descent from PyTorch's default initialization times `scale`."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    scale: float
    step_size: float
    seed: int


def grid(settings: Settings) -> list[PhaseRun]:
    """Every range, scale, step size and seed."""
    at_least(settings, seeds=1, width=1, steps=1, n=2)
    return sweep(
        PhaseRun,
        settings,
        half_width=settings["half_widths"],
        scale=sorted(settings["scales"]),
        step_size=sorted(settings["step_sizes"]),
        seed=seeds(settings),
    )


def begin(run: PhaseRun) -> tuple[Problem, TwoLayerReLU, GradientDescent]:
    """Return problem, start and method of a run; the start is the same network at every scale, but scaled."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    network = TwoLayerReLU.random(run.width, run.scale, "torch", stream(run.seed, "network"))
    return problem, network, GradientDescent(run.step_size, run.steps)


def work(run: PhaseRun, tick: Tick) -> Record:
    """Train one network and look at its start and its end."""
    problem, network, method = begin(run)
    seen = follow(problem, network, method, (), tick)
    start_ratio = float(seen.trajectory.edge_ratio[0])

    def measured() -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        return _end(seen, run.width), {}

    return seen.record(measured, {**seen.beginning, "start_ratio": start_ratio})


def _end(seen: Followed, width: int) -> dict[str, Any]:
    """Measure the end: loss, sharpness and edge ratio of the midpoint, and what became of the neurons."""
    run, last = seen.trajectory, seen.snapshots[-1]
    ends = [seen.snapshots[0].network, last.midpoint]
    found = measure(seen.problem, last.network, last.network_before)
    return {
        **{name: found[name] for name in ("bent_neurons", "dead_neurons", "weighted_tv", "pieces", "risk")},
        "bent_at_start": int(run.bent_neurons[0]),
        "rearranged_share": census(seen.problem, ends).rearranged / width,
        "loss": float(run.loss[-1]),
        "sharpness": float(run.sharpness[-1]),
        "edge_ratio": float(run.edge_ratio[-1]),
    }


def phases(table: Table) -> NDArray[np.str_]:
    """Phase of every run, one of `PHASES`.

    A run that finished is dead if too few neurons bend among the data, and at the edge if its edge ratio is
    0.95 or more. Of the others, one that started beyond its threshold was thrown below the edge by a
    catapult, and one that started within it is lazy if less than a quarter of its neurons end active on other
    inputs than they began with, and moving otherwise.
    """
    out = np.full(len(table), "diverged", dtype="<U8")
    alive = STEP_SIZES.counts(table)
    out[(table["outcome"] == "finished") & ~alive] = "dead"
    if not alive.any():
        return out
    at_edge = alive & (table["edge_ratio"] >= EDGE[0])
    thrown = alive & ~at_edge & (table["start_ratio"] > 1.0)
    below = alive & ~at_edge & ~thrown
    lazy = below & (table["rearranged_share"] < LAZY)
    for mask, name in ((at_edge, "edge"), (thrown, "thrown"), (below & ~lazy, "moving"), (lazy, "lazy")):
        out[mask] = name
    return out


def lost(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that diverged or died."""
    return np.isin(phases(table), LOST)
