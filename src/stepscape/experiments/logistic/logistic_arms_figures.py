"""Figures of the claim `logistic-arms`; they read its table, and the intervals of its rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.sentences import interval
from stepscape.experiments.logistic.cells import REGIONS, WHEN, WHERE
from stepscape.experiments.logistic.edge import on_line
from stepscape.experiments.logistic.logistic_step_sizes_figures import seeds_of
from stepscape.experiments.logistic.panels import as_factor, factor_bars, factor_ticks, pooled
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import ARM, COLORS, MOMENT, Look, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory_level
from stepscape.figures.style import DOUBLE, SECONDARY, SINGLE, TALL, canvas, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.interval import Interval
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATIO = r"$\lambda_{\max}\,\eta/2$"
WIDTHS = ("o", "s", "^", "D")  # markers of the widths of the interval


def look_of(arm: str) -> Look:
    """Return how an arm looks."""
    return ARM.get(arm, Look(arm, COLORS["gray"]))


def helped(found: Table, arms: Sequence[str], largest: float) -> Drawn:
    """Draw what the largest step size saves: rows are regions, columns moments, one line per arm."""
    regions = [WHERE[region] for region in ("interior", "everywhere")]
    figure, axes = canvas(len(regions), len(WHEN), TALL, sharex=True, sharey=True)
    for row, region in zip(axes, regions, strict=True):
        for ax, suffix in zip(row, WHEN, strict=True):
            guide(ax, 1.0, vertical=True)
            for place, arm in enumerate(arms):
                some = found.where(arm=arm, region=region, suffix=suffix) if len(found) else found
                _arm(ax, place, some, look_of(arm).color)
        row[0].set_ylabel(region, fontsize=10)
    for ax, moment in zip(axes[0], WHEN.values(), strict=True):
        ax.set_title(moment, fontsize=10, loc="left")
    axes[0, 0].set_yticks(range(len(arms)), [look_of(arm).words for arm in arms])
    axes[0, 0].set_ylim(len(arms) - 0.5, -0.5)
    factor_ticks(axes[0, 0], "x")
    for ax in axes[-1]:
        ax.set_xlabel("smallest over largest η", fontsize=10)
    title = _help_title(found, arms, largest)
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The excess risk at the smallest step size over that at the largest, one row per start; "
        "right of ×1 (dotted) the largest has less excess risk. Marks with bars: mean over the amplitudes of "
        "the truth with its 95 % interval, as the rule reads it; small dots: the amplitudes. Above: in the "
        "interior; below: over all inputs.",
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
    """Say from which starts the largest step size has less excess risk in the interior when stopped early."""
    says, asked = [], 0
    whole = found.where(together=True, suffix="_held_out", region=WHERE["interior"]) if len(found) else found
    for arm in arms:
        for entry in whole.where(arm=arm).records() if len(whole) else ():
            saved, asked = Interval(entry["mean"], *_ends(entry), 0), asked + 1
            if saved.sign:
                says.append(f"×{number(1.0 / as_factor(saved).mean, 2)} ({look_of(arm).words})")
    if not asked:
        return "No start could be compared"
    early, what = f"Stopped early, η = {largest:g}", "the excess risk in the interior"
    if says:
        return f"{early} changes {what} by {', '.join(says)}"
    return f"{early} does not measurably change {what} from any of {asked} starts"


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
    number_ticks(ax)
    label(ax, "step size η", f"edge ratio {RATIO}")
    title = f"At the largest step size, runs on 2/η: {', '.join(says)}" if says else "No run ended"
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
    axes[0, len(arms) // 2].set_xlabel(r"variation of the truth $\int|f_0''|\,g$", fontsize=10)
    title = _slopes_title(slopes, arms, column)
    finding(figure, title)
    return Drawn(figure, f"{title}. {_COMPLEX}")


_COMPLEX = (
    "The excess risk in the interior at the largest step size over that at the best smaller one, each at its "
    "best held-out moment, against the variation of the slope of the truth, with 95 % intervals; above ×1 "
    "(dotted) the largest step size is worse. Disks: the narrow interval; squares: the wide one."
)


def complex_truths_all(
    found: Table, slopes: Mapping[tuple[str, str], Interval], arms: Sequence[str], measures: Mapping[str, str]
) -> Drawn:
    """Draw what the largest step size loses against both variations of the truth."""
    figure, axes = canvas(len(measures), len(arms), TALL, sharex="row", sharey=True)
    for row, column in zip(axes, measures, strict=True):
        _losses(row, found, slopes, arms, column)
        row[0].set_ylabel(f"loss, against {measures[column]}", fontsize=10)
    finding(figure, "What the largest step size loses on complex truths, against both variations")
    return Drawn(figure, f"Above: the variation without a weight; below: weighted by g. {_COMPLEX}")


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
        slope = f", slope {interval(slopes[arm, column])}" if (arm, column) in slopes else ""
        label(ax, title=f"{look_of(arm).words}{slope}")
    if len(found):
        number_ticks(row[0], "x")
    factor_ticks(row[0])


def _ends(entry: Mapping[str, float | None]) -> tuple[float, float]:
    low, high = entry["low"], entry["high"]
    return (-np.inf if low is None else low, np.inf if high is None else high)


def _slopes_title(slopes: Mapping[tuple[str, str], Interval], arms: Sequence[str], column: str) -> str:
    known = [slopes[arm, column] for arm in arms if (arm, column) in slopes]
    if not known:
        return "Too few truths to ask whether the loss grows with their variation"
    grows = sum(each.sign > 0 for each in known)
    return (
        f"What the largest step size loses grows with the variation of the truth from {grows or 'none'} of "
        f"{len(known)} starts"
    )


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
    finding(figure, f"Excess risk {WHERE[region]} at three moments, by start and amplitude of the truth")
    return Drawn(
        figure,
        f"The excess risk {WHERE[region]} at the end of training, at equal time and at the best held-out "
        f"moment, on the narrowest interval; medians and quartiles over {seeds_of(table)}",
    )
