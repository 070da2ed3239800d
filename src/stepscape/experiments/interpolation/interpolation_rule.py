"""The rule that judges `interpolation-is-sharp`, fixed before the reported runs, on seeds they do not use.

A row *counts* when its inputs are distinct, its network misses no label by more than 1e-9 label deviations,
no knot lies exactly on an input, and it finished. Rows with knots on inputs are judged apart, in ``kinks``.

``bound``: on every row that counts, hat bound ≤ data-only bound ≤ λ_max, and no interpolator of a data set is
flatter than the certified least sharpness of that data set; λ_max enters with its errors, the bound with its
rounding. All hold: ``consistent``; one fails: ``false_as_stated``; no row counts: ``premise_not_met``.

``scaling``: for each seed of the first case, the slope of log (λ − 1)/2 on log n at the base noise, and on
log σ at the base size, for the data-only bound, which no interpolator gets below. A bound of the order σ n²
requires slopes of at least 2 and 1: when neither 95 % interval over the seeds ends below that (less 0.001),
``consistent``; else ``not_reproduced``. Where the truth is a line, as in the first case, the bound less 1 is
exactly proportional to σ: that slope tests the program. Fewer than three seeds, three values or a factor of 4
between the smallest and the largest value: ``undecided``. The slopes of the interpolators stand beside them
and decide nothing: over a finite range of n they may be smaller, as long as they stay above the bound.

``stability``: of the rows that count, the share that came back on both sides with the step size just below
2/λ, and the share that left on both sides just above. Both at least 95 %: ``reproduced``; both at least half:
``partly``; else ``not_reproduced``. Came back: the final distance is at most 1 % of the first. Left: at least
100 times.

``kinks``: the same shares at the interpolators with knots on the inputs, where λ is that of the almost
everywhere Hessian. ``reproduced`` as above; one of the two shares at least 95 %: ``partly``; else
``not_reproduced``; no such row: ``premise_not_met``.

``tightness``: is the data-only bound of the right order? Over all data sets with a certificate: at least 95 %
have (least − 1)/(bound − 1) at most 2 for the flattest interpolator; and in the first case the ratio does not
grow with n, the interval of its log-log slope does not lie above 0. Both: ``reproduced``; one: ``partly``;
none: ``not_reproduced``; too few seeds or sizes for a slope: ``undecided``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import median
from stepscape.tables.interval import Interval, mean_interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_parts, by_share

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result, Settings

Array = NDArray[Any]
NO_MISS = 1e-9
NEARLY_ALL = 0.95
LEAST_SEEDS, LEAST_VALUES, LEAST_RANGE = 3, 3, 4.0
SLACK = 1e-3
DATA = ("truth", "design", "n", "noise", "seed")


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict for each part of the claim."""
    table = result.table
    counted = table.rows(counts(table))
    first = first_case(counted, result.settings)
    return {
        "bound": judge_bound(counted, len(table)),
        "scaling": judge_scaling(first, result.settings),
        "stability": judge_stability(counted),
        "kinks": judge_kinks(table.rows(on_data(table))),
        "tightness": judge_tightness(counted, first, result.settings),
    }


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the rows that meet the premises."""
    if "sharpness" not in table:
        return np.zeros(len(table), bool)
    met = (table["outcome"] == "finished") & (table["distinct"] == 1) & (table["knots_on_data"] == 0)
    return np.asarray(met & (table["interpolation_error"] <= NO_MISS))


def on_data(table: Table) -> NDArray[np.bool_]:
    """Mask of the interpolators with knots exactly on inputs."""
    if "sharpness" not in table:
        return np.zeros(len(table), bool)
    return np.asarray((table["knots_on_data"] > 0) & (table["interpolation_error"] <= NO_MISS))


def first_case(table: Table, settings: Settings) -> Table:
    """Rows of the first truth and design."""
    truth, design = settings["cases"][0].split()
    return table.where(truth=truth, design=design)


def judge_bound(table: Table, rows: int) -> Verdict:
    """Apply the rule for the inequalities to the rows that count."""
    if not len(table):
        return Verdict("premise_not_met", f"none of {rows} rows is an interpolator that counts")
    right = table["sharpness"] + table["sharpness_residual"] + table["residual_norm"]
    hats = table["hat_bound"] > table["bound"] + table["rounding"]
    data = table["bound"] > right + table["rounding"]
    flatter = certified(table) > right * (1.0 + 1e-9)
    wrong = int(np.sum(hats | data | flatter))
    numbers: dict[str, float | str] = {
        "interpolators": float(len(table)),
        "violations of hat ≤ bound": float(hats.sum()),
        "violations of bound ≤ λ": float(data.sum()),
        "violations of certified least ≤ λ": float(flatter.sum()),
        "smallest λ/bound": float((table["sharpness"] / table["bound"]).min()),
        "median λ/bound": float(np.median(table["sharpness"] / table["bound"])),
        "median bound/hat bound": float(np.median(table["bound"] / table["hat_bound"])),
        "largest miss, label deviations": float(table["interpolation_error"].max()),
        "largest error of λ": float((right - table["sharpness"]).max()),
        "smallest gap between inputs": float(table["smallest_gap"].min()),
    }
    if wrong:
        return Verdict("false_as_stated", f"{wrong} of {len(table)} interpolators violate a bound", numbers)
    return Verdict(
        "consistent",
        f"all {len(table)} interpolators are at least as sharp as the data alone require; the closest has "
        f"{numbers['smallest λ/bound']:.3g} times the bound",
        numbers,
    )


def certified(table: Table) -> Array:
    """Certified least sharpness of each row's data set, −∞ where none was computed."""
    if "least" not in table:
        return np.full(len(table), -np.inf)
    keys = list(zip(*(table[name].tolist() for name in DATA), strict=True))
    known = {key: value for key, value in zip(keys, table["least"].tolist(), strict=True) if value == value}
    return np.array([known.get(key, -np.inf) for key in keys])


def slopes(table: Table, column: str, across: str, fixed: dict[str, float], interpolator: str) -> Array:
    """Slope of log (column − 1)/2 on log `across` for each seed, nan where there are too few values."""
    rows = table.where(interpolator=interpolator, **fixed)
    seeds = np.unique(rows["seed"])
    found = np.full(seeds.size, np.nan)
    for i, seed in enumerate(seeds):
        here = rows.where(seed=seed)
        at, excess = here[across].astype(float), (here[column].astype(float) - 1.0) / 2.0
        usable = excess > 0.0
        at, excess = at[usable], excess[usable]
        if np.unique(at).size >= LEAST_VALUES and at.max() >= LEAST_RANGE * at.min():
            found[i] = np.polyfit(np.log(at), np.log(excess), 1)[0]
    return found


def scalings(table: Table, settings: Settings) -> dict[str, tuple[Interval, float]]:
    """Interval over seeds and required slope, by the name of the quantity and its variable."""
    found = {}
    for name, column, interpolator in _quantities(table):
        by_size = slopes(table, column, "n", {"noise": settings["noise"]}, interpolator)
        by_noise = slopes(table, column, "noise", {"n": settings["n"]}, interpolator)
        found[f"{name} on n"] = (mean_interval(by_size), 2.0)
        found[f"{name} on σ"] = (mean_interval(by_noise), 1.0)
    return found


def _quantities(table: Table) -> list[tuple[str, str, str]]:
    """Name, column and interpolator of what is scaled; the bound is the same in every row of a data set."""
    present = [name for name in ("flattest", "spline") if (table["interpolator"] == name).any()]
    bound = [("bound", "bound", present[0])] if present else []
    return bound + [(name, "sharpness", name) for name in present]


def judge_scaling(table: Table, settings: Settings) -> Verdict:
    """Apply the rule for the slopes to the first case."""
    found = scalings(table, settings) if len(table) else {}
    numbers: dict[str, float | str] = {
        f"slope of {name} (claimed {least:g})": str(interval) for name, (interval, least) in found.items()
    }
    bound = {name: found[name] for name in found if name.startswith("bound")}
    if not bound or any(interval.count < LEAST_SEEDS for interval, _ in bound.values()):
        return Verdict("undecided", "too few seeds, sizes or noises for an interval of the slopes", numbers)
    numbers |= _constants(table, settings)
    below = [name for name, (interval, least) in bound.items() if interval.high < least - SLACK]
    by_size, by_noise = bound["bound on n"][0], bound["bound on σ"][0]
    return Verdict(
        "not_reproduced" if below else "consistent",
        f"the data-only bound less 1 grows like n^{by_size.mean:.2f} [{by_size.low:.2f}, {by_size.high:.2f}] "
        f"and σ^{by_noise.mean:.2f} [{by_noise.low:.2f}, {by_noise.high:.2f}]; at least n² and σ are claimed",
        numbers,
    )


def _constants(table: Table, settings: Settings) -> dict[str, float | str]:
    """Median of the largest step size times n² σ at the largest n: the constant of O(1/(n²σ))."""
    here = table.where(n=float(np.max(table["n"])), noise=settings["noise"])
    scale = here["n"].astype(float) ** 2 * here["noise"]
    found: dict[str, float | str] = {
        "η n²σ allowed by the bound, largest n": float(np.median(here["step_size_bound"] * scale))
    }
    for name in np.unique(here["interpolator"]):
        chosen = here["interpolator"] == name
        found[f"η n²σ allowed by the {name}"] = float(np.median((here["step_size"] * scale)[chosen]))
    return found


def shares(table: Table) -> tuple[float, float]:
    """Share that came back below 2/λ, share that left above it."""
    return float(np.mean(table["end_below"] == "returned")), float(np.mean(table["end_above"] == "left"))


def judge_stability(table: Table) -> Verdict:
    """Apply the rule for the disturbed starts where the loss has a Hessian."""
    if not len(table):
        return Verdict("premise_not_met", "no interpolator without knots on inputs")
    back, away = shares(table)
    sentence = (
        f"of {len(table)} interpolators {back:.0%} attract descent just below 2/λ and {away:.0%} repel it "
        f"just above, at {median(table['factor_below']):.6f} and {median(table['factor_above']):.6f} a step"
    )
    return Verdict(by_share(min(back, away), NEARLY_ALL), sentence, _rates(table))


def _rates(table: Table) -> dict[str, float | str]:
    """Say how it went on either side; a start that diverged has neither rate nor end."""
    found: dict[str, float | str] = {"interpolators": float(len(table))}
    for side, sign in (("below", -1.0), ("above", 1.0)):
        predicted = np.abs(1.0 - (2.0 + sign * table["detuning"]))
        missed = np.abs(table[f"factor_{side}"] - predicted)
        words, times = np.unique(table[f"end_{side}"], return_counts=True)
        found |= {
            f"{side} 2/λ: how it went": ", ".join(f"{w} {c}" for w, c in zip(words, times, strict=True)),
            f"{side} 2/λ: factor a step, median": median(table[f"factor_{side}"]),
            f"{side} 2/λ: predicted": median(predicted),
            f"{side} 2/λ: largest difference": float(np.max(missed[np.isfinite(missed)], initial=0.0)),
            f"{side} 2/λ: final distance/first, median": median(table[f"distance_{side}"]),
            f"{side} 2/λ: final loss, median": median(table[f"loss_{side}"]),
            f"{side} 2/λ: edge ratio in the end, median": median(table[f"edge_ratio_{side}"]),
        }
    return found


def judge_kinks(table: Table) -> Verdict:
    """Apply the rule for the disturbed starts where knots lie on inputs."""
    if not len(table):
        return Verdict("premise_not_met", "no interpolator has knots on inputs")
    back, away = shares(table)
    word = by_parts([back >= NEARLY_ALL, away >= NEARLY_ALL])
    extra = float(np.median(table["one_sided_sharpness"] / table["sharpness"]))
    numbers = _rates(table) | {"λ with knots counted as active over λ, median": extra}
    sentence = (
        f"with knots on the inputs {back:.0%} of {len(table)} come back below 2/λ of the almost everywhere "
        f"Hessian (median final distance/first {median(table['distance_below']):.2g}, final loss "
        f"{median(table['loss_below']):.1g}) and {away:.0%} leave above it, at "
        f"{median(table['factor_above']):.4f} a step"
    )
    return Verdict(word, sentence, numbers)


def judge_tightness(table: Table, first: Table, settings: Settings) -> Verdict:
    """Apply the rule for the ratio of the least sharpness to the bound."""
    if "least" not in table or not np.isfinite(table["least"]).any():
        return Verdict("premise_not_met", "no flattest interpolator was computed")
    known = table.rows(np.isfinite(table["least"]))
    ratio = (known["least"] - 1.0) / (known["bound"] - 1.0)
    by_size = slopes(first, "least", "n", {"noise": settings["noise"]}, "flattest")
    of_bound = slopes(first, "bound", "n", {"noise": settings["noise"]}, "flattest")
    share = float(np.mean(ratio <= 2.0))
    gap = known["sharpness"] / known["least"] - 1.0
    numbers: dict[str, float | str] = {
        "data sets": float(len(known)),
        "(least − 1)/(bound − 1), median": float(np.median(ratio)),
        "(least − 1)/(bound − 1), largest": float(ratio.max()),
        "share at most 2": share,
        "certified gap of the flattest, largest": float(gap.max()),
    }
    slope = mean_interval(by_size - of_bound)
    if slope.count < LEAST_SEEDS:
        return Verdict("undecided", "too few seeds or sizes for an interval of the slope", numbers)
    numbers["slope of the ratio on n"] = str(slope)
    return Verdict(
        by_parts([share >= NEARLY_ALL, slope.low <= 0.0]),
        f"no interpolator of any width is flatter than {np.median(ratio):.2f} times the bound (median, less "
        f"1 on both sides; {share:.0%} of data sets at most 2), and the flattest one built is within "
        f"{gap.max():.1%} of that; the ratio goes with n^{slope.mean:.2f}",
        numbers,
    )
