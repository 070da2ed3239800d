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
from stepscape.figures.legends import legend
from stepscape.figures.references import guide, theory, theory_level
from stepscape.figures.strips import clip, ratio_strip, with_strip
from stepscape.figures.style import DOUBLE, GUIDE, SECONDARY, TALL, canvas, evenly_ranked, footnote, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEAR, STILL = 0.1, 0.02  # of the rule
MOST = 1.25  # of the strip
HIGH = 1.1
SHOWN, STEPS = 4, 60  # curves of a panel; steps of the crossing that is drawn
CROSSING = (
    ("crossing_largest", CONTRAST, "single iterate"),
    ("crossing_largest_midpoint", MEASURED, "midpoint"),
)
TRIANGLE = Look("logistic loss", THIRD.color, "^")
LOSSES: tuple[tuple[str, tuple[str, ...], Look, float], ...] = (
    ("square loss", ("small_init", "warm_up"), MEASURED, 9.0),
    ("logistic loss", (LOGISTIC,), TRIANGLE, 6.0),
)
REPEAT = "Repeat it with “stepscape run sharpness-vs-step-size --full”."
NEURONS = (
    ("bent_neurons", MEASURED, "bent among the data"),
    ("knots_at_data", CONTRAST, "kink on an input"),
    ("dead_neurons", THIRD, "dead"),
)


def edge(result: Result) -> Drawn:
    """λ_max of settled midpoints against η with the line 2/η, and below the ratio, beside single iterates."""
    table = result.table
    figure, axes = with_strip(1, TALL)
    upper, strip = axes[:, 0]
    fine = np.geomspace(0.8 * table["step_size"].min(), 1.25 * table["step_size"].max(), 50)
    theory(upper, fine, 2.0 / fine, r"$2/\eta$, nothing fitted", at=0.5)
    middles = [
        _draw_loss(upper, strip, _of(table, arms), words, look, size) for words, arms, look, size in LOSSES
    ]
    ratio_strip(strip, r"$\lambda_{\max}\,\eta/2$", MOST)
    upper.set_yscale("log")
    step_size_ticks(strip, np.unique(table["step_size"]).tolist())
    number_ticks(upper)
    label(upper, y=r"sharpness $\lambda_{\max}$ of the midpoint", title=" ")
    label(strip, x="step size η")
    strip.set_ylabel(r"$\lambda_{\max}\,\eta/2$")
    upper.plot([], [], "o", color=CONTRAST.color, ms=6.0, mec="white", label="single iterate (below)")
    legend(upper)
    known = [
        f"{middle:.3f} ({words})"
        for (words, *_), middle in zip(LOSSES, middles, strict=True)
        if np.isfinite(middle)
    ]
    says = "Where descent settles, the sharpness of the midpoint is "
    says = f"{says}{' and '.join(known)} times 2/η" if known else "None of the runs, 0, has settled at 2/η"
    finding(figure, says)
    footnote(figure, _lost(table))
    return Drawn(figure, (
        f"{says} (medians). Above: the sharpness of the midpoint of the last two iterates against the step "
        "size; the dashed line is 2/η, nothing is fitted. Blue disks: square loss, from the small start and "
        "with warm-up; green triangles: logistic loss; both are medians over settled runs. Below: the ratio "
        "to 2/η, each seed as a faint dot; vermilion marks are those of a single iterate, disks and "
        f"triangles as above, and stand at the edge of the strip if they lie beyond it. {_runs(table)}"
    ))  # fmt: skip


def _runs(table: Table) -> str:
    """End of a caption: seeds, and how to repeat it."""
    return f"{np.unique(table['seed']).size if len(table) else 0} seeds. {REPEAT}"


def _of(table: Table, arms: tuple[str, ...]) -> Table:
    return table.rows(np.isin(table["arm"], arms))


def _draw_loss(upper: Axes, strip: Axes, rows: Table, words: str, look: Look, size: float) -> float:
    """Draw one loss; return the median of λ_max·η/2 over its settled runs."""
    keep = settled(rows, NEAR, STILL)
    if not keep.any():
        return float("nan")
    etas, values = by_step_size(rows, keep, "median_sharpness")
    marks = {**look.marks, "ms": size, "zorder": 5 - size / 100}
    upper.plot(etas, [median(each) for each in values.T], label=words, **marks)
    for column, color in (("last_edge_ratio", CONTRAST.color), ("median_edge_ratio", look.color)):
        etas, values = by_step_size(rows, keep, column)
        if color == look.color:
            seed_dots(strip, np.tile(etas, len(values)), clip(values.ravel(), MOST), color)
        strip.plot(
            etas, clip([median(each) for each in values.T], MOST), **{**marks, "color": color, "ms": 6.0}
        )
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
    largest = []
    for column, look, words in CROSSING:
        if column in table and np.isfinite(table[column].astype(float)).any():
            largest.append(float(np.nanmax(table[column].astype(float))))
            line = ribbon(left, table, "step_size", column, look.both, dots=True, width=SECONDARY)
            if line is not None:
                name_at_end(left, line, words)
    if largest:
        left.set_xscale("log")
        step_size_ticks(left, np.unique(table["step_size"]).tolist())
    theory_level(left, 1.0, "2/η", at=0.98)
    guide(left, HIGH, f"{HIGH:g} times 2/η")
    label(left, x="step size η", title=r"largest $\lambda_{\max}\,\eta/2$ of a crossing")
    shown = _one_crossing(right, result)
    says, reach = _overshoot(table, largest)
    finding(figure, says)
    return Drawn(figure, (
        f"{says}. Left: the largest value over the steps of the crossing, medians and quartiles over the "
        "runs from the small start; faint dots are seeds. Right: the first seed at the largest step size "
        f"that crosses{shown}, step by step. Dashed: 2/η; dotted: 1.1 times it, the limit of the rule. "
        "Vermilion squares and line: the iterate; blue disks and line: the midpoint of two iterates. "
        f"{reach}{_runs(result.table)}"
    ))  # fmt: skip


def _overshoot(table: Table, largest: list[float]) -> tuple[str, str]:
    """State the largest value of a single iterate at both ends of the step sizes, and those of all runs."""
    if len(largest) < len(CROSSING):
        return "0 runs crossed 2/η from a small start", ""
    rows = table.rows(np.isfinite(table["crossing_largest"].astype(float)))
    etas = np.unique(rows["step_size"])[[0, -1]]
    low, high = (median(rows.where(step_size=eta)["crossing_largest"]) for eta in etas)
    says = (
        f"At the crossing single iterates come to {low:.2f} times 2/η at η = {etas[0]:g}, and to {high:.2g} "
        f"times at η = {etas[1]:g} (medians)"
    )
    return says, "The largest values of all runs are {:.2g} (iterate) and {:.2g} (midpoint). ".format(
        *largest
    )


def _one_crossing(ax: Axes, result: Result) -> str:
    runs = result.drawn("crossing_last", arm="small_init")
    theory_level(ax, 1.0)
    guide(ax, HIGH)
    run = max(runs, key=lambda each: float(each["step_size"])) if runs else None
    words = f"η = {run['step_size']:g}" if run else "no run"
    label(ax, x="steps from the crossing", title=rf"$\lambda_{{\max}}\,\eta/2$ step by step, {words}")
    if run is None:
        return ""
    for name, look in (("crossing_last", CONTRAST), ("crossing_midpoint", MEASURED)):
        values = run.arrays[name][:STEPS]
        ax.plot(np.arange(values.size), values, lw=SECONDARY, **look.line)
    return f" ({words})"


def sharpening(result: Result) -> Drawn:
    """Sharpness of the first seed over time Σ η, from below and from above, with each threshold."""
    arms = [arm for arm in ("small_init", "warm_up") if arm in result.settings["arms"]] or ["as_printed"]
    figure, axes = canvas(1, len(arms), DOUBLE, sharey=True)
    shown: list[Run] = []
    for ax, arm in zip(axes[0], arms, strict=True):
        runs = {run["step_size"]: run for run in reversed(result.drawn("sharpness", arm=arm))}
        etas = evenly_ranked(sorted(runs), SHOWN) if runs else []
        shown += [runs[eta] for eta in etas]
        for eta in etas:
            _follow(ax, runs[eta], eta)
        ax.set_xscale("log")
        number_ticks(ax, "x")
        label(ax, x="training time Ση", title=ARM_TITLES.get(arm, arm))
    axes[0, 0].set_yscale("log")
    number_ticks(axes[0, 0])
    axes[0, 0].set_ylabel(r"sharpness $\lambda_{\max}$ of the midpoint")
    there = int(settled(Table.from_records(run.row for run in shown), NEAR, STILL).sum()) if shown else 0
    says = f"{there} of {len(shown)} runs come to their own threshold 2/η and stay there"
    finding(figure, says)
    return Drawn(figure, (
        f"{says}; the others are unfinished or lost. Sharpness of the midpoint over training time Ση, first "
        "seed; dotted lines are the thresholds, in the color of their step size. From the small start the "
        "sharpness rises along one curve, that of gradient flow, until it meets its threshold: progressive "
        f"sharpening. With warm-up it comes down. {REPEAT}"
    ))  # fmt: skip


def _follow(ax: Axes, run: Run, eta: float) -> None:
    time, sharpness = run.arrays["time"], run.arrays["sharpness"]
    keep, color = time > 0, eta_color(eta)
    ends = time[keep][[0, -1]] if keep.any() else np.array([1.0, 1.0])
    ax.plot(ends, [2.0 / eta] * 2, color=color, lw=GUIDE, linestyle=":", zorder=1)
    (line,) = ax.plot(time[keep], sharpness[keep], lw=SECONDARY, color=color)
    name_at_end(ax, line, f"η = {eta:g}")


def neurons(result: Result) -> Drawn:
    """How many neurons bend among the data, have their kink on an input, or are dead, against η."""
    table = _of(result.table, ("small_init", "warm_up"))
    finished = table.rows(table["outcome"] == "finished")
    arms = sorted(set(finished["arm"])) if len(finished) else ["small_init"]
    figure, axes = canvas(1, len(arms), DOUBLE, sharey=True)
    least = float("nan")
    for ax, arm in zip(axes[0], arms, strict=True):
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
        f"Every network is alive: at least {least:.0f} neurons bend among the data"
        if least > 0
        else "In some networks 0 neurons bend among the data"
    )
    finding(figure, says)
    return Drawn(figure, (
        f"{says}. Neurons of the midpoint at the end of training: those whose kink lies among the data "
        "(disks), those with a kink within 0.1 % of the range of an input, where the Hessian does not see it "
        "(squares), and those that are active on no input (triangles). Square loss; lines are medians, "
        f"ribbons reach from quartile to quartile. {_runs(result.table)}"
    ))  # fmt: skip
