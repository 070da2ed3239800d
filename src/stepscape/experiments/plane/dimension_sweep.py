"""The curse of dimension: the more variables, the slower large steps learn; weight decay is spared."""

from __future__ import annotations

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
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.finding import together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.plane.runs import begin, plane_sweep, work
from stepscape.experiments.plane.seedwise import SIZES, decades, of_each, over_sizes, rates_of, seeds_of
from stepscape.experiments.plane.signal import amplitude
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.tables.records import Table

Array = NDArray[np.float64]
ERROR = "population_error"


def grid(settings: Settings) -> list[PlaneRun]:
    """Every dimension, size and seed without decay, with decay, and with the published one."""
    at_least(settings, width=1, steps=1, decay_steps=1, seeds=1, fresh=2)
    for name in ("sizes", "dimensions"):
        if min(settings[name]) < 1:
            raise bad(name, "be at least 1", min(settings[name]))
    plain, decayed = {"weight_decay": 0.0}, {"steps": settings["decay_steps"]}
    return plane_sweep(
        PlaneRun,
        settings,
        dimension=settings["dimensions"],
        n=settings["sizes"],
        method=[plain, *({**decayed, "weight_decay": decay} for decay in _decays(settings))],
        seed=seeds(settings),
        amplitude=amplitude,
        drawn=False,
    )


def _decays(settings: Settings) -> tuple[float, float]:
    found = settings["decay"], settings["published_decay"]
    if min(found) <= 0.0 or found[0] == found[1]:
        raise bad("decay and published_decay", "be positive and different", f"{found[0]:g} and {found[1]:g}")
    return found


def by_dimension(result: Result, weight_decay: float) -> dict[int, Table]:
    """Return the runs of each dimension with a weight decay."""
    table = result.where(weight_decay=weight_decay).table
    if not len(table) or not SIZES.counts(table).any():
        return {}
    return {int(d): table.where(dimension=d) for d in np.unique(table["dimension"])}


def slope_table(found: dict[int, Table], keep: dict[int, Array] | None = None) -> tuple[Array, Array]:
    """Return the seeds' slopes of the log population error on log n, (seeds, dimensions), and the seeds."""
    every = np.unique(np.concatenate([seeds_of(rows) for rows in found.values()]))
    out = np.full((every.size, len(found)), np.nan)
    for j, (d, rows) in enumerate(found.items()):
        places = np.searchsorted(every, seeds_of(rows))
        out[places, j] = rates_of(rows, ERROR, None if keep is None else keep[d])
    return out, every


def flattens(result: Result, least: float, correlated: float) -> Finding:
    """Whether the slopes without decay are flatter in more dimensions, at the ends and in their order."""
    found = by_dimension(result, 0.0)
    if len(found) < 2:
        return lacking("runs without decay finished in fewer than two dimensions")
    slopes, _ = slope_table(found)
    first, last = min(found), max(found)
    says = Says("the rate", "be", f"slower in {last} dimensions than in {first}")
    ends = decide.sign(slopes[:, -1] - slopes[:, 0], says, "difference of the slopes", least, at_once=2)
    order = rank_correlations(slopes, sorted(found))
    grows = Says("the rate", "slow", "down dimension by dimension")
    what = "rank correlation of slope and dimension"
    trend = decide.at_least(order, correlated, grows, what, at_once=2)
    return together({"ends": ends, "trend": trend}, "ends", named=False).with_numbers(
        {f"slope at d = {d}, median": median(slopes[:, j]) for j, d in enumerate(found)}
    )


def unsaturated(rows: Table, least: float) -> Array:
    """Sizes at which the median training error is at least a share of the variance of the noise."""
    at, seen = over_sizes(rows, "train_error")
    noise = float(rows["noise"][0]) ** 2
    return at[[median(column) >= least * noise for column in seen.T]]


def is_no_saturation(result: Result, least: float, share: float) -> Finding:
    """Whether they are flatter also where the labels are not memorized."""
    found = by_dimension(result, 0.0)
    kept = {d: unsaturated(rows, share) for d, rows in found.items()}
    usable = {d: found[d] for d, at in kept.items() if at.size >= 3 and at[-1] >= 4.0 * at[0]}
    if len(usable) < 2:
        return lacking("labels are memorized at all but a few sizes in all dimensions but one")
    slopes, _ = slope_table(usable, kept)
    first, last = min(usable), max(usable)
    what = f"slower in {last} dimensions than in {first} where labels are not memorized"
    says = Says("the rate", "be", what)
    return decide.sign(slopes[:, -1] - slopes[:, 0], says, "difference of the slopes", least).with_numbers(
        {f"sizes kept at d = {d}": ", ".join(f"{n:g}" for n in kept[d]) for d in found}
    )


def is_steep(result: Result, weight_decay: float, claimed: float) -> Finding:
    """Whether the error falls at least as fast as claimed in every dimension."""
    found = by_dimension(result, weight_decay)
    if not found:
        return lacking("no run with this decay finished")
    slopes, _ = slope_table(found)
    says = Says("the error", "fall", f"at least as fast as n to the power −{claimed:g}")
    each = {
        f"{d} dimension{'s' if d > 1 else ''}": decide.at_least(
            -slopes[:, j], claimed, says, "minus the slope", at_once=len(found)
        )
        for j, d in enumerate(found)
    }
    return together(each, f"{max(found)} dimensions")


def decay_is_steep(result: Result, claimed: float) -> Finding:
    """See `is_steep`, with the decay of the settings."""
    return is_steep(result, result.settings["decay"], claimed)


def published_is_steep(result: Result, claimed: float) -> Finding:
    """See `is_steep`, with the published decay."""
    return is_steep(result, result.settings["published_decay"], claimed)


def at_most_rows(found: dict[int, Table]) -> tuple[int, Table]:
    """Return the largest dimension, and its runs at the largest size."""
    d = max(found)
    rows = found[d]
    return d, rows.where(n=rows["n"].max())


def decay_wins(result: Result, least: float) -> Finding:
    """Whether decay has the smaller population error in the most dimensions at the most inputs."""
    plain, decayed = (by_dimension(result, decay) for decay in (0.0, result.settings["decay"]))
    if not plain or not decayed:
        return lacking("no run with and without decay finished")
    (d, without), (_, with_) = at_most_rows(plain), at_most_rows(decayed)
    every = np.union1d(seeds_of(without), seeds_of(with_))
    gain = decades(of_each(without, ERROR, every), of_each(with_, ERROR, every))
    says = Says("weight decay", "have", f"the smaller error in {d} dimensions")
    return decide.sign(gain, says, "decades of population error", least)


def beats_line(result: Result, least: float) -> Finding:
    """Whether the network with decay does better than least squares there, which knows that f0 is linear."""
    decayed = by_dimension(result, result.settings["decay"])
    if not decayed:
        return lacking("no run with decay finished")
    d, rows = at_most_rows(decayed)
    every = seeds_of(rows)
    gain = decades(of_each(rows, "linear_population", every), of_each(rows, ERROR, every))
    says = Says("the network", "be", f"better than a straight fit in {d} dimensions")
    return decide.sign(gain, says, "decades of population error", least).with_numbers(
        {name: median(rows[name]) for name in (ERROR, "linear_population", "null_population")}
    )


def draw(result: Result) -> dict[str, Drawn]:
    """Errors against n for every dimension, and the slopes."""
    from stepscape.experiments.plane import dimension_sweep_figures as figures

    return {"errors": figures.draw_errors(result)}


QUICK: dict[str, Any] = {
    "dimensions": (1, 2, 5),
    "sizes": (32, 64, 128),
    "width": 64,
    "step_size": 0.2,
    "steps": 1000,
    "decay": 0.02,
    "published_decay": 0.1,
    "decay_steps": 600,
    "noise": 1.0,
    "start_sharpness": 5.0,
    "fresh": 1000,
    "seeds": 4,
    "first_seed": 0,
}
_SLOPE = "The slope of the log of the population error on log n, one per seed"

CLAIM = Claim(
    name="dimension-sweep",
    title="The more input variables, the slower large steps learn; with weight decay they do not slow down",
    claim=(
        "Flatness suffers from the curse of dimension: the rate at which the error falls with n slows down "
        "as d grows. With weight decay it does not."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 3, 'suffers from the curse of "
        "dimensionality'; Liang, Qiao, Wang and Parhi (2025), as summarized"
    ),
    setup=(
        "Inputs are uniform in the ball; f0 is x_1 scaled to variance 1 in every dimension, as large as the "
        "noise. Starts are matched below 2/η. Errors are those on fresh inputs: on the design they saturate "
        "at the realized noise as soon as labels are memorized. Runs with decay end at ηλT = 8 or more. The "
        "decay of 0.02 was chosen on seeds 1000 and later; that of 0.1 is published."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "dimensions": (1, 2, 5),
        "sizes": (32, 64, 128, 256, 512),
        "width": 256,
        "steps": 5000,
        "decay_steps": 2000,
        "fresh": 2000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "flattens",
            "Without decay the rate slows down as d grows",
            _SLOPE + ": at the largest dimension minus at the smallest, and its rank correlation with the "
            "dimension. Yes if the interval of the first lies above 0 and that of the other above "
            "{correlated:g}; no where the first excludes {least:g}, or the other lies below {correlated:g}.",
            flattens,
            {"least": 0.1, "correlated": 0.5},
            primary=True,
            reads=(ERROR,),
        ),
        Part(
            "no_saturation",
            "It slows down where labels are not memorized, too",
            _SLOPE + ", over the sizes at which the median training error is at least {share:g} of the "
            "variance of the noise, where three with a span of 4 are left: at the largest such dimension "
            "minus at the smallest. Yes if the interval lies above 0, no if it excludes {least:g}.",
            is_no_saturation,
            {"least": 0.1, "share": 0.05},
            reads=(ERROR,),
        ),
        Part(
            "decay_steep",
            "With weight decay the error falls faster than n to the power −½ in every dimension",
            _SLOPE + ", with the decay chosen: in each dimension at most −{claimed:g}, by simultaneous "
            "intervals.",
            decay_is_steep,
            {"claimed": 0.5},
            reads=(ERROR,),
        ),
        Part(
            "published_steep",
            "So it does with the published decay",
            _SLOPE + ", with the published decay: in each dimension at most −{claimed:g}, by simultaneous "
            "intervals.",
            published_is_steep,
            {"claimed": 0.5},
            reads=(ERROR,),
        ),
        Part(
            "decay_wins",
            "At the largest d and n weight decay has the smaller error",
            "log10 of the population error without over that with the decay chosen, at the largest dimension "
            "and size, one per seed: yes if its interval lies above 0, no if it excludes {least:g}.",
            decay_wins,
            {"least": 0.05},
            reads=(ERROR,),
        ),
        Part(
            "beats_line",
            "Is it better than a straight fit?",
            "log10 of the population error of least squares over that with the decay chosen, at the largest "
            "dimension and size, one per seed: yes if its interval lies above 0, no if it excludes "
            "{least:g}.",
            beats_line,
            {"least": 0.05},
            kind="open question",
            reads=(ERROR,),
        ),
    ),
    draw=draw,
    numbers=lambda result: medians(
        result.table,
        ("weight_decay", "dimension", "n"),
        (
            ERROR, "design_error", "train_error", "realized_noise", "null_population", "linear_population",
            "path_rate", "live_rate", "dead_share", "edge_ratio", "decay_time", "moved",
        ),
        ("arrived",),
        SIZES.counts,
    ),
    premises={"arrived": "λ_max and the predictions hardly move over the last fifth of the steps"},
    by="weight_decay",
)  # fmt: skip
