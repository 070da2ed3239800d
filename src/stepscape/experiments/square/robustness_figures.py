"""Figure of the claim `robustness`; it reads its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.cells import ask
from stepscape.experiments.frame.intervals import Interval, simultaneous
from stepscape.experiments.frame.sentences import counted
from stepscape.experiments.square import drawing
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.family import Asks
from stepscape.experiments.square.members import named
from stepscape.experiments.square.robustness import shown_effects
from stepscape.figures.colors import COLORS
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import GUIDES
from stepscape.figures.style import NAMES, SECONDARY, SMALL, canvas
from stepscape.figures.titles import finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from stepscape.tables.records import Table

MEANING = {
    1: ("as claimed", COLORS["blue"]),
    0: ("may be 0", COLORS["gray"]),
    -1: ("the opposite", COLORS["vermilion"]),
}
MARKERS = {"as_printed": "o", "small_init": "s", "warm_up": "^"}
QUESTIONS = {"pieces lost": 2, "knots lost": 2}  # of the rule: the ends, and the ranks
APART = 0.27  # rows between the bars of two arms
Found = dict[str, dict[str, Interval]]  # arm → member → interval


def members(result: Result) -> Drawn:
    """One row per member, one panel per effect, one capped bar per arm."""
    rows = named(result.table, result.settings) if result.runs else {}
    asked = shown_effects()
    figure, axes = canvas(1, len(asked), (7.2, 0.31 * max(4, len(rows)) + 1.9), sharey=True)
    found = {name: _intervals(result, each, QUESTIONS.get(name, 1)) for name, each in asked.items()}
    for ax, (name, by_arm) in zip(axes[0], found.items(), strict=True):
        _bars(ax, by_arm, list(rows))
        ax.set_title(name, fontsize=NAMES, loc="left")
    axes[0, 0].set_yticks(range(len(rows)), list(rows), fontsize=SMALL)
    axes[0, 0].set_ylim(len(rows) - 0.4, -0.6)
    _explain(axes[0, 0], result)
    shared_legend(figure, axes, columns=6)
    sentence = _sentence(next(iter(found.values())), len(rows))
    finding(figure, sentence)
    seeds = np.unique(result.table["seed"]).size if result.runs else 0
    return Drawn(figure, (
        f"{sentence} Each row is a member of the family, each bar the mean effect of a start (default: disk, "
        f"small: square, warm-up: triangle) over {seeds} seeds, with the interval of the rule, which "
        "holds together with all others; wide bars are cut at the edge of the panel. Blue: as claimed; "
        "vermilion: the opposite; gray: the effect may be 0; dotted: no effect. A start without a bar "
        "learns a curve, or arrives, at too few step sizes. The risk is in variances of the noise, knots are "
        "in decades. Repeat it with “stepscape run robustness --full”."
    ))  # fmt: skip


def _intervals(result: Result, each: Asks, questions: int) -> Found:
    """Intervals by arm and member, as by the rule simultaneous over members, arms and its questions."""
    arms, found = result.settings["arms"], {}
    for arm in arms:
        runs = result.where(arm=arm)
        cells: Mapping[str, Table] = named(runs.table, result.settings) if runs.runs else {}
        values = ask(cells, each.contrast, ARRIVED.lacks).values
        every = simultaneous(list(values.values()), at_once=questions * len(arms))
        found[arm] = dict(zip(values, every, strict=True))
    return found


def _bars(ax: Axes, by_arm: Found, names: list[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.axvline(0.0, **GUIDES)
    for i, (arm, intervals) in enumerate(by_arm.items()):
        for name, one in intervals.items():
            if np.isfinite(one.high - one.low):
                color = MEANING[one.sign][1]
                ends = [[one.mean - one.low], [one.high - one.mean]]
                ax.errorbar(
                    one.mean, names.index(name) + APART * (i - 1), xerr=ends, color=color, linestyle="none",
                    marker=MARKERS.get(arm, "D"), ms=5.0, mec="white", mew=0.5, elinewidth=SECONDARY,
                    capsize=2.0, capthick=SECONDARY,
                )  # fmt: skip
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    every = [one for intervals in by_arm.values() for one in intervals.values()]
    if known := [one for one in every if np.isfinite(one.high - one.low)]:
        ax.set_xlim(*_limits(known))


def _limits(intervals: Sequence[Interval]) -> tuple[float, float]:
    """Room for 0, all means and nine tenths of the ends: one wide interval must not hide the others."""
    means, lows, highs = np.array([(one.mean, one.low, one.high) for one in intervals]).T
    low = min(0.0, means.min(), float(np.quantile(lows, 0.1)))
    high = max(0.0, means.max(), float(np.quantile(highs, 0.9)))
    room = 0.06 * max(high - low, 1e-9)
    return low - room, high + room


def _explain(ax: Axes, result: Result) -> None:
    """Entries of the legend, without data."""
    for arm in result.settings["arms"]:
        ax.plot([], [], MARKERS.get(arm, "D"), color="black", ms=5.0, label=drawing.arm_name(arm))
    for words, color in MEANING.values():
        ax.plot([], [], "-", color=color, lw=SECONDARY, label=words)


def _sentence(pieces: Found, members: int) -> str:
    signs = [one.sign for by_member in pieces.values() for one in by_member.values()]
    if not signs:
        return "Descent learned a curve at too few step sizes in every member."
    lose, gain = signs.count(1), signs.count(-1)
    opposite = f", and more in {gain}" if gain else ""
    where = f"{len(signs)} combinations of {counted(members, 'setting')} and their starts"
    return f"Larger steps find fewer pieces in {lose} of {where}{opposite}."
