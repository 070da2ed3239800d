"""The runs of `confident-curvature`: curves of curvature against margin, of one example and of a sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence import one_example
from stepscape.experiments.frame.follow import Followed, by_log, follow
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.logistic.runs import problem_of as sample_of
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.losses import loss_of
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.objectives import sharpness
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.problems import Problem
from stepscape.tables.records import Record
from stepscape.training import Snapshot

Array = NDArray[np.float64]
Found = tuple[Mapping[str, Any], Mapping[str, Array]]
ARMS = {
    "one_neuron": "one neuron",
    "one_example": "one example",
    "sample": "a sample",
}
MARGINS = np.concatenate([np.linspace(0.02, 4.0, 200), np.geomspace(4.1, 100.0, 40)])
BIN, MOST, LEAST_IN_BIN = 0.25, 12.0, 20
TAIL = 4.0
ROSE, FELL = 1.1, 0.5


QUICK: dict[str, Any] = {
    "points": (0.0, 0.5, 1.0, 3.0),
    "learned": (0.5, 3.0),
    "scales": (1.0, 0.03),
    "flow_step_size": 0.001,
    "flow_steps": 8000,
    "descents": (0.01, 0.1, 1.2),
    "width": 400,
    "steps": 20_000,
    "records": 30,
    "truth": "wave",
    "n": 30,
    "amplitude": 6.0,
    "flip_rate": 0.0,
    "half_width": 1.0,
    "seeds": 4,
    "first_seed": 0,
}
FULL = {
    **QUICK,
    "scales": (1.0, 0.3, 0.1, 0.03),
    "flow_steps": 100_000,
    "steps": 60_000,
    "records": 40,
    "n": 100,
    "seeds": 20,
    "first_seed": 100,
}


class CurvatureRun(Spec, frozen=True, tag="confident-curvature/2"):
    """One curve of curvature against margin; `x` is the one example, and a sample has none."""

    arm: str
    x: float
    width: int
    scale: float
    step_size: float
    steps: int
    records: int
    truth: str
    n: int
    amplitude: float
    flip_rate: float
    half_width: float
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[CurvatureRun]:
    """One neuron at every x; one example and a sample from every scale, the sample with every step size."""
    at_least(settings, seeds=1, width=1, steps=1, flow_steps=1, records=5, n=2)
    first = settings["first_seed"]
    none = {"n": 1, "truth": "", "amplitude": 0.0, "flip_rate": 0.0}
    alone = {"width": 1, "scale": 1.0, "step_size": 0.0, "steps": 0, "seed": first, "drawn": True}
    neurons = sweep(CurvatureRun, {**settings, **none}, arm="one_neuron", x=settings["points"], **alone)
    flow = {"arm": "one_example", "step_size": settings["flow_step_size"], "steps": settings["flow_steps"]}
    arms = [{**none, **flow, "x": x} for x in settings["learned"]]
    arms += [{"arm": "sample", "x": 0.0, "step_size": eta} for eta in settings["descents"]]
    return neurons + sweep(
        CurvatureRun,
        settings,
        seed=seeds(settings),
        scale=settings["scales"],
        arm=arms,
        drawn=lambda run: run.seed == first,
    )


def begin(run: CurvatureRun) -> tuple[Problem, TwoLayerReLU, GradientDescent] | Problem:
    """Return problem, start and method of a descent; of one neuron, which is not trained, the problem."""
    problem = problem_of(run)
    return problem if run.arm == "one_neuron" else (problem, start_of(run), _method(run))


def problem_of(run: CurvatureRun) -> Problem:
    """Return the sample, or the one example (x, 1)."""
    if run.arm == "sample":
        return sample_of(run)
    return Problem(np.array([run.x]), np.ones(1), loss="logistic")


def start_of(run: CurvatureRun) -> TwoLayerReLU:
    """Draw the network that descent starts from."""
    return TwoLayerReLU.random(run.width, run.scale, seed=stream(run.seed, "network"))


def _method(run: CurvatureRun) -> GradientDescent:
    return GradientDescent(run.step_size, run.steps)


def work(run: CurvatureRun, tick: Tick) -> Record:
    """Measure one curve of curvature against margin.

    ``one_neuron``   the balanced neuron at 240 margins, by formula and by Lanczos.
    ``one_example``  descent with a small step on one example, beside gradient flow in closed form.
    ``sample``       D_i ‖∇f(x_i)‖² of every example at every record of a descent, in bins of the margin.
    """
    arms: dict[str, Callable[[CurvatureRun, Tick], Record]] = {
        "one_neuron": _one_neuron,
        "one_example": _one_example,
        "sample": _sample,
    }
    return arms[run.arm](run, tick)


def shape(margins: Array, curvature: Array) -> dict[str, Any]:
    """Describe a curve over increasing margins > 0.

    ``rise``: its largest value over its first; ``peak_margin``: where it is largest; ``tail_slope``: slope of
    log curvature on the margin from 4 on, None with fewer than three points there.
    """
    tail = margins >= TAIL
    enough = tail.sum() >= 3
    return {
        "rise": float(curvature.max() / curvature[0]),
        "peak_margin": float(margins[curvature.argmax()]),
        "largest_margin": float(margins[-1]),
        "tail_slope": float(np.polyfit(margins[tail], np.log(curvature[tail]), 1)[0]) if enough else None,
    }


def _one_neuron(run: CurvatureRun, tick: Tick) -> Record:
    problem = problem_of(run)
    found = np.empty((2, MARGINS.size))
    for i, margin in enumerate(MARGINS):
        tick(i / MARGINS.size)
        network = one_example.balanced_neuron(run.x, float(margin))
        found[:, i] = [sharpness(problem, network, gauss_newton=part).value for part in (True, False)]
    formulas = [one_example.gauss_newton(run.x, MARGINS), one_example.balanced_sharpness(run.x, MARGINS)]
    gap = np.abs(found / formulas - 1.0).max(axis=1)
    inner = int(found[1, : int(found[0].argmax())].argmin())
    numbers = {
        **shape(MARGINS, found[0]),
        "peak_predicted": one_example.gauss_newton_peak(run.x),
        "gap": float(gap[0]),
        "gap_whole": float(gap[1]),
        "rise_whole": float(found[1, inner:].max() / found[1, 0]),
        "dip_margin_whole": float(MARGINS[inner]),
        "peak_margin_whole": float(MARGINS[inner + found[1, inner:].argmax()]),
    }
    arrays = {"margins": MARGINS, "gauss_newton": found[0], "whole": found[1], "formula": formulas[1]}
    return Record("finished", numbers, arrays)


def _descend(run: CurvatureRun, tick: Tick) -> Followed:
    """Train, keeping the networks of the first steps and of steps evenly spaced in their logarithm."""
    early = range(1, min(run.steps, run.records) + 1)
    at = [*early, *by_log(run.steps, 2 * run.records)]
    return follow(problem_of(run), start_of(run), _method(run), at, tick)


def gradients(problem: Problem, network: TwoLayerReLU) -> Array:
    """‖∇f(x_i)‖² at the sorted inputs (n,): Σ_active [w2²(x² + 1) + (w1 x + b1)²] + 1."""
    x = problem.line.arrays[0][:, None]
    reach = x * network.w1 + network.b1
    return np.asarray(((reach > 0.0) * (network.w2**2 * (x**2 + 1.0) + reach**2)).sum(axis=1) + 1.0)


def along(problem: Problem, snapshots: Sequence[Snapshot]) -> tuple[Array, Array]:
    """Margins and squared gradients (records, n) of the midpoint networks."""
    labels = problem.line.arrays[1]
    networks = [snapshot.midpoint for snapshot in snapshots]
    margins = [labels * Hessian(problem, network).predictions for network in networks]
    return np.array(margins), np.array([gradients(problem, network) for network in networks])


def _one_example(run: CurvatureRun, tick: Tick) -> Record:
    seen = _descend(run, tick)
    return seen.record(lambda: _learned(run, seen), {})


def _learned(run: CurvatureRun, seen: Followed) -> Found:
    margins, squares = (values[:, 0] for values in along(seen.problem, seen.snapshots))
    curvature = loss_of("logistic").curvature(margins) * squares
    ahead = (margins > 0.0) & (curvature > 0.0)
    if not ahead.any():
        return {}, {}  # the example is never on the right side, or too confident for a float
    peaks = seen.trajectory.sharpness
    margins, squares, peaks, curvature = (values[ahead] for values in (margins, squares, peaks, curvature))
    flow = _flow(run, float(margins[-1]))
    predicted = np.interp(margins, flow.margin, flow.gradient) * loss_of("logistic").curvature(margins)
    numbers = {
        **shape(margins, curvature),
        "gradient_start": float(squares[0]),
        "gradient_end": float(squares[-1]),
        "gap": float(np.abs(curvature / predicted - 1.0).max()),
        **{f"{name}_predicted": value for name, value in shape(margins, predicted).items()},
        "rise_whole": float(peaks.max() / peaks[0]),
        "peak_margin_whole": float(margins[peaks.argmax()]),
    }
    curves = {"margin": margins, "curvature": curvature, "whole": peaks, "predicted": predicted}
    return numbers, _named("example", curves, run)


def _named(of: str, curves: Mapping[str, Array], run: CurvatureRun) -> dict[str, Array]:
    return {f"{of}_{name}": values for name, values in curves.items()} if run.drawn else {}


def _flow(run: CurvatureRun, margin: float) -> one_example.Flow:
    """Gradient flow from the start of a run, finely, until the margin is reached."""
    most = 1.0
    while one_example.flow(start_of(run), run.x, 1.0, most).margin < margin:
        most *= 2.0
    return one_example.flow(start_of(run), run.x, 1.0, np.linspace(0.0, most, 20_001))


def _sample(run: CurvatureRun, tick: Tick) -> Record:
    seen = _descend(run, tick)
    return seen.record(lambda: _examples(run, seen), {})


def _examples(run: CurvatureRun, seen: Followed) -> Found:
    margins, squares = along(seen.problem, seen.snapshots)
    curvature = loss_of("logistic").curvature(margins) * squares
    binned = bins(margins, curvature, squares)
    first, last = seen.trajectory.sharpness[[0, -1]]
    numbers = {
        **(shape(binned["margin"], binned["curvature"]) if binned["margin"].size else {}),
        **fates(margins, curvature),
        "gradient_start": float(np.median(squares[0])),
        "gradient_end": float(np.median(squares[-1])),
        "sharpness_start": float(first),
        "sharpness": float(last),
        "edge_ratio": float(last * run.step_size / 2.0),
        "edge_ratio_last": float(seen.trajectory.edge_ratio_last[-1]),
    }
    return numbers, _named("binned", binned, run)


def bins(margins: Array, curvature: Array, squares: Array) -> dict[str, Array]:
    """Medians and quartiles over examples and records in bins of the margin, where 20 or more fall."""
    index_of = np.floor(margins / BIN).astype(int)
    rows = []
    for index in range(int(MOST / BIN)):
        here = index_of == index
        if here.sum() >= LEAST_IN_BIN:
            low, middle, high = np.quantile(curvature[here], [0.25, 0.5, 0.75])
            rows.append(((index + 0.5) * BIN, middle, low, high, float(np.median(squares[here]))))
    names = ("margin", "curvature", "low", "high", "gradient")
    return dict(zip(names, np.array(rows).T if rows else np.empty((5, 0)), strict=True))


def fates(margins: Array, curvature: Array) -> dict[str, Any]:
    """Say what happened to the curvature of the examples that end with a margin of at least 2.

    ``rose_and_fell``: the share whose curvature rose by a tenth or more above its first value and ended at
    half its largest or below; ``only_fell``: the share whose curvature did not rise so far, but ended so; the
    others ``stay_sharp``.
    """
    confident = margins[-1] >= 2.0
    if not confident.any():
        return {"confident": 0}
    path = curvature[:, confident]
    rose = path.max(axis=0) >= ROSE * path[0]
    fell = path[-1] <= FELL * path.max(axis=0)
    return {
        "confident": int(confident.sum()),
        "rose_and_fell": float(np.mean(rose & fell)),
        "only_fell": float(np.mean(~rose & fell)),
        "stay_sharp": float(np.mean(~fell)),
    }
