"""One interpolator of one data set and descent near it, which claims about interpolators share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.errors import bad, unknown
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.interpolation.interpolators import (
    INTERPOLATORS,
    Visit,
    one_sided_sharpness,
    top,
    visit,
)
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.measures import label_deviation, shape
from stepscape.memory import require_memory
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.theory.certificate import EPS

Array = NDArray[np.float64]
CURVE_POINTS = 401
SIDES = (("below", -1.0), ("above", 1.0))  # of 2/λ, with the sign of the detuning


class InterpolationRun(Spec, frozen=True, tag="interpolation-is-sharp/1"):
    """One interpolator of one data set, and descent beside it."""

    truth: str
    design: str
    n: int
    noise: float
    half_width: float
    interpolator: str
    shift: float
    margin: float
    offset: float
    detuning: float
    steps: int
    records: int
    seed: int
    drawn: bool


class LimitRun(Spec, frozen=True, tag="interpolation-limit/1"):
    """One data set with equispaced inputs, of which only the data-only bound is computed."""

    truth: str
    n: int
    noise: float
    half_width: float
    seed: int


def grid(settings: Settings) -> list[InterpolationRun | LimitRun]:
    """Every size at the base noise and every noise at the base size, for each case, seed and interpolator.

    And the limit sizes at the base noise, for the truth of the first case.
    """
    _check(settings)
    first, base = settings["cases"][0], (settings["n"], settings["noise"])
    varied = [(n, base[1]) for n in settings["sizes"]] + [(base[0], noise) for noise in settings["noises"]]

    def is_drawn(run: Any) -> bool:
        return (run.seed, f"{run.truth} {run.design}") == (settings["first_seed"], first) and (
            run.n, run.noise
        ) == base  # fmt: skip

    limit = sweep(
        LimitRun, settings, truth=_case(first)["truth"], n=settings["limit_sizes"], seed=seeds(settings)
    )
    return limit + sweep(
        InterpolationRun,
        settings,
        case=[_case(text) for text in settings["cases"]],
        size=[{"n": n, "noise": noise} for n, noise in dict.fromkeys([*varied, base])],
        seed=seeds(settings),
        interpolator=settings["interpolators"],
        drawn=is_drawn,
    )


def _check(settings: Settings) -> None:
    at_least(settings, seeds=1, steps=10, records=5, n=4)
    for name in settings["interpolators"]:
        if name not in INTERPOLATORS:
            raise unknown("interpolator", name, INTERPOLATORS)
    if not 0.0 < settings["detuning"] < 2.0:
        raise bad("detuning", "lie strictly between 0 and 2", settings["detuning"])
    if not 0.0 < settings["margin"] < 0.5:
        raise bad("margin", "lie strictly between 0 and 0.5", settings["margin"])
    if not settings["offset"] > 0.0:
        raise bad("offset", "be finite and positive", settings["offset"])
    for name in ("sizes", "limit_sizes"):
        if min(settings[name]) < 4:
            raise bad(name, "be at least 4", min(settings[name]))


def _case(text: str) -> dict[str, str]:
    parts = text.split()
    if len(parts) != 2:
        raise bad("cases", "be pairs of a truth and a design such as 'line jittered'", repr(text))
    return {"truth": parts[0], "design": parts[1]}


def begin(run: InterpolationRun | LimitRun) -> tuple[Problem, TwoLayerReLU] | Problem:
    """Return the problem, and the line that connects the dots with its knots where the run wants them."""
    return _equispaced(run) if isinstance(run, LimitRun) else _connected(run)


def _equispaced(run: LimitRun) -> Problem:
    return curve(
        run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width, design="equispaced"
    )


def _connected(run: InterpolationRun) -> tuple[Problem, TwoLayerReLU]:
    problem = curve(
        run.truth,
        n=run.n,
        noise=run.noise,
        seed=run.seed,
        half_width=run.half_width,
        design=run.design,  # type: ignore[arg-type]
    )
    shift = run.shift if run.interpolator == "spline" else 0.0
    return problem, TwoLayerReLU(*theory.spline_interpolator(problem.inputs, problem.labels, shift))


def work(run: InterpolationRun | LimitRun, tick: Tick) -> Record:
    """Compute the data-only bound, over its limit; or visit an interpolator."""
    if not isinstance(run, LimitRun):
        return _visit_interpolator(run, tick)
    tick(0.5)
    problem = _equispaced(run)
    bound = theory.interpolation_bound(problem.inputs, problem.labels).sharpness
    rate = theory.interpolation_rate(run.noise, run.half_width)
    return Record("finished", {"bound": bound, "over_limit": (bound - 1.0) / (rate * run.n**2)})


def _visit_interpolator(run: InterpolationRun, tick: Tick) -> Record:
    """Build one interpolator, measure its sharpness against the bounds, and disturb it.

    Descent starts at distance `offset` from it along the top eigenvector, on either side, with the step sizes
    (2 − detuning)/λ (columns ``_below``) and (2 + detuning)/λ (``_above``).
    """
    problem, network = _connected(run)
    numbers = _bounds(problem)
    if run.interpolator == "flattest":
        found = theory.flattest_interpolator(problem.inputs, problem.labels, run.margin)
        network = TwoLayerReLU(*found.neurons)
        numbers |= {"least": found.least, "iterations": found.iterations}
    tick(0.3)
    peak = top(problem, network)
    numbers |= _interpolates(problem, network) | {
        "sharpness": peak.value,
        "sharpness_residual": peak.residual,
        "residual_norm": peak.rest,
        "second_eigenvalue": peak.second,
        "one_sided_sharpness": one_sided_sharpness(problem, network),
        "step_size": 2.0 / peak.value,
    }
    visits: dict[str, Visit] = {}
    for name, sign in SIDES:
        eta = (2.0 + sign * run.detuning) / peak.value
        visits[name] = visit(
            problem, network, peak.vector, eta, run.offset, run.steps, run.records, lambda _: tick(0.5)
        )
        numbers |= _summary(visits[name], eta, name)
    return Record("finished", numbers, _arrays(problem, network, visits) if run.drawn else {})


def _bounds(problem: Problem) -> dict[str, Any]:
    """Return what the data alone say about every interpolator."""
    bound = theory.interpolation_bound(problem.inputs, problem.labels)
    gaps = np.diff(problem.line.inputs)
    return {
        "distinct": bool((gaps > 0.0).all()),
        "smallest_gap": float(gaps.min()),
        "bound": bound.sharpness,
        "hat_bound": 1.0 + 2.0 * bound.hat_bound,
        "step_size_bound": bound.step_size,
        "rounding": 64.0 * EPS * bound.scale,
    }


def _interpolates(problem: Problem, network: TwoLayerReLU) -> dict[str, Any]:
    """How well it interpolates, and where its knots lie.

    ``interpolation_error`` is max |f(x_i) − y_i| over the label deviation; ``interpolation_rounding`` the
    same over eps·Σ|w2|(|w1 x| + |b1|). ``knots_on_data``: neurons whose knot is exactly an input;
    ``knot_distance``: smallest distance of the others to an input, in widths of the gap they lie in.
    """
    x = problem.line.inputs
    require_memory("width", network.width, 17 * x.size * network.width)
    error = float(np.abs(network.predict(problem.inputs) - problem.labels).max())
    reach = np.abs(network.w1) * problem.line.x_max + np.abs(network.b1)
    size = np.abs(network.w2) @ reach + abs(network.b2)
    on_data = np.any(np.multiply.outer(x, network.w1) + network.b1 == 0.0, axis=0)
    knots = -network.b1[~on_data] / network.w1[~on_data]
    knots = knots[(knots > x[0]) & (knots < x[-1])]
    gap = np.searchsorted(x, knots)
    near = np.minimum(knots - x[gap - 1], x[gap] - knots) / (x[gap] - x[gap - 1])
    return {
        "width": network.width,
        "interpolation_error": error / label_deviation(problem),
        "interpolation_rounding": error / (EPS * size),
        "knots_on_data": int(on_data.sum()),
        "knot_distance": float(near.min()) if near.size else None,
        **{name: shape(problem, network)[name] for name in ("weighted_tv", "bent_neurons", "knots_at_data")},
    }


def _summary(seen: Visit, eta: float, name: str) -> dict[str, Any]:
    """Describe the worse of the two sides: the start that came back least, and the one that left least."""
    ratio = seen.distances[:, -1] / seen.distances[:, 0]
    worse = int(np.argmax(ratio) if name == "below" else np.argmin(ratio))
    return {
        f"end_{name}": seen.end,
        f"distance_{name}": float(ratio[worse]),
        f"factor_{name}": float(seen.factor[worse]),
        f"loss_{name}": float(seen.loss[worse]),
        f"edge_ratio_{name}": float(seen.sharpness[worse]) * eta / 2.0,
    }


def _arrays(problem: Problem, network: TwoLayerReLU, visits: dict[str, Visit]) -> dict[str, Array]:
    x = problem.line.inputs
    at = np.unique(np.concatenate([np.linspace(x[0], x[-1], CURVE_POINTS), x]))
    out = {"inputs": problem.inputs, "labels": problem.labels, "grid": at, "curve": network.predict(at)}
    for name, seen in visits.items():
        out |= {f"steps_{name}": seen.at_steps, f"distance_{name}": seen.distances.T.ravel()}
    return out
