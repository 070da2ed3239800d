"""The rule that judges `flat-but-wrong`; what was changed in it after looking is told in its setup.

A data set is one size, flip rate and seed; an interpolator *counts* when its inputs are distinct.

``construction``: every interpolator that counts has |f(x_i) − γ y_i| ≤ 64·eps·γ·max(1, A)·(1 + x_max),
λ_max at most its explicit bound, up to the residual of the eigenpair, and a test loss less E|f|1{wrong} in
[0, log 2] (1e-9 for rounding). As f is proportional to γ, on every data set the test error is the same at
every margin (to 0.001, for midpoints where f is 0), and the slope of the test loss on γ over the margins of
at least 10 is within 1 % of E|f|1{wrong}/γ. These are identities; where one fails the network or the code is
wrong. All: ``consistent``; else ``false_as_stated``.

``flat``: on every data set the slope of log(λ_max/γ) on γ over the margins of at least 10 is within 1 % of
−1, the rate of γ e^{−γ}, and at the largest margin λ_max, the gradient and the loss are below 1e-3. All data
sets: ``reproduced``; at least half: ``partly``; else ``not_reproduced``.

``wrong``: against the noise of the labels, for every size and flip rate, by 95 % intervals over the seeds:
the test error is above the Bayes error by more than 0.02, the difference that counts below, too; and the test
loss grows, over the margins of at least 10, by more per unit of margin than the Bayes error, which is what
the best classifier would pay if it were as sure everywhere. Both everywhere: ``reproduced``; somewhere:
``partly``; nowhere: ``not_reproduced`` with at least ten seeds, ``undecided`` with fewer. Fewer than three
seeds: ``undecided``. So are this and ``flat`` with fewer than two margins of at least 10.

``sharp_at_moderate_margins``: on every data set the largest λ_max lies at one of the margins next to 1.543,
where γ D(γ) is largest, and is above 2/η for the largest step size. All: ``reproduced``; at least half:
``partly``; else ``not_reproduced``. For every step size the margin from which λ_max stays below 2/η is
reported.

``kept_on_the_flat_side``: descents that start where λ_max·η/2 is at most 0.9 *stay* when they finish, miss no
label, have λ_max·η/2 ≤ 1 at every record, and end with a test error at most 0.02 below the one they started
with. At least 95 % stay: ``reproduced``; at least half: ``partly``; else ``not_reproduced``.

``left_on_the_sharp_side``: descents that start at the peak with λ_max·η/2 > 1 *leave* when they diverge, or
miss a label in the end, or their test error falls by more than 0.02, or they move by more than a tenth of
‖θ‖. Words as above; no such start: ``premise_not_met``.

``descent_goes_elsewhere``: of the descents from a random start, none misses no label. Judged for each flip
rate, 0 too: labels are noisy there as well. None of them: yes; fewer than half: partly; else no. Yes at every
flip rate: ``reproduced`` with at least ten seeds, else ``undecided``; no at every one: ``not_reproduced``;
otherwise ``partly``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import LEAST_SEEDS, Numbers, median, word_for
from stepscape.experiments.confidence.flat_but_wrong_descents import (
    WORSE,
    judge_elsewhere,
    judge_kept,
    judge_left,
)
from stepscape.experiments.confidence.one_example import PEAK
from stepscape.tables.interval import Interval, mean_interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_share, nothing

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

LARGE = 10.0  # margins from which asymptotic slopes are taken
SLOPE = 0.01
SMALL = 1e-3
ROUNDING = 64.0
MOVES = 1e-3
WHOLE = "data set with all its interpolators"


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict for each part of the claim."""
    table, descents = result.table, sorted(result.settings["descents"])
    built = interpolators(table)
    whole = complete(built)
    return {
        "construction": judge_construction(built),
        "flat": judge_flat(whole),
        "wrong": judge_wrong(whole),
        "sharp_at_moderate_margins": judge_sharp(whole, descents),
        "kept_on_the_flat_side": judge_kept(table.where(arm="flat_start")),
        "left_on_the_sharp_side": judge_left(table.where(arm="sharp_start")),
        "descent_goes_elsewhere": judge_elsewhere(table.where(arm="descent")),
    }


def interpolators(table: Table) -> Table:
    """Rows of interpolators that count."""
    rows = table.where(arm="interpolator")
    return rows.rows(rows["distinct"] == 1 if "distinct" in rows else np.zeros(len(rows), bool))


def complete(built: Table) -> Table:
    """Rows of the data sets that lack no margin which another has; where runs failed, some do."""
    keys = list(zip(built["n"], built["flip_rate"], built["seed"], strict=True))
    counts = Counter(keys)
    return built.rows(np.array([counts[key] == max(counts.values()) for key in keys], bool))


def data_sets(table: Table) -> Iterator[Table]:
    """Rows of each data set, by margin."""
    for n, flip_rate, seed in sorted(set(zip(table["n"], table["flip_rate"], table["seed"], strict=True))):
        rows = table.where(n=n, flip_rate=flip_rate, seed=seed)
        yield rows.rows(np.argsort(rows["margin"]))


def judge_construction(built: Table) -> Verdict:
    """Whether every network is what it should be."""
    if not len(built):
        return nothing("interpolator")
    off = built["miss"] > ROUNDING
    bent = built.rows(built["least_tv"] > 0.0)
    over = built["sharpness"] - built["sharpness_residual"] > built["bound"] * (1.0 + 1e-12)
    rest = built["test_loss"] - built["risk_slope"]
    apart = (rest < -1e-9) | (rest > np.log(2.0) + 1e-9)
    moves, ratios = _test_moves(built), _risk_slopes(complete(built))
    lost = int(np.sum(moves > MOVES)) + int(np.sum(np.abs(ratios - 1.0) > SLOPE))
    numbers: Numbers = {
        "interpolators": float(len(built)),
        "largest miss of γ y, over its rounding eps·γ·max(1, A)·(1 + x_max)": float(built["miss"].max()),
        "networks that miss": float(off.sum()),
        "networks sharper than the bound": float(over.sum()),
        "λ over its bound, largest": float((built["sharpness"] / built["bound"]).max()),
        "λ over its bound, smallest": float((built["sharpness"] / built["bound"]).min()),
        "relative residual of λ, largest": float((built["sharpness_residual"] / built["sharpness"]).max()),
        "smallest λ": float(built["sharpness"].min()),
        "∫|f''| over the least that the margin costs, median": median(bent["tv"] / bent["least_tv"]),
        "test loss less E|f|1{wrong}, smallest": float(rest.min()),
        "test loss less E|f|1{wrong}, largest": float(rest.max()),
        "test error moves over the margins by at most": float(moves.max()),
        "slope of the test loss over E|f|1{wrong}/γ, smallest": float(min(ratios, default=np.nan)),
        "slope of the test loss over E|f|1{wrong}/γ, largest": float(max(ratios, default=np.nan)),
    }
    wrong = int(np.sum(off | over | apart))
    if wrong or lost:
        said = f"{wrong} of {len(built)} networks and {lost} slopes or errors of data sets are not as derived"
        return Verdict("false_as_stated", said, numbers)
    return Verdict(
        "consistent",
        f"all {len(built)} networks have f(x_i) = γ y_i up to rounding, λ at most its bound, of which it is "
        f"at most {numbers['λ over its bound, largest']:.2g}, and risks as f ∝ γ gives them",
        numbers,
    )


def _test_moves(built: Table) -> NDArray[np.float64]:
    """Largest less smallest test error over the margins, for each data set."""
    return np.array([np.ptp(rows["test_error"]) for rows in data_sets(built)])


def _slope(rows: Table, values: NDArray[np.float64]) -> float:
    large = rows["margin"] >= LARGE
    return float(np.polyfit(rows["margin"][large], values[large], 1)[0])


def _few(built: Table) -> bool:
    """Whether there are too few large margins for a slope."""
    margins = np.unique(built["margin"])
    return int(np.sum(margins >= LARGE)) < 2


def judge_flat(built: Table) -> Verdict:
    """Whether loss, gradient and sharpness go to 0."""
    if not len(built):
        return nothing(WHOLE)
    if _few(built):
        return Verdict("undecided", f"fewer than two margins of at least {LARGE:g} give no slope")
    slopes, ends, flags = [], [], []
    for rows in data_sets(built):
        slopes.append(_slope(rows, np.log(rows["sharpness"] / rows["margin"])))
        ends.append([float(rows[name][-1]) for name in ("sharpness", "gradient_norm", "loss")])
        flags.append(abs(slopes[-1] + 1.0) <= SLOPE and max(ends[-1]) < SMALL)
    last = np.max(ends, axis=0)
    top = float(built["margin"].max())
    numbers: Numbers = {
        "data sets": float(len(flags)),
        "slope of log(λ/γ) on γ, smallest": float(np.min(slopes)),
        "slope of log(λ/γ) on γ, largest": float(np.max(slopes)),
        "largest margin": top,
        **{
            f"largest {name} there": float(value)
            for name, value in zip(("λ", "‖∇L‖", "loss"), last, strict=True)
        },
    }
    return Verdict(
        by_share(float(np.mean(flags)), 1.0),
        f"on {sum(flags)} of {len(flags)} data sets λ falls like γ e^(−γ); at γ = {top:g} it is at most "
        f"{last[0]:.2g}, the gradient {last[1]:.2g}, the loss {last[2]:.2g}",
        numbers,
    )


def judge_wrong(built: Table) -> Verdict:
    """Whether test error and growth of the test loss are above what the noise alone costs."""
    if not len(built):
        return nothing(WHOLE)
    if np.unique(built["seed"]).size < LEAST_SEEDS or _few(built):
        said = (
            f"fewer than {LEAST_SEEDS} seeds or two margins of at least {LARGE:g} give no interval or slope"
        )
        return Verdict("undecided", said)
    last = built.where(margin=built["margin"].max())
    grows = _by_law(built, _growth_over_bayes)
    errs = _by_law(last, lambda rows: rows["test_error"] - rows["bayes_error"])
    worse = {name: interval.low > WORSE for name, interval in errs.items()}
    paid = {name: interval.low > 0.0 for name, interval in grows.items()}
    error, bayes = (median(last[name]) for name in ("test_error", "bayes_error"))
    numbers: Numbers = {
        **{f"test error − Bayes error, {name}": str(interval) for name, interval in errs.items()},
        **{f"test loss per unit of margin − Bayes error, {name}": str(x) for name, x in grows.items()},
        "test error, median": error,
        "Bayes error, median": bayes,
        "test loss per unit of margin, median": median(last["risk_slope"] / last["margin"]),
        "test loss at the largest margin, median": median(last["test_loss"]),
        "Bayes loss, median": median(last["bayes_loss"]),
    }
    return Verdict(
        word_for([*worse.values(), *paid.values()], np.unique(built["seed"]).size),
        f"the test error is above the Bayes error by more than {WORSE:g} in {sum(worse.values())} of "
        f"{len(worse)} laws (size × flip rate): {error:.2f} against {bayes:.2f}; a unit of margin costs more "
        f"test loss than it would cost the best classifier in {sum(paid.values())}: "
        f"{numbers['test loss per unit of margin, median']:.3g} against {bayes:.3g} (medians)",
        numbers,
    )


def _growth_over_bayes(rows: Table) -> NDArray[np.float64]:
    """Slope of the test loss on the margin − Bayes error, for each seed."""
    return np.array([_slope(each, each["test_loss"]) - each["bayes_error"][0] for each in data_sets(rows)])


def _risk_slopes(built: Table) -> NDArray[np.float64]:
    """Slope of the test loss on the margin over its prediction, for each data set; none without slopes."""
    if not len(built) or _few(built):
        return np.empty(0)
    return np.array([
        _slope(rows, rows["test_loss"]) / float(rows["risk_slope"][-1] / rows["margin"][-1])
        for rows in data_sets(built)
    ])  # fmt: skip


def _by_law(table: Table, values: Callable[[Table], NDArray[np.float64]]) -> dict[str, Interval]:
    """Interval over the seeds for every size and flip rate."""
    return {
        f"n = {n:g}, flips {rate:g}": mean_interval(values(table.where(n=n, flip_rate=rate)))
        for n, rate in sorted(set(zip(table["n"], table["flip_rate"], strict=True)))
    }


def judge_sharp(built: Table, step_sizes: list[float]) -> Verdict:
    """Whether λ peaks where γ D(γ) does, above the threshold of the largest step size."""
    if not len(built):
        return nothing(WHOLE)
    margins = np.unique(built["margin"])
    after = int(np.searchsorted(margins, PEAK))
    beside = margins[max(0, after - 1)], margins[min(after, margins.size - 1)]
    peaks = [
        (rows["margin"][rows["sharpness"].argmax()], rows["sharpness"].max()) for rows in data_sets(built)
    ]
    at, height = np.array(peaks).T
    flags = [bool(beside[0] <= m <= beside[1] and h > 2.0 / max(step_sizes)) for m, h in peaks]
    numbers: Numbers = {
        "data sets": float(len(flags)),
        "margin of the peak, smallest": float(at.min()),
        "margin of the peak, largest": float(at.max()),
        "predicted": PEAK,
        "λ at the peak, smallest": float(height.min()),
        "λ at the peak, median": median(height),
        "λ at the peak, largest": float(height.max()),
        **{
            f"n = {n:g}: λ at the peak, median": median(
                [rows["sharpness"].max() for rows in data_sets(built.where(n=n))]
            )
            for n in np.unique(built["n"])
        },
    }
    for eta in step_sizes:
        from_there = float(np.median([flat_from(rows, 2.0 / eta) for rows in data_sets(built)]))
        numbers[f"η = {eta:g}: data sets with a peak above 2/η"] = float(np.sum(height > 2.0 / eta))
        numbers[f"η = {eta:g}: margin from which λ ≤ 2/η, median"] = from_there
    # Of the largest step size, which is the last.
    where = f"only from γ = {from_there:.3g} on" if np.isfinite(from_there) else "at no margin of the grid"
    return Verdict(
        by_share(float(np.mean(flags)), 1.0),
        f"λ peaks at {median(height):.3g} (median), at the margins next to {PEAK:.2f} on {sum(flags)} of "
        f"{len(flags)} data sets; it is below 2/η {where} for η = {step_sizes[-1]:g}",
        numbers,
    )


def flat_from(rows: Table, threshold: float) -> float:
    """Find the smallest margin of a data set from which on λ_max is at most the threshold; inf when none."""
    above = np.flatnonzero(rows["sharpness"] > threshold)
    first = int(above[-1]) + 1 if above.size else 0
    return float(rows["margin"][first]) if first < len(rows) else float("inf")
