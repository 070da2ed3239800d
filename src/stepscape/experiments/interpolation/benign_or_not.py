"""Whether descent that nearly interpolates noise is benign, tempered or catastrophic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.finding import all_of
from stepscape.experiments.frame.limits import FEWEST_BENT, MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.interpolation.overfitting_runs import QUICK, begin, grid, work
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NAMES = {
    "heavy_ball": "heavy ball, small steps",
    "descent": "plain descent, small steps",
    "large_step": "plain descent, a large step",
    "singular_kernel": "the singular kernel",
    "steep_kernel": "the steep kernel",
    "dots": "connect the dots",
    "nearest": "the nearest label",
    "polynomial": "the polynomial",
}
PER = "decades per decade of n"
SPAN = 2.0  # largest over smallest n of a slope


def by_size(table: Table, method: str, column: str, near: float = np.inf) -> tuple[Array, Array]:
    """Values (seeds, sizes) of a method, and the sizes; nan where more than `near` is left or all is dead."""
    seeds = np.unique(table["seed"])
    rows = table.where(method=method, drawn=False, outcome="finished")
    sizes = np.unique(rows["n"]).astype(float)
    out = np.full((seeds.size, sizes.size), np.nan)
    if not len(rows) or "left" not in rows:
        return out, sizes
    fit = rows["left"].astype(float) <= near
    if "bent_neurons" in rows:
        bent = rows["bent_neurons"].astype(float)
        fit &= ~(bent < FEWEST_BENT)
    rows = rows.rows(fit)
    at = np.searchsorted(seeds, rows["seed"]), np.searchsorted(sizes, rows["n"])
    out[at] = rows[column].astype(float)
    return out, sizes


def rate(table: Table, method: str, near: float = np.inf) -> Array:
    """Slope of log excess on log n, per seed."""
    values, sizes = by_size(table, method, "excess", near)
    return slopes(values, sizes, least_span=SPAN) if sizes.size else np.empty(0)


def is_benign(result: Result, near: float, least: float) -> Finding:
    """Whether the excess risk of the method falls with n among the runs that nearly interpolate."""
    method = str(result.table["method"][0])
    found = rate(result.table, method, near)
    if not (np.isfinite(found).mean() >= MOST if found.size else False):
        return lacking(f"too few runs leave at most {near:.0%} of the noise")
    ratios, sizes = by_size(result.table, method, "over_dots", near)
    enough = np.flatnonzero(np.isfinite(ratios).mean(axis=0) >= MOST)
    if not enough.size:
        return lacking(f"at no size most runs leave at most {near:.0%} of the noise")
    last = int(enough[-1])
    down = Says("the excess risk", "fall", "with n")
    below = Says("at the largest size it", "be", "below that of the line through the labels")
    answers = {
        "falls": decide.sign(-found, down, PER, least, at_once=2),
        "below": decide.sign(
            -ratios[:, last], below, f"decades, line over descent, n = {sizes[last]:g}", least, at_once=2
        ),
    }
    return all_of(answers)


def like_the_dots(result: Result, near: float, within: float) -> Finding:
    """Whether descent has the excess risk of the line that connects the dots, on the same labels."""
    ratios, sizes = by_size(result.table, "heavy_ball", "over_dots", near)
    enough = np.flatnonzero(np.isfinite(ratios).mean(axis=0) >= MOST) if sizes.size else np.empty(0, int)
    if not enough.size:
        return lacking(f"at no size most runs leave at most {near:.0%} of the noise")
    says = Says("descent", "have", "the excess risk of the line that connects the dots")
    return together({
        f"n = {sizes[j]:g}": decide.equivalent(
            ratios[:, j], within, says, "decades, descent over the line", at_once=enough.size
        )
        for j in enough
    })  # fmt: skip


def taxonomy(result: Result, least: float, flat: float) -> Finding:
    """Whether the textbook interpolants fall, stay and grow with n as they are said to."""
    table, found = result.table, {}
    for method in ("singular_kernel", "dots", "nearest", "polynomial"):
        slope, name = rate(table, method), NAMES[method]
        if method in ("dots", "nearest"):
            says = Says(name, "be", "tempered: the excess risk stays level")
            found[name] = decide.equivalent(_of_the_large(table, method), flat, says, PER, at_once=4)
        else:
            sign = -1.0 if method == "singular_kernel" else 1.0
            says = Says(name, "be", "benign: the excess risk falls" if sign < 0 else "catastrophic: it grows")
            found[name] = decide.sign(sign * slope, says, PER, least, at_once=4)
    return together(found, named=False)


def _of_the_large(table: Table, method: str) -> Array:
    """Slope over the upper half of the sizes, where the truth between two inputs is nearly a line."""
    values, sizes = by_size(table, method, "excess")
    upper = sizes >= np.sqrt(sizes[0] * sizes[-1]) if sizes.size else sizes > 0
    if not upper.any():
        return np.empty(0)
    return slopes(values[:, upper], sizes[upper], least_values=2, least_span=SPAN)


def levels(result: Result, within: float) -> Finding:
    """Whether piecewise linear costs (2/3)σ² and the nearest label σ², at the largest size."""
    found = {}
    for method, level, words in (("dots", 2.0 / 3.0, "(2/3)σ²"), ("nearest", 1.0, "σ²")):
        values, _ = by_size(result.table, method, "excess")
        says = Says(f"the excess risk of {NAMES[method]}", "be", words)
        last = values[:, -1] if values.size else np.empty(0)
        found[method] = decide.equivalent(last - level, within, says, f"excess over σ², minus {level:.2g}",
                                          at_once=2)  # fmt: skip
    return together(found, named=False)


def large_step_gains(result: Result, near: float, least: float) -> Finding:
    """Whether a large step, which cannot interpolate, has less risk than steps that nearly interpolate."""
    large, sizes = by_size(result.table, "large_step", "log_excess")
    left, _ = by_size(result.table, "large_step", "left")
    small, others = by_size(result.table, "heavy_ball", "log_excess", near)
    both = np.intersect1d(sizes, others)
    gains = small[:, np.isin(others, both)] - large[:, np.isin(sizes, both)]
    gains[left[:, np.isin(sizes, both)] <= near] = np.nan
    enough = np.flatnonzero(np.isfinite(gains).mean(axis=0) >= MOST)
    if not enough.size:
        return lacking("at no size most small steps nearly interpolate, and the large step does not")
    says = Says("the large step", "have", "less excess risk than steps that nearly interpolate")
    what = f"decades, n = {both[enough[-1]]:g}"
    return decide.sign(gains[:, enough[-1]], says, what, least)


def numbers(result: Result) -> Table:
    """Medians of the excess risk and of what is left of the noise."""
    return medians(result.table.where(drawn=False), ("method", "n"), ("excess", "left", "edge_ratio"))


def draw(result: Result) -> dict[str, Drawn]:
    """Excess risk against n, and the picture of the three kinds."""
    from stepscape.experiments.interpolation import benign_or_not_figures as figures

    return {"excess": figures.excess(result), "kinds": figures.kinds(result)}


_NEAR = {"near": 0.1}
CLAIM = Claim(
    name="benign-or-not",
    title="Benign, tempered or catastrophic: what does descent do that nearly interpolates?",
    claim=(
        "There are three types of overfitting. Is the solution of gradient descent benign: does its excess "
        "risk vanish with more and more noisy labels, though it passes through all of them?"
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'three types of overfitting' and 'does GD "
        "solution satisfies Benign overfitting?'; Mallinar et al. (2022)"
    ),
    setup=(
        "Equispaced inputs on [−3, 3], a sine of two periods, noise 0.5. Descent begins at a large start "
        "and makes small steps for long; even so it nearly interpolates at few points only. Looks used "
        "seeds 7000 and 7001, with small steps of 0.005 to 0.05, large ones of 0.2 and 0.4, and three "
        "scales of the start."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "sizes": (12, 16, 24, 32, 48),
        "large_sizes": (128, 256, 512, 1024),
        "width": 300,
        "steps": 2_000_000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "benign",
            "Is descent that nearly interpolates benign?",
            "Of the runs that leave at most {near:.0%} of the mean square of the noise, the slope of log "
            "excess risk on log n, per seed, and at the largest size at which most seeds have such a run, "
            "log10 of the excess risk over that of the line through the same labels, which is tempered. "
            "Yes if both lie below 0, no if one of them excludes a fall, or a distance, of {least:g} or "
            "more.",
            is_benign,
            {**_NEAR, "least": 0.15},
            primary=True,
            by="method",
            literal="descent",
            where={"group": "descent"},
        ),
        Part(
            "like_the_dots",
            "Is it as tempered as the line that connects the dots?",
            "At each size at which most runs of heavy ball leave at most {near:.0%} of the noise, log10 of "
            "their excess risk over that of the line through the same labels: yes if all intervals, "
            "simultaneous, lie within {within:g} decades of 0, no if one lies outside and none within.",
            like_the_dots,
            {**_NEAR, "within": 0.1},
        ),
        Part(
            "taxonomy",
            "The textbook interpolants are of the three types",
            "Slopes of log excess risk on log n: below 0 for the singular kernel, no if a fall of "
            "{least:g} is excluded; above 0 for the polynomial in the same sense; within ±{flat:g} for the "
            "line and the nearest label, over the upper half of the sizes.",
            taxonomy,
            {"least": 0.1, "flat": 0.1},
            kind="figure",
        ),
        Part(
            "levels",
            "The line costs (2/3)σ², the nearest label σ²",
            "At the largest size, the excess risk over σ² lies within {within:g} of 2/3 and of 1.",
            levels,
            {"within": 0.1},
            kind="figure",
        ),
        Part(
            "large_step",
            "Does a large step, which cannot interpolate, avoid the cost?",
            "At the largest size at which most runs of heavy ball leave at most {near:.0%} of the noise, and "
            "the large step more, log10 of the excess risk of heavy ball over that of descent with the "
            "large step, on the same labels: yes if the interval lies above 0, no if it excludes {least:g} "
            "decades or more.",
            large_step_gains,
            {**_NEAR, "least": 0.05},
        ),
    ),
    draw=draw,
    premises={"left": "descent leaves at most a tenth of the noise, so that it nearly interpolates"},
    numbers=numbers,
    by="method",
    names=NAMES,
)  # fmt: skip
