"""One solution of descent: a start, a step size and a seed, which the claims of the family share.

Equal specs have equal identities, so that these claims train once in a common store.
"""

from __future__ import annotations

from typing import Any, Literal

from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.folklore.columns import curves, measured
from stepscape.experiments.frame.follow import by_log, evenly, follow
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record

WARM: Literal["mean_field"] = (
    "mean_field"  # in place of an arm: the mean-field initialization times a scale, with warm-up
)
WARMUP = 0.1  # share of the steps
DRAWN = 4  # seeds whose functions are kept for the figures
QUICK: dict[str, Any] = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_widths": (3.0,),
    "width": 60,
    "arms": ("small_init",),
    "mean_field_scales": (1.0, 6.0),
    "step_sizes": (0.02, 0.1, 0.4),
    "steps": 4000,
    "records": 8,
    "seeds": 4,
    "first_seed": 0,
}
FULL: dict[str, Any] = {
    **QUICK,
    "half_widths": (3.0, 1.0),
    "width": 200,
    "arms": ("as_printed", "small_init"),
    "mean_field_scales": (1.0, 2.0, 4.0, 6.0),
    "step_sizes": (0.01, 0.02, 0.05, 0.1, 0.2, 0.4),
    "steps": 50_000,
    "records": 24,
    "seeds": 20,
    "first_seed": 100,
}


class FlatnessRun(Spec, frozen=True, tag="flatness/1"):
    """One run; the grid's largest step size sets the initialization of the small start."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    records: int
    arm: str
    scale: float
    seed: int
    step_size: float
    largest_step_size: float
    drawn: bool


def grid(settings: Settings) -> list[FlatnessRun]:
    """Every range, start, seed and step size."""
    at_least(settings, seeds=1, records=4, width=1, steps=4, n=2)
    etas, first = sorted(settings["step_sizes"]), settings["first_seed"]
    origins = [
        *({"arm": arm, "scale": 1.0} for arm in settings["arms"]),
        *({"arm": WARM, "scale": scale} for scale in settings["mean_field_scales"]),
    ]
    return sweep(
        FlatnessRun,
        settings,
        half_width=settings["half_widths"],
        origin=origins,
        seed=seeds(settings),
        step_size=etas,
        largest_step_size=etas[-1],
        drawn=lambda run: run.seed < first + DRAWN,
    )


def begin(run: FlatnessRun) -> tuple[Problem, Start]:
    """Return the problem and the start of the run; an impossible step size is refused."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    if run.arm == WARM:
        network = TwoLayerReLU.random(run.width, run.scale, WARM, stream(run.seed, "network"))
        origin = Start(network, run.scale, WARMUP)
    else:
        origin = start(run.arm, problem, run.width, run.seed, run.largest_step_size)
    origin.method(run.step_size, run.steps)
    return problem, origin


def work(run: FlatnessRun, tick: Tick) -> Record:
    """Train one network and measure its flatness, its risk, and what rescalings of its neurons change."""
    problem, origin = begin(run)
    at = {*evenly(run.steps, run.records), *by_log(run.steps, run.records)}
    seen = follow(problem, origin.network, origin.method(run.step_size, run.steps), at, tick)

    def measure() -> tuple[dict[str, Any], dict[str, Any]]:
        tick(1.0)
        return measured(seen, run.seed), curves(problem, seen.snapshots[-1].midpoint) if run.drawn else {}

    return seen.record(measure)
