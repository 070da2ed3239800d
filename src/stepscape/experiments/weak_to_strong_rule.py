"""The rule that judges `weak-to-strong`, fixed before its runs.

A cell is one weight decay and one step size; its runs count when they finished with bent neurons. A slope is
that of the logarithm of a column on log n, for each seed, with its 95 % interval over the seeds. Two regions
are judged: the hull of the inputs with |f0| ≤ 1 (``uncertain``) and where g ≥ sup g/10 (``interior``).

``neither``, ``decay_only``, ``step_only``, ``both``: the cells without and with decay, at the small step size
and at the large ones. The rate n^{−2/5} is an upper bound. A cell and region *keeps* it when the interval of
the slope of the excess risk there does not lie above −2/5. Where it does not keep it, it *contradicts* the
theorem only if the premises hold: at least 90 % of the runs fit the labels of the region as well as the truth
(``optimized_…``), the excess risk everywhere vanishes (the interval of its slope lies below −0.001), and
λ_max is at most 1.1·2/η in at least 90 % of the runs; otherwise it says nothing. Some contradicts:
``not_reproduced``; else some keeps: ``consistent``; else ``premise_not_met``. Fewer than three seeds or three
sizes: ``undecided``.

``vanishing``: the premise Ex → 0, in each cell. ``norm``: ‖θ‖ = o(n), the interval of its slope lies below 1;
and ``norm_quarter``: o(n^{1/4}), under which a norm alone provably generalizes, below 1/4. Yes in every cell:
``reproduced``; in some: ``partly``; in none: ``not_reproduced``.

``both_beat_decay_only``: amplification. For each decay above 0 and each large step size, the mean over the
sizes of log(excess risk at the small step size/at the large one), in a region, paired by seed, has its
interval above 0; at the end. ``both_beat_decay_only_stopped_early``: every run at its best held-out moment.
``both_beat_step_only``: the same for no decay against each decay, at each large step size. All:
``reproduced``; some: ``partly``; none: ``not_reproduced`` with at least ten seeds, ``undecided`` with fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.step_size_grid import LEAST_SEEDS, Numbers, median, usable, word_for
from stepscape.measures.paired import Interval, mean_interval
from stepscape.measures.records import Table
from stepscape.measures.verdict import Verdict, by_parts

if TYPE_CHECKING:
    from stepscape.experiments.experiment import Result

Array = NDArray[np.float64]
Cell = tuple[float, float]  # weight decay, step size
RATE = -0.4
REGIONS = ("uncertain", "interior")
LEAST_SIZES = 3
MOST, FLAT = 0.9, 1.1
SLACK = 1e-3


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict for each group of cells and each question."""
    table, small = result.table, result.settings["small_step_size"]
    reason = unmet(table)
    names = ("neither", "decay_only", "step_only", "both")
    if reason is not None:
        rest = (
            "vanishing",
            "norm",
            "norm_quarter",
            "both_beat_decay_only",
            "both_beat_decay_only_stopped_early",
        )
        return dict.fromkeys((*names, *rest, "both_beat_step_only"), reason)
    every = cells(table)
    groups = {
        name: [cell for cell in every if (cell[0] > 0.0, cell[1] > small) == kind]
        for name, kind in zip(
            names, ((False, False), (True, False), (False, True), (True, True)), strict=True
        )
    }
    decayed = [((decay, small), (decay, eta)) for decay, eta in groups["both"]]
    stepped = [((0.0, eta), (decay, eta)) for decay, eta in groups["both"]]
    return {
        **{name: judge_rate(table, group) for name, group in groups.items()},
        "vanishing": judge_slopes(table, every, "excess_risk", -SLACK, "the excess risk vanishes"),
        "norm": judge_slopes(table, every, "norm", 1.0, "‖θ‖ grows more slowly than n"),
        "norm_quarter": judge_slopes(table, every, "norm", 0.25, "‖θ‖ grows more slowly than n^(1/4)"),
        "both_beat_decay_only": judge_pairs(table, decayed, ""),
        "both_beat_decay_only_stopped_early": judge_pairs(table, decayed, "_held_out"),
        "both_beat_step_only": judge_pairs(table, stepped, ""),
    }


def unmet(table: Table) -> Verdict | None:
    """Say why nothing can be judged; None when it can."""
    counted = usable(table)
    seeds, sizes = (np.unique(table[name][counted]).size for name in ("seed", "n"))
    if not counted.any():
        return Verdict("premise_not_met", "no run finished with bent neurons")
    if seeds < LEAST_SEEDS or sizes < LEAST_SIZES:
        return Verdict(
            "undecided", f"{seeds} seeds and {sizes} sizes give no usable slope; three of each are needed"
        )
    return None


def cells(table: Table) -> list[Cell]:
    """Every weight decay with every step size, increasing."""
    return sorted(set(zip(table["weight_decay"].tolist(), table["step_size"].tolist(), strict=True)))


def spoken(cell: Cell) -> str:
    """Name a cell."""
    return f"decay {cell[0]:g}, η = {cell[1]:g}"


def by_size(table: Table, cell: Cell, column: str) -> tuple[Array, Array]:
    """Sizes (sizes,) and log column (seeds, sizes), nan where a run does not count."""
    seeds, sizes = np.unique(table["seed"]), np.unique(table["n"])
    rows = table.where(weight_decay=cell[0], step_size=cell[1])
    out = np.full((seeds.size, sizes.size), np.nan)
    counted = usable(rows) & (rows[column].astype(float) > 0.0)
    place = (np.searchsorted(seeds, rows["seed"][counted]), np.searchsorted(sizes, rows["n"][counted]))
    out[place] = np.log(rows[column][counted].astype(float))
    return sizes.astype(float), out


def slope(table: Table, cell: Cell, column: str) -> Interval:
    """Interval over the seeds of the slope of log column on log n."""
    sizes, logs = by_size(table, cell, column)
    slopes = [
        np.polyfit(np.log(sizes[known]), row[known], 1)[0]
        for row in logs
        for known in [np.isfinite(row)]
        if known.sum() >= LEAST_SIZES
    ]
    return mean_interval(slopes)


def premises(table: Table, cell: Cell, region: str) -> dict[str, bool]:
    """Whether the premises of the theorem hold in a cell and region."""
    rows = table.where(weight_decay=cell[0], step_size=cell[1])
    counted = usable(rows)
    return {
        "fits as well as the truth": float(np.mean(rows[f"optimized_{region}"][counted] == 1)) >= MOST,
        "Ex → 0": slope(table, cell, "excess_risk").high < -SLACK,
        "λ ≤ 2/η": float(np.mean(rows["edge_ratio"][counted] <= FLAT)) >= MOST,
    }


def judge_rate(table: Table, group: Sequence[Cell]) -> Verdict:
    """Apply the rule for the rate to a group of cells."""
    if not group:
        return Verdict("premise_not_met", "no such cell in the grid")
    words: list[str] = []
    numbers: Numbers = {}
    for cell in group:
        rows = table.where(weight_decay=cell[0], step_size=cell[1])
        numbers[f"{spoken(cell)}: share that reached the edge"] = float(np.mean(rows["edge_reached"] == 1))
        for region in REGIONS:
            found, held = slope(table, cell, f"excess_risk_{region}"), premises(table, cell, region)
            words.append(_says(found, all(held.values())))
            lacking = ", ".join(name for name, holds in held.items() if not holds)
            numbers |= {
                f"{spoken(cell)}: slope, {region}": str(found),
                f"{spoken(cell)}: premises, {region}": f"without: {lacking}" if lacking else "all hold",
                f"{spoken(cell)}: share that fits, {region}": float(
                    np.mean(rows[f"optimized_{region}"] == 1)
                ),
                f"{spoken(cell)}: excess at the largest n, {region}, median": _at_largest(
                    table, cell, region
                ),
            }
    word = next(w for w in ("not_reproduced", "consistent", "premise_not_met") if w in words)
    count = {w: words.count(w) for w in ("consistent", "not_reproduced", "premise_not_met")}
    return Verdict(
        word,
        f"of {len(words)} slopes of the excess risk on n (decay × step size × region) "
        f"{count['consistent']} are not shallower than −2/5, {count['not_reproduced']} are although the "
        f"premises hold, and {count['premise_not_met']} are where they do not",
        numbers,
    )


def _says(found: Interval, held: bool) -> str:
    if found.count < LEAST_SEEDS:  # a slope that nobody measured keeps no rate
        return "premise_not_met"
    if not found.low > RATE:
        return "consistent"
    return "not_reproduced" if held else "premise_not_met"


def _at_largest(table: Table, cell: Cell, region: str) -> float:
    _, logs = by_size(table, cell, f"excess_risk_{region}")
    return float(np.exp(median(logs[:, -1])))


def judge_slopes(table: Table, group: Sequence[Cell], column: str, limit: float, what: str) -> Verdict:
    """Whether the slope of a column lies below a limit, cell by cell."""
    found = {cell: slope(table, cell, column) for cell in group}
    flags = [interval.high < limit for interval in found.values()]
    means = [interval.mean for interval in found.values()]
    numbers: Numbers = {f"{spoken(cell)}: slope": str(interval) for cell, interval in found.items()}
    for cell in group:
        sizes, logs = by_size(table, cell, column)
        ends = (float(np.exp(median(logs[:, end]))) for end in (0, -1))
        for n, value in zip(sizes[[0, -1]], ends, strict=True):
            numbers[f"{spoken(cell)}: {column.replace('_', ' ')} at n = {n:g}, median"] = value
    return Verdict(
        by_parts(flags),
        f"{what} in {sum(flags)} of {len(flags)} cells of decay and step size: slopes on log n from "
        f"{min(means):.2f} to {max(means):.2f}",
        numbers,
    )


def judge_pairs(table: Table, pairs: Sequence[tuple[Cell, Cell]], suffix: str) -> Verdict:
    """Whether the second cell of each pair has the smaller excess risk."""
    if not pairs:
        return Verdict("premise_not_met", "no decay with a large step size in the grid")
    numbers: Numbers = {}
    flags = []
    for one, other in pairs:
        for region in REGIONS:
            column = f"excess_risk_{region}{suffix}"
            saved = by_size(table, one, column)[1] - by_size(table, other, column)[1]
            interval = mean_interval(
                [row[np.isfinite(row)].mean() for row in saved if np.isfinite(row).any()]
            )
            flags.append(interval.sign > 0)
            numbers[f"{spoken(one)} against {spoken(other)}, {region}: mean log ratio"] = str(interval)
    seeds = int(np.unique(table["seed"]).size)
    return Verdict(
        word_for(flags, seeds),
        f"{sum(flags)} of {len(flags)} comparisons (decay × step size × region) have less excess risk with "
        "both",
        {"seeds": float(seeds), **numbers},
    )
