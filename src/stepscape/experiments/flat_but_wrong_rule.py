"""The rule that judges `flat-but-wrong`, fixed before its runs.

A data set is one size, flip rate and seed; an interpolator *counts* when its inputs are distinct.

``construction``: every interpolator that counts has |f(x_i) − γ y_i| ≤ 64·eps·γ·max(1, A)·(1 + x_max) and
λ_max at most its explicit bound, up to the residual of the eigenpair. All: ``consistent``; else
``false_as_stated``.

``flat``: on every data set the slope of log(λ_max/γ) on γ over the margins of at least 10 is within 1 % of
−1, the rate of γ e^{−γ}, and at the largest margin λ_max, the gradient and the loss are below 1e-3. All data
sets: ``reproduced``; at least half: ``partly``; else ``not_reproduced``.

``wrong``: the test loss less its prediction E|f|1{wrong}, which is proportional to γ, lies in [0, log 2] on
every row (1e-9 for rounding); on every data set the slope of the test loss on γ over the margins of at least
10 is within 1 % of E|f|1{wrong}/γ; and for every size and flip rate the 95 % interval over seeds of test
error − Bayes error lies above 0. All three: ``reproduced``; one or two: ``partly``; none: ``not_reproduced``.
Fewer than three seeds: ``undecided``. So are this and ``flat`` with fewer than two margins of at least 10.

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

``descent_goes_elsewhere``: of the descents from a random start, none misses no label. With at least ten seeds
none of them: ``reproduced``; fewer than half: ``partly``; else ``not_reproduced``; none of them with fewer
seeds: ``undecided``. Only flip rates above 0 count where there are any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.one_example import PEAK
from stepscape.experiments.step_size_grid import LEAST_SEEDS, LEAST_SEEDS_AGAINST, Numbers, median
from stepscape.measures.paired import Interval, mean_interval
from stepscape.measures.records import Table
from stepscape.measures.verdict import Verdict, by_parts, by_share, nothing

if TYPE_CHECKING:
    from stepscape.experiments.experiment import Result

LARGE = 10.0  # margins from which asymptotic slopes are taken
SLOPE = 0.01
SMALL = 1e-3
ROUNDING = 64.0
WORSE = 0.02
MOVED = 0.1
NEARLY_ALL = 0.95
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
    }
    wrong = int(np.sum(off | over))
    if wrong:
        return Verdict("false_as_stated", f"{wrong} of {len(built)} networks are not as derived", numbers)
    return Verdict(
        "consistent",
        f"all {len(built)} networks have f(x_i) = γ y_i up to rounding and λ at most its bound, of which "
        f"it is at most {numbers['λ over its bound, largest']:.2g}",
        numbers,
    )


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
    """Whether the test error stays and the test loss grows as predicted."""
    if not len(built):
        return nothing(WHOLE)
    if np.unique(built["seed"]).size < LEAST_SEEDS or _few(built):
        said = (
            f"fewer than {LEAST_SEEDS} seeds or two margins of at least {LARGE:g} give no interval or slope"
        )
        return Verdict("undecided", said)
    rest, ratios = built["test_loss"] - built["risk_slope"], _risk_slopes(built)
    last = built.where(margin=built["margin"].max())
    excess = _over_bayes(last)
    parts = {
        "within log 2 of the prediction": bool(((rest >= -1e-9) & (rest <= np.log(2.0) + 1e-9)).all()),
        "slope as predicted": bool(np.max(np.abs(ratios - 1.0)) <= SLOPE),
        "test error above the Bayes error": all(interval.sign > 0 for interval in excess.values()),
    }
    error, bayes = (median(last[name]) for name in ("test_error", "bayes_error"))
    numbers: Numbers = {
        "test loss less prediction, smallest": float(rest.min()),
        "test loss less prediction, largest": float(rest.max()),
        "slope over its prediction, smallest": float(ratios.min()),
        "slope over its prediction, largest": float(ratios.max()),
        "test loss per unit of margin, median": median(last["risk_slope"] / last["margin"]),
        **{f"test error − Bayes error, {name}": str(interval) for name, interval in excess.items()},
        "test loss at the largest margin, median": median(last["test_loss"]),
        "Bayes loss, median": median(last["bayes_loss"]),
    }
    said = "; ".join(f"{name}: {'yes' if yes else 'no'}" for name, yes in parts.items())
    return Verdict(
        by_parts(parts.values()),
        f"{said}; the test error is {error:.2f} at every margin (Bayes {bayes:.2f}), and a unit of margin "
        f"costs {numbers['test loss per unit of margin, median']:.3g} of test loss (medians)",
        numbers,
    )


def _risk_slopes(built: Table) -> NDArray[np.float64]:
    """Slope of the test loss on the margin over its prediction, for each data set."""
    return np.array([
        _slope(rows, rows["test_loss"]) / float(rows["risk_slope"][-1] / rows["margin"][-1])
        for rows in data_sets(built)
    ])  # fmt: skip


def _over_bayes(last: Table) -> dict[str, Interval]:
    """Interval of test error − Bayes error over the seeds, for every size and flip rate."""
    found = {}
    for n, rate in sorted(set(zip(last["n"], last["flip_rate"], strict=True))):
        rows = last.where(n=n, flip_rate=rate)
        found[f"n = {n:g}, flips {rate:g}"] = mean_interval(rows["test_error"] - rows["bayes_error"])
    return found


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


def stays(table: Table) -> NDArray[np.bool_]:
    """Mask of the descents that stay at the interpolator."""
    if "training_error" not in table:
        return np.zeros(len(table), bool)
    fell = table["test_error_start"] - table["test_error"] > WORSE
    return np.asarray(
        (table["outcome"] == "finished")
        & (table["training_error"] == 0.0)
        & (table["edge_ratio_largest"] <= 1.0)
        & ~fell
    )


def leaves(table: Table) -> NDArray[np.bool_]:
    """Mask of the descents that leave it."""
    gone = np.asarray(table["outcome"] == "diverged")
    if "training_error" not in table:
        return gone
    fell = table["test_error_start"] - table["test_error"] > WORSE
    return np.asarray(gone | (table["training_error"] > 0.0) | fell | (table["moved"] > MOVED))


def judge_kept(table: Table) -> Verdict:
    """Whether descent stays where it starts on the flat side."""
    if not len(table):
        return nothing("descent that starts on the flat side")
    kept = stays(table)
    numbers: Numbers = {
        "starts": float(len(table)),
        "that stay": float(kept.sum()),
        **_by_step_size(table, kept),
    }
    return Verdict(
        by_share(float(kept.mean()), NEARLY_ALL),
        f"{kept.sum()} of {len(table)} descents that start with λ·η/2 ≤ 0.9 stay for "
        f"{table['steps'].max()} steps: median test error {median(table['test_error_start']):.2f} before "
        f"and {median(table['test_error']):.2f} after",
        numbers,
    )


def judge_left(table: Table) -> Verdict:
    """Whether descent leaves where it starts on the sharp side."""
    sharp = table.rows(table["edge_ratio_start"] > 1.0) if len(table) else table
    if not len(sharp):
        return nothing("descent that starts on the sharp side")
    gone = leaves(sharp)
    numbers: Numbers = {
        "starts": float(len(sharp)),
        "that leave": float(gone.sum()),
        **_by_step_size(sharp, gone),
    }
    lost = int(np.sum(sharp["outcome"] == "diverged"))
    still = int(np.sum(sharp["training_error"] == 0.0)) if "training_error" in sharp else 0
    return Verdict(
        by_share(float(gone.mean()), NEARLY_ALL),
        f"{gone.sum()} of {len(sharp)} descents that start at the peak, with λ·η/2 above 1, leave; {lost} "
        f"diverge, and {still} still miss no label in the end",
        numbers,
    )


def _by_step_size(table: Table, found: NDArray[np.bool_]) -> Numbers:
    columns = {
        "margin at the start": "margin_start",
        "λ·η/2 at the start": "edge_ratio_start",
        "largest λ·η/2": "edge_ratio_largest",
        "moved, over ‖θ‖": "moved",
        "training error in the end": "training_error",
        "test error in the end": "test_error",
        "test loss in the end": "test_loss",
    }
    numbers: Numbers = {}
    for eta in np.unique(table["step_size"]):
        here = table["step_size"] == eta
        numbers[f"η = {eta:g}: share"] = float(found[here].mean())
        for name, column in columns.items():
            if column in table:
                numbers[f"η = {eta:g}: {name}, median"] = median(table[column][here])
    return numbers


def judge_elsewhere(table: Table) -> Verdict:
    """Whether descent from a random start passes through every label."""
    noisy = table.rows(table["flip_rate"] > 0.0)
    rows = noisy if len(noisy) else table
    if not len(rows) or "training_error" not in rows:
        return nothing("descent from a random start that finished")
    there = np.asarray(rows["training_error"] == 0.0)
    seeds = np.unique(rows["seed"]).size
    numbers: Numbers = {"descents": float(len(rows)), "that miss no label": float(there.sum())}
    for eta in np.unique(rows["step_size"]):
        here = rows.where(step_size=eta)
        numbers |= {
            f"η = {eta:g}: {name}, median": median(here[column])
            for name, column in (
                ("λ·η/2", "edge_ratio"),
                ("λ", "sharpness"),
                ("training error", "training_error"),
                ("smallest margin", "smallest_margin"),
                ("median margin", "median_margin"),
                ("∫|f''|", "tv"),
                ("test error", "test_error"),
                ("test loss", "test_loss"),
            )
        }
        numbers[f"η = {eta:g}: share that misses no label"] = float(np.mean(here["training_error"] == 0.0))
    share = float(there.mean())
    if share > 0.0:
        word = "partly" if share < 0.5 else "not_reproduced"
    else:
        word = "reproduced" if seeds >= LEAST_SEEDS_AGAINST else "undecided"
    return Verdict(
        word,
        f"{there.sum()} of {len(rows)} descents from a random start miss no label after "
        f"{rows['steps'].max()} steps; their test error is {median(rows['test_error']):.2f}, the Bayes "
        f"error {median(rows['bayes_error']):.2f} (medians)",
        numbers,
    )
