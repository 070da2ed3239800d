"""Data on a union of subspaces: flatness adapts to the intrinsic dimension, whatever the ambient one."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    Settings,
    at_least,
    decide,
    lacking,
    seeds,
)
from stepscape.experiments.frame.finding import together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.plane.gap import GAP, with_gap
from stepscape.experiments.plane.reduction import begin_reduced
from stepscape.experiments.plane.runs import Setup, carry_out, plane_sweep
from stepscape.experiments.plane.runs import begin as begin_whole
from stepscape.experiments.plane.seedwise import SIZES, aligned, decades, over_sizes, seeds_of
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.lab.pool import Tick
from stepscape.tables.records import Record, Table

Array = NDArray[np.float64]


def grid(settings: Settings) -> list[PlaneRun]:
    """Lines in each ambient space, subspaces of other dimensions in the middle one, and full balls."""
    at_least(settings, width=1, steps=1, seeds=1, rank=1, fresh=2)
    for name in ("ambient_dimensions", "inner_dimensions", "ball_dimensions", "sizes"):
        if min(settings[name]) < 1:
            raise bad(name, "be at least 1", min(settings[name]))
    if wrong := [m for m in settings["inner_dimensions"] if settings["rank"] % m]:
        raise bad("inner_dimensions", f"divide the rank {settings['rank']}", wrong[0])
    if min(settings["ambient_dimensions"]) < settings["rank"]:
        must = f"be at least the rank {settings['rank']}"
        raise bad("ambient_dimensions", must, min(settings["ambient_dimensions"]))
    return plane_sweep(
        PlaneRun,
        settings,
        place=_places(settings),
        n=settings["sizes"],
        seed=seeds(settings),
        target="norm",
        drawn=False,
    )


def _places(settings: Settings) -> list[dict[str, Any]]:
    """Geometries: subspaces of one total rank, and balls."""
    rank, ambient = settings["rank"], sorted(settings["ambient_dimensions"])
    middle = ambient[len(ambient) // 2]
    pairs = [(1, d) for d in ambient] + [(m, middle) for m in settings["inner_dimensions"] if m > 1]
    on = [{"geometry": "subspaces", "inner": m, "count": rank // m, "dimension": d} for m, d in pairs]
    full = [{"geometry": "ball", "dimension": d} for d in settings["ball_dimensions"]]
    return [*on, *full]


def begin(run: PlaneRun) -> Setup:
    """Draw a run; one on subspaces in the coordinates of the space that they span."""
    return begin_reduced(run) if run.geometry == "subspaces" else begin_whole(run)


def work(run: PlaneRun, tick: Tick) -> Record:
    """Train one network; the columns of all runs, and the generalization gap."""
    return with_gap(carry_out(run, begin(run), tick), run)


def lines(result: Result) -> dict[int, Table]:
    """Return the runs on lines by ambient dimension."""
    return _by(result.where(geometry="subspaces", inner=1).table, "dimension")


def by_inner(result: Result) -> dict[int, Table]:
    """Return the runs in the middle ambient space by intrinsic dimension."""
    ambient = sorted(result.settings["ambient_dimensions"])
    middle = ambient[len(ambient) // 2]
    return _by(result.where(geometry="subspaces", dimension=middle).table, "inner")


def balls(result: Result) -> dict[int, Table]:
    """Return the runs in full balls by dimension."""
    return _by(result.where(geometry="ball").table, "dimension")


def _by(table: Table, column: str) -> dict[int, Table]:
    if not len(table) or not SIZES.counts(table).any():
        return {}
    return {int(value): table.where(**{column: value}) for value in np.unique(table[column])}


def ends(found: dict[int, Table]) -> tuple[Table, Table]:
    """Return the runs at the smallest and at the largest key."""
    return found[min(found)], found[max(found)]


def same_rate(result: Result, within: float) -> Finding:
    """Whether the slope of the gap on lines is the same in the smallest and the largest ambient space."""
    found = lines(result)
    if len(found) < 2:
        return lacking("runs on lines finished in fewer than two ambient spaces")
    low, high = aligned(list(ends(found)), GAP)
    says = Says("the rate on lines", "be", f"the same in {max(found)} dimensions as in {min(found)}")
    finding = decide.equivalent(high - low, within, says, "difference of the slopes")
    return finding.with_numbers({
        f"slope at d = {d}, median": median(each)
        for d, each in zip(found, aligned(list(found.values()), GAP), strict=True)
    })  # fmt: skip


def same_level(result: Result, within: float) -> Finding:
    """Whether the gap itself is the same there, over all sizes."""
    found = lines(result)
    if len(found) < 2:
        return lacking("runs on lines finished in fewer than two ambient spaces")
    low, high = ends(found)
    every = np.union1d(seeds_of(low), seeds_of(high))
    levels = []
    for rows in (low, high):
        seen = np.full((every.size, over_sizes(rows, GAP)[0].size), np.nan)
        seen[np.searchsorted(every, seeds_of(rows))] = over_sizes(rows, GAP)[1]
        levels.append(seen)
    if levels[0].shape != levels[1].shape:
        return lacking("the two ambient spaces have different sizes")
    says = Says("the gap on lines", "be", f"the same in {max(found)} dimensions as in {min(found)}")
    return decide.equivalent(decades(levels[1], levels[0]).mean(axis=1), within, says, "decades of the gap")


def steeper_than_ball(result: Result, least: float) -> Finding:
    """Whether the gap on lines falls faster than in a full ball of the rank of the lines."""
    on, full, rank = lines(result), balls(result), result.settings["rank"]
    if not on or rank not in full:
        return lacking(f"no run on lines, or in the ball of dimension {rank}, finished")
    slow, fast = aligned([full[rank], on[min(on)]], GAP)
    says = Says("the gap", "fall", f"faster on lines than in a full ball of dimension {rank}")
    return decide.sign(slow - fast, says, "slope in the ball minus slope on lines", least).with_numbers(
        {
            f"slope in the ball of dimension {d}, median": median(aligned([rows], GAP)[0])
            for d, rows in full.items()
        }
    )


def intrinsic_slows(result: Result, least: float) -> Finding:
    """Whether the gap falls more slowly on subspaces of larger dimension, at one rank and ambient space."""
    found = by_inner(result)
    if len(found) < 2:
        return lacking("runs finished for fewer than two intrinsic dimensions")
    low, high = aligned(list(ends(found)), GAP)
    says = Says("the gap", "fall", f"more slowly on subspaces of dimension {max(found)} than on lines")
    return decide.sign(high - low, says, "difference of the slopes", least).with_numbers({
        f"slope on subspaces of dimension {m}, median": median(each)
        for m, each in zip(found, aligned(list(found.values()), GAP), strict=True)
    })  # fmt: skip


def mechanism(result: Result, least: float) -> Finding:
    """Whether neurons hold more of the data with n on lines, and less in the full ball."""
    on, full, rank = lines(result), balls(result), result.settings["rank"]
    if not on or rank not in full:
        return lacking(f"no run on lines, or in the ball of dimension {rank}, finished")
    what = "path-weighted rate, most minus fewest inputs"
    rises = Says("the path-weighted rate", "rise", "with n")
    falls = Says("it", "fall", "with n")
    back = "path-weighted rate, fewest minus most inputs"
    found = {
        "on lines": decide.sign(_rise(on[min(on)]), rises, what, least, at_once=2),
        "in the ball": decide.sign(-_rise(full[rank]), falls, back, least, at_once=2),
    }
    return together(found, "on lines")


def _rise(rows: Table) -> Array:
    """Path-weighted rate at the largest size minus at the smallest, one per seed."""
    values = over_sizes(rows, "path_rate")[1]
    return values[:, -1] - values[:, 0] if values.size else np.empty(0)


def keeps_bound(result: Result, inner: float) -> Finding:
    """Whether the gap on lines falls at least as fast as the upper bound of the theory."""
    found = lines(result)
    if not found:
        return lacking("no run on lines finished")
    claimed = -1.0 / (2.0 * inner + 4.0)
    each = {
        f"{d} dimensions": decide.slope(
            slopes, claimed, Says("the gap", "fall", "at least as fast as the bound"), "slope",
            at_once=len(found),
        )
        for d, slopes in zip(found, aligned(list(found.values()), GAP), strict=True)
    }  # fmt: skip
    return together(each)


def draw(result: Result) -> dict[str, Drawn]:
    """Gap and path-weighted rate against n."""
    from stepscape.experiments.plane import union_of_subspaces_figures as figures

    return {"gap": figures.draw_gap(result)}


QUICK: dict[str, Any] = {
    "rank": 4,
    "ambient_dimensions": (4, 100),
    "inner_dimensions": (1, 4),
    "ball_dimensions": (4,),
    "sizes": (48, 96, 192),
    "width": 64,
    "step_size": 0.4,
    "steps": 800,
    "amplitude": 3.0,
    "noise": 1.0,
    "start_sharpness": 4.0,
    "fresh": 1000,
    "seeds": 4,
    "first_seed": 0,
}
_SLOPE = "The slope of the log of the generalization gap on log n, one per seed"
_part = partial(Part, reads=(GAP,))

CLAIM = Claim(
    name="union-of-subspaces",
    title="On a union of subspaces the rate depends on the intrinsic dimension, not on the ambient one",
    claim=(
        "If the data come from a union of low-dimensional subspaces, flat solutions generalize at the rate "
        "of the intrinsic dimension, whatever the ambient one."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 3, 'adaptation to intrinsic "
        "dimension'; Liang, Cloninger, Parhi and Wang (2025), as summarized"
    ),
    setup=(
        "f0 is ‖x‖: a linear one has a signal of order 1/d on random lines, and would make the ambient "
        "dimension matter. Starts are matched to one initial sharpness for the same reason. Subspaces of "
        "different dimension have one total rank, and a full ball of that dimension is compared with them. "
        "Training is carried out in the span of the inputs, which is exact. Tried out on seeds 1000 and up."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "rank": 10,
        "ambient_dimensions": (10, 100, 1000),
        "inner_dimensions": (1, 5),
        "ball_dimensions": (10,),
        "sizes": (60, 120, 240, 480),
        "width": 256,
        "steps": 3000,
        "fresh": 2000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "same_rate",
            "The rate does not depend on the ambient dimension",
            _SLOPE + ": on lines in the largest ambient space minus in the smallest. Yes if the interval "
            "lies within {within:g} of 0, no if it lies outside.",
            same_rate,
            {"within": 0.2},
            primary=True,
        ),
        _part(
            "same_level",
            "Neither does the gap itself",
            "log10 of the gap on lines in the largest ambient space over that in the smallest, mean over the "
            "sizes, one per seed: yes if its interval lies within {within:g} of 0, no if it lies outside.",
            same_level,
            {"within": 0.1},
        ),
        _part(
            "faster_than_ball",
            "It falls faster than in a full ball of the same rank",
            _SLOPE + ": in the ball whose dimension is the rank of the lines minus on the lines. Yes if the "
            "interval lies above 0, no if it excludes {least:g}.",
            steeper_than_ball,
            {"least": 0.1},
        ),
        _part(
            "intrinsic",
            "A larger intrinsic dimension slows it down",
            _SLOPE + ", in the middle ambient space at one rank: on subspaces of the largest dimension minus "
            "on lines. Yes if the interval lies above 0, no if it excludes {least:g}.",
            intrinsic_slows,
            {"least": 0.1},
        ),
        _part(
            "mechanism",
            "With n neurons hold a larger share of the lines, and a smaller one of the ball",
            "The path-weighted rate at the most inputs minus at the fewest, one per seed, on the lines and "
            "in the ball of their rank: yes if it lies above 0 on lines and below in the ball, by "
            "simultaneous intervals; no where they exclude {least:g}.",
            mechanism,
            {"least": 0.02},
        ),
        _part(
            "bound",
            "The gap keeps the upper bound of the theory",
            _SLOPE + ", on lines in each ambient space: at most −1/(2m + 4) with m = {inner:g}. No if a "
            "simultaneous interval lies above, undecided while it holds 0.",
            keeps_bound,
            {"inner": 1.0},
            kind="one-sided rate",
        ),
    ),
    draw=draw,
    numbers=lambda result: medians(
        result.table,
        ("geometry", "inner", "dimension", "n"),
        (
            GAP, "population_error", "design_error", "train_error", "realized_noise", "null_population",
            "linear_population", "path_rate", "live_rate", "dead_share", "edge_ratio", "moved",
        ),
        ("arrived",),
        SIZES.counts,
    ),
    premises={"arrived": "λ_max and the predictions hardly move over the last fifth of the steps"},
    by="geometry",
    names={"subspaces": "subspaces", "ball": "the ball"},
)  # fmt: skip
