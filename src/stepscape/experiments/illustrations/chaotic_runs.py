"""Descent on landscapes with narrow ripples, the orbits of a double well, and where their periods double."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import NotConverged, bad
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.objectives import double_well
from stepscape.tables.records import Record

Array = NDArray[np.float64]
BINS = 60
REACH, EDGE = 4.2, 2.2  # standard deviations of the bowl that are drawn; ends of the double well
SETTLING = 8.0  # time η·steps after which the bowl has forgotten its start
SMALL_SPREAD = 1e-3  # of the starts
ORBIT, COLUMNS = 64, 220  # points of an orbit in the picture, and its step sizes
BURN = 2000  # steps that an orbit makes before it counts
POSITIVE = 0.01  # exponent per step from which an orbit counts as chaotic
DOUBLINGS = 6  # up to the period 64
FAR = 1e6


class RippleRun(Spec, frozen=True, tag="chaotic-ripples/2"):
    """Descent on a bowl or a double well with ripples ε sin(w/ε), from many starts near its right minimum."""

    landscape: str
    ripple: float
    ripple_starts: int
    ripple_steps: int
    step_size: float
    seed: int
    drawn: bool


class OrbitsRun(Spec, frozen=True, tag="chaotic-orbits/1"):
    """Descent in the double well without ripples, at many step sizes at once."""

    lowest: float
    highest: float
    diagram_levels: int
    orbit_steps: int
    seed: int
    drawn: bool


class DoublingsRun(Spec, frozen=True, tag="chaotic-doublings/1"):
    """Step sizes at which the period of the double well doubles, by Newton's method and bisection."""

    doublings: int


AnyRun = RippleRun | OrbitsRun | DoublingsRun


def grid(settings: Settings) -> list[AnyRun]:
    """Every landscape, step size and seed; the orbits of every seed; the doublings once."""
    at_least(
        settings, seeds=1, ripple_starts=1, ripple_steps=1, well_steps=1, orbit_steps=10, diagram_levels=2
    )
    every, first = seeds(settings), settings["first_seed"]
    drawn = {"drawn": lambda run: run.seed == first}
    fixed = {"ripple": settings["narrow_ripple"], "seed": every, **drawn}
    runs: list[AnyRun] = []
    for landscape in ("bowl", "wells"):
        etas = settings[f"{landscape}_step_sizes"]
        more = {} if landscape == "bowl" else {"ripple_steps": settings["well_steps"]}
        runs += sweep(RippleRun, settings, landscape=landscape, step_size=etas, **more, **fixed)
    runs += sweep(OrbitsRun, settings, lowest=0.95, highest=1.5, seed=every, **drawn)
    return [*runs, DoublingsRun(doublings=DOUBLINGS)]


def begin(run: AnyRun) -> None:
    """Refuse wrong settings."""
    if isinstance(run, RippleRun):
        if not 0.0 < run.step_size < 1.0:
            raise bad("bowl_step_sizes and wells_step_sizes", "lie strictly between 0 and 1", run.step_size)
        if not 0.0 < run.ripple <= 1e-3 * run.step_size:
            raise bad("narrow_ripple", "be positive and at most a thousandth of the step sizes", run.ripple)


def work(run: AnyRun, tick: Tick) -> Record:
    """Carry out one run of any kind."""
    tick(0.0)
    if isinstance(run, RippleRun):
        return _ripples(run, tick)
    return _orbits(run) if isinstance(run, OrbitsRun) else _doublings(run)


def _ripples(run: RippleRun, tick: Tick) -> Record:
    """Descend from all starts at once; count where they are."""
    bowl = run.landscape == "bowl"
    rng = np.random.default_rng([stream(run.seed, run.landscape)])
    w = (0.0 if bowl else 1.0) + SMALL_SPREAD * rng.standard_normal(run.ripple_starts)
    slope = _identity if bowl else double_well().gradient
    edges = bins(run.landscape, run.step_size)
    counts, burn, at_half = np.zeros(BINS), int(SETTLING / run.step_size), 0.0
    every = burn + run.ripple_steps
    for step in range(every):
        if step % 100 == 0:
            tick(step / every)
        if step == every // 2:
            at_half = float(np.mean(w < 0.0))
        w = w - run.step_size * (slope(w) + np.cos(w / run.ripple))
        if not np.abs(w).max() < FAR:
            return Record("diverged", reason=f"descent left the landscape at step {step}")
        if step >= burn:
            counts += np.histogram(w, edges)[0]
    share, law = counts / (run.ripple_starts * run.ripple_steps), gibbs(run.landscape, run.step_size, edges)
    half = np.s_[:] if bowl else np.s_[BINS // 2 :]
    distance = total_variation(share[half] / share[half].sum(), law[half] / law[half].sum())
    numbers = {
        "total_variation": distance,
        "other_well": float(np.mean(w < 0.0)),
        "other_well_at_half": at_half,
    }
    return Record("finished", numbers, {"share": share} if run.drawn else {})


def _identity(w: Array) -> Array:
    return w


def bins(landscape: str, step_size: float) -> Array:
    """Edges of the bins: 4.2 standard deviations of the bowl either way, or the double well."""
    reach = REACH * np.sqrt(step_size / (2.0 * (2.0 - step_size))) if landscape == "bowl" else EDGE
    return np.linspace(-reach, reach, BINS + 1)


def gibbs(landscape: str, step_size: float, edges: Array) -> Array:
    """Return the shares of the bins under the law of density ∝ e^{−4 f(w)/η}, f without its ripples.

    A cosine of a uniform phase has the variance ½, so that a step has that of a diffusion of temperature η/4.

    Source: Kong and Tao (2020).
    """
    w = np.linspace(edges[0], edges[-1], 100 * BINS + 1)
    height = 0.5 * w * w if landscape == "bowl" else 0.25 * (w * w - 1.0) ** 2
    density = np.exp(-4.0 * height / step_size)
    areas = 0.5 * (density[1:] + density[:-1])
    mass = areas.reshape(BINS, 100).sum(axis=1)
    return np.asarray(mass / mass.sum())


def total_variation(one: Array, other: Array) -> float:
    """½ Σ |p − q| of two laws of the bins."""
    return float(0.5 * np.abs(one - other).sum())


def _orbits(run: OrbitsRun) -> Record:
    """Descend at all step sizes at once; exponents, and the first chaotic step size."""
    rng = np.random.default_rng([stream(run.seed, "orbits")])
    eta = np.linspace(run.lowest, run.highest, run.diagram_levels)
    w, logs = rng.uniform(0.5, 0.9, run.diagram_levels), np.zeros(run.diagram_levels)
    last = np.zeros((min(ORBIT, run.orbit_steps), run.diagram_levels))
    for step in range(BURN + run.orbit_steps):
        if step >= BURN:
            logs += np.log(np.maximum(np.abs(1.0 - eta * (3.0 * w * w - 1.0)), 1e-300))
        w = w - eta * (w * w * w - w)
        last[step % len(last)] = w
    exponents = logs / run.orbit_steps
    chaotic = np.flatnonzero(exponents > POSITIVE)
    beyond = eta > eta[chaotic[0]] if chaotic.size else np.zeros(run.diagram_levels, bool)
    numbers: dict[str, Any] = {
        "onset": float(eta[chaotic[0]]) if chaotic.size else None,
        "chaotic_beyond": float(np.mean(exponents[beyond] > POSITIVE)) if beyond.any() else None,
        "spacing": float(eta[1] - eta[0]),
    }
    arrays = {"step_sizes": eta, "orbits": last, "exponents": exponents}
    return Record("finished", numbers, arrays if run.drawn else {})


def _doublings(run: DoublingsRun) -> Record:
    """Find the step sizes one after another, and extrapolate them by the last ratio of their distances."""
    at = [1.0, float(np.sqrt(5.0) - 1.0)]
    for k in range(2, run.doublings):
        # The first distance is not yet in the ratio, so that the search begins far below.
        gap = (at[-1] - at[-2]) / 4.7
        at.append(doubling(2**k, at[-1] + 0.15 * gap, at[-1] + 1.3 * gap))
    distances = np.diff(at)
    ratios = distances[:-1] / distances[1:]
    numbers = {
        "ratio": float(ratios[-1]),
        "ratio_before": float(ratios[-2]),
        "accumulation": float(at[-1] + distances[-1] / (ratios[-1] - 1.0)),
        **{f"doubling_{2**k}": place for k, place in enumerate(at, start=1)},
    }
    return Record("finished", numbers, {"doublings": np.array(at)})


def doubling(period: int, low: float, high: float) -> float:
    """Return the step size at which the stable orbit of a period has the multiplier −1.

    low : a step size at which that orbit is stable; it is followed from there towards `high`.
    """
    w = 0.7
    for _ in range(20_000):
        w -= low * (w * w * w - w)
    inside, outside = (low, w), high
    for eta in np.linspace(low, high, 100):
        at, multiplier = _orbit(period, float(eta), inside[1])
        if multiplier < -1.0:
            outside = float(eta)
            break
        inside = float(eta), at
    else:
        raise NotConverged(f"the period {period} does not double below the step size {high:.6g}")
    for _ in range(60):
        middle = 0.5 * (inside[0] + outside)
        at, multiplier = _orbit(period, middle, inside[1])
        if multiplier < -1.0:
            outside = middle
        else:
            inside = middle, at
    return inside[0]


def _orbit(period: int, eta: float, w: float) -> tuple[float, float]:
    """Return a point of a periodic orbit near w, by Newton's method, and the multiplier of the orbit."""
    multiplier = 1.0
    for _ in range(50):
        x, multiplier = w, 1.0
        for _ in range(period):
            multiplier *= 1.0 - eta * (3.0 * x * x - 1.0)
            x -= eta * (x * x * x - x)
        step = (x - w) / (multiplier - 1.0)
        w -= step
        if abs(step) < 1e-15:
            break
    return w, multiplier
