"""How training trades smoothness against confidence: runs in the plane of ∫|f''|g and median |f|."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.experiment import Experiment, Result, Settings, at_least
from stepscape.experiments.common.moments import log_steps
from stepscape.experiments.confidence.smoothness_measures import (
    MARGIN_PLANES,
    PLANES,
    Path,
    at_levels,
    followed,
    growth,
    margins,
    margins_of_truth,
    of_truth,
    turned_around,
)
from stepscape.experiments.confidence.smoothness_rule import judge, parted
from stepscape.experiments.logistic.grid import cells
from stepscape.experiments.logistic.runs import LogisticRun, equal_time, grid, method_of, problem_of, start_of
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.transient import after_transient
from stepscape.tables.records import Record
from stepscape.training import Snapshot, Trajectory, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FollowedRun(Spec, frozen=True, tag="smoothness-or-confidence/1"):
    """A logistic run whose place between smooth and confident is kept at every record, for every seed."""

    run: LogisticRun


class MarginRun(Spec, frozen=True, tag="smoothness-or-confidence-margins/1"):
    """The same with the margins beside; `margins` in place of `run` tells the rows of a table apart."""

    margins: LogisticRun


def specs(settings: Settings) -> list[FollowedRun | MarginRun]:
    """Every amplitude, flip rate, seed and step size; fewer than five inputs have no middle and no ends."""
    at_least(settings, n=5)
    own = {name: settings[f"margin_{name}"] for name in ("step_sizes", "steps", "seeds", "first_seed")}
    return [
        *(FollowedRun(run=run) for run in grid({**settings, "shown": ()})),
        *(MarginRun(margins=run) for run in grid({**settings, **own, "shown": ()})),
    ]


def work(spec: FollowedRun | MarginRun, tick: Tick) -> Record:
    """Train one network and follow it.

    Records are evenly spaced in the logarithm of the steps; beside them is the step of equal time, at which
    Σ η reaches what the smallest step size of the grid has in the end.
    """
    with_margins, run = (True, spec.margins) if isinstance(spec, MarginRun) else (False, spec.run)
    problem, same_time = problem_of(run), equal_time(run)
    snapshots: list[Snapshot] = []
    trajectory = train(
        problem,
        start_of(run),
        method_of(run),
        record_every=run.steps,
        record_at=[same_time, *log_steps(run.steps, run.records)],
        observe=snapshots.append,
        progress=lambda made: tick(made / run.steps),
    )
    numbers: dict[str, Any] = {
        "initial_sharpness": float(trajectory.sharpness[0]),
        "steps_made": int(trajectory.at_steps[-1]),
    }
    if trajectory.outcome == "diverged":
        return Record("diverged", numbers, reason=trajectory.message)
    path, truth = followed(problem, snapshots), of_truth(problem)
    if with_margins:
        path, truth = path | margins(problem, snapshots), truth | margins_of_truth(problem)
    late = after_transient(path)
    then = int(np.searchsorted(trajectory.at_steps, same_time))
    numbers |= {
        **{name: float(values[-1]) for name, values in path.items()},
        **{f"{name}_equal_time": float(values[then]) for name, values in path.items()},
        **{f"{name}_truth": value for name, value in truth.items()},
        **at_levels(late, truth, MARGIN_PLANES if with_margins else PLANES),
        **_movement(trajectory, path),
        "weighted_tv_lost": turned_around(late["weighted_tv"]),
    }
    if with_margins:
        return Record(
            "finished", numbers, _curves(run, trajectory, {name: path[name] for name in _DRAWN}, "margins_")
        )
    return Record("finished", numbers, _curves(run, trajectory, path))


_DRAWN = ("loss_mean", "confidence", "margin", "margin_share", "weighted_tv")


def _movement(run: Trajectory, path: Path) -> dict[str, Any]:
    """How it ends, and how fast it still moves.

    ``…_growth``: slope per tenfold steps over the last decade of steps, ``…_growth_before`` over the one
    before; of confidence and largest |f|, and of log10 ∫|f''|g. ``edge_ratio``: median over the records of
    the last decade, since the sharpness alternates between iterates at the edge. ``budget_used``:
    D̄ (1 + 2 ∫|f''|g_D) over 2/η.
    """
    steps = run.at_steps
    moving = {
        "confidence": path["confidence"],
        "largest": path["largest"],
        "weighted_tv": np.log10(np.maximum(path["weighted_tv"], 1e-300)),
    }
    budget = path["curvature"] * (1.0 + 2.0 * path["curved_tv"])
    slopes = {f"{name}_growth": growth(steps, values) for name, values in moving.items()}
    earlier = {f"{name}_growth_before": growth(steps, values, 1) for name, values in moving.items()}
    return {
        "time": float(run.time[-1]),
        "loss": float(run.loss[-1]),
        "edge_ratio": float(np.median(run.edge_ratio[steps >= steps[-1] / 10])),
        "bent_neurons": int(run.bent_neurons[-1]),
        **slopes,
        **earlier,
        "budget_used": float(budget[-1]) / run.method.threshold(),
    }


def _curves(run: LogisticRun, trajectory: Trajectory, path: Path, of: str = "") -> dict[str, NDArray[Any]]:
    """Arrays named ``name|amplitude|flip_rate|step_size|seed``; `of` stands before the name."""
    key = f"{run.amplitude:g}|{run.flip_rate:g}|{run.step_size:g}|{run.seed}"
    return {
        f"{of}steps|{key}": trajectory.at_steps.astype(float),
        f"{of}edge|{key}": trajectory.edge_ratio,
        **{f"{of}{name}|{key}": values for name, values in path.items()},
    }


def figures(result: Result) -> dict[str, Figure]:
    """Draw the planes, both coordinates over time, and the comparison at equal levels."""
    from stepscape.experiments.confidence import smoothness_or_confidence_figures as draw

    table, with_margins = parted(result.table)
    laws, etas = list(cells(result.table)), sorted(result.settings["step_sizes"])
    return {
        "planes": draw.planes(table, result.arrays, laws, etas),
        "margins": draw.margins(
            with_margins, result.arrays, laws, sorted(result.settings["margin_step_sizes"])
        ),
        "over-time": draw.over_time(table, result.arrays, laws, etas),
        "equal-levels": draw.equal_levels(table, laws),
    }


_QUICK: dict[str, Any] = {
    "truth": "wave",
    "n": 100,
    "amplitudes": (1.0, 4.0),
    "flip_rates": (0.0,),
    "half_width": 1.0,
    "width": 400,
    "init": "torch",
    "scale": 1.0,
    "weight_decay": 0.0,
    "step_sizes": (0.01, 0.1, 0.4, 1.2),
    "steps": 3000,
    "seeds": 3,
    "first_seed": 0,
    "records": 20,
    "margin_step_sizes": (0.04, 0.4, 1.2),
    "margin_steps": 3000,
    "margin_seeds": 3,
    "margin_first_seed": 100,
}

EXPERIMENT = Experiment(
    name="smoothness-or-confidence",
    title="Smoothness or confidence: what training gives up for which",
    claim=(
        "Flatness can come from smoothness or from confidence; the paper leaves open how training trades "
        "one for the other. Guessed here: at equal confidence a larger step size is smoother, at equal "
        "smoothness more confident, and confidence grows on when smoothness has stopped."
    ),
    kind="open question",
    source="Qiao and Wang (2025), open question on training dynamics",
    setup=(
        "Labels from 1, 2 and 4 times a wave, none flipped: 100 inputs, 400 neurons, PyTorch's default "
        "start. The smallest step size stays far below its threshold and stands for gradient flow. Seed 0 "
        "was looked at with amplitudes 1 and 4, step sizes 0.01, 0.4 and 4, and 30,000 steps before the rule "
        "was finished. Two things come from that look. A step size far above the threshold of the start "
        "throws the network up to |f| of 40 in three steps, which is no trade between confidence and "
        "smoothness: levels are counted once the loss stays below that of the start. And the start itself "
        "has a median |f| of 0.3, so that a run comes to a level where it last rises through it, not where "
        "it first was. A look at seeds 0 to 2 with the full settings of amplitudes 1 and 4 showed the "
        "largest |f| growing at the ends of the range where the median does not grow; it is asked about "
        "beside it, and what was asked then about the ends is judged on the other seeds alone. Added after "
        "all other numbers: runs of their own that keep the margin y f, on ten fresh seeds with 60,000 steps "
        "of 0.04, 0.4 and 1.2; their rule was written before they were made. How the answers of several "
        "cells make a word was changed for all logistic experiments after the numbers: one cell of several "
        "sufficed for 'partly', now the mean over all cells decides."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "amplitudes": (1.0, 2.0, 4.0),
        "step_sizes": (0.01, 0.04, 0.1, 0.4, 1.2, 4.0),
        "steps": 100_000,
        "seeds": 10,
        "records": 60,
        "margin_steps": 60_000,
        "margin_seeds": 10,
    },
    specs=specs,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is smooth for another reason",
        "edge_ratio": "λ_max·η/2 over the last decade of steps is near 1: the step size limits flatness",
        "smallest_margin": "not every label is fitted (least y f below 0): otherwise |f| grows without end",
    },
)
