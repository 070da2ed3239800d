"""Networks that pass through every noisy label with a margin are flat in the end, and wrong all the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.arrival import ARRIVED
from stepscape.experiments.confidence.flat_descents import (
    START,
    basin,
    leaves,
    misses_some_label,
    settled,
)
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
DESCENTS = ("margin_start", "edge_ratio_start", "edge_ratio_largest", "edge_ratio", "edge_ratio_last",
            "moved", "training_error", "median_margin", "sharpness", "edge_moved", "loss_fell",
            "test_error_start", "test_error", "test_loss", "bayes_error", "bayes_loss")  # fmt: skip


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


def goes_flat(result: Result, slope: float, large: float, small: float, peak: float) -> Finding:
    """Whether λ has its peak, falls as derived, and λ, gradient and loss are small in the end."""
    built, etas = complete(result.table), sorted(result.settings["descents"])
    if reason := too_few_margins(built, large):
        return lacking(reason)
    sets = list(data_sets(built))
    slopes = [_slope(rows, np.log(rows["sharpness"] / rows["margin"]), large) for rows in sets]
    ends = np.array([[rows[name][-1] for name in ("sharpness", "gradient_norm", "loss")] for rows in sets])
    margins, top = np.unique(built["margin"]), float(built["margin"].max())
    after = int(np.searchsorted(margins, peak))
    low, high = margins[max(0, after - 1)], margins[min(after, margins.size - 1)]
    at = np.array([rows["margin"][rows["sharpness"].argmax()] for rows in sets])
    found = {
        "peak": decide.inequality(
            len(sets), int(np.sum((at < low) | (at > high))), f"peaks of λ next to γ = {peak:.2f}"
        ),
        "slope": decide.identity(np.array(slopes) + 1.0, slope, "rates at which log(λ/γ) falls"),
        "ends": decide.inequality(
            ends.size, int(np.sum(ends >= small)), f"values of λ, ‖∇L‖ and loss at γ = {top:g}", ends / small
        ),
    }
    numbers: dict[str, Number] = {"data sets": len(sets)}
    numbers |= dict(
        zip(("largest λ in the end", "largest ‖∇L‖ in the end", "largest loss in the end"),
            ends.max(axis=0).tolist(), strict=True)
    )  # fmt: skip
    for n in np.unique(built["n"]):
        heights = [rows["sharpness"].max() for rows in data_sets(built.where(n=n))]
        numbers[f"n = {n:g}: λ at the peak, median"] = median(heights)
    for eta in etas:
        stable = float(np.median([flat_from(rows, 2.0 / eta) for rows in sets]))
        numbers[f"η = {eta:g}: margin from which λ ≤ 2/η, median"] = stable
    return together(found, named=False).with_numbers(numbers)


def flat_from(rows: Table, threshold: float) -> float:
    """Find the smallest margin of a data set from which on λ_max is at most the threshold; else inf."""
    above = np.flatnonzero(rows["sharpness"] > threshold)
    first = int(above[-1]) + 1 if above.size else 0
    return float(rows["margin"][first]) if first < len(rows) else float("inf")


def is_wrong(result: Result, worse: float, least: float, moved: float, fell: float) -> Finding:
    """Whether flat interpolators err more than noise alone costs, and than descent on the same labels."""
    table = result.table
    built = complete(table.where(**BUILT))
    if not len(built):
        return lacking("there is no interpolator without inputs that occur twice")
    flat = Table.from_records(list(rows.records())[-1] for rows in data_sets(built))
    descents = table.where(arm="descent", step_size=max(result.settings["descents"]))
    if "edge_moved" in descents:
        descents = descents.rows(settled(descents, moved, fell))
    laws = cells(flat, LAWS)
    errors = ask(laws, lambda law: law["test_error"] - law["bayes_error"] - worse)
    gained = ask(laws, partial(_less_than, descents))
    found = {
        "Bayes": decide.signs(
            errors.values, Says("the test error of a flat interpolator", "exceed",
                                f"the Bayes error by more than {worse:g}"),
            f"test error − Bayes error − {worse:g}", least, at_once=2,
        ),
        "descent": decide.sign(
            _over_cells(gained.values),
            Says("a flat interpolator", "err", "more than descent on the same labels"),
            "test error, interpolator − descent", least, at_once=2,
        ),
    }  # fmt: skip
    return together(found, named=False).with_numbers({
        "test error of the interpolators, median": median(flat["test_error"]),
        "test error of the descents, median": median(descents["test_error"]),
        "Bayes error, median": median(flat["bayes_error"]),
        "test loss per unit of margin, median": median(flat["risk_slope"] / flat["margin"]),
        "test loss of the interpolators, median": median(flat["test_loss"]),
        "test loss of the descents, median": median(descents["test_loss"]),
        "Bayes loss, median": median(flat["bayes_loss"]),
        "descents that have arrived": len(descents),
    })  # fmt: skip


def _over_cells(values: Mapping[str, Array]) -> Array:
    """Mean of each seed over the cells in which it has a value: each is a comparison of its own."""
    rows = np.array(list(values.values()))
    known = np.isfinite(rows)
    sums = np.where(known, rows, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan)


def _less_than(descents: Table, law: Table) -> Array:
    """Test error of the interpolator minus that of descent on the same labels, by seed; nan without one."""
    if "test_error" not in descents:
        return np.full(len(law), np.nan)
    n, rate = law["n"][0], law["flip_rate"][0]
    here = descents.where(n=n, flip_rate=rate)
    error = dict(zip(here["seed"].tolist(), here["test_error"].tolist(), strict=True))
    return np.array([
        mine - error.get(seed, np.nan)
        for seed, mine in zip(law["seed"].tolist(), law["test_error"].tolist(), strict=True)
    ])  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Draw flatness against test error, two functions, and how far the basin reaches."""
    from stepscape.experiments.confidence import flat_but_wrong_figures as figures

    return {
        "flatness": figures.flatness(result),
        "functions": figures.functions(result),
        "basin": figures.basin(result),
    }


CLAIM = Claim(
    name="flat-but-wrong",
    title="Flat at infinity: networks that pass through every noisy label, confidently wrong",
    claim=(
        "With the logistic loss flatness does not imply generalization: some networks classify every noisy "
        "label correctly with margin γ, and as γ grows their loss, gradient and sharpness go to 0, below "
        "2/η for every step size, while their test error stays. Here it is also asked how far around them "
        "descent stays there, and whether other descent goes there."
    ),
    kind="inequality",
    source="Qiao and Wang (2025), Theorem 3.1; the explicit network and its bound are derived here",
    setup=(
        "Labels follow P(y = 1 | x) = (1 − 2ρ) s(2 sin 2πx) + ρ, with one input in each of n cells of [−1, "
        "1]. The explicit network has balanced neurons and predictions proportional to the margin. Risks "
        "are integrals under the law. Descents start on the interpolator on its flat side (λ·η/2 = 0.9) and "
        "at random moves from there, at its sharpest margin, and from PyTorch's initialization of width "
        "400; all is measured on the midpoint."
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
            "They are sharp at moderate margins, and flat in the end",
            "On every data set the largest λ lies at one of the margins next to {peak:.3f}, where γ D(γ) is "
            "largest; the slope of log(λ/γ) on γ, over margins of at least {large:g}, is −1 within "
            "{slope:.0%}, the rate of γ e^(−γ); and at the largest margin λ, ‖∇L‖ and the loss are below "
            "{small:g}. All of it is derived: a run tests the program.",
            goes_flat,
            {"slope": 0.01, "large": 10.0, "small": 1e-3, "peak": PEAK},
            kind="identity",
            where=BUILT,
        ),
        Part(
            "wrong",
            "Flat interpolators err more than descent",
            "At the largest margin, on average over all sizes and flip rates, the test error exceeds the "
            "Bayes error by more than {worse:g}; and it exceeds that of descent from a random start on the "
            "same labels, at the largest step size, where it has arrived (over the last half of its steps "
            "λ_max moves by at most {moved:.0%} and the loss falls by at most {fell:g}). No if the interval "
            "excludes {least:g} or more; the two are simultaneous.",
            is_wrong,
            {"worse": 0.02, "least": 0.01, **ARRIVED},
            kind="figure",
            primary=True,
            reads=("test_error",),
        ),
        Part(
            "basin",
            "Descent stays when it starts near a flat interpolator",
            "Descent starts on the flat side after a move by {move:.0%} of ‖θ‖ in a random direction. It "
            "stays if it finishes, misses no label, and at the end has a test error that is at most "
            "{worse:g} below that of the interpolator and λ_max at most {edge:g}·2/η. Nearly all descents "
            "({nearly_all:.0%}) stay, at every step size; intervals are simultaneous.",
            basin,
            {"move": 0.01, "nearly_all": NEARLY_ALL, **START},
            kind="figure",
            where={"arm": "flat_start"},
            reads=("edge_ratio", "test_error"),
        ),
        Part(
            "leaves",
            "Descent leaves where the interpolator is sharp",
            "A descent from the peak with λ·η/2 > 1 leaves if it does not stay as above, or moves by more "
            "than {far:.0%} of ‖θ‖; what matters is a test error lower by {worse:g} or λ_max above "
            "{edge:g}·2/η. Nearly all descents ({nearly_all:.0%}) leave, at every step size; intervals are "
            "simultaneous.",
            leaves,
            {"far": 0.1, "nearly_all": NEARLY_ALL, **START},
            kind="figure",
            where={"arm": "sharp_start"},
            reads=("moved", "test_error", "edge_ratio"),
        ),
        Part(
            "descent_goes_elsewhere",
            "Descent from a random start goes elsewhere",
            "At each flip rate, also at 0, where labels are noisy, too, nearly all descents from a random "
            "start ({nearly_all:.0%}) miss some label in the end. One that misses some counts if it has "
            "arrived: over the last half of its steps λ_max moves by at most {moved:.0%} and the loss falls "
            "by at most {fell:g}.",
            misses_some_label,
            {"nearly_all": NEARLY_ALL, **ARRIVED},
            kind="open question",
            where={"arm": "descent"},
            by="flip_rate",
            reads=("training_error", "edge_moved"),
        ),
    ),
    draw=draw,
    premises={
        "distinct": "no input occurs twice: nothing passes through two labels at one input",
        "training_error": (
            "an interpolator misses no label; the labels that a descent misses say whether it got there"
        ),
        "miss": "the misses of γ y are at most 64 times eps·γ·max(1, A)·(1 + x_max)",
        "edge_moved": "λ_max moves by at most a tenth over the last half of the steps of a descent",
    },
    numbers=lambda result: medians(
        Table.from_records(run.row for run in result.runs if run["arm"] != "interpolator"),
        ("arm", "step_size", "move"),
        DESCENTS,
    ),
    by="arm",
    names=ARMS | {str(rate): f"flip rate {rate:g}" for rate in (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)},
)
