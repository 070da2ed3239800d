"""Which step sizes still fit labels of pure noise."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.step_sizes import STEP_SIZES, WORKS
from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    Settings,
    decide,
    lacking,
    together,
)
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.levels import fraction
from stepscape.experiments.frame.limits import LEAST_SEEDS, MOST
from stepscape.experiments.frame.medians import nothing_finished
from stepscape.experiments.frame.sentences import clause
from stepscape.experiments.square.family import Array, everywhere, with_left_out
from stepscape.experiments.square.medians import medians
from stepscape.experiments.square.runs import FULL, QUICK, StepSizeRun, begin, grid, work
from stepscape.experiments.square.weighted_tv import holds
from stepscape.tables.records import Table

ARMS: dict[str, Any] = {"by": "arm"}
BELOW = 0.5  # of the bound: a small step size
FITS = 0.01  # share of the mean square of the labels that a fit may leave
COLUMNS = ("training_error", "training_error_truth", "loss", "interpolation_left", "edge_ratio", "pieces")
PARTLY = (
    "Partly if it is so at some numbers of points or ranges and not, or not settled, at others; those that "
    f"are left out leave a yes open. {WORKS}"
)
SAMPLE = ("arm", "half_width", "n", "seed")
LEAST_GROWTH = 1.5  # of the number of points, for an exponent
BASE = {**{key: x for key, x in QUICK.items() if key != "n"}, "truth": "zero", "noise": 1.0}


def every_size(settings: Settings) -> list[StepSizeRun]:
    """Every number of points, arm, seed and step size."""
    return [run for n in settings["sizes"] for run in grid({**settings, "n": n})]


def compared(table: Table) -> Table:
    """Add the step size over the bound of the data, and the share of the noise that the fit leaves."""
    if "interpolation_left" not in table:
        return table
    over = table["step_size"] * table["interpolation_left"] / 2.0
    noise = table["training_error_truth"]
    left = np.divide(table["training_error"], noise, out=np.full(noise.size, np.nan), where=noise > 0.0)
    return Table({**table.columns, "over_bound": over, "left": left})


def small_steps_fit(rows: Table, fits: float, below: float) -> Finding:
    """Whether the runs with small steps fit the noise."""
    small = rows.rows(rows["over_bound"] <= below)
    says = Says("runs with small steps", "fit", "the noise", plural=True)
    return decide.share(small["left"] <= fits, says, groups=small["seed"])


def large_steps_do_not(rows: Table, fits: float, below: float) -> Finding:
    """Whether the runs beyond the bound do not fit the noise, where small steps do."""
    large = rows.rows(rows["over_bound"] > 1.0)
    says = Says("runs beyond the bound", "leave", "part of the noise", plural=True)
    return _unfinished(rows, fits, below) or decide.share(large["left"] > fits, says, groups=large["seed"])


def ends_at_the_bound(rows: Table, fits: float, below: float, factor: float) -> Finding:
    """Whether the largest step size that fits lies near the bound, where small steps fit."""
    if missing := _unfinished(rows, fits, below):
        return missing
    ends = np.array([_end(rows.where(seed=seed), fits, factor) for seed in np.unique(rows["seed"])])
    if np.isfinite(ends).sum() < LEAST_SEEDS:
        return lacking("the fit does not end within the grid of step sizes")
    says = Says("the fit", "end", f"within a factor of {factor:g} of the bound")
    what = "log10 of the largest step size that fits over the bound"
    found = decide.equivalent(ends, float(np.log10(factor)), says, what)
    return found.with_numbers({"seeds that do not show an end": int(np.isnan(ends).sum())})


def _end(rows: Table, fits: float, factor: float) -> float:
    """Log10 of the largest step size of a seed that fits, over the bound; nan where the grid hides it.

    If the largest step size at which descent learns fits, the fit ends somewhere beyond it: too far from the
    bound where that step size itself is, and unknown elsewhere.
    """
    good, over = rows["left"] <= fits, rows["over_bound"]
    if not good.any():
        return float("nan")
    largest = over[good].max()
    hidden = largest == over.max() and largest <= factor
    return float("nan") if hidden else float(np.log10(largest))


def largest_fits(table: Table, fits: float, below: float) -> Table:
    """One row per arm, range, number of points and seed: the largest step size that fits, and the bound.

    nan where none fits, where the largest step size at which that seed learns a curve does, and where most
    runs with small steps do not.
    """
    found = []
    for key in dict.fromkeys(zip(*(table[name].tolist() for name in SAMPLE[:-1]), strict=True)):
        rows = table.where(**dict(zip(SAMPLE, key, strict=False)))
        asked = not STEP_SIZES.lacks(rows) and _unfinished(rows, fits, below) is None
        counted = rows.rows(STEP_SIZES.counts(rows))
        for seed in np.unique(counted["seed"]):
            own = counted.where(seed=seed)
            fitting = own["step_size"][own["left"] <= fits]
            seen = asked and fitting.size and fitting.max() < own["step_size"].max()
            found.append({
                **dict(zip(SAMPLE, (*key, int(seed)), strict=True)),
                "largest": float(fitting.max()) if seen else float("nan"),
                "bound": 2.0 / float(own["interpolation_left"][0]),
            })  # fmt: skip
    return Table.from_records(found)


def falls_with_points(result: Result, fits: float, below: float, least: float) -> Finding:
    """Whether the largest step size that fits falls as the number of points grows, in every range."""
    table = compared(result.table)
    if "left" not in table:
        return lacking(STEP_SIZES.lacks(table))
    ends = largest_fits(table, fits, below)
    if not len(ends) or not np.isfinite(ends["largest"]).any():
        return lacking("the end of the fit is seen at no number of points")
    ranges = cells(ends, {"half_width": "on [−{0:g}, {0:g}]"})
    says = Says("the largest step size that fits", "fall", "as the points become more")
    values = {name: -_exponents(rows) for name, rows in ranges.items()}
    return everywhere(values, says, "minus the exponent of the number of points", least)


def _exponents(rows: Table) -> Array:
    """Slope of the logarithm of the largest step size that fits on that of the number of points, by seed."""
    sizes, seeds = np.unique(rows["n"]), np.unique(rows["seed"])
    values = np.full((seeds.size, sizes.size), np.nan)
    values[np.searchsorted(seeds, rows["seed"]), np.searchsorted(sizes, rows["n"])] = rows["largest"]
    return slopes(values, sizes, least_values=2, least_span=LEAST_GROWTH)


def _unfinished(rows: Table, fits: float, below: float) -> Finding | None:
    small = rows["left"][rows["over_bound"] <= below]
    if not small.size:
        return lacking(f"no step size of the grid is as small as {below:g} times the bound")
    some = fraction(small <= fits) >= MOST
    return None if some else lacking("within the budget, small steps do not fit the noise either")


def at_every_size(result: Result, question: Any, **constants: float) -> Finding:
    """Ask in every range and for each number of points, over the runs that learn a curve."""
    table = compared(result.table)
    sizes = cells(table, {"half_width": "on [−{0:g}, {0:g}]", "n": "with {:g} points"})
    lacks = {name: STEP_SIZES.lacks(rows) for name, rows in sizes.items()}
    if all(lacks.values()):
        return lacking(STEP_SIZES.lacks(table))
    found = {
        name: question(rows.rows(STEP_SIZES.counts(rows)), **constants)
        for name, rows in sizes.items()
        if not lacks[name]
    }
    whole = together(found)
    if whole.answer == "premise_not_met":
        return whole
    lost = {name: clause(each.sentence) for name, each in found.items() if each.answer == "premise_not_met"}
    few = {name: "runs work at too few step sizes" for name, reason in lacks.items() if reason}
    return with_left_out(whole, "; ".join(f"left out {name}: {why}" for name, why in {**lost, **few}.items()))


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the noise that is left against the step size over the bound, and the curves of one sample."""
    from stepscape.experiments.square import random_labels_figures as figures

    table = compared(result.table)
    ends = largest_fits(table.where(outcome="finished"), FITS, BELOW) if "left" in table else Table({})
    drawn = {"noise-left": figures.noise_left(result, table, FITS), "points": figures.points(result, ends)}
    largest = result.where(n=max(result.settings["sizes"]))
    return drawn | ({"curves-all": figures.curves(largest)} if largest.drawn("solution") else {})


CLAIM = Claim(
    name="random-labels",
    title="Random labels: which step sizes still fit pure noise",
    claim=(
        "The network is not capacity limited: 1000 neurons fit labels of pure noise. But only small steps "
        "do: no network through the labels is flatter than a bound λ that the data alone determine, and "
        "descent with a step size beyond 2/λ stays at none of them."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'Deep learning models in practice are NOT "
        "capacity limited'; the bound is derived here, its rate is that of Qiao et al. (2024)"
    ),
    setup=(
        "The labels are standard normal, at inputs on [−3, 3] or [−1, 1]; the runs are those of "
        "curve-fitting. With 30 points no step size fits the labels within a budget, as trials on seeds "
        "1000 to 1099, and on 0 to 2 with half the noise, showed; so there are few points here. The fit is "
        "that of the midpoint network."
    ),
    quick={**BASE, "sizes": (5, 8), "step_sizes": (0.05, 0.2, 0.8), "seeds": 5, "half_widths": (3.0,)},
    full={
        **BASE,
        "sizes": (5, 8, 12),
        "width": FULL["width"],
        "seeds": 20,
        "first_seed": 100,
        "steps": 40_000,
        "records": 8,
        "step_sizes": (0.03, 0.06, 0.12, 0.25, 0.5, 1.0),
    },
    grid=every_size,
    begin=begin,
    work=work,
    parts=(
        Part(
            "small_steps",
            "Small steps fit pure noise",
            "In each range and for each number of points, nearly all runs with a step size of at most "
            "{below:g} times the bound 2/λ that finish with bent neurons leave at most {fits:.0%} of the "
            "mean square of the labels. " + PARTLY,
            partial(at_every_size, question=small_steps_fit),
            {"fits": FITS, "below": BELOW},
            **ARMS,
        ),
        Part(
            "beyond_the_bound",
            "Steps beyond the bound do not fit it",
            "In each range, for each number of points at which most runs up to {below:g} times the bound "
            "2/λ leave at most {fits:.0%} of the mean square of the labels, nearly all runs beyond the bound "
            "that finish with bent neurons leave more. " + PARTLY,
            partial(at_every_size, question=large_steps_do_not),
            {"fits": FITS, "below": BELOW},
            primary=True,
            **ARMS,
        ),
        Part(
            "where_it_ends",
            "Does the bound tell where the fit ends?",
            "In each range, for each number of points at which most runs up to {below:g} times the bound "
            "2/λ leave at most {fits:.0%} of the mean square of the labels, the largest step size that does "
            "so is divided by the bound, and the logarithm is averaged over seeds. A seed does not count if "
            "the largest step size at which it learns fits, unless that exceeds the bound by more than a "
            "factor of {factor:g}. Yes if the interval lies within that factor of the bound, no if it lies "
            "outside. " + PARTLY,
            partial(at_every_size, question=ends_at_the_bound),
            {"fits": FITS, "below": BELOW, "factor": 3.0},
            kind="open question",
            **ARMS,
        ),
        Part(
            "points",
            "Does the largest step size that fits fall as the points become more?",
            "In each range, the exponent of the largest step size that leaves at most {fits:.0%} of the mean "
            "square of the labels, as a power of the number of points, for each seed that shows it at two "
            "numbers of points or more. As for the end of the fit, a number of points counts if most runs up "
            "to {below:g} times the bound fit, and a seed shows its end if the largest step size at which it "
            "learns does not fit. Yes if the interval lies below 0 in every range, no if it excludes a fall "
            "with the power {least:g} or more.",
            falls_with_points,
            {"fits": FITS, "below": BELOW, "least": 0.5},
            kind="open question",
            **ARMS,
        ),
        Part(
            "certificate",
            "No interpolant is flatter than the bound",
            "At every record that passes through the labels, up to a thousandth of their standard "
            "deviation, the bound is at most λ_max plus what the remaining loss can change.",
            partial(holds, names=("interpolation",), records="records that interpolate"),
            kind="inequality",
            needs=nothing_finished,
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network fits nothing for another reason",
        "edge_reached": "the sharpness reached 2/η, so that the step size decides, not the time",
    },
    numbers=lambda result: medians(result, *COLUMNS, shares=("edge_reached",)),
    by="arm",
    names=ARM_NAMES,
)
