"""Figures of the claim `logistic-arms`; they read its table, and the intervals of its rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.sentences import interval
from stepscape.experiments.logistic.cells import CELLS, REGIONS, WHEN, WHERE
from stepscape.experiments.logistic.edge import on_line
from stepscape.experiments.logistic.logistic_step_sizes_figures import ROOM, seeds_of
from stepscape.experiments.logistic.panels import as_factor, factor_bars, factor_ticks, pooled
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import ARM, COLORS, MOMENT, Look, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory_level
from stepscape.figures.style import DOUBLE, SECONDARY, SINGLE, TALL, canvas, footnote, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.interval import Interval
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATIO = r"$\lambda_{\max}\,\eta/2$"
FORMULAS = {"truth_variation": r"$\int|f_0''|$", "truth_weighted_variation": r"$\int|f_0''|\,g$"}
WIDTHS = ("o", "s", "^", "D")  # markers of the widths of the interval


def look_of(arm: str) -> Look:
    """Return how an arm looks."""
    return ARM.get(arm, Look(arm, COLORS["gray"]))


def helped(found: Table, arms: Sequence[str], largest: float) -> Drawn:
    """Draw what the largest step size saves: rows are regions, columns moments, one line per arm."""
    regions = [WHERE[region] for region in ("everywhere", "interior")]
    moments = [suffix for suffix in WHEN if len(found) and len(found.where(suffix=suffix))] or [""]
    figure, axes = canvas(len(regions), len(moments), TALL, sharex=True, sharey=True)
    for row, region in zip(axes, regions, strict=True):
        for ax, suffix in zip(row, moments, strict=True):
            guide(ax, 1.0, vertical=True)
            for place, arm in enumerate(arms):
                some = found.where(arm=arm, region=region, suffix=suffix) if len(found) else found
                _arm(ax, place, some, look_of(arm).color)
        row[0].set_ylabel(region, fontsize=10)
    for ax, suffix in zip(axes[0], moments, strict=True):
        ax.set_title(WHEN[suffix], fontsize=10, loc="left")
    axes[0, 0].set_yticks(range(len(arms)), [look_of(arm).words for arm in arms])
    axes[0, 0].set_ylim(len(arms) - 0.5, -0.5)
    factor_ticks(axes[0, 0], "x")
    for ax in axes[-1]:
        ax.set_xlabel("excess risk, smallest over largest η", fontsize=10)
    if "" not in moments:
        footnote(figure, f"{WHEN[''].capitalize()} most runs still move, and nothing is compared.")
    title = _help_title(found, arms, largest)
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The excess risk at the smallest step size over that at the largest, one row per start; "
        "right of ×1 (dotted) the largest has less excess risk. Marks with bars: mean over the amplitudes of "
        "the truth with its 95 % interval, as the rule reads it; small dots: the amplitudes. Above: over all "
        "inputs, where these truths are uncertain; below: in the interior. Columns are moments.",
    )


def _arm(ax: Axes, place: int, some: Table, color: str) -> None:
    """Draw the interval of the mean over the cells, and the means of the cells."""
    for entry in some.records():
        if entry["low"] is None or not np.isfinite(entry["mean"]):
            continue
        found = as_factor(Interval(entry["mean"], entry["low"], entry["high"], 0))
        if entry["together"]:
            ends = [[found.mean - found.low], [found.high - found.mean]]
            ax.errorbar(
                [found.mean], [place], xerr=ends, elinewidth=SECONDARY, capsize=3.0, capthick=SECONDARY,
                linestyle="none", **marks(color),
            )  # fmt: skip
        else:
            ax.plot(found.mean, place, "o", ms=3.0, color=color, alpha=0.5)


def _help_title(found: Table, arms: Sequence[str], largest: float) -> str:
    """Say from which starts the largest step size changes the excess risk when stopped early, by region."""
    clauses = []
    for region in ("everywhere", "interior"):
        means = _means(found, arms, region)
        factors = [f"×{number(1.0 / as_factor(each).mean, 2)} ({look_of(arm).words})"
                   for arm, each in means.items() if each.sign]  # fmt: skip
        if means:
            says = (
                f"by {' and '.join(factors)}" if factors else f"measurably from none of {len(means)} starts"
            )
            clauses.append(f"{WHERE[region]} {says}")
    if not clauses:
        return "No start could be compared"
    return f"Stopped early, η = {largest:g} changes the excess risk {', '.join(clauses)}"


def _means(found: Table, arms: Sequence[str], region: str) -> dict[str, Interval]:
    """Arm → the interval of the mean over the cells, with every run stopped early."""
    if not len(found):
        return {}
    whole = found.where(together=True, suffix="_held_out", region=WHERE[region])
    entries = {arm: whole.where(arm=arm).records() for arm in arms}
    return {arm: Interval(each[0]["mean"], *_ends(each[0]), 0) for arm, each in entries.items() if each}


def edge(table: Table, arms: Sequence[str]) -> Drawn:
    """λ_max·η/2 over the last half of the steps against the step size, one curve per arm."""
    figure, axes = canvas(1, 1, (SINGLE[0] + 0.8, SINGLE[1]))
    ax = axes[0, 0]
    theory_level(ax, 1.0, r"$2/\eta$", above=False)
    says = []
    for arm in arms:
        rows, look = table.where(arm=arm), look_of(arm)
        if "edge_ratio" not in rows or not len(rows):
            continue
        start = rows["initial_sharpness"] * rows["step_size"] / 2.0
        started = Table({**rows.columns, "start": start})
        etas = np.unique(rows["step_size"])
        ax.plot(
            etas, [median(started["start"][rows["step_size"] == eta]) for eta in etas], "x", ms=6,
            color=look.color,
        )  # fmt: skip
        line = ribbon(ax, rows, "step_size", "edge_ratio", look.both)
        if line is not None:
            name_at_end(ax, line, look.words)
        largest = rows["step_size"] == etas[-1]
        says.append(f"{100 * fraction(on_line(rows)[largest]):.0f} % ({look.words})")
    step_size_ticks(ax, np.unique(table["step_size"]).tolist())
    ax.set_xlim(table["step_size"].min() / 1.2, table["step_size"].max() * ROOM)
    number_ticks(ax)
    label(ax, "step size η", f"edge ratio {RATIO}")
    shares = f"{', '.join(says[:-1])} and {says[-1]}" if len(says) > 1 else "".join(says)
    title = f"At the largest step size {shares} of the runs end on 2/η" if says else "No run ended"
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The edge ratio λ_max·η/2 of the midpoint network over the last half of training against "
        "the step size, medians with quartiles as a band, one color per start; crosses: the untrained "
        f"network; dashed: the threshold. All cells; {seeds_of(table)}",
    )


def shares(table: Table, arms: Sequence[str]) -> Drawn:
    """Share of the excess risk outside the interior against the step size; one curve per arm."""
    figure, axes = canvas(1, 1, (SINGLE[0] + 0.8, SINGLE[1]))
    ax, ends = axes[0, 0], []
    for arm in arms:
        rows = table.where(arm=arm)
        line = pooled(ax, rows, "step_size", "outside_share", look_of(arm).both, {"amplitude": "{:g}"})
        if line is not None:
            name_at_end(ax, line, look_of(arm).words)
            ends.append(float(np.asarray(line.get_ydata())[-1]))
    there = median(table["outside_inputs"]) if "outside_inputs" in table else np.nan
    if np.isfinite(there):
        guide(ax, there, "share of the inputs there", at=0.98, above=False)
    step_size_ticks(ax, np.unique(table["step_size"]).tolist())
    ax.set_ylim(0.0, 1.0)
    label(ax, "step size η", "share of the excess risk\noutside the interior")
    title = "No run ended"
    if ends:
        title = (
            f"At the largest step size {100 * min(ends):.0f} to {100 * max(ends):.0f} % of the excess risk "
            f"lie outside the interior, where {100 * there:.0f} % of the inputs are"
        )
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The share of the excess risk over all inputs that lies outside the interior at the end of "
        "training, against the step size; medians with quartiles as a band, one color per start, thin lines "
        f"for the amplitudes; dotted: the share of the inputs that lie there. {seeds_of(table)}",
    )


def complex_truths(
    found: Table, slopes: Mapping[tuple[str, str], Interval], arms: Sequence[str], measures: Mapping[str, str]
) -> Drawn:
    """Draw what the largest step size loses against the weighted variation of the truth, by arm."""
    column = list(measures)[-1]
    figure, axes = canvas(1, len(arms), DOUBLE, sharex=True, sharey=True)
    _losses(axes[0], found, slopes, arms, column)
    axes[0, 0].set_ylabel("excess risk at the largest η\nover that at the best smaller η", fontsize=10)
    axes[0, len(arms) // 2].set_xlabel(f"variation of the truth {FORMULAS[column]}", fontsize=10)
    title = _slopes_title(slopes, arms, {column: "weighted variation"})
    finding(figure, title)
    return Drawn(figure, f"{title}. {_COMPLEX}")


_COMPLEX = (
    "The excess risk in the interior at the largest step size over that at the best smaller one, each at its "
    "best held-out moment, against the variation of the slope of the truth, with 95 % intervals; above ×1 "
    "(dotted) the largest step size is worse. Disks: the narrow interval; squares: the wide one. "
    "The slope is that of log10 of the factor on log10 of the variation, with its 95 % interval."
)


def complex_truths_all(
    found: Table, slopes: Mapping[tuple[str, str], Interval], arms: Sequence[str], measures: Mapping[str, str]
) -> Drawn:
    """Draw what the largest step size loses against both variations of the truth."""
    figure, axes = canvas(len(measures), len(arms), TALL, sharex="row", sharey=True)
    for row, column in zip(axes, measures, strict=True):
        _losses(row, found, slopes, arms, column)
        row[0].set_ylabel("excess risk, largest η\nover best smaller η", fontsize=10)
        row[len(arms) // 2].set_xlabel(f"variation of the truth {FORMULAS[column]}", fontsize=10)
    words = ("variation", "weighted variation")
    title = _slopes_title(slopes, arms, dict(zip(measures, words, strict=False)))
    finding(figure, title)
    return Drawn(figure, f"{title}. Above: the variation without a weight; below: weighted by g. {_COMPLEX}")


def _losses(
    row: Sequence[Axes], found: Table, slopes: Mapping[tuple[str, str], Interval], arms: Sequence[str],
    column: str,
) -> None:  # fmt: skip
    for ax, arm in zip(row, arms, strict=True):
        guide(ax, 1.0)
        some = found.where(arm=arm) if len(found) else found
        widths = np.unique(some["half_width"]) if len(some) else ()
        for width, marker in zip(widths, WIDTHS, strict=False):
            rows = some.where(half_width=width)
            means = [Interval(r["mean"], *_ends(r), 0) for r in rows.records()]
            factor_bars(ax, rows[column].tolist(), means, marks(look_of(arm).color, marker))
        slope = f"\nslope {interval(slopes[arm, column])}" if (arm, column) in slopes else ""
        label(ax, title=f"{look_of(arm).words}{slope}")
    if len(found):
        number_ticks(row[0], "x")
    factor_ticks(row[0])


def _ends(entry: Mapping[str, float | None]) -> tuple[float, float]:
    low, high = entry["low"], entry["high"]
    return (-np.inf if low is None else low, np.inf if high is None else high)


def _slopes_title(
    slopes: Mapping[tuple[str, str], Interval], arms: Sequence[str], measures: Mapping[str, str]
) -> str:
    """Say from how many starts the loss grows with each measure of variation (column → words)."""
    clauses = []
    for column, words in measures.items():
        known = [slopes[arm, column] for arm in arms if (arm, column) in slopes]
        if known:
            grows = sum(each.sign > 0 for each in known)
            clauses.append(f"the {words} of the truth from {grows or 'none'} of {len(known)} starts")
    if not clauses:
        return "Too few truths to ask whether the loss grows with their variation"
    return f"What the largest step size loses grows with {', with '.join(clauses)}"


def excess_all(table: Table, arms: Sequence[str], region: str) -> Drawn:
    """Excess risk against the step size: one row per amplitude, one column per arm, one curve per moment."""
    column, amplitudes = f"excess_risk{REGIONS[region]}", np.unique(table["amplitude"])
    size = (TALL[0], 1.7 * amplitudes.size + 1.4)
    figure, axes = canvas(amplitudes.size, len(arms), size, sharex=True, sharey="row")
    for row, amplitude in zip(axes, amplitudes, strict=True):
        for ax, arm in zip(row, arms, strict=True):
            rows = table.where(arm=arm, amplitude=amplitude)
            for suffix, look in MOMENT.items():
                if column + suffix in rows:
                    ribbon(
                        ax, rows, "step_size", column + suffix, look.both, width=SECONDARY, label=look.words
                    )
            step_size_ticks(ax, np.unique(table["step_size"]).tolist())
        if any(ax.lines for ax in row):
            number_ticks(row[0])
        row[0].set_ylabel(f"amplitude {amplitude:g}", fontsize=10)
    for ax, arm in zip(axes[0], arms, strict=True):
        ax.set_title(look_of(arm).words, fontsize=10, loc="left")
    for ax in axes[-1]:
        ax.set_xlabel("step size η", fontsize=10)
    shared_legend(figure, axes, columns=3)
    title = _moments_title(table, arms, column, WHERE[region])
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The excess risk {WHERE[region]} at the end of training (blue disks), at equal time "
        "(vermilion squares) and at the best held-out moment (green triangles), by start (columns) and "
        f"amplitude of the truth (rows), on the narrowest interval; medians, quartiles, {seeds_of(table)}",
    )


def _moments_title(table: Table, arms: Sequence[str], column: str, where: str) -> str:
    """Say by which factors medians at the largest step size change, when stopped early, by start."""
    says = []
    for arm in arms:
        rows = table.where(arm=arm)
        if f"{column}_held_out" not in rows or not len(rows):
            continue
        ends = [
            [median(each[f"{column}_held_out"]) for each in cells(rows.where(step_size=eta), CELLS).values()]
            for eta in (rows["step_size"].min(), rows["step_size"].max())
        ]
        ratios = [high / low for low, high in zip(*ends, strict=True)]
        low, high = (number(end(ratios), 2) for end in (min, max))
        says.append(f"×{low} to ×{high} ({look_of(arm).words})")
    if not says:
        return "No run ended"
    return f"Stopped early, the largest step size changes the median excess risk {where} by {', '.join(says)}"
