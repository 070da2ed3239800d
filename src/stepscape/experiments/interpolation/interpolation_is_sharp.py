"""Every network that passes through noisy labels is sharp: descent with large steps stays at none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.errors import bad, unknown
from stepscape.experiments.common.experiment import Experiment, Result, Settings, at_least, shared
from stepscape.experiments.interpolation.interpolation_rule import judge
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
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.theory.certificate import EPS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
CURVE_POINTS = 401


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


def specs(settings: Settings) -> list[InterpolationRun]:
    """Every size at the base noise and every noise at the base size, for each case, seed and interpolator."""
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
    if min(settings["sizes"]) < 4:
        raise bad("sizes", "be at least 4", min(settings["sizes"]))
    base, first = (settings["n"], settings["noise"]), settings["first_seed"]
    grid = [(n, base[1]) for n in settings["sizes"]] + [(base[0], noise) for noise in settings["noises"]]
    given = {key: value for key, value in settings.items() if key not in ("n", "noise")}
    runs = [
        InterpolationRun(
            **shared(InterpolationRun, given),
            truth=truth,
            design=design,
            n=n,
            noise=noise,
            interpolator=interpolator,
            seed=seed,
            drawn=(seed, case, (n, noise)) == (first, settings["cases"][0], base),
        )
        for case in settings["cases"]
        for truth, design in [_case(case)]
        for n, noise in dict.fromkeys([*grid, base])
        for seed in range(first, first + settings["seeds"])
        for interpolator in settings["interpolators"]
    ]
    for run in runs:
        if run.seed == first:  # a wrong setting is refused before the first run
            _network(run, _problem(run))
    return runs


def _case(text: str) -> tuple[str, str]:
    parts = text.split()
    if len(parts) != 2:
        raise bad("cases", "be pairs of a truth and a design such as 'line jittered'", repr(text))
    return parts[0], parts[1]


def _problem(run: InterpolationRun) -> Problem:
    return curve(
        run.truth,
        n=run.n,
        noise=run.noise,
        seed=run.seed,
        half_width=run.half_width,
        design=run.design,  # type: ignore[arg-type]
    )


def _network(run: InterpolationRun, problem: Problem) -> TwoLayerReLU:
    x, y = problem.inputs, problem.labels
    shift = run.shift if run.interpolator == "spline" else 0.0
    return TwoLayerReLU(*theory.spline_interpolator(x, y, shift))


def work(run: InterpolationRun, tick: Tick) -> Record:
    """Build one interpolator, measure its sharpness against the bounds, and disturb it.

    Descent starts at distance `offset` from it along the top eigenvector, on either side, with the step sizes
    (2 − detuning)/λ (columns ``_below``) and (2 + detuning)/λ (``_above``).
    """
    problem = _problem(run)
    bound = theory.interpolation_bound(problem.inputs, problem.labels)
    x = problem.sorted[0]
    row: dict[str, Any] = {
        "distinct": bool((np.diff(x) > 0.0).all()),
        "smallest_gap": float(np.diff(x).min()),
        "bound": bound.sharpness,
        "hat_bound": 1.0 + 2.0 * bound.hat_bound,
        "step_size_bound": bound.step_size,
        "rounding": 64.0 * EPS * bound.scale,
    }
    if run.interpolator == "flattest":
        found = theory.flattest_interpolator(problem.inputs, problem.labels, run.margin)
        network = TwoLayerReLU(*found.neurons)
        row |= {"least": found.least, "iterations": found.iterations}
    else:
        network = _network(run, problem)
    tick(0.3)
    peak = top(problem, network)
    row |= _interpolates(problem, network) | {
        "sharpness": peak.value,
        "sharpness_residual": peak.residual,
        "residual_norm": peak.rest,
        "second_eigenvalue": peak.second,
        "one_sided_sharpness": one_sided_sharpness(problem, network),
        "step_size": 2.0 / peak.value,
    }
    visits: dict[str, Visit] = {}
    for name, sign in (("below", -1.0), ("above", 1.0)):
        eta = (2.0 + sign * run.detuning) / peak.value
        visits[name] = visit(
            problem, network, peak.vector, eta, run.offset, run.steps, run.records, lambda _: tick(0.5)
        )
        row |= _summary(visits[name], eta, name)
    return Record("finished", row, _arrays(run, problem, network, visits) if run.drawn else {})


def _interpolates(problem: Problem, network: TwoLayerReLU) -> dict[str, Any]:
    """How well it interpolates, and where its knots lie.

    ``interpolation_error`` is max |f(x_i) − y_i| over the label deviation; ``interpolation_rounding`` the
    same over eps·Σ|w2|(|w1 x| + |b1|). ``knots_on_data``: neurons whose knot is exactly an input;
    ``knot_distance``: smallest distance of the others to an input, in widths of the gap they lie in.
    """
    x = problem.sorted[0]
    error = float(np.abs(network.predict(problem.inputs) - problem.labels).max())
    size = np.abs(network.w2) @ (np.abs(network.w1) * problem.x_max + np.abs(network.b1)) + abs(network.b2)
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
    """Describe the worse of the two sides: what came back least, what went away least."""
    ratio = seen.distances[:, -1] / seen.distances[:, 0]
    worse = int(np.argmax(ratio) if name == "below" else np.argmin(ratio))
    return {
        f"end_{name}": seen.end,
        f"distance_{name}": float(ratio[worse]),
        f"factor_{name}": float(seen.factor[worse]),
        f"loss_{name}": float(seen.loss[worse]),
        f"edge_ratio_{name}": float(seen.sharpness[worse]) * eta / 2.0,
    }


def _arrays(
    run: InterpolationRun, problem: Problem, network: TwoLayerReLU, visits: dict[str, Visit]
) -> dict[str, Array]:
    x = problem.sorted[0]
    grid = np.unique(np.concatenate([np.linspace(x[0], x[-1], CURVE_POINTS), x]))
    out = {
        "inputs": problem.inputs,
        "labels": problem.labels,
        "grid": grid,
        f"curve|{run.interpolator}": network.predict(grid),
    }
    for name, seen in visits.items():
        out[f"steps|{run.interpolator}|{name}"] = seen.at_steps
        out[f"distance|{run.interpolator}|{name}"] = seen.distances.T.ravel()
    return out


def figures(result: Result) -> dict[str, Figure]:
    """Sharpness against n and σ; descent beside the interpolators; what they look like."""
    from stepscape.experiments.interpolation import interpolation_is_sharp_figures as draw

    pages = {"sharpness": draw.sharpness(result.table, result.settings)}
    names = [name for name in result.settings["interpolators"] if f"curve|{name}" in result.arrays]
    return {
        **pages,
        "stability": draw.stability(result.arrays, names, result.settings["detuning"]),
        "curves": draw.curves(result.arrays, names),
    }


_QUICK: dict[str, Any] = {
    "cases": ("line jittered",),
    "sizes": (6, 8, 12, 16, 24),
    "noises": (0.5, 2.0),
    "n": 16,
    "noise": 1.0,
    "half_width": 1.0,
    "interpolators": tuple(INTERPOLATORS),
    "shift": 0.05,
    "margin": 0.01,
    "offset": 1e-6,
    "detuning": 0.01,
    "steps": 1500,
    "records": 50,
    "seeds": 3,
    "first_seed": 200,
}

EXPERIMENT = Experiment(
    name="interpolation-is-sharp",
    title="Interpolating noise is sharp: no large step ends there",
    claim=(
        "Every network that interpolates n noisy labels has ∫|f''|g = Ω(σ n [n − 24 log(1/δ)]) and therefore "
        "λ_max of the order σ n²: descent can settle at an interpolator only with a step size O(1/(n² σ))."
    ),
    kind="one-sided rate",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'Interpolating solutions must have "
        "high curvature'; Qiao et al. (2024)"
    ),
    setup=(
        "No training gets to interpolate at these sizes, so interpolators are built: the line that "
        "connects the dots, with every neuron facing outward and balanced, its knots a twentieth of a "
        "gap off the inputs; the same with knots exactly on the inputs, where there is no Hessian; and "
        "the flattest network of any width, from a convex program, with knots a hundredth of a gap off "
        "the inputs and a certificate of how much flatter another could be. A line is the truth of the "
        "first case, because then every bend is noise; the bound less 1 is then exactly proportional to σ, "
        "so that its slope on σ can only be 1. Inputs lie one in each of n equal cells on [-1, 1]. The "
        "printed n − 24 log(1/δ) is negative up to n = 55 for δ = 0.1: its order is what is tested. Sizes "
        "vary at noise 1, noise at the base size. Explored on seeds 0 and 1, with n from 3 to"
        " 60, knots at 0, 1/20 and 1/4 of a gap, and 3000 steps; then the rule was written and tried on"
        " seeds 100 to 102. One thing in it was changed after that: the slopes of the interpolators no "
        "longer decide, because a slope below 2 over a finite range of n does not contradict a lower "
        "bound of the order n². The reported runs use none of these seeds."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "cases": ("line jittered", "tent jittered", "line uniform"),
        "sizes": (8, 12, 16, 24, 32, 48, 60),
        "noises": (0.25, 0.5, 2.0, 4.0),
        "n": 24,
        "seeds": 20,
    },
    specs=specs,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "distinct": "no input stands twice: nothing passes through two labels at one input",
        "interpolation_error": "every label is met: no miss above 1e-9 label deviations",
        "knots_on_data": "no knot lies exactly on an input, where the loss has no Hessian; networks "
        "built with such are judged apart",
    },
)
