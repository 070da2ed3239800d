"""Descent on (xy − 1)², and the Hessian of ‖L Rᵀ − M‖² at factors of M that are more or less balanced."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, unknown
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.factorization import Factorization
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.objectives import factors as loss_of
from stepscape.objectives import scalar_product
from stepscape.problems.measurements import Measurements
from stepscape.tables.records import Record
from stepscape.theory.low_rank import (
    flattest_identity_sharpness,
    identity_measurements,
    identity_sharpness,
    imbalance,
    norm_excess,
)

Array = NDArray[np.float64]
LARGEST_STABLE = 0.5  # η from which on no minimum is stable: 2/η = 4
FAR = 1e6  # a coordinate that has diverged
DRAWN = 8  # starts whose paths are kept
SHOWN = 400  # steps of a path that is drawn
GAUGES = ("all", "second")


class ScalarRun(Spec, frozen=True, tag="scalar-descent/1"):
    """Descent on (xy − 1)² from a random start with one step size."""

    step_size: float
    reach: float
    steps: int
    seed: int
    drawn: bool


class FactorsRun(Spec, frozen=True, tag="scalar-factors/1"):
    """Factors L G, R G⁻ᵀ of a random matrix, from balanced ones with G = exp(stretch·S)."""

    d1: int
    d2: int
    rank: int
    gauge: str
    stretch: float
    seed: int


def grid(settings: Settings) -> list[ScalarRun | FactorsRun]:
    """Every step size and seed; every gauge, stretch and seed."""
    at_least(settings, seeds=1, steps=100, d1=2, d2=2)
    if not 2 <= settings["rank"] <= min(settings["d1"], settings["d2"]):
        raise bad("rank", "lie between 2 and the smaller of d1 and d2", settings["rank"])
    for name in ("reach", "swing_reach"):
        if not settings[name] > 0.0:
            raise bad(name, "be finite and positive", settings[name])
    for name, least in (("step_sizes", "positive"), ("stretches", "not negative")):
        low = min(settings[name])
        if low < 0.0 or (low == 0.0 and least == "positive"):
            raise bad(name, f"be finite and {least}", low)
    for name in settings["gauges"]:
        if name not in GAUGES:
            raise unknown("gauge", name, GAUGES)
    descents = sweep(
        ScalarRun,
        settings,
        step_size=settings["step_sizes"],
        reach=lambda run: settings["reach" if run.step_size < LARGEST_STABLE else "swing_reach"],
        seed=seeds(settings),
        drawn=lambda run: run.seed < settings["first_seed"] + DRAWN,
    )
    return descents + sweep(
        FactorsRun, settings, gauge=settings["gauges"], stretch=settings["stretches"], seed=seeds(settings)
    )


def work(run: ScalarRun | FactorsRun, tick: Tick) -> Record:
    """Descend, or measure factors."""
    tick(0.0)
    return _descend(run) if isinstance(run, ScalarRun) else _measure(run)


def begin(run: ScalarRun | FactorsRun) -> Array | Factorization:
    """Return the start, uniform in a square; or the factors."""
    if isinstance(run, FactorsRun):
        return _factors(run)
    rng = np.random.default_rng([stream(run.seed, "start")])  # the same for all step sizes
    return np.asarray(rng.uniform(-run.reach, run.reach, 2))


def _descend(run: ScalarRun) -> Record:
    """Descend; columns of the last point, of the range of the last two, and their distance from theory."""
    objective, theta = scalar_product(), np.asarray(begin(run))
    path = [theta]
    for _ in range(run.steps):
        theta = theta - run.step_size * objective.gradient(theta)
        if not np.abs(theta).max() < FAR:
            return Record("diverged", reason="a coordinate grew without bound")
        path.append(theta)
    before, last = path[-2], path[-1]
    sharpness = float(np.linalg.eigvalsh(_dense(objective.hessian(last), 2))[-1])
    numbers = {
        "x": float(last[0]),
        "y": float(last[1]),
        "loss": objective.loss(last),
        "sharpness": sharpness,
        "threshold": 2.0 / run.step_size,
        "from_norm": abs(sharpness - 2.0 * float(last @ last)) / sharpness,
        **_swing(run.step_size, before, last),
    }
    arrays = {"path": np.concatenate([path[:SHOWN], path[-2:]])} if run.drawn else {}
    return Record("finished", numbers, arrays)


def _swing(step_size: float, before: Array, last: Array) -> dict[str, Any]:
    """Measure how far the last two points are from the swing x = y = p, q of theory."""
    total = np.sqrt(1.0 + 1.5 / step_size)
    gap = np.sqrt(max(total**2 - 2.0 / step_size, 0.0))
    p, q = 0.5 * (total - gap), 0.5 * (total + gap)
    seen = np.sort(np.abs([before, last]), axis=0)  # (smaller, larger) of |x| and |y|
    off = np.abs(seen - np.array([[p], [q]])).max()
    return {"low": float(seen[0].min()), "high": float(seen[1].max()), "swing_error": float(off)}


def _factors(run: FactorsRun) -> Factorization:
    rng = np.random.default_rng([stream(run.seed, "factors")])
    M = rng.standard_normal((run.d1, run.rank)) @ rng.standard_normal((run.rank, run.d2))
    P, s, Qt = np.linalg.svd(M, full_matrices=False)
    L, R = P[:, : run.rank] * np.sqrt(s[: run.rank]), Qt[: run.rank].T * np.sqrt(s[: run.rank])
    S = rng.standard_normal((run.rank, run.rank))
    S = (S + S.T) / np.linalg.norm(S + S.T, 2)
    if run.gauge == "second":  # so little that the second pair stays below the first one
        S = np.diag([0.0, 0.5 * np.log(s[0] / s[1]), *[0.0] * (run.rank - 2)])
    values, vectors = np.linalg.eigh(run.stretch * S)
    G, inverse = ((vectors * np.exp(sign * values)) @ vectors.T for sign in (1.0, -1.0))
    return Factorization(L @ G, R @ inverse.T)


def _measure(run: FactorsRun) -> Record:
    """Measure trace and λ_max by the dense Hessian, over the least that factors of this matrix have."""
    factors = _factors(run)
    problem: Measurements = identity_measurements(factors.matrix)
    objective = loss_of(problem, factors=factors)
    H = _dense(objective.hessian(factors.parameters), objective.size)
    cut = factors.left.size
    # The block of L has the trace 2·d1·‖R‖², that of R 2·d2·‖L‖²: over d1 and d2 no side counts more.
    trace = float(np.trace(H[:cut, :cut])) / run.d1 + float(np.trace(H[cut:, cut:])) / run.d2
    least = 4.0 * float(np.linalg.norm(factors.matrix, "nuc"))
    sharpness = float(np.linalg.eigvalsh(H)[-1])
    return Record("finished", {
        "trace_excess": trace / least - 1.0,
        "norm_excess": norm_excess(factors),
        "imbalance": imbalance(factors),
        "sharpness_excess": sharpness / flattest_identity_sharpness(factors.matrix) - 1.0,
        "sharpness_error": abs(sharpness / identity_sharpness(factors) - 1.0),
    })  # fmt: skip


def _dense(operator: Any, size: int) -> Array:
    return np.array([operator.product(row) for row in np.eye(size)])
