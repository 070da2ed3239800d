"""Figures of the claim `sharpness-vs-step-size`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.edge.runs import LOGISTIC
from stepscape.experiments.edge.settled import by_step_size, settled
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import median
from stepscape.figures.bands import ribbon, seed_dots
from stepscape.figures.colors import CONTRAST, MEASURED, THIRD, Look, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide, theory, theory_level
from stepscape.figures.strips import clip, ratio_strip, with_strip
from stepscape.figures.style import (
    DOUBLE,
    GUIDE,
    SECONDARY,
    TALL,
    canvas,
    evenly_ranked,
    footnote,
    label,
    note,
    number_ticks,
    step_size_ticks,
)
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEAR, STILL = 0.1, 0.02  # of the rule
MOST = 1.25  # of the strip
HIGH = 1.1
SHOWN = 4
LOSSES = (("square loss", ("small_init", "warm_up")), ("logistic loss", (LOGISTIC,)))
NETWORKS: tuple[tuple[str, Look, str], ...] = (
    ("last_edge_ratio", CONTRAST, "single iterate"),
    ("median_edge_ratio", MEASURED, "midpoint"),
)
NEURONS = (
    ("bent_neurons", MEASURED, "bent among the data"),
    ("knots_at_data", CONTRAST, "kink on an input"),
    ("dead_neurons", THIRD, "dead"),
)


def edge(result: Result) -> Drawn:
    """λ_max of settled midpoints against η with the line 2/η, and below the ratio, beside single iterates."""
    figure, axes = with_strip(2, TALL)
    middles = []
    for (upper, strip), (words, arms) in zip(axes.T, LOSSES, strict=True):
        rows = _of(result.table, arms)
        middles.append(_panel(upper, strip, rows))
        label(upper, title=words)
        label(strip, x="step size η")
    axes[0, 0].set_ylabel(r"sharpness $\lambda_{\max}$ of the midpoint")
    ratio_names = (r"$\lambda_{\max}\,\eta/2$", "")
    for strip, name in zip(axes[1], ratio_names, strict=True):
        ratio_strip(strip, name, MOST)
    known = [f"{middle:.3f}" for middle in middles if np.isfinite(middle)]
    where = r"Where descent settles, $\lambda_{\max}$ of the midpoint is "
    finding(figure, f"{where}{' and '.join(known)} times 2/η" if known else "0 runs have settled at 2/η yet")
    footnote(figure, _lost(result.table))
    caption = (
        f"{_plain(known)} Above: the sharpness of the midpoint of the last two iterates against the step "
        "size; the dashed line is 2/η, nothing is fitted. Disks are medians over the settled runs, colored "
        "by step size. Below: the ratio to 2/η, of the midpoint (blue disks, with each seed as a faint dot) "
        "and of a single iterate (vermilion squares), which at large steps lies off the line; ratios beyond "
        "0.8 and 1.25 stand at the edge. Square loss: from the small start and with warm-up."
    )
    return Drawn(figure, caption)


def _plain(known: list[str]) -> str:
    if not known:
        return "No run has settled at the edge of stability."
    return f"Descent settles where the sharpness is {' and '.join(known)} times 2/η (medians)."


def _of(table: Table, arms: tuple[str, ...]) -> Table:
    return table.rows(np.isin(table["arm"], arms))


def _panel(upper: Axes, strip: Axes, rows: Table) -> float:
    """Draw one loss; return the median of λ_max·η/2 over its settled runs."""
    keep = settled(rows, NEAR, STILL)
    upper.set_xscale("log")
    upper.set_yscale("log")
    if not len(rows):
        return float("nan")
    fine = np.geomspace(0.8 * rows["step_size"].min(), 1.25 * rows["step_size"].max(), 50)
    theory(upper, fine, 2.0 / fine, r"$2/\eta$", at=0.6)
    step_size_ticks(strip, np.unique(rows["step_size"]).tolist())
    if not keep.any():
        note(upper, "no run has settled", right=True)
        return float("nan")
    etas, values = by_step_size(rows, keep, "median_sharpness")
    for eta, here in zip(etas, values.T, strict=True):
        upper.plot(eta, median(here), "o", color=eta_color(eta), ms=7.0, mec="white", mew=0.8, zorder=5)
    for column, look, _ in NETWORKS:
        etas, values = by_step_size(rows, keep, column)
        if column == "median_edge_ratio":
            seed_dots(strip, np.tile(etas, len(values)), clip(values.ravel(), MOST), look.color)
        strip.plot(etas, clip([median(each) for each in values.T], MOST), zorder=5, **look.marks)
    number_ticks(upper)
    return median(rows["median_edge_ratio"][keep])


def _lost(table: Table) -> str:
    rows = table.where(arm="as_printed")
    if not len(rows):
        return ""
    diverged, total = int(np.sum(rows["outcome"] == "diverged")), len(rows)
    unsettled = int(np.sum(table["outcome"] == "finished")) - int(settled(table, NEAR, STILL).sum())
    return (
        f"Not drawn: the default start with square loss ({diverged} of {total} runs diverged), and "
        f"{unsettled} runs that have not settled."
    )


def crossing(result: Result) -> Drawn:
    """λ_max·η/2 at every step through the crossing: its largest value against η, and one run step by step."""
    table = _of(result.table, ("small_init",))
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    largest = float("nan")
    if "crossing_largest" in table and np.isfinite(table["crossing_largest"]).any():
        largest = float(np.nanmax(table["crossing_largest"]))
        for column, look, words in (
            ("crossing_largest", CONTRAST, "single iterate"),
            ("crossing_largest_midpoint", MEASURED, "midpoint"),
        ):
            line = ribbon(left, table, "step_size", column, look.both, dots=True, width=SECONDARY)
            if line is not None:
                name_at_end(left, line, words)
        left.set_xscale("log")
        step_size_ticks(left, np.unique(table["step_size"]).tolist())
    theory_level(left, 1.0, "2/η")
    guide(left, HIGH, "1.1", at=0.98)
    label(left, x="step size η", title=r"largest $\lambda_{\max}\,\eta/2$ of the crossing")
    shown = _one_crossing(right, result)
    says = (
        f"At its crossing, a single iterate reaches {short(largest)} times 2/η"
        if np.isfinite(largest)
        else "0 runs crossed 2/η from a small start"
    )
    finding(figure, says)
    return Drawn(figure, (
        f"{says}. Left: the largest value over the steps of the crossing, medians and quartiles over the "
        "runs from the small start; faint dots are seeds. Right: the first seed at the largest step size "
        f"that crosses{shown}, step by step. Dashed: 2/η; dotted: 1.1 times it, the limit of the rule. "
        "Vermilion: the iterate; blue: the midpoint of two iterates."
    ))  # fmt: skip


def _one_crossing(ax: Axes, result: Result) -> str:
    runs = result.drawn("crossing_last", arm="small_init")
    theory_level(ax, 1.0)
    guide(ax, HIGH)
    label(ax, x="steps from the crossing", title="one run, step by step")
    if not runs:
        return ""
    run = max(runs, key=lambda each: float(each["step_size"]))
    for name, look in (("crossing_last", CONTRAST), ("crossing_midpoint", MEASURED)):
        values = run.arrays[name][:60]
        ax.plot(np.arange(values.size), values, lw=SECONDARY, **look.line)
    return f" (η = {run['step_size']:g})"


def sharpening(result: Result) -> Drawn:
    """Sharpness of the first seed over time Σ η, from below and from above, with each threshold."""
    arms = [arm for arm in ("small_init", "warm_up") if arm in result.settings["arms"]] or ["as_printed"]
    figure, axes = canvas(1, len(arms), DOUBLE, sharey=True)
    for ax, arm in zip(axes[0], arms, strict=True):
        runs = {run["step_size"]: run for run in reversed(result.drawn("sharpness", arm=arm))}
        for eta in evenly_ranked(sorted(runs), SHOWN):
            _follow(ax, runs[eta], eta)
        ax.set_xscale("log")
        label(ax, x="training time Ση", title=ARM_TITLES.get(arm, arm))
    axes[0, 0].set_yscale("log")
    number_ticks(axes[0, 0])
    axes[0, 0].set_ylabel(r"sharpness $\lambda_{\max}$ of the midpoint")
    count = len(evenly_ranked(sorted(set(result.settings["step_sizes"])), SHOWN))
    finding(figure, f"Each of {count} step sizes meets its own threshold 2/η and stays there")
    return Drawn(figure, (
        f"Each of {count} step sizes meets its own threshold 2/η and stays there, if the run is long enough. "
        "Sharpness of the midpoint over training time Ση, first seed; dotted lines are the thresholds, in "
        "the color of their step size. From the small start the sharpness rises along one curve, that of "
        "gradient flow, until it meets its threshold: progressive sharpening. With warm-up it comes down."
    ))  # fmt: skip


def _follow(ax: Axes, run: Run, eta: float) -> None:
    time, sharpness = run.arrays["time"], run.arrays["sharpness"]
    keep, color = time > 0, eta_color(eta)
    ax.axhline(2.0 / eta, color=color, lw=GUIDE, linestyle=":", zorder=1)
    (line,) = ax.plot(time[keep], sharpness[keep], lw=SECONDARY, color=color)
    name_at_end(ax, line, f"η = {eta:g}")


def neurons(result: Result) -> Drawn:
    """How many neurons bend among the data, have their kink on an input, or are dead, against η."""
    table = _of(result.table, ("small_init", "warm_up"))
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    least = float("nan")
    for ax, arm in zip(axes[0], ("small_init", "warm_up"), strict=True):
        rows = table.where(arm=arm)
        for column, look, words in NEURONS:
            if column in rows and np.isfinite(rows[column].astype(float)).any():
                line = ribbon(ax, rows, "step_size", column, look.both, keep_dead=True, width=SECONDARY)
                if line is not None:
                    name_at_end(ax, line, words)
        if len(rows):
            ax.set_xscale("log")
            step_size_ticks(ax, np.unique(rows["step_size"]).tolist())
        label(ax, x="step size η", title=ARM_TITLES[arm])
    axes[0, 0].set_ylabel("neurons of the midpoint")
    axes[0, 0].set_ylim(bottom=0)
    if "bent_neurons" in table and np.isfinite(table["bent_neurons"].astype(float)).any():
        least = float(np.nanmin(table["bent_neurons"].astype(float)))
    says = (
        f"Every network is alive: at least {short(least)} neurons bend among the data"
        if least > 0
        else "In some networks 0 neurons bend among the data"
    )
    finding(figure, says)
    return Drawn(figure, (
        f"{says}. Neurons of the midpoint at the end of training: those whose kink lies among the data, "
        "those with a kink within 0.1 % of the range of an input, where the Hessian does not see it, and "
        "those that are active on no input. Medians and quartiles over the seeds, square loss."
    ))  # fmt: skip
