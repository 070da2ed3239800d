"""Networks that pass through every noisy label with a margin are flat in the end, and wrong all the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.flat_runs import ARMS, FULL, QUICK, begin, grid, work
from stepscape.experiments.confidence.one_example import PEAK
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
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.finding import Number
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
LAWS = {"n": "n = {:g}", "flip_rate": "flip rate {:g}"}
BUILT = {"arm": "interpolator", "distinct": True}
DESCENTS = ("margin_start", "edge_ratio_start", "edge_ratio_largest", "edge_ratio", "moved", "training_error",
            "median_margin", "sharpness", "test_error_start", "test_error", "test_loss", "bayes_error",
            "bayes_loss")  # fmt: skip


def complete(built: Table) -> Table:
    """Keep the rows of the data sets that have every margin; if runs failed, some data sets do not."""
    keys = list(zip(built["n"], built["flip_rate"], built["seed"], strict=True))
    counts = Counter(keys)
    return built.rows(np.array([counts[key] == max(counts.values()) for key in keys], bool))


def data_sets(table: Table) -> Iterator[Table]:
    """Rows of each data set, by margin."""
    for n, flip_rate, seed in sorted(set(zip(table["n"], table["flip_rate"], table["seed"], strict=True))):
        rows = table.where(n=n, flip_rate=flip_rate, seed=seed)
        yield rows.rows(np.argsort(rows["margin"]))


def as_derived(
    result: Result, rounding: float, remainder: float, moves: float, slope: float, large: float
) -> Finding:
    """Whether every network is as derived."""
    built = result.table
    whole = complete(built)
    over = built["sharpness"] - built["sharpness_residual"] > built["bound"] * (1.0 + 1e-12)
    tightness = built["sharpness"] / built["bound"]
    rest = built["test_loss"] - built["risk_slope"]
    middle = 0.5 * np.log(2.0)
    found = {
        "labels": decide.identity(built["miss"], rounding, "misses of γ y (in units of the rounding)"),
        "bound": decide.inequality(len(built), int(over.sum()), "networks", tightness),
        "split": decide.identity(
            np.maximum(np.abs(rest - middle) - middle, 0.0),
            remainder,
            "remainders of the test loss outside [0, log 2]",
        ),
        "error": decide.identity(
            [np.ptp(rows["test_error"]) for rows in data_sets(built)],
            moves,
            "drifts of the test error over the margins",
        ),
    }
    if not too_few_margins(whole, large):
        ratios = [risk_slope(rows, large) / _cost(rows) - 1.0 for rows in data_sets(whole)]
        found["slope"] = decide.identity(ratios, slope, "slopes of the test loss")
    return together(found, named=False)


def _cost(rows: Table) -> float:
    """E|f|1{wrong} of a data set per unit of margin."""
    return float(rows["risk_slope"][-1] / rows["margin"][-1])


def _slope(rows: Table, values: Array, large: float) -> float:
    here = rows["margin"] >= large
    return float(np.polyfit(rows["margin"][here], values[here], 1)[0])


def risk_slope(rows: Table, large: float) -> float:
    """Slope of the test loss of a data set on the margin."""
    return _slope(rows, rows["test_loss"], large)


def too_few_margins(built: Table, large: float) -> str:
    """Say that no slope can be taken over the large margins; "" if one can."""
    enough = int(np.sum(np.unique(built["margin"]) >= large)) >= 2
    return "" if enough else f"fewer than two margins of at least {large:g} give no slope"


def goes_flat(result: Result, slope: float, large: float, small: float) -> Finding:
    """Whether λ falls as derived, and λ, gradient and loss are small in the end."""
    built = complete(result.table)
    if reason := too_few_margins(built, large):
        return lacking(reason)
    sets = list(data_sets(built))
    slopes = [_slope(rows, np.log(rows["sharpness"] / rows["margin"]), large) for rows in sets]
    ends = np.array([[rows[name][-1] for name in ("sharpness", "gradient_norm", "loss")] for rows in sets])
    top = float(built["margin"].max())
    numbers: dict[str, Number] = dict(
        zip(("largest λ in the end", "largest ‖∇L‖ in the end", "largest loss in the end"),
            ends.max(axis=0).tolist(), strict=True)
    )  # fmt: skip
    last = f"values of λ, ‖∇L‖ and loss at γ = {top:g}"
    found = {
        "slope": decide.identity(np.array(slopes) + 1.0, slope, "rates at which log(λ/γ) falls"),
        "ends": decide.inequality(ends.size, int(np.sum(ends >= small)), last, ends / small),
    }
    return together(found, named=False).with_numbers({**numbers, "data sets": len(sets)})


def is_wrong(result: Result, worse: float, least: float, large: float) -> Finding:
    """Whether test error and growth of the test loss exceed what the noise alone costs."""
    built = complete(result.table)
    if reason := too_few_margins(built, large):
        return lacking(reason)
    laws = cells(built, LAWS)
    errors = ask(laws, lambda law: _per_set(law, lambda rows: rows["test_error"][-1] - worse))
    growth = ask(laws, lambda law: _per_set(law, partial(risk_slope, large=large)))
    errs = Says("the test error", "exceed", f"the Bayes error by more than {worse:g}")
    costs = Says("a unit of margin", "cost", "more test loss than it would cost the best classifier")
    last = built.where(margin=built["margin"].max())
    return together(
        {
            "error": decide.signs(
                errors.values, errs, f"test error − Bayes error − {worse:g}", at_once=2
            ),
            "growth": decide.signs(
                growth.values, costs, "test loss for each unit of margin − Bayes error", least, at_once=2
            ),
        },
        named=False,
    ).with_numbers({
        "test error, median": median(last["test_error"]),
        "Bayes error, median": median(last["bayes_error"]),
        "test loss for each unit of margin, median": median(last["risk_slope"] / last["margin"]),
        "test loss at the largest margin, median": median(last["test_loss"]),
        "Bayes loss, median": median(last["bayes_loss"]),
    })  # fmt: skip


def _per_set(law: Table, value: Callable[[Table], float]) -> Array:
    """One value per seed, less the Bayes error of its data set."""
    return np.array([value(rows) - rows["bayes_error"][0] for rows in data_sets(law)])


def is_sharp(result: Result, peak: float, nearly_all: float) -> Finding:
    """Whether λ peaks where γ D(γ) does, above the threshold of the largest step size."""
    built, etas = complete(result.table), sorted(result.settings["descents"])
    margins = np.unique(built["margin"])
    after = int(np.searchsorted(margins, peak))
    low, high = margins[max(0, after - 1)], margins[min(after, margins.size - 1)]
    sets = list(data_sets(built))
    at = np.array([rows["margin"][rows["sharpness"].argmax()] for rows in sets])
    height = np.array([rows["sharpness"].max() for rows in sets])
    says = Says(
        "data sets", "have", f"their largest λ next to γ = {peak:.2f}, above 2/η for η = {etas[-1]:g}"
    )
    flags = (low <= at) & (at <= high) & (height > 2.0 / etas[-1])
    numbers: dict[str, Number] = {
        "margin of the peak, smallest": float(at.min()),
        "margin of the peak, largest": float(at.max()),
        "λ at the peak, smallest": float(height.min()),
        "λ at the peak, median": median(height),
        "λ at the peak, largest": float(height.max()),
    }
    for n in np.unique(built["n"]):
        heights = [rows["sharpness"].max() for rows in data_sets(built.where(n=n))]
        numbers[f"n = {n:g}: λ at the peak, median"] = median(heights)
    for eta in etas:
        stable = float(np.median([flat_from(rows, 2.0 / eta) for rows in sets]))
        numbers[f"η = {eta:g}: margin from which λ ≤ 2/η, median"] = stable
    groups = np.array([rows["seed"][0] for rows in sets])
    return decide.share(flags, says, nearly_all, groups).with_numbers(numbers)


def flat_from(rows: Table, threshold: float) -> float:
    """Find the smallest margin of a data set from which on λ_max is at most the threshold; else inf."""
    above = np.flatnonzero(rows["sharpness"] > threshold)
    first = int(above[-1]) + 1 if above.size else 0
    return float(rows["margin"][first]) if first < len(rows) else float("inf")


def stays_or_leaves(result: Result, worse: float, moved: float, nearly_all: float) -> Finding:
    """Whether descent stays if it starts on the flat side, and leaves if it starts on the sharp side."""
    table = result.table
    fell = table["test_error_start"] - table["test_error"] > worse
    missed, lost = table["training_error"] > 0.0, table["outcome"] == "diverged"
    stay = ~lost & ~missed & (table["edge_ratio_largest"] <= 1.0) & ~fell
    leave = lost | missed | fell | (table["moved"] > moved)
    flat = table["arm"] == "flat_start"
    peak = table["arm"] == "sharp_start"
    sharp = peak & (table["edge_ratio_start"] > 1.0)
    sides = {"stay": (flat, stay, "flat", "there"), "leave": (sharp, leave, "sharp", "it")}
    found = {
        f"{side} side": decide.share(
            flags[here], Says(f"descents from the {side} side", verb, rest), nearly_all, table["seed"][here]
        ).with_numbers(_by_step_size(table.rows(here), flags[here], verb))
        for verb, (here, flags, side, rest) in sides.items()
    }
    held = table["edge_ratio_start"][sharp & ~leave]
    return together(found, named=False).with_numbers({
        "starts at peaks that are flat already and do not count": int(np.sum(peak & ~sharp)),
        "sharp side: descents that diverge": int(np.sum(sharp & lost)),
        "sharp side: descents that miss no label in the end": int(np.sum(sharp & ~lost & ~missed)),
        "λ·η/2 at the start of those that do not leave, smallest": min(held, default=None),
        "λ·η/2 at the start of those that do not leave, largest": max(held, default=None),
    })  # fmt: skip


def _by_step_size(table: Table, flags: NDArray[np.bool_], verb: str) -> dict[str, Number]:
    etas = np.unique(table["step_size"])
    each = {eta: flags[table["step_size"] == eta] for eta in etas}
    return {
        f"η = {eta:g}: descents that {verb}": f"{here.sum()} of {here.size}" for eta, here in each.items()
    }


def misses_some_label(result: Result, nearly_all: float) -> Finding:
    """Whether descent from a random start ends without passing through every label."""
    table = result.table.where(outcome="finished")
    missed = table["training_error"] > 0.0
    there = table.rows(~missed)
    says = Says("descents from a random start", "miss", "some label")
    return decide.share(missed, says, nearly_all, table["seed"]).with_numbers({
        "descents that miss no label": len(there),
        "data sets on which some miss no label": len(set(zip(there["n"], there["seed"], strict=True))),
    })  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Draw flatness and risk against the margin, the functions, and descent from both sides."""
    from stepscape.experiments.confidence import flat_but_wrong_figures as figures

    return {
        "flatness": figures.flatness(result),
        "risk": figures.risk(result),
        "functions": figures.functions(result),
        "staying": figures.staying(result),
    }


CLAIM = Claim(
    name="flat-but-wrong",
    title="Flat at infinity: networks that pass through every noisy label, confidently wrong",
    claim=(
        "With the logistic loss flatness does not imply generalization: some networks classify every noisy "
        "label correctly with margin γ, and as γ grows their loss, gradient and sharpness go to 0, below "
        "2/η for every step size, while their test error stays and their test loss grows linearly. Here it "
        "is also asked whether they are sharp at moderate margins, whether descent that starts on them "
        "stays, and whether other descent goes there."
    ),
    kind="inequality",
    source="Qiao and Wang (2025), Theorem 3.1; the explicit network and its bound are derived here",
    setup=(
        "Labels follow P(y = 1 | x) = (1 − 2ρ) s(2 sin 2πx) + ρ, with one input in each of n cells of [−1, "
        "1]. The explicit network has balanced neurons and predictions proportional to the margin, so that "
        "its curvature is D(γ) = s(γ)s(−γ) times a linear factor. Risks are integrals under the law. "
        "Descents start on the interpolator on its flat side (λ·η/2 = 0.9), at its sharpest margin, and "
        "from PyTorch's initialization of width 400."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "construction",
            "The networks are as derived",
            "For every interpolator, |f(x_i) − γ y_i| is at most {rounding:g} times eps·γ·max(1, A)·(1 + "
            "x_max); λ less its residual is at most the explicit bound; the test loss less E|f|1{{wrong}} "
            "lies in [0, log 2], up to {remainder:g}. Because f is proportional to γ, for every data set "
            "the test error moves over the margins by at most {moves:g}, and the slope of the test loss on "
            "γ, over margins of at least {large:g}, is E|f|1{{wrong}}/γ within {slope:.0%}.",
            as_derived,
            {"rounding": 64.0, "remainder": 1e-9, "moves": 1e-3, "large": 10.0, "slope": 0.01},
            kind="identity",
            where=BUILT,
        ),
        Part(
            "flat",
            "Loss, gradient and sharpness go to 0",
            "On every data set the slope of log(λ/γ) on γ, over margins of at least {large:g}, is −1 within "
            "{slope:.0%}, the rate of γ e^(−γ), and at the largest margin λ, ‖∇L‖ and the loss are below "
            "{small:g}.",
            goes_flat,
            {"slope": 0.01, "large": 10.0, "small": 1e-3},
            primary=True,
            where=BUILT,
        ),
        Part(
            "wrong",
            "The test error stays, the test loss grows",
            "On average over all sizes and flip rates, the test error exceeds the Bayes error by more than "
            "{worse:g}, and the test loss grows, over margins of at least {large:g}, by more per unit of "
            "margin than the Bayes error, which the best classifier would pay if it were as sure "
            "everywhere. No if the interval excludes {least:g} or more.",
            is_wrong,
            {"worse": 0.02, "least": 0.01, "large": 10.0},
            kind="figure",
            where=BUILT,
        ),
        Part(
            "sharp_at_moderate_margins",
            "The networks are sharp at moderate margins",
            "On nearly all data sets ({nearly_all:.0%}) the largest λ lies at one of the margins next to "
            "{peak:.3f}, where γ D(γ) is largest, and is above 2/η for the largest step size.",
            is_sharp,
            {"peak": PEAK, "nearly_all": NEARLY_ALL},
            kind="figure",
            where=BUILT,
        ),
        Part(
            "started_there",
            "Descent stays on the flat side and leaves the sharp side",
            "A descent from the flat side stays if it finishes, misses no label, has λ·η/2 ≤ 1 at every "
            "record, and lowers its test error by at most {worse:g}. A descent from the peak with λ·η/2 > 1 "
            "leaves if it diverges, misses a label in the end, lowers its test error by more than that, or "
            "moves by more than {moved:.0%} of ‖θ‖. Each must hold for {nearly_all:.0%} of the descents.",
            stays_or_leaves,
            {"worse": 0.02, "moved": 0.1, "nearly_all": 0.95},
            kind="figure",
            reads=("moved", "test_error", "test_error_start", "edge_ratio_largest", "training_error"),
        ),
        Part(
            "descent_goes_elsewhere",
            "Descent from a random start goes elsewhere",
            "At each flip rate, also at 0, where labels are noisy, too, nearly all descents from a random "
            "start ({nearly_all:.0%}) miss some label in the end.",
            misses_some_label,
            {"nearly_all": NEARLY_ALL},
            kind="open question",
            where={"arm": "descent"},
            by="flip_rate",
            reads=("training_error",),
        ),
    ),
    draw=draw,
    premises={
        "distinct": "no input occurs twice: nothing passes through two labels at one input",
        "training_error": (
            "an interpolator misses no label; the labels that a descent misses say whether it got there"
        ),
        "miss": "the misses of γ y are at most 64 times eps·γ·max(1, A)·(1 + x_max)",
    },
    numbers=lambda result: medians(
        Table.from_records(run.row for run in result.runs if run["arm"] != "interpolator"),
        ("arm", "step_size"),
        DESCENTS,
    ),
    by="arm",
    names=ARMS | {str(rate): f"flip rate {rate:g}" for rate in (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)},
)
