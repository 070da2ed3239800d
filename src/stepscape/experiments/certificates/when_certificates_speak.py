"""From how many examples on the certificate bounds the risk of a trained network below a constant's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.certificates.runs import LOSSES, REGIONS, begin, grid, sizes, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.finding import Effect
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import Levels, median
from stepscape.experiments.frame.limits import FEWEST_BENT, LEAST_BENT
from stepscape.experiments.frame.sentences import clause, counted, interval, number, sentence
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table

Array = NDArray[np.float64]
SIZES = Levels(
    "n", "sizes", "n", alive="bent_neurons", lives="learns a curve", dies="all neurons die, or nearly all,",
    fewest=FEWEST_BENT, of_width=LEAST_BENT,
)  # fmt: skip
NAMES = {"square": "square loss", "logistic": "logistic loss"}


def lacks_certificate(table: Table) -> str:
    """Say that no network with bends was certified; "" if one was."""
    if missing := lacks_bound(table):
        return missing
    return "" if SIZES.counts(table).any() else "all neurons died, or nearly all, in every run"


def lacks_bound(table: Table) -> str:
    """Say that no run was certified; "" if one was, dead or not."""
    known = "bound_middle" in table and np.isfinite(table["bound_middle"].astype(float)).any()
    return "" if known else "no certificate applies to a run"


def by_cell(result: Result, columns: str, over: str = "") -> dict[str, Array]:
    """Log10 of a column (over another) for each step size and region: (seeds, sizes), nan where not known.

    The seeds are those of all rows, also where a step size lacks some.
    """
    found: dict[str, Array] = {}
    seeds = np.unique(result.table["seed"])
    for name, rows in cells(result.table, {"step_size": "η = {:g}"}).items():
        for region in REGIONS:
            one, other = (f"{column}_{region}" if column else "" for column in (columns, over))
            value = SIZES.values(rows, one, sizes(result.settings))
            unit = SIZES.values(rows, other, sizes(result.settings)) if other else 1.0
            with np.errstate(divide="ignore", invalid="ignore"):
                known = np.log10(value / unit)
            at = np.searchsorted(seeds, np.unique(rows["seed"]))
            found[f"{name}, {region}"] = np.full((seeds.size, known.shape[1]), np.nan)
            found[f"{name}, {region}"][at] = known
    return found


def first_sizes(ratios: Array, at: list[int]) -> Array:
    """Log10 of the n from which on log(bound/constant) stays below 0, by interpolation in log n, per seed.

    nan where it is not below 0 at the largest size, or not known there; the smallest size where it is below 0
    everywhere.
    """
    scale, out = np.log10(np.asarray(at, np.float64)), np.full(len(ratios), np.nan)
    for i, row in enumerate(ratios):
        known = np.isfinite(row)
        x, y = scale[known], row[known]
        if not known[-1] or y[-1] >= 0.0:
            continue
        over = np.flatnonzero(y >= 0.0)
        k = int(over[-1]) if over.size else -1
        out[i] = x[0] if k < 0 else x[k] + (x[k + 1] - x[k]) * y[k] / (y[k] - y[k + 1])
    return out


def all_first_sizes(result: Result) -> dict[str, Array]:
    """`first_sizes` of every step size and region."""
    at = sizes(result.settings)
    return {name: first_sizes(ratios, at) for name, ratios in by_cell(result, "bound", "constant").items()}


def speaks(result: Result, least: float) -> Finding:
    """Whether the bound lies below the error of the best constant at the largest size, or may do so later."""
    every = by_cell(result, "bound", "constant")
    gain = {name: -ratios[:, -1] for name, ratios in every.items()}
    says = Says("at the largest size, the bound", "lie", "below the error of the best constant")
    found = decide.signs(gain, says, "log10 of the constant's error over the bound")
    if found.answer in ("no", "mixed"):
        found = _not_yet(found, list(every.values()), sizes(result.settings), least)
    first = all_first_sizes(result)
    numbers = {f"{name}: first n": interval(powers(student(each))) for name, each in first.items()}
    pooled = student(np.mean(list(first.values()), axis=0))
    effect = Effect("first n at which it speaks, geometric mean", powers(pooled))
    return replace(found, effect=effect if pooled.count > 1 else found.effect).with_numbers(numbers)


def _not_yet(found: Finding, every: list[Array], at: list[int], least: float) -> Finding:
    """Leave open what is silent at the largest size, unless the bound falls no more there."""
    behind = [ratios for ratios in every if not student(-ratios[:, -1], len(every)).low > 0.0]
    falls = [ratios[:, -2] - ratios[:, -1] for ratios in behind if len(at) > 1]
    says = Says("where the certificate is silent, the bound over the constant", "fall", "any more")
    still = decide.sign(
        known_mean(falls), says, f"decades from n = {at[-2]} to {at[-1]}" if falls else "", least
    )
    if still.answer == "no":
        return replace(found, sentence=sentence(found.sentence, clause(still.sentence)))
    size = f", by {interval(still.effect.interval)} decades in the last doubling" if still.effect else ""
    text = f"not up to n = {number(at[-1])}, but the bound over the constant may still fall{size}"
    return replace(
        found,
        answer="some" if found.answer == "mixed" else "undecided",
        sentence=sentence(found.sentence, text),
    )


def known_mean(values: Sequence[Array]) -> Array:
    """Mean of the known values of each seed; nan where there is none."""
    if not len(values):
        return np.empty(0)
    stack = np.array(values)
    known = np.isfinite(stack)
    total = np.where(known, stack, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def powers(found: Interval) -> Interval:
    """Take an interval of log10 back."""
    with np.errstate(over="ignore"):
        mean, low, high = (float(np.power(10.0, each)) for each in (found.mean, found.low, found.high))
    return Interval(mean, low, high, found.count)


def is_silent(result: Result, few: int, nearly_all: float) -> Finding:
    """Whether the bound is no better than a constant at the sizes of the other claims."""
    table = result.table.rows(SIZES.counts(result.table) & (result.table["n"] <= few))
    if not len(table):
        return lacking(f"no size is {few} or less")
    ratio = np.concatenate([table[f"bound_{region}"] / table[f"constant_{region}"] for region in REGIONS])
    known = np.isfinite(ratio)
    says = Says("certificates", "be", f"vacuous at {few} examples or fewer")
    seeds = np.concatenate([table["seed"]] * len(REGIONS))
    found = decide.share(ratio[known] >= 1.0, says, nearly_all, seeds[known])
    return found.with_numbers({"bound over constant, median": median(ratio)})


def earlier_in_the_middle(result: Result, least: float) -> Finding:
    """Whether fewer examples are needed where the weight g is large."""
    every = by_cell(result, "bound", "constant")
    middle, everywhere = (
        [each for name, each in every.items() if name.endswith(region)] for region in REGIONS
    )
    says = Says("the certificate", "speak", "at fewer examples in the middle")
    pairs = list(zip(everywhere, middle, strict=True))
    return _saves(pairs, sizes(result.settings), says, "decades of n that it saves", least)


def earlier_with_large_steps(result: Result, least: float) -> Finding:
    """Whether fewer examples are needed with the larger step size, whose class is smaller."""
    every = list(by_cell(result, "bound", "constant").values())
    half = len(REGIONS)
    if len(every) < 2 * half:
        return lacking("there is one step size only")
    says = Says("the certificate", "speak", "at fewer examples with the largest step size")
    pairs = list(zip(every[:half], every[-half:], strict=True))
    what = "decades of n, smallest minus largest step size"
    return _saves(pairs, sizes(result.settings), says, what, least)


def _saves(pairs: list[tuple[Array, Array]], at: list[int], says: Says, what: str, least: float) -> Finding:
    """Whether the second of each pair speaks at fewer examples than the first, on average over the pairs.

    What is known to be larger than it seems is not called too small to count.
    """
    found = [savings(first, second, at) for first, second in pairs]
    hidden = int(sum(mask.sum() for _, mask in found))
    whole = decide.sign(known_mean([saved for saved, _ in found]), says, what, least)
    if whole.effect is None:
        reason = f"the certificate speaks in too few runs up to n = {number(at[-1])} to compare them"
        return replace(whole, sentence=sentence(reason))
    if not hidden:
        return whole
    answer = "undecided" if whole.answer == "no" and whole.effect.interval.high > 0.0 else whole.answer
    where = "one side is silent up to the largest size, or speaks at the smallest"
    text = f"it saves this much at least: in {counted(hidden, 'comparison')} {where}"
    return replace(whole, answer=answer, sentence=sentence(whole.sentence, text))


def savings(first: Array, second: Array, at: list[int]) -> tuple[Array, NDArray[np.bool_]]:
    """Decades of n that the second needs less than the first, by seed, and where the difference is larger.

    One that is silent at the largest size counts as if it spoke there, and one that speaks at the smallest as
    if it began there, so that the difference is too small. nan where both are silent, or speak from there on.
    """
    low, high = np.log10(at[0]), np.log10(at[-1])
    begin = [first_sizes(ratios, at) for ratios in (first, second)]
    silent = [ratios[:, -1] >= 0.0 for ratios in (first, second)]  # nan compares false
    one, other = (np.where(mute, high, n) for mute, n in zip(silent, begin, strict=True))
    useless = (silent[0] & silent[1]) | ((one == low) & (other == low))
    saved = np.where(useless, np.nan, one - other)
    hidden = np.isfinite(saved) & (silent[0] | silent[1] | (one == low) | (other == low))
    return saved, hidden


def falls(result: Result, power: float, logs: float) -> Finding:
    """Whether the supremum in the middle, times n^power, is smaller at the largest size than at the least."""
    at = sizes(result.settings)
    span = np.log10(at[-1] / at[0]) or np.nan
    decades: dict[str, Array] = {}
    seeds = np.unique(result.table["seed"])
    for loss in LOSSES:
        chosen = result.where(loss=loss)
        if len(chosen.runs):
            noise = by_cell(chosen, "noise")
            drops = [each[:, 0] - each[:, -1] for name, each in noise.items() if name.endswith(REGIONS[0])]
            decades[loss] = np.full(seeds.size, np.nan)
            decades[loss][np.searchsorted(seeds, np.unique(chosen.table["seed"]))] = np.mean(drops, axis=0)
    fallen = np.mean(list(decades.values()), axis=0) - power * span
    says = Says(f"the supremum in the middle, times n^{number(power)},", "fall", "with n")
    found = decide.sign(fallen, says, "decades from the smallest to the largest size")
    # d log(log(n)^q) = q/log n · d log n, which is at most q/log n₁ from n₁ on.
    allowed = logs / np.log(at[0]) * span
    if found.answer == "no" and found.effect and not found.effect.interval.high < -allowed:
        text = f"a logarithm can slow the fall by {number(allowed)} decades"
        found = replace(found, answer="undecided", sentence=sentence(found.sentence, text))
    return found.with_numbers({
        f"{NAMES[loss]}: power of n": interval(student(-each / span)) for loss, each in decades.items()
    })  # fmt: skip


def bounds_hold(result: Result) -> Finding:
    """Whether no error is above its bound."""
    table = result.table
    left, right, rounding = (
        np.concatenate([table[f"{name}_{region}"] for region in REGIONS])
        for name in ("error", "bound", "rounding")
    )
    known = np.isfinite(right)
    above = int(np.sum(left[known] > right[known] + rounding[known]))
    dead = not SIZES.counts(table).any()
    return decide.inequality(int(known.sum()), above, "certificates", left[known] / right[known], dead)


def draw(result: Result) -> dict[str, Drawn]:
    """Bound and error against n, for each loss and region."""
    from stepscape.experiments.certificates import when_certificates_speak_figures as figures

    return {"bounds": figures.bounds(result)}


_QUICK: dict[str, Any] = {
    "truth": "wave",
    "n_smallest": 25,
    "n_largest": 400,
    "noise": 0.5,
    "amplitude": 2.0,
    "flip_rate": 0.1,
    "half_width": 1.0,
    "width": 60,
    "scale": 0.3,
    "square_step_sizes": (0.1, 0.4),
    "logistic_step_sizes": (0.4, 1.6),
    "steps": 600,
    "seeds": 4,
    "first_seed": 0,
}
_FIRST = (
    "The first n of a run is the one from which on the bound stays below the error of the best constant, "
    f"interpolated in log n for each seed, step size and region; networks with less than {FEWEST_BENT} "
    f"neurons, or {LEAST_BENT:.0%} of the width, bent do not count. "
)
_HIDDEN = (
    "What is silent up to the largest size counts as if it spoke there, and what speaks at the smallest as "
    "if it began there, so that the difference is at least this large; where both do, there is none."
)

CLAIM = Claim(
    name="when-certificates-speak",
    title="When does a certificate say something about risk?",
    claim=(
        "The step size selects the smoothness, and smoothness bounds the risk: what is studied is the "
        "generalization of the whole class of flat networks, not of one of them."
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'We will study the generalization "
        "of the whole class' and 'Tune learning rate => select smoothness'; Qiao et al. (2024)"
    ),
    setup=(
        "The midpoint network of each run certifies a class of functions. The largest error in it is a "
        "linear program, solved with a gap of 1e-9. Square loss: noise 0.5 around a wave. Logistic loss: "
        "logit twice a wave, 10 % of the labels flipped; the best γ counts. Looks used seeds 1000 to 1004 "
        "and the truths wave and tent."
    ),
    quick=_QUICK,
    full={**_QUICK, "n_largest": 6400, "steps": 4000, "width": 100, "seeds": 20, "first_seed": 100},
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "speaks",
            "With as many examples as here the certificate speaks",
            "For each step size and region, log10 of the best constant's error over the bound at the largest "
            "size: yes if its mean over them lies above 0 and none lies below. Silence there is a no only if "
            "the bound over the constant no longer falls from the last size but one to the largest: the "
            "interval excludes {least:g} decades or more. Otherwise it is open, not up to that size; it "
            "depends if some speak and others do not. " + _FIRST.strip(),
            speaks,
            {"least": 0.02},
            primary=True,
            by="loss",
            needs=lacks_certificate,
        ),
        Part(
            "silent",
            "At the sizes of the other claims it says nothing",
            "Of the certificates at n ≤ {few}, nearly all (at least {nearly_all:.0%}) bound the error by no "
            "less than that of the best constant. The interval is over the seeds.",
            is_silent,
            {"few": 100, "nearly_all": 0.9},
            by="loss",
            needs=lacks_certificate,
        ),
        Part(
            "region",
            "It speaks earlier in the middle",
            _FIRST + "Its logarithm everywhere minus that in the middle, mean over the step sizes: no if the "
            "interval excludes {least:g} decades or more. " + _HIDDEN,
            earlier_in_the_middle,
            {"least": 0.05},
            by="loss",
            needs=lacks_certificate,
        ),
        Part(
            "step_size",
            "It speaks earlier with a large step size",
            _FIRST + "Its logarithm at the smallest minus that at the largest step size, mean over the "
            "regions: no if the interval excludes {least:g} decades or more. " + _HIDDEN,
            earlier_with_large_steps,
            {"least": 0.05},
            by="loss",
            needs=lacks_certificate,
        ),
        Part(
            "rate",
            "The largest noise term in the class falls like n^(−2/5) or faster",
            "The supremum in the middle, where the theorem speaks, times n^{power:g}, at the smallest size "
            "over that at the largest, in decades, mean over losses and step sizes: consistent if the "
            "interval lies above 0. The rate is one up to logarithms, and log(n)^{logs:g} slows the fall by "
            "at most {logs:g}/ln(smallest n) decades per decade of n: contradicted if the interval lies "
            "below minus that.",
            falls,
            {"power": 0.4, "logs": 1.0},
            kind="one-sided rate",
            needs=lacks_certificate,
        ),
        Part(
            "bound",
            "No network has a larger error than its certificate allows",
            "In every run and region the error is at most the bound, up to rounding.",
            bounds_hold,
            kind="inequality",
            needs=lacks_bound,
        ),
    ),
    draw=draw,
    premises={
        "bound_middle": "a certificate applies: no knot of the midpoint network lies exactly on an input",
        "bent_neurons": "some neurons bend among the data",
    },
    by="loss",
    names=NAMES,
)
