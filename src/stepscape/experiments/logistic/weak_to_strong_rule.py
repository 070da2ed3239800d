"""The rule that judges `weak-to-strong`; what was changed in it after looking is told in its setup.

A cell is one weight decay and one step size; its runs count when they finished with bent neurons. A slope is
that of the logarithm of a column on log n, for each seed, with its 95 % interval over the seeds. Two regions
are judged: the hull of the inputs with |f0| ≤ 1 (``uncertain``) and where g ≥ sup g/10 (``interior``).

``neither``, ``decay_only``, ``step_only``, ``both``: the cells without and with decay, at the small step size
and at the large ones. The theorem speaks about a cell and region where its premises hold: at least 90 % of
the runs fit the labels of the region as well as the truth (``optimized_…``), the excess risk everywhere
vanishes (below), and λ_max is at most 1.1·2/η in at least 90 % of the runs. The rate n^{−2/5} is an upper
bound. There the slope of the excess risk in the region *contradicts* the rate when its interval lies above
−2/5, *keeps* it when it does not and lies below 0, and is *open* when it holds both −2/5 and 0: an interval
so wide rewards nothing. Some contradicts: ``not_reproduced``; else some keeps: ``consistent``; else some is
open: ``undecided``; the premises hold nowhere: ``premise_not_met``. Fewer than three seeds or three sizes:
``undecided``.

``vanishing``: the premise Ex → 0, in each cell. "However slowly" can be tested by no finite sample; here the
interval of the slope of the excess risk is to lie below −1/5, half the exponent that the rate has. From 32
to 1024 examples that is a fall by half. ``norm``: ‖θ‖ = o(n), the interval of its slope lies below 1; and
``norm_quarter``: o(n^{1/4}), under which a norm alone provably generalizes, below 1/4. Yes in every cell:
``reproduced``; in some: ``partly``; in none: ``not_reproduced`` with at least ten seeds, ``undecided`` with
fewer.

``both_beat_decay_only``: amplification. For each decay above 0 and each large step size, the mean over the
sizes of log(excess risk at the small step size/at the large one), in a region, paired by seed, has its
interval above 0. ``both_beat_step_only``: the same for no decay against each decay, at each large step size.
Both at the end; ``…_at_equal_time``: every run where Σ η comes to the total of the small step size;
``…_stopped_early``: every run at its best held-out moment. Words as above.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.common.step_size_grid import LEAST_SEEDS, Numbers, median, usable, word_for
from stepscape.experiments.edge.sharpness_rule import EDGE
from stepscape.tables.interval import Interval, mean_interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

Array = NDArray[np.float64]
Cell = tuple[float, float]  # weight decay, step size
RATE = -0.4
REGIONS = ("uncertain", "interior")
LEAST_SIZES = 3
VANISHING = -0.2
MOST, FLAT = 0.9, 1.1
GROUPS = {
    "neither": (False, False),
    "decay_only": (True, False),
    "step_only": (False, True),
    "both": (True, True),
}  # with decay, at a large step size
ORDER = ("not_reproduced", "consistent", "undecided", "premise_not_met")
SLOPES = {
    "vanishing": ("excess_risk", VANISHING, "the excess risk falls faster than n^(−1/5)"),
    "norm": ("norm", 1.0, "‖θ‖ grows more slowly than n"),
    "norm_quarter": ("norm", 0.25, "‖θ‖ grows more slowly than n^(1/4)"),
}


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict for each group of cells and each question."""
    table, small = result.table, result.settings["small_step_size"]
    moments = {suffix: f"_{moment.part}" if suffix else "" for suffix, moment in COMPARED.items()}
    reason = unmet(table)
    if reason is not None:
        pairs = [f"both_beat_{one}{at}" for one in ("decay_only", "step_only") for at in moments.values()]
        return dict.fromkeys((*GROUPS, *SLOPES, *pairs), reason)
    every = cells(table)
    groups = {
        name: [cell for cell in every if (cell[0] > 0.0, cell[1] > small) == kind]
        for name, kind in GROUPS.items()
    }
    decayed = [((decay, small), (decay, eta)) for decay, eta in groups["both"]]
    free = [((0.0, small), cell) for cell in groups["step_only"] if groups["neither"]]
    stepped = [((0.0, eta), (decay, eta)) for decay, eta in groups["both"]]
    return {
        **{name: judge_rate(table, group) for name, group in groups.items()},
        **{name: judge_slopes(table, every, *asked) for name, asked in SLOPES.items()},
        **{f"both_beat_decay_only{at}": judge_pairs(table, decayed, x, free) for x, at in moments.items()},
        **{f"both_beat_step_only{at}": judge_pairs(table, stepped, x) for x, at in moments.items()},
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
        "fits as well as the truth": _most(rows[f"optimized_{region}"][counted] == 1),
        "Ex → 0": slope(table, cell, "excess_risk").high < VANISHING,
        "λ ≤ 2/η": _most(rows["edge_ratio"][counted] <= FLAT),
    }


def _most(met: NDArray[np.bool_]) -> bool:
    return bool(met.size and np.mean(met) >= MOST)


def judge_rate(table: Table, group: Sequence[Cell]) -> Verdict:
    """Apply the rule for the rate to a group of cells."""
    if not group:
        return Verdict("premise_not_met", "no such cell in the grid")
    found: list[tuple[str, Interval]] = []
    numbers: Numbers = {}
    for cell in group:
        numbers |= about(table, cell)
        for region in REGIONS:
            interval, held = slope(table, cell, f"excess_risk_{region}"), premises(table, cell, region)
            found.append((says(interval, all(held.values())), interval))
            lacking = ", ".join(name for name, holds in held.items() if not holds)
            numbers |= {
                f"{spoken(cell)}: slope, {region}": str(interval),
                f"{spoken(cell)}: premises, {region}": f"without: {lacking}" if lacking else "all hold",
                **_fits(table, cell, region),
            }
    words = [word for word, _ in found]
    return Verdict(next(word for word in ORDER if word in words), _told(found), numbers)


def _told(found: Sequence[tuple[str, Interval]]) -> str:
    words = [word for word, _ in found]
    held = len(words) - words.count("premise_not_met")
    said = f"the premises hold for {held} of {len(words)} slopes of the excess risk on n"
    if not held:
        return said
    widths = [interval.high - interval.low for word, interval in found if word == "consistent"]
    wide = f" (intervals up to {max(widths):.2g} wide)" if widths else ""
    return (
        f"{said} (decay × step size × region); of these {words.count('consistent')} lie below 0 and are not "
        f"significantly shallower than −2/5{wide}, {words.count('not_reproduced')} are significantly "
        f"shallower, {words.count('undecided')} open"
    )


def says(found: Interval, held: bool) -> str:
    """Word for one slope of the excess risk, given whether the premises hold."""
    if not held or found.count < LEAST_SEEDS:  # a slope that nobody measured keeps no rate
        return "premise_not_met"
    if found.low > RATE:
        return "not_reproduced"
    return "consistent" if found.high < 0.0 else "undecided"


def about(table: Table, cell: Cell) -> Numbers:
    """How much decay and step size can have done in a cell, from its numbers."""
    rows = table.where(weight_decay=cell[0], step_size=cell[1])
    rows = rows.rows(usable(rows))
    ratio, beyond = rows["edge_ratio"], rows["initial_sharpness"] * cell[1] / 2.0 > 1.0
    return {
        f"{spoken(cell)}: decay × Σ η": cell[0] * median(rows["time"]),
        f"{spoken(cell)}: λ·η/2 over the last half, median": median(ratio),
        f"{spoken(cell)}: share at the edge, λ·η/2 in [{EDGE[0]}, {EDGE[1]}] over the last half": _share(
            (ratio >= EDGE[0]) & (ratio <= EDGE[1])
        ),
        f"{spoken(cell)}: share that started beyond it": _share(beyond),
    }


def _fits(table: Table, cell: Cell, region: str) -> Numbers:
    rows = table.where(weight_decay=cell[0], step_size=cell[1])
    fits = rows[f"optimized_{region}"] == 1
    largest = rows["n"] == rows["n"].max()
    _, logs = by_size(table, cell, f"excess_risk_{region}")
    return {
        f"{spoken(cell)}: share that fits, {region}": _share(fits),
        f"{spoken(cell)}: share that fits at the largest n, {region}": _share(fits[largest]),
        f"{spoken(cell)}: excess at the largest n, {region}, median": float(np.exp(median(logs[:, -1]))),
    }


def _share(met: NDArray[np.bool_]) -> float:
    return float(np.mean(met)) if met.size else float("nan")


def judge_slopes(table: Table, group: Sequence[Cell], column: str, limit: float, what: str) -> Verdict:
    """Whether the slope of a column lies below a limit, cell by cell."""
    found = {cell: slope(table, cell, column) for cell in group}
    flags = [interval.high < limit for interval in found.values()]
    means = [interval.mean for interval in found.values() if interval.count]
    numbers: Numbers = {f"{spoken(cell)}: slope": str(interval) for cell, interval in found.items()}
    for cell in group:
        sizes, logs = by_size(table, cell, column)
        ends = (float(np.exp(median(logs[:, end]))) for end in (0, -1))
        for n, value in zip(sizes[[0, -1]], ends, strict=True):
            numbers[f"{spoken(cell)}: {column.replace('_', ' ')} at n = {n:g}, median"] = value
    return Verdict(
        word_for(flags, np.unique(table["seed"]).size),
        f"{what} in {sum(flags)} of {len(flags)} cells of decay and step size: "
        + (
            f"slopes on log n from {min(means):.2f} to {max(means):.2f}" if means else "no slope was measured"
        ),
        numbers,
    )


def judge_pairs(
    table: Table, pairs: Sequence[tuple[Cell, Cell]], suffix: str, beside: Sequence[tuple[Cell, Cell]] = ()
) -> Verdict:
    """Whether the second cell of each pair has the smaller excess risk; pairs `beside` are not judged."""
    if not pairs:
        return Verdict("premise_not_met", "no decay with a large step size in the grid")
    found = _savings(table, pairs, suffix)
    flags = [interval.sign > 0 for interval in found.values()]
    seeds = int(np.unique(table["seed"]).size)
    compared = {**found, **{f"not judged: {key}": x for key, x in _savings(table, beside, suffix).items()}}
    numbers: Numbers = {f"{key}: mean log ratio": str(interval) for key, interval in compared.items()}
    if suffix == "_held_out":
        numbers |= {
            f"{spoken(cell)}: share that is best at its last record": _share(
                rows["steps_held_out"] == rows["steps_made"]
            )
            for cell in dict.fromkeys(cell for pair in (*pairs, *beside) for cell in pair)
            for rows in [table.where(weight_decay=cell[0], step_size=cell[1])]
        }
    return Verdict(
        word_for(flags, seeds),
        f"{sum(flags)} of {len(flags)} comparisons (decay × step size × region) have less excess risk with "
        "both",
        {"seeds": float(seeds), **numbers},
    )


def _savings(table: Table, pairs: Sequence[tuple[Cell, Cell]], suffix: str) -> dict[str, Interval]:
    """Interval over the seeds of the mean over the sizes of the log ratio of the excess risks."""
    found = {}
    for one, other in pairs:
        for region in REGIONS:
            column = f"excess_risk_{region}{suffix}"
            saved = by_size(table, one, column)[1] - by_size(table, other, column)[1]
            known = [row[np.isfinite(row)].mean() for row in saved if np.isfinite(row).any()]
            found[f"{spoken(one)} against {spoken(other)}, {region}"] = mean_interval(known)
    return found
