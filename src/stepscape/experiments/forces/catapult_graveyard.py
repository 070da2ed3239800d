"""Where descent dies, diverges, is lazy or reaches the edge: scale of the initialization × step size."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT
from stepscape.experiments.forces.phase_runs import begin, grid, lost, phases, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.finding import all_of
from stepscape.experiments.frame.limits import EDGE, MOST, NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import clause, listed, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
RANGES = {"half_width": "on [−{0:g}, {0:g}]"}
DEFAULT = 1.0  # scale of PyTorch's initialization
QUICK = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_widths": (3.0, 1.0),
    "width": 100,
    "scales": (0.1, 0.3, 1.0, 3.0),
    "step_sizes": (0.003, 0.01, 0.03, 0.1, 0.8),
    "steps": 1000,
    "seeds": 6,
    "first_seed": 0,
}
FULL = {
    **QUICK,
    "width": 1000,
    "scales": (0.03, 0.06, 0.1, 0.2, 0.3, 0.6, 1.0, 2.0, 3.0),
    "step_sizes": (0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8),
    "steps": 20_000,
    "seeds": 20,
    "first_seed": 100,
}
PARTLY = " Partly if the ranges of the inputs differ."
DEAD = f"A run is dead if it finishes with fewer than {BENT}."


def in_each_range(result: Result, question: Any, **constants: float) -> Finding:
    """Ask on every range of the inputs; `question` takes its rows and how many intervals hold at once."""
    found = cells(result.table, RANGES)
    return together({
        name: question(rows, at_once=len(found), **constants) for name, rows in found.items()
    })  # fmt: skip


def graveyard(rows: Table, at_once: int, eta: float) -> Finding:
    """Whether the default start is lost at large step sizes."""
    large = rows.rows((rows["scale"] == DEFAULT) & (rows["step_size"] >= eta))
    if not len(large):
        return lacking(f"no run starts at scale {DEFAULT:g} with η ≥ {eta:g}")
    says = Says("runs", "diverge or die", plural=True)
    return decide.share(lost(large), says, groups=large["seed"], at_once=at_once)


def safe(rows: Table, at_once: int) -> Finding:
    """Whether runs that start within the threshold stay alive."""
    inside = rows.rows(rows["start_ratio"] <= 1.0)
    says = Says("runs that start within 2/λ", "end", "alive", plural=True)
    return decide.share(~lost(inside), says, groups=inside["seed"], at_once=at_once)


def boundary(rows: Table, at_once: int, within: float, factor: float) -> Finding:
    """Whether the boundary of the graveyard lies at one start ratio, whatever the scale."""
    scales, values, bounds = critical(rows)
    known = np.isfinite(values).mean(axis=0) >= MOST
    scales, values, bounds = scales[known], values[:, known], bounds[:, known]
    says = Says("the boundary", "lie", "at the same start ratio at every scale")
    what = "slope of log critical ratio on log scale"
    slope = decide.equivalent(slopes(values, scales), within, says, what, at_once=at_once)
    if slope.answer == "undecided" and slope.effect is None:
        return slope  # too few scales
    found = all_of({"slope": slope, "scales": _alike(scales, values, factor, at_once)})
    only_bounds = scales[bounds.mean(axis=0) > 1.0 - NEARLY_ALL]
    if found.answer == "yes" and only_bounds.size:
        why = f"but only a bound is known at scale {listed(only_bounds)}"
        return replace(found, answer="undecided", sentence=sentence(clause(found.sentence), why))
    return found


def _alike(scales: Array, values: Array, factor: float, at_once: int) -> Finding:
    """Whether the ratio of the scale that is farthest off is near the geometric mean of its seed."""
    logs = np.log10(values[np.isfinite(values).any(axis=1)])
    apart = logs - np.nanmean(logs, axis=1, keepdims=True)
    says = Says("it", "lie", f"within a factor of {factor:g} of the geometric mean at the scale farthest off")
    found = [
        decide.equivalent(
            off, float(np.log10(factor)), says, f"log10 of their ratio, scale {scale:g}",
            at_once=at_once * scales.size,
        )
        for scale, off in zip(scales, apart.T, strict=True)
    ]  # fmt: skip
    order = ("no", "undecided", "yes")
    far = np.abs(np.nanmean(apart, axis=0))
    return min(zip(found, far, strict=True), key=lambda one: (order.index(one[0].answer), -one[1]))[0]


def critical(rows: Table) -> tuple[Array, Array, Mask]:
    """Scales, start ratios (seeds, scales) at which runs begin to be lost, and which of them are bounds.

    The geometric mean of the smallest ratio η λ₀/2 at which a run is lost and of the largest below it. Where
    none is lost the largest ratio is a lower bound, and where all are lost the smallest is an upper one. A
    bound stands for the ratio if it lies beyond all ratios that its seed shows at other scales; otherwise it
    says nothing, and the ratio is nan.
    """
    scales, each_seed, gone = np.unique(rows["scale"]), np.unique(rows["seed"]), lost(rows)
    out, above, below = (np.full((each_seed.size, scales.size), np.nan) for _ in range(3))
    for i, seed in enumerate(each_seed):
        for j, scale in enumerate(scales):
            here = (rows["seed"] == seed) & (rows["scale"] == scale)
            tried, fallen = rows["start_ratio"][here], rows["start_ratio"][here & gone]
            if not tried.size:
                continue
            if not fallen.size:
                above[i, j] = tried.max()
            elif (safe := tried[tried < fallen.min()]).size:
                out[i, j] = np.sqrt(fallen.min() * safe.max())
            else:
                below[i, j] = fallen.min()
    some = np.isfinite(out).any(axis=1, keepdims=True)
    beyond = some & (above > np.where(np.isfinite(out), out, -np.inf).max(axis=1, keepdims=True))
    under = some & (below < np.where(np.isfinite(out), out, np.inf).min(axis=1, keepdims=True))
    return scales, np.where(beyond, above, np.where(under, below, out)), beyond | under


def thinned(rows: Table, at_once: int, least: float) -> Finding:
    """Whether a run that survives a start beyond its threshold has lost more of its bends."""
    if "bent_neurons" not in rows:
        return lacking("no run finished")
    alive = rows.rows(~lost(rows))
    beyond = alive["start_ratio"] > 1.0
    decades = np.log10(alive["bent_at_start"]) - np.log10(alive["bent_neurons"])
    every = np.unique(rows["seed"])
    values = np.array([_difference(decades, beyond, alive["seed"] == seed) for seed in every])
    says = Says("a survivor", "have", "fewer bent neurons than a run that starts within 2/λ")
    return decide.sign(
        values, says, "decades of bent neurons lost, beyond minus within", least, at_once=at_once
    )


def _difference(values: Array, beyond: Mask, here: Mask) -> float:
    """Mean of one seed beyond minus that within; nan where there is none on a side."""
    sides = [values[here & side] for side in (beyond, ~beyond)]
    return float(sides[0].mean() - sides[1].mean()) if all(side.size for side in sides) else float("nan")


def escape(rows: Table, at_once: int, eta: float) -> Finding:
    """Whether some scale reaches the edge alive, at each large step size."""
    large = rows.rows(rows["step_size"] >= eta)
    at_edge = phases(large) == "edge"
    found = [
        (seed, bool(at_edge[(large["seed"] == seed) & (large["step_size"] == step_size)].any()))
        for step_size in np.unique(large["step_size"])
        for seed in np.unique(large["seed"])
    ]
    says = Says("pairs of a step size and a seed", "reach", "the edge alive from some scale", plural=True)
    return decide.share(
        [there for _, there in found], says, groups=[seed for seed, _ in found], at_once=at_once
    )


def flat_grave(result: Result, tolerance: float) -> Finding:
    """Whether λ_max of a network without an active neuron is exactly 1."""
    rows = result.table
    gone = (rows["outcome"] == "finished") & (rows["dead_neurons"] == rows["width"])
    return decide.identity(rows["sharpness"][gone] - 1.0, tolerance, "networks without an active neuron")


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the phase diagram, one panel per range."""
    from stepscape.experiments.forces import catapult_graveyard_figures as figures

    return {"phases": figures.diagram(result)}


def _table(result: Result) -> Table:
    return medians(
        result.table, ("half_width", "scale", "step_size"),
        ("start_ratio", "bent_neurons", "rearranged_share", "edge_ratio", "weighted_tv", "risk"),
    )  # fmt: skip


CLAIM = Claim(
    name="catapult-graveyard",
    title="The catapult graveyard: scale of the initialization × step size",
    claim=(
        "From PyTorch's default initialization a large step size does not find a simple function: it "
        "diverges, or a catapult kills all neurons. Why do people fail to reproduce the tutorial?"
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'Did we get lucky?'; catapults: "
        "Lewkowycz et al. (2020)"
    ),
    setup=(
        "A tent with noise, n = 30, on [−3, 3] and on [−1, 1]. Every scale of a seed is the same network, "
        "multiplied. The ends of both grids were chosen so that every phase appears, in trials on seeds "
        "1000 to 1002 with 5000 steps; the rules were written after that, and before the full run on seeds "
        "of its own."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "graveyard",
            "Is the default start lost at large step sizes?",
            "Of the runs from scale 1 with η ≥ {eta:g}, the share that diverge or die. Yes if it is at least "
            "90 % and its interval lies above one half." + PARTLY + f" {DEAD}",
            partial(in_each_range, question=graveyard),
            constants={"eta": 0.1},
            primary=True,
        ),
        Part(
            "safe",
            "Do runs that start within their threshold stay alive?",
            "Of the runs whose initial sharpness is at most 2/η, the share that end alive. Yes if it is at "
            "least 90 % and its interval lies above one half." + PARTLY,
            partial(in_each_range, question=safe),
            reads=("start_ratio",),
        ),
        Part(
            "boundary",
            "Does the start ratio ηλ/2 alone decide who is lost?",
            "For each seed and scale the ratio η·(initial sharpness)/2 at which runs begin to be lost is "
            "the geometric mean of the smallest at which one is lost and the largest below it. Yes if the "
            "slope of its logarithm on that of the scale lies within ±{within:g} of 0, and the ratio of "
            "every scale within a factor of {factor:g} of the geometric mean of its seed, with intervals "
            "simultaneous over the scales; no if one of them lies wholly outside. It needs three scales over "
            "a factor of four. Where no run is lost the largest ratio, and where all are lost the smallest, "
            "is a bound: it stands for the ratio if it lies beyond all that the seed shows at other scales, "
            f"and where it does so for more than {1 - NEARLY_ALL:.0%} of the seeds the answer is not yes. A "
            f"scale with a ratio for fewer than {MOST:.0%} of the seeds is left out." + PARTLY,
            partial(in_each_range, question=boundary),
            constants={"within": 0.25, "factor": 3.0},
            reads=("start_ratio",),
        ),
        Part(
            "thinned",
            "Does a catapult that is survived thin the network out?",
            "Decades by which the bent neurons become fewer, mean over the surviving runs that start beyond "
            "2/λ minus that over those that start within it, seed by seed; {least:g} counts." + PARTLY,
            partial(in_each_range, question=thinned),
            constants={"least": 0.1},
            reads=("start_ratio",),
        ),
        Part(
            "escape",
            "Does some scale reach the edge alive at every large step size?",
            "Of the pairs of a seed and a step size η ≥ {eta:g}, the share for which a run from some scale "
            f"of the grid ends alive with an edge ratio of {EDGE[0]:g} or more. Yes if it is at least 90 % "
            "and its interval lies above one half." + PARTLY,
            partial(in_each_range, question=escape),
            constants={"eta": 0.1},
        ),
        Part(
            "flat_grave",
            "A network without an active neuron has sharpness 1",
            "An identity that a run tests in the program: with no neuron active on an input only the output "
            "bias is left, so that λ_max = 1 to within {tolerance:g}, and “λ_max ≤ 2/η” holds emptily.",
            flat_grave,
            constants={"tolerance": 1e-9},
            kind="identity",
            reads=("dead_neurons",),
        ),
    ),
    draw=draw,
    premises={"start_ratio": "the initial sharpness is known, so that a run can be said to start beyond 2/η"},
    numbers=_table,
)
