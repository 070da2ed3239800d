"""Double descent: where the risk falls, rises to a peak at n parameters, and falls again, and where not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.contrasts import sides_of_u
from stepscape.experiments.frame.finding import all_of
from stepscape.experiments.frame.intervals import left_out_best
from stepscape.experiments.frame.levels import Levels
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import clause, sentence
from stepscape.experiments.interpolation.descent_curve_runs import (
    QUICK,
    LeastSquaresRun,
    WidthRun,
    begin,
    grid,
    work,
)
from stepscape.tables.records import Table

Array = NDArray[np.float64]
FEATURES = Levels("ratio", "numbers of features", "p/n")
WIDTHS = Levels("width", "widths", "k", alive="bent_neurons")
UNDER = 0.9  # numbers of features below this share of n have a unique fit
FAR = 0.2  # relative distance from n from which the means of formulas are finite and steady
_NAMES = {
    **ARM_NAMES,
    **{
        f"{family}, noise {noise:g}": f"{words} with noise {noise:g}"
        for family, words in (
            ("isotropic", "isotropic features"),
            ("misspecified", "misspecified features"),
            ("relu_features", "random ReLU features"),
        )
        for noise in QUICK["noises"]
    },
}


def hump(values: Array) -> tuple[Array, Array]:
    """Highest value minus the first lowest before it, and minus the last, per seed; (seeds, levels) of logs.

    Both levels are chosen for each seed on the other seeds.
    """
    rises, falls = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for i in range(len(values)):
        others = np.delete(values, i, axis=0)
        if values.shape[1] < 3 or not others.size:
            continue
        mean = _means(others)
        if not np.isfinite(mean[1:-1]).any():
            continue
        top = 1 + int(np.nanargmax(mean[1:-1]))
        falls[i] = values[i, top] - values[i, -1]
        if np.isfinite(mean[:top]).any():
            rises[i] = values[i, top] - values[i, int(np.nanargmin(mean[:top]))]
    return rises, falls


def _means(values: Array) -> Array:
    """Mean of each level over the seeds that have it; nan where none has."""
    known = np.isfinite(values)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan))


def has_hump(values: Array, over: str, least: float, at_once: int = 1) -> Finding:
    """Whether the risk rises from a first minimum to a peak, and falls again."""
    rises, falls = hump(values)
    up = Says("the risk", "rise", f"from a first minimum over {over}")
    down = Says("the risk", "fall", "again after the peak")
    found = {
        "rises": decide.sign(rises, up, "decades to the peak", least, at_once=2 * at_once),
        "falls": decide.sign(falls, down, "decades from the peak to the end", least, at_once=2 * at_once),
    }
    return all_of(found)


def doubles(result: Result, least: float) -> Finding:
    """Whether least squares has a peak between two descents, in a family."""
    table = result.of(LeastSquaresRun).table
    if not len(table) or "log_risk" not in table:
        return lacking("no run finished")
    ratios = np.unique(table["ratio"])
    values = FEATURES.values(table, "log_risk", ratios)
    found = has_hump(values, "the features", least)
    inner = _means(values)[1:-1]
    if found.answer != "yes" or not np.isfinite(inner).any():
        return found
    peak = float(ratios[1 + int(np.nanargmax(inner))])
    if abs(peak - 1.0) <= FAR:
        return found
    return replace(
        found, answer="no", sentence=sentence(clause(found.sentence), f"the peak is at p = {peak:g} n")
    )


def second_is_lower(result: Result, least: float) -> Finding:
    """Whether the risk with most features is below the best with fewer features than examples."""
    table = result.of(LeastSquaresRun).table
    if not len(table) or "log_risk" not in table:
        return lacking("no run finished")
    ratios = np.unique(table["ratio"])
    values = FEATURES.values(table, "log_risk", ratios)
    if not (ratios < UNDER).any() or ratios[-1] < UNDER or len(values) < 2:
        return lacking("there are no two descents to compare")
    first = left_out_best(values[:, ratios < UNDER])
    return decide.sign(first - values[:, -1], Says("the second descent", "end", "below the first"),
                       "decades", least)  # fmt: skip


def follows_formula(result: Result, within: float) -> Finding:
    """Whether the simulated mean is that of the formula, away from p = n."""
    table = result.of(LeastSquaresRun).table
    if "formula" not in table:
        return lacking("no run finished")
    ratio, known = table["ratio"].astype(float), np.isfinite(table["formula"].astype(float))
    rows = table.rows(known & (np.abs(ratio - 1.0) >= FAR))
    if not len(rows):
        return lacking("no family has a formula")
    off = rows["risk"].astype(float) / rows["formula"].astype(float) - 1.0
    says = Says("the simulated risk", "be", "that of the formula")
    what = "relative difference, mean over families and features"
    found = decide.equivalent(_by_seed(rows, off, np.ones(off.size, bool)), within, says, what)
    sides = {
        f"{case}, p {sign} n": (rows["case"] == case) & ((rows["ratio"] > 1.0) == (sign == ">"))
        for case in dict.fromkeys(rows["case"].tolist())
        for sign in "<>"
    }
    alone = {name: _by_seed(rows, off, mask) for name, mask in sides.items() if mask.any()}
    apart = [
        name
        for name, each in alone.items()
        if decide.equivalent(each, within, says, what, at_once=len(alone)).answer == "no"
    ]
    if not apart:
        return found
    text = f"it is not for {', '.join(apart)}"
    return replace(found, answer="no", sentence=sentence(clause(found.sentence), text))


def _by_seed(rows: Table, values: Array, mask: NDArray[np.bool_]) -> Array:
    return np.array([values[mask & (rows["seed"] == s)].mean() for s in np.unique(rows["seed"][mask])])


def by_step_size(result: Result) -> dict[str, Array]:
    """Log risks (seeds, widths) of networks, for each step size."""
    table = result.of(WidthRun).table
    if not len(table) or "log_risk" not in table:
        return {}
    every = np.unique(table["width"])
    found = cells(table, {"step_size": "η = {:g}"})
    return {name: WIDTHS.values(rows, "log_risk", every) for name, rows in found.items()}


def networks_double(result: Result, least: float) -> Finding:
    """Whether the risk of a trained network has a peak between two descents in its width."""
    values = by_step_size(result)
    found = {name: has_hump(each, "the width", least, len(values)) for name, each in values.items()}
    return together(found) if found else lacking("no run finished")


def widest_is_worse(result: Result, least: float) -> Finding:
    """Whether some narrower network has a smaller risk than the widest."""
    found, every = {}, by_step_size(result)
    says = Says("some narrower network", "have", "less risk than the widest")
    for name, values in every.items():
        over = sides_of_u(values)[1]
        found[name] = decide.sign(over, says, "decades, widest over best", least, at_once=len(every))
    return together(found) if found else lacking("no run finished")


def numbers(result: Result) -> Table:
    """Medians of the risks of networks."""
    return medians(
        result.of(WidthRun).table, ("arm", "step_size", "width"),
        ("risk", "training_error", "edge_ratio", "bent_neurons"),
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the risk against the number of features, and against the width."""
    from stepscape.experiments.interpolation import double_descent_figures as figures

    return {"features": figures.features(result), "width": figures.width(result)}


CLAIM = Claim(
    name="double-descent",
    title="Double descent: where it is, and where it is not",
    claim=(
        "There is evidence of double descent: with more and more parameters the risk falls, rises to a "
        "peak where the labels are just interpolated, and falls again. Is the second descent the lower "
        "one, and is it there in the width of a network that descends with large steps?"
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'Evidence of double descent'; Belkin et "
        "al. (2019); Hastie et al. (2022)"
    ),
    setup=(
        "Least squares of least norm: isotropic Gaussian features that hold all of the truth, features of "
        "a truth that decays like 1/k, and random ReLU features of a tanh; 0.1 and 1 times the truth's "
        "size as noise. Networks of one input: a tent, 20 points. Looks used seeds from 8000 on, and 12 "
        "points of a sine."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "n": 100,
        "ratios": (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 4.0, 10.0, 20.0),
        "widths": (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 50, 100, 400),
        "step_sizes": (0.05, 0.2, 0.6),
        "steps": 100_000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "doubles",
            "Least squares descends twice",
            "For each family and noise, log10 of the risk at the highest point of the interior of the "
            "grid, minus that at the lowest before it and minus that at the largest number of features; "
            "both are chosen for each seed on the other seeds. Both must lie above 0, and the highest mean "
            "at a number of features that differs from that of the examples by a fifth at most; no if one of "
            "them excludes {least:g} decades or more, or the peak lies elsewhere.",
            doubles,
            {"least": 0.1},
            primary=True,
            by="case",
        ),
        Part(
            "second_lower",
            "Is the second descent the lower one?",
            "Log10 of the lowest risk with fewer features than examples, chosen on the other seeds, minus "
            "that at the largest number of features: yes if it lies above 0, no if {least:g} decades or "
            "more are excluded.",
            second_is_lower,
            {"least": 0.05},
            kind="open question",
            by="case",
        ),
        Part(
            "formula",
            "Simulated risks are those of the formulas",
            "For Gaussian features whose number differs from that of the examples by a fifth or more, "
            "simulated over known mean risk, minus 1, mean over families, noises and features: the "
            "interval lies within ±{within:g}; no if it lies outside, or if one of a family and noise alone, "
            "with fewer or with more features than examples, does; these are simultaneous.",
            follows_formula,
            {"within": 0.03},
        ),
        Part(
            "networks",
            "Does the risk of a trained network descend twice in its width?",
            "For each start, at every step size, as for least squares, with the width in the place of the "
            "features and the peak at any width; {least:g} decades count. Networks whose neurons all left "
            "the data are not counted.",
            networks_double,
            {"least": 0.1},
            kind="open question",
            by="arm",
        ),
        Part(
            "widest",
            "Is some narrower network better than the widest?",
            "For each start, at every step size, log10 of the risk of the widest network minus that at the "
            "best width, which is chosen for each seed on the other seeds: no if {least:g} decades or more "
            "are excluded.",
            widest_is_worse,
            {"least": 0.1},
            kind="open question",
            by="arm",
        ),
    ),
    draw=draw,
    premises={"bent_neurons": "some neurons bend among the data"},
    numbers=numbers,
    by="arm",
    names=_NAMES,
)  # fmt: skip
