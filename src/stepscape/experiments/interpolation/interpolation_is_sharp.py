"""Every network that passes through noisy labels is sharp: descent with large steps stays at none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    decide,
    lacking,
    together,
)
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import Levels, median
from stepscape.experiments.frame.sentences import interval
from stepscape.experiments.interpolation.interpolators import INTERPOLATORS, LEFT, RETURNED
from stepscape.experiments.interpolation.rows import (
    NO_MISS,
    certified,
    kinked,
    lacks_certificate,
    lacks_kinked,
    lacks_smooth,
    smooth,
)
from stepscape.experiments.interpolation.runs import SIDES, InterpolationRun, LimitRun, begin, grid, work
from stepscape.tables.records import Table

Array = NDArray[np.float64]
LEVELS = {"n": Levels("n", "sizes", "n"), "noise": Levels("noise", "noises", "σ")}
OTHER = {"n": "noise", "noise": "n"}
TURN = {"returned": RETURNED, "left": LEFT}


def exponents(result: Result, column: str, across: str, interpolator: str = "") -> Array:
    """Slope of log (column − 1) on log n or log σ for each seed of the first case, the other fixed."""
    truth, design = result.settings["cases"][0].split()
    base = {OTHER[across]: result.settings[OTHER[across]]}
    rows = smooth(result.table).where(truth=truth, design=design, **base)
    if interpolator:
        rows = rows.where(interpolator=interpolator)
    at = np.unique(rows[across])
    return slopes(LEVELS[across].values(rows, column, at) - 1.0, at)


def grows(result: Result, within: float) -> Finding:
    """Whether the bound over n²σ is at least its limit, up to a margin, at the largest of the limit sizes."""
    table = result.of(LimitRun).table
    if not len(table) or not (table["outcome"] == "finished").any():
        return lacking("no bound was computed at the limit sizes")
    table = table.where(outcome="finished")
    at = np.unique(table["n"])
    ratios = {int(n): table.where(n=n)["over_limit"] for n in at}
    says = Says("the data-only bound, less 1, over n²σ", "reach", "the limit that theory gives")
    what = f"its ratio to the limit at n = {at[-1]}"
    found = decide.at_least(ratios[int(at[-1])], 1.0 - within, says, what)
    known = smooth(result.table)
    built = [name for name in INTERPOLATORS if len(known) and name in known["interpolator"]]
    return found.with_numbers({
        **{f"n = {n}: ratio to the limit": interval(student(each)) for n, each in ratios.items()},
        **{
            f"slope of the {name} on log n": interval(student(exponents(result, "sharpness", "n", name)))
            for name in built
        },
    })  # fmt: skip


def is_proportional(result: Result, tolerance: float) -> Finding:
    """Whether the bound, less 1, is proportional to the noise, as it is where every bend is noise."""
    if result.settings["cases"][0].split()[0] != "line":
        return lacking("the truth of the first case is not a line")
    return decide.identity(exponents(result, "bound", "noise") - 1.0, tolerance, "slopes on log σ")


def bounds_hold(result: Result, slack: float) -> Finding:
    """Whether the bounds are in order and no interpolator lies below one of them."""
    table = smooth(result.table)
    above = table["sharpness"] + table["sharpness_residual"] + table["residual_norm"]
    hat, bound, least = table["hat_bound"], table["bound"], certified(table)
    known = np.isfinite(least)
    sides = {
        "hat bound ≤ bound": (hat, bound, bound + table["rounding"]),
        "bound ≤ λ": (bound, table["sharpness"], above + table["rounding"]),
        "certified least ≤ λ": (least[known], table["sharpness"][known], above[known] * (1.0 + slack)),
    }
    found = {
        name: decide.inequality(left.size, int(np.sum(left > most)), "interpolators", left / right)
        for name, (left, right, most) in sides.items()
    }
    ratio = table["sharpness"] / bound
    return together(found).with_numbers({
        "smallest λ/bound": float(ratio.min()), "median λ/bound": median(ratio),
    })  # fmt: skip


def is_stable_below(result: Result, **constants: float) -> Finding:
    """Whether 2/λ decides between coming back and leaving, for every interpolator with a Hessian."""
    return _turns(smooth(result.table), "interpolators", _all, **constants)


def is_stable_below_with_kinks(result: Result, nearly_all: float, **constants: float) -> Finding:
    """Whether 2/λ of the almost-everywhere Hessian decides where the loss has kinks."""
    table = kinked(result.table)
    extra = median(table["one_sided_sharpness"] / table["sharpness"])
    decides = partial(decide.share, nearly_all=nearly_all)
    found = _turns(table, "interpolators with knots on inputs", decides, **constants)
    return found.with_numbers({"λ with knots counted as active over λ, median": extra})


def _all(flags: NDArray[np.bool_], says: Says, groups: ArrayLike) -> Finding:
    """Decide whether all do something: one that does not is a counterexample, whatever the share."""
    found = decide.share(flags, says, 1.0, groups)
    return found if flags.all() else replace(found, answer="no")


def _turns(
    table: Table, subject: str, decides: Callable[..., Finding], returned: float, left: float
) -> Finding:
    back = table["distance_below"] <= returned
    away = ~(table["distance_above"] < left)  # a start that diverged has no finite distance
    seeds = table["seed"]
    found = {
        "below": decides(back, Says(subject, "attract", "descent below 2/λ"), groups=seeds),
        "above": decides(away, Says(subject, "repel", "descent above 2/λ"), groups=seeds),
    }
    return together(found, named=False).with_numbers(_rates(table))


def _rates(table: Table) -> dict[str, float]:
    """Say what descent did on either side; a start that diverged has neither rate nor end."""
    found: dict[str, float] = {}
    for side, sign in SIDES:
        factor = table[f"factor_{side}"]
        missed = np.abs(factor - np.abs(1.0 - (2.0 + sign * table["detuning"])))
        found |= {
            f"{side} 2/λ: factor per step, median": median(factor),
            f"{side} 2/λ: largest difference from the prediction": float(
                np.max(missed[np.isfinite(missed)], initial=0.0)
            ),
            f"{side} 2/λ: final distance/first, median": median(table[f"distance_{side}"]),
            f"{side} 2/λ: final loss, median": median(table[f"loss_{side}"]),
            f"{side} 2/λ: edge ratio in the end, median": median(table[f"edge_ratio_{side}"]),
        }
    return found


def is_tight(result: Result, most: float, nearly_all: float, growth: float) -> Finding:
    """Whether the data-only bound is of the right order: the flattest interpolator is near it at every n."""
    known = smooth(result.table).where(interpolator="flattest")
    known = known.rows(np.isfinite(known["least"]))
    ratio = (known["least"] - 1.0) / (known["bound"] - 1.0)
    near = Says("data sets", "have", f"a flattest interpolator within {most:g} times the bound")
    steady = Says("the ratio", "stay", "bounded as n grows")
    slope = exponents(result, "least", "n", "flattest") - exponents(result, "bound", "n", "flattest")
    found = {
        "ratio": decide.share(ratio <= most, near, nearly_all, known["seed"]),
        "slope": decide.slope(slope, 0.0, steady, "slope of its log on log n", growth),
    }
    return together(found, named=False).with_numbers({
        "(least − 1)/(bound − 1), median": median(ratio),
        "(least − 1)/(bound − 1), largest": float(ratio.max()),
        "certified gap of the flattest, largest": float((known["sharpness"] / known["least"] - 1.0).max()),
    })  # fmt: skip


def numbers(result: Result) -> Table:
    """One row per interpolator and size at the base noise: medians over the data sets."""
    table = result.of(InterpolationRun).where(noise=result.settings["noise"]).table
    return Table.from_records(_numbers(table))


def _numbers(table: Table) -> Iterator[dict[str, Any]]:
    if "sharpness" not in table:
        return
    for name, n in dict.fromkeys(zip(table["interpolator"].tolist(), table["n"].tolist(), strict=True)):
        rows = table.where(interpolator=name, n=n)
        scale = n**2 * rows["noise"]
        yield {
            "interpolator": name,
            "n": n,
            "data_sets": len(rows),
            "bound": median(rows["bound"]),
            "sharpness": median(rows["sharpness"]),
            "η n²σ of the bound": median(rows["step_size_bound"] * scale),
            "η n²σ of the interpolator": median(rows["step_size"] * scale),
        }


def draw(result: Result) -> dict[str, Drawn]:
    """Sharpness against n and σ, descent beside the interpolators, and the functions that they are."""
    from stepscape.experiments.interpolation import interpolation_is_sharp_figures as figures

    return {
        "sharpness": figures.sharpness(result),
        "stability": figures.stability(result),
        "curves": figures.curves(result),
    }


_QUICK: dict[str, Any] = {
    "cases": ("line jittered",),
    "sizes": (6, 10, 24),
    "limit_sizes": (30, 300, 3000),
    "noises": (0.5, 2.0),
    "n": 10,
    "noise": 1.0,
    "half_width": 1.0,
    "interpolators": tuple(INTERPOLATORS),
    "shift": 0.05,
    "margin": 0.01,
    "offset": 1e-6,
    "detuning": 0.01,
    "steps": 1000,
    "records": 40,
    "seeds": 4,
    "first_seed": 200,
}
_ENDS = (
    "attract descent with a step size just below 2/λ, so that from "
    "both sides it ends at {returned:g} of its first distance or less, and repel it just above 2/λ, so that "
    "it ends at {left:g} times that distance or more. The intervals are over the seeds."
)

CLAIM = Claim(
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
        "No training interpolates at these sizes, so interpolators are built: the line that connects the "
        "dots with its knots off the inputs, the same with knots on them, and the flattest network of any "
        "width, with a certificate. In the first case the truth is a line, so that every bend is noise. The "
        "printed n − 24 log(1/δ) is negative up to n = 55 for δ = 0.1; only its order is tested."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "cases": ("line jittered", "tent jittered", "line uniform"),
        "sizes": (8, 12, 16, 24, 32, 48, 60),
        "limit_sizes": (30, 100, 300, 1000, 3000, 10_000),
        "noises": (0.25, 0.5, 2.0, 4.0),
        "n": 24,
        "steps": 1500,
        "records": 50,
        "seeds": 20,
        "first_seed": 300,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "scaling",
            "The sharpness that the data enforce grows like n²σ",
            "With equispaced inputs and the truth of the first case, the data-only bound less 1, over n²σ, "
            "is divided by the limit that theory gives, at the largest of the limit sizes. The claim says at "
            "least, so a larger ratio does not contradict it: consistent if the interval of the ratio lies "
            "above 1 − {within:g}, contradicted if it lies below. No interpolator is flatter than the bound.",
            grows,
            {"within": 0.05},
            primary=True,
        ),
        Part(
            "noise",
            "Where every bend is noise, the bound is proportional to σ",
            "In the first case, if its truth is a line, the slope of the log of the bound less 1 on log σ, "
            "at the base size, is 1 for every seed, up to {tolerance:g}.",
            is_proportional,
            {"tolerance": 1e-6},
            kind="identity",
            needs=lacks_smooth,
        ),
        Part(
            "bound",
            "No interpolator is flatter than the data allow",
            "For every interpolator without knots on inputs, hat bound ≤ data-only bound ≤ λ_max, and the "
            "certified least sharpness of its data set is at most λ_max, up to rounding and, for the last, "
            "{slack:g} of it.",
            bounds_hold,
            {"slack": 1e-9},
            kind="inequality",
            needs=lacks_smooth,
        ),
        Part(
            "stability",
            "2/λ decides whether descent stays, where the loss has a Hessian",
            "This is linear theory, read back along the sharpest direction. All interpolators without knots "
            f"on inputs {_ENDS} One that does not makes it false.",
            is_stable_below,
            TURN,
            kind="identity",
            needs=lacks_smooth,
        ),
        Part(
            "kinks",
            "The same with knots on the inputs",
            f"Of the interpolators with knots on inputs, where λ is that of the almost-everywhere Hessian, "
            f"nearly all (at least {{nearly_all:.0%}}) {_ENDS} It is partly so if more than half do, or if "
            "it is so on one side of 2/λ only.",
            is_stable_below_with_kinks,
            {**TURN, "nearly_all": 0.95},
            kind="figure",
            needs=lacks_kinked,
        ),
        Part(
            "tightness",
            "Is the data-only bound of the right order?",
            "For nearly all data sets (at least {nearly_all:.0%}) the certified least sharpness less 1 is "
            "at most {most:g} times the bound less 1, and in the first case this ratio does not grow with "
            "n: the interval of its slope in logarithms does not lie above 0, and lies below {growth:g}.",
            is_tight,
            {"most": 2.0, "nearly_all": 0.95, "growth": 0.05},
            kind="open question",
            reads=("least",),
            needs=lacks_certificate,
        ),
    ),
    draw=draw,
    premises={
        "distinct": "no input occurs twice: nothing passes through two labels at one input",
        "interpolation_error": f"every label is met: no miss above {NO_MISS:g} label deviations",
        "knots_on_data": (
            "no knot lies exactly on an input, where the loss has no Hessian; networks with such knots are "
            "judged apart"
        ),
    },
    numbers=numbers,
)
