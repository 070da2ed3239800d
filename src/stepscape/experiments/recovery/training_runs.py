"""One training of factors on one problem of low rank, measured against the flattest solution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape import recovery
from stepscape.errors import bad, unknown
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.recovery.low_rank import PROBLEMS, check
from stepscape.factorization import Factorization
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.objectives import factors as loss_of
from stepscape.problems.measurements import Measurements
from stepscape.recovery import Paths, Training
from stepscape.recovery.training import hessian_frobenius
from stepscape.tables.records import Record
from stepscape.theory.low_rank import flattest_trace

Array = NDArray[np.float64]
TRUE = 1e-5  # relative error up to which the flattest solution is the truth
TINY = 1e-3  # scale of a tiny start
RESTING = (0.4, 0.6)  # shares of the steps between which a trace at rest stays; annealing begins after them


class Arm(NamedTuple):
    """A way to train: the share of 2/λ_max at the flattest solution that η is, and what is added to descent.

    Weight decay and the trace penalty are shares of the limits from which on the matrix 0 is a local minimum.
    """

    words: str
    step: float
    options: Mapping[str, Any]
    batch: float = 0.0  # share of the measurements; 0 takes all of them
    penalty: float = 0.0
    decay: float = 0.0


ARMS = {
    "small_steps": Arm("small steps", 0.25, {}),
    "large_steps": Arm("large steps", 1.1, {}),
    "sgd_one": Arm("SGD, one at a time", 0.01, {}, batch=1e-9),
    "sgd_twentieth": Arm("SGD, batches of 1/20", 0.1, {}, batch=0.05),
    "sgd_eighth": Arm("SGD, batches of 1/8", 0.3, {}, batch=0.125),
    "sgd_reshuffled": Arm("SGD, 1/8, reshuffled", 0.3, {"replacement": False}, batch=0.125),
    "sam": Arm("SAM", 0.3, {"ascent": 0.5}),
    "label_noise": Arm("label noise, annealed", 0.3, {"label_noise": 1.0}),
    "tiny_start": Arm("tiny start", 0.3, {}),
    "estimated_trace": Arm("estimated trace penalty", 0.3, {"trace": "hutchinson"}, penalty=0.1),
    "trace_penalty": Arm("exact trace penalty", 0.5, {}, penalty=0.1),
    "weight_decay": Arm("weight decay, annealed", 0.5, {}, decay=0.1),
}


class TrainingRun(Spec, frozen=True, tag="recovery-training/1"):
    """One arm from one random start, whose entries are `scale`·N(0, 1)/√k."""

    problem: str
    d: int
    rank: int
    ratio: float
    m: int
    arm: str
    scale: float
    steps: int
    records: int
    seed: int
    drawn: bool


class Flattest(NamedTuple):
    """The flattest solution of a problem: its factors, trace, 2/λ_max, and relative error."""

    problem: Measurements
    factors: Factorization
    trace: float
    step_size: float
    error: float

    @classmethod
    def of(cls, problem: Measurements) -> Flattest:
        """Solve the convex program."""
        found = recovery.flattest(problem)
        trace = flattest_trace(problem, found.matrix)
        step_size = recovery.stable_step_size(problem, found.factors)
        return cls(problem, found.factors, trace, step_size, problem.error(found.matrix))

    def distance(self, factors: Factorization) -> float:
        """‖X − X*‖_F/‖X*‖_F from the matrix of the flattest solution."""
        gap = np.linalg.norm(factors.matrix - self.factors.matrix)
        return float(gap / np.linalg.norm(self.factors.matrix))


def grid(settings: Settings) -> list[TrainingRun]:
    """Every problem, seed and arm at the first scale, and the wide arms at the other scales."""
    check_problems(settings)
    for name in (*settings["arms"], *settings["wide_arms"]):
        if name not in ARMS:
            raise unknown("arm", name, ARMS)
    if not min(settings["scales"]) > 0.0:
        raise bad("scales", "be positive", min(settings["scales"]))
    first, *others = settings["scales"]
    pairs = [(arm, first) for arm in settings["arms"]]
    pairs += [(arm, scale) for scale in others for arm in settings["wide_arms"]]
    return sweep(
        TrainingRun,
        settings,
        problem=settings["problems"],
        m=count,
        seed=seeds(settings),
        start=[{"arm": arm, "scale": TINY if arm == "tiny_start" else scale} for arm, scale in pairs],
        drawn=lambda run: run.seed == settings["first_seed"] and run.problem == settings["problems"][0],
    )


def check_problems(settings: Settings) -> None:
    """Refuse problems without factors, and lengths that train nothing."""
    check({**settings, "ratios": (settings["ratio"],)})
    at_least(settings, steps=100, records=1)
    for name in settings["problems"]:
        if PROBLEMS[name].symmetric or name == "robust_pca":
            known = [each for each, kind in PROBLEMS.items() if not kind.symmetric and each != "robust_pca"]
            raise bad("problems", f"be of {', '.join(known)}", repr(name))


def count(run: Any) -> int:
    """Return the number of measurements of a run."""
    return PROBLEMS[run.problem].measurements(run.d, run.rank, run.ratio)


def build(run: Any) -> Measurements:
    """Return the problem of a run."""
    problem = PROBLEMS[run.problem].build(run.d, run.rank, run.m, 0.0, run.seed)
    assert isinstance(problem, Measurements)
    return problem


def begin(run: TrainingRun) -> tuple[Measurements, Factorization]:
    """Return the problem and the start, which is the same for all arms of a scale."""
    problem = build(run)
    return problem, Factorization.random(problem.shape, run.d, run.scale, seed=run.seed)


def training(arm: Arm, flat: Flattest, steps: int) -> Training:
    """Return the training of an arm on a problem."""
    problem = flat.problem
    return Training(
        arm.step * flat.step_size,
        steps,
        batch=max(1, int(arm.batch * problem.size)) if arm.batch else None,
        trace_penalty=arm.penalty * recovery.trace_penalty_limit(problem) if arm.penalty else 0.0,
        weight_decay=arm.decay * recovery.weight_decay_limit(problem) if arm.decay else 0.0,
        **arm.options,
    )


def work(run: TrainingRun, tick: Tick) -> Record:
    """Train, and compare the end with the flattest solution and with the truth."""
    problem, start = begin(run)
    flat, arm = Flattest.of(problem), ARMS[run.arm]
    path = recovery.train_factors(
        problem,
        [start],
        training(arm, flat, run.steps),
        record_every=-(-run.steps // run.records),
        seed=run.seed,
        progress=lambda made: tick(made / run.steps),
        flattest=flat.trace,
        measure_frobenius=True,
    )
    numbers = {
        "recovers": flat.error <= TRUE,
        "flattest_error": flat.error,
        **ends(path, flat),
        "frobenius_ratio": float(path.hessian_frobenius[0, -1]) / _frobenius(flat),
        "falling": trace_fall(path, run.steps),
    }
    names = ("trace_ratio", "sharpness", "error")
    arrays = {"at_steps": path.at_steps, **{name: getattr(path, name)[0] for name in names}}
    return record(path, numbers, arrays if run.drawn else {})


def _frobenius(flat: Flattest) -> float:
    objective = loss_of(flat.problem, factors=flat.factors)
    return hessian_frobenius(objective, flat.factors.parameters)


def trace_fall(path: Paths, steps: int) -> float:
    """How much of itself the trace loses between two shares of the steps."""
    first, last = np.interp(np.multiply(RESTING, steps), path.at_steps, path.trace_ratio[0])
    return float(1.0 - last / first)


def ends(path: Paths, flat: Flattest) -> dict[str, Any]:
    """Describe the end of a path; the loss is in units of the mean square of the labels."""
    names = ("trace_ratio", "sharpness", "error", "norm_excess", "imbalance")
    return {
        "loss": float(path.loss[0, -1] / np.mean(flat.problem.labels**2)),
        **{name: float(getattr(path, name)[0, -1]) for name in names},
        "sharpness_ratio": float(path.sharpness[0, -1] * flat.step_size / 2.0),
        "edge_ratio": float(path.edge_ratio[0, -1]),
        "end_rank": float(path.rank[0, -1]),
        "distance": flat.distance(path.factors[0]),
    }


def record(path: Paths, numbers: Mapping[str, Any], arrays: Mapping[str, Array]) -> Record:
    """Return the record of a path; one that diverged leaves no numbers."""
    if path.outcome[0] == "diverged":
        return Record("diverged", reason="the loss grew without bound")
    return Record("finished", numbers, arrays)
