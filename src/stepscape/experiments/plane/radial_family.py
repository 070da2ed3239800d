"""The shape of the data: the nearer to a sphere they lie, the worse flat solutions should generalize."""

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
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.plane.gap import GAP, with_gap
from stepscape.experiments.plane.runs import begin, carry_out, plane_sweep
from stepscape.experiments.plane.seedwise import SIZES, aligned, decades, of_each, seeds_of
from stepscape.experiments.plane.signal import amplitude
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.lab.pool import Tick
from stepscape.tables.records import Record, Table

Array = NDArray[np.float64]
SPHERE, BALL = "sphere", "level_ball"


def grid(settings: Settings) -> list[PlaneRun]:
    """Every law, size and seed in the lower dimension, and the largest of some sizes in the higher one."""
    at_least(settings, width=1, steps=1, seeds=1, dimension=1, high_dimension=1, high_n=1, fresh=2)
    for name in ("alphas", "sizes"):
        if not min(settings[name]) > 0.0:
            raise bad(name, "be positive", min(settings[name]))
    low = {"dimension": settings["dimension"]}
    high = {"dimension": settings["high_dimension"], "n": settings["high_n"]}
    common = {"law": _laws(settings), "seed": seeds(settings), "amplitude": amplitude, "drawn": False}
    return [
        *plane_sweep(PlaneRun, {**settings, **low}, n=settings["sizes"], **common),
        *plane_sweep(PlaneRun, {**settings, **high}, **common),
    ]


def _laws(settings: Settings) -> list[dict[str, Any]]:
    """Sphere, radial laws from the rim to the center, ball: all with E‖X‖² = 1."""
    radial = [{"geometry": "level_radial", "alpha": alpha} for alpha in sorted(settings["alphas"])]
    return [{"geometry": SPHERE, "alpha": 1.0}, *radial, {"geometry": BALL, "alpha": 1.0}]


def work(run: PlaneRun, tick: Tick) -> Record:
    """Train one network; the columns of all runs, and the generalization gap."""
    return with_gap(carry_out(run, begin(run), tick), run)


def by_law(result: Result, high: bool = False) -> dict[str, Table]:
    """Return the runs of the lower dimension, or those of the higher one, by their law, rim to center."""
    settings = result.settings
    rows = result.where(dimension=settings["high_dimension" if high else "dimension"])
    if settings["high_dimension"] == settings["dimension"]:
        rows = result
    found = {}
    for law in _laws(settings):
        table = rows.where(**law).table
        if len(table) and SIZES.counts(table).any():
            name = law["geometry"] if law["geometry"] != "level_radial" else f"α = {law['alpha']:g}"
            found[name] = table
    return found


def center(found: dict[str, Table]) -> str:
    """Name the radial law with most mass near the center, or ""."""
    radial = [name for name in found if name.startswith("α")]
    return radial[-1] if radial else ""


def at_largest(rows: Table, column: str, every: Array) -> Array:
    """Values (seeds,) at the most inputs."""
    return of_each(rows.where(n=rows["n"].max()), column, every)


def _pair(found: dict[str, Table]) -> tuple[Table, Table, Array] | None:
    """Return the runs on the sphere and on the law with most mass at the center, and the seeds of both."""
    if SPHERE not in found or not center(found):
        return None
    rim, core = found[SPHERE], found[center(found)]
    return rim, core, np.union1d(seeds_of(rim), seeds_of(core))


_LACKS = "runs on the sphere, or near the center, did not finish"


def center_generalizes(result: Result, least: float) -> Finding:
    """Whether the gap is smaller near the center than on the sphere, at the most inputs."""
    pair = _pair(by_law(result))
    if pair is None:
        return lacking(_LACKS)
    rim, core, every = pair
    says = Says("data near the center", "have", "the smaller gap", plural=True)
    gain = decades(at_largest(rim, GAP, every), at_largest(core, GAP, every))
    return decide.sign(gain, says, "decades of the gap, sphere over center", least).with_numbers({
        f"{name}: {column}, median": median(rows.where(n=rows["n"].max())[column])
        for name, rows in by_law(result).items() for column in (GAP, "train_error")
    })  # fmt: skip


def gap_is_ordered(result: Result, least: float) -> Finding:
    """Whether the gap falls from the rim to the center, law by law."""
    found = {name: rows for name, rows in by_law(result).items() if name != BALL}
    if len(found) < 3:
        return lacking("runs finished under fewer than three laws")
    every = np.unique(np.concatenate([seeds_of(rows) for rows in found.values()]))
    gaps = np.column_stack([at_largest(rows, GAP, every) for rows in found.values()])
    says = Says("the gap", "fall", "from the rim to the center")
    order = rank_correlations(-gaps, np.arange(len(found)))
    return decide.sign(order, says, "rank correlation of minus the gap and the law", least)


def center_is_faster(result: Result, least: float) -> Finding:
    """Whether the gap falls faster with n near the center."""
    pair = _pair(by_law(result))
    if pair is None:
        return lacking(_LACKS)
    rim, core = aligned(list(pair[:2]), GAP)
    says = Says("the gap", "fall", "faster with n near the center than on the sphere")
    found = decide.sign(rim - core, says, "difference of the slopes, sphere minus center", least)
    return found.with_numbers(
        {f"slope, {name}, median": median(aligned([rows], GAP)[0]) for name, rows in by_law(result).items()}
    )


def sphere_memorizes(result: Result, most: float, nearly_all: float) -> Finding:
    """Whether descent memorizes the labels on the sphere in the higher dimension."""
    found = by_law(result, high=True)
    if SPHERE not in found:
        return lacking(_LACKS)
    rows = found[SPHERE]
    rows = rows.rows(SIZES.counts(rows) & (rows["n"] == result.settings["high_n"]))
    says = Says("runs on the sphere", "memorize", "the labels")
    ratio = rows["train_error"] / rows["realized_noise"]
    return decide.share(ratio <= most, says, nearly_all).with_numbers(
        {"training error over the noise, median": median(ratio)}
    )


def center_resists(result: Result, least: float) -> Finding:
    """Whether the center memorizes less than the sphere in the higher dimension."""
    pair = _pair(by_law(result, high=True))
    if pair is None:
        return lacking(_LACKS)
    rim, core, every = pair
    n = result.settings["high_n"]
    more = of_each(core.where(n=n), "train_error", every) - of_each(rim.where(n=n), "train_error", every)
    says = Says("data near the center", "be", "memorized less", plural=True)
    return decide.sign(more, says, "training error, center minus sphere", least)


def sphere_is_worse_than_ball(result: Result, least: float) -> Finding:
    """Whether the ball has the smaller gap at the most inputs."""
    found = by_law(result)
    if SPHERE not in found or BALL not in found:
        return lacking("runs on the sphere, or in the ball, did not finish")
    every = np.union1d(seeds_of(found[SPHERE]), seeds_of(found[BALL]))
    says = Says("the ball", "have", "a smaller gap than the sphere")
    gain = decades(*(at_largest(found[name], GAP, every) for name in (SPHERE, BALL)))
    return decide.sign(gain, says, "decades of the gap, sphere over ball", least)


def draw(result: Result) -> dict[str, Drawn]:
    """Gap against n, and the training error, by law."""
    from stepscape.experiments.plane import radial_family_figures as figures

    return {"laws": figures.draw_laws(result)}


QUICK: dict[str, Any] = {
    "alphas": (0.1, 1.0, 5.0),
    "dimension": 5,
    "sizes": (32, 64, 128),
    "high_dimension": 10,
    "high_n": 64,
    "width": 64,
    "step_size": 0.4,
    "steps": 1200,
    "noise": 1.0,
    "start_sharpness": 4.0,
    "fresh": 1000,
    "seeds": 4,
    "first_seed": 0,
}
_GAP = "The generalization gap R(f) + σ² minus the training error"
_part = partial(Part, reads=(GAP,))

CLAIM = Claim(
    name="radial-family",
    title="The more data lie near the boundary, the worse flat solutions generalize",
    claim=(
        "Flat solutions cannot generalize from data on a sphere; in a ball they generalize, but suffer from "
        "the curse of dimension; the more mass near the center, the better."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 3, 'The shape of data distribution "
        "matters'; Liang, Cloninger, Parhi and Wang (2025), as summarized"
    ),
    setup=(
        "All laws are scaled to E‖X‖² = 1, so that the signal x_1, of variance 1 like the noise, and the "
        "features are equally large under each: raw laws near the center have tiny inputs. The higher "
        "dimension shows memorization, which a trial on seeds 1000 and later did not find at d = 5. "
        "Existence of a flat interpolator on the sphere is another claim's matter."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "alphas": (0.1, 1.0, 5.0),
        "sizes": (64, 128, 256, 512),
        "high_n": 256,
        "width": 256,
        "steps": 5000,
        "fresh": 2000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "center",
            "Data near the center generalize better than data on the sphere",
            _GAP + ": log10 of that on the sphere over that under the law with most mass at the center, at "
            "the lower dimension and the most inputs, one per seed. Yes if the interval lies above 0, no if "
            "it excludes {least:g}.",
            center_generalizes,
            {"least": 0.05},
            primary=True,
        ),
        _part(
            "order",
            "The gap falls from the rim to the center, law by law",
            _GAP + ", there: rank correlation with the law, from the sphere to the largest α, one per seed. "
            "Yes if its interval says that the gap falls, no if it excludes {least:g}.",
            gap_is_ordered,
            {"least": 0.2},
        ),
        _part(
            "faster",
            "It falls faster with n near the center",
            "The slope of its log on log n, one per seed: on the sphere minus under the law with most mass "
            "at the center. Yes if the interval lies above 0, no if it excludes {least:g}.",
            center_is_faster,
            {"least": 0.1},
        ),
        _part(
            "memorizes",
            "On the sphere of higher dimension descent memorizes the labels",
            "Nearly all runs (at least {nearly_all:.0%}) on the sphere of higher dimension have a training "
            "error of at most {most:g} of the noise in the sample.",
            sphere_memorizes,
            {"most": 0.05, "nearly_all": 0.9},
        ),
        _part(
            "resists",
            "Near the center it does so less",
            "The training error there under the law with most mass at the center minus that on the sphere, "
            "one per seed: yes if the interval lies above 0, no if it excludes {least:g}.",
            center_resists,
            {"least": 0.05},
        ),
        _part(
            "ball",
            "Is the ball better than the sphere?",
            _GAP + ": log10 of that on the sphere over that in the ball, at the lower dimension and the most "
            "inputs, one per seed. Yes if the interval lies above 0, no if it excludes {least:g}.",
            sphere_is_worse_than_ball,
            {"least": 0.05},
            kind="open question",
        ),
    ),
    draw=draw,
    numbers=lambda result: medians(
        result.table,
        ("dimension", "geometry", "alpha", "n"),
        (
            GAP, "population_error", "design_error", "train_error", "realized_noise", "null_population",
            "linear_population", "path_rate", "live_rate", "dead_share", "edge_ratio", "moved",
        ),
        ("arrived",),
        SIZES.counts,
    ),
    premises={"arrived": "λ_max and the predictions hardly move over the last fifth of the steps"},
    by="geometry",
    names={"sphere": "the sphere", "level_ball": "the ball", "level_radial": "radial laws"},
)  # fmt: skip
