"""Figures of the claim `curve-fitting`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import median
from stepscape.experiments.square import drawing
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.curve_fitting_film import film
from stepscape.figures.bands import eta_marks, quartiles, ribbon, usable
from stepscape.figures.colors import COLORS, MOMENT, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import THEORY, guide
from stepscape.figures.style import MAIN, NAMES, SECONDARY, SMALL, TALL, canvas, evenly_ranked, label, plain
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

FUNCTIONS, COLUMNS = 4, 5
GRAY = COLORS["gray"]


def story(result: Result) -> Drawn:
    """Four functions of one sample above the pieces and the risk of all seeds, in the headline arm."""
    from matplotlib.ticker import MaxNLocator

    shown = drawing.headline(result)
    first = shown.where(half_width=drawing.ranges(shown)[0])
    etas = evenly_ranked(STEP_SIZES.working(first.table).tolist() or [0.1], FUNCTIONS)
    figure, axes = canvas(2, 2 * len(etas), TALL, height_ratios=(1.0, 1.25))
    grid = axes[0, 0].get_gridspec()
    for ax in axes.flat:
        ax.remove()
    half = len(etas)
    _functions([figure.add_subplot(grid[0, 2 * i : 2 * i + 2]) for i in range(half)], first, etas)
    strips = [figure.add_subplot(grid[1, :half]), figure.add_subplot(grid[1, half:])]
    for ax, column in zip(strips, ("pieces", "risk"), strict=True):
        plain(ax)
        _strip(ax, shown, column, etas)
    strips[0].yaxis.set_major_locator(MaxNLocator(5, integer=True))
    _levels(strips[0], strips[1], first)
    found = _story(shown)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Above: functions learned from one sample of 30 noisy labels (circles), in colors that mean "
        "the step size; dashed: the truth. Below: linear pieces within 5 % of the deviation of the labels, "
        "and mean squared error to the truth at the inputs, on each range (disks: the first, squares: the "
        "second, as named); large marks are the step sizes above, dotted lines are levels to compare with. "
        f"{drawing.runs_of(result)}"
    ), film(result))  # fmt: skip


def _story(shown: Result) -> str:
    """State what the medians of the headline arm are on each range."""
    tables = {half_width: shown.where(half_width=half_width).table for half_width in drawing.ranges(shown)}
    compared = {half_width: table for half_width, table in tables.items() if drawing.compares(table)}
    if not compared:
        return f"{drawing.TOO_FEW} them."
    told = [_pieces_and_risk(half_width, table) for half_width, table in compared.items()]
    return f"With {drawing.headline_name(shown)} the curve loses pieces: {'; '.join(told)}."


def _pieces_and_risk(half_width: float, table: Table) -> str:
    etas = ARRIVED.working(table)
    pieces, risk = (
        [median(ARRIVED.values(table, column, [eta])) for eta in etas] for column in ("pieces", "risk")
    )
    best, where = short(etas[int(np.argmin(risk))]), drawing.range_name(half_width)
    return f"{short(pieces[0])} to {short(pieces[-1])} on {where}, least risk at η = {best}"


def _functions(row: list[Axes], first: Result, etas: list[float]) -> None:
    for ax, eta in zip(row, etas, strict=True):
        ax.axis("off")
        ax.set_title(f"η = {short(eta)}", loc="left", fontsize=NAMES, color=eta_color(eta), fontweight="bold")
        for run in first.drawn("solution", step_size=eta)[:1]:
            _sample(ax, run, names=ax is row[0])
            ax.plot(run.arrays["grid"], run.arrays["solution"], color=eta_color(eta), lw=MAIN, zorder=4)
            ax.set_title(f"{run['pieces']:.0f} pieces", loc="right", fontsize=SMALL)
        if not ax.lines:
            lost = first.where(step_size=eta, outcome="diverged").runs
            words = "diverged on\nthis sample" if lost else "no curve learned\nfrom this sample"
            ax.text(0.5, 0.5, words, transform=ax.transAxes, fontsize=SMALL, color=GRAY, ha="center")


def _sample(ax: Axes, run: Run, names: bool = False) -> None:
    arrays = run.arrays
    ax.plot(arrays["inputs"], arrays["labels"], "o", ms=4.0, mfc="none", mec=GRAY, mew=0.8, zorder=3)
    ax.plot(arrays["grid"], arrays["truth"], **THEORY, zorder=2)
    heights = np.concatenate([arrays["labels"], arrays["truth"]])
    room = np.ptp(heights)
    ax.set_ylim(heights.min() - 0.1 * room, heights.max() + 0.1 * room)
    if names:
        words = f"dashed: truth\ncircles: {arrays['inputs'].size} labels"
        ax.text(0.0, -0.02, words, transform=ax.transAxes, fontsize=SMALL, color=GRAY, va="top")


def _strip(ax: Axes, shown: Result, column: str, large: list[float]) -> None:
    """Draw a column over the step sizes on every range, each median in the color of its step size."""
    for half_width, marker in zip(drawing.ranges(shown), "osDv", strict=False):
        rows = shown.where(half_width=half_width).table
        if column not in rows:
            continue
        line = ribbon(ax, rows, "step_size", column, {"color": GRAY}, width=SECONDARY)
        if line is None:
            continue
        places, (_, middle, _) = quartiles(*usable(rows, "step_size", column))
        eta_marks(ax, places, middle, large if marker == "o" else (), marker)
        name_at_end(ax, line, f" {drawing.range_name(half_width)}")
    drawing.step_sizes(ax, shown)
    ax.set_ylim(bottom=0.0)
    label(ax, "step size η", {"pieces": "linear pieces", "risk": "error to the truth"}[column])


def _levels(pieces: Axes, risk: Axes, first: Result) -> None:
    table, noise = first.table, first.settings["noise"]
    if "pieces_truth" in table and np.isfinite(truth := median(table["pieces_truth"])):
        guide(pieces, truth, f"truth: {truth:.0f} pieces")
    if noise > 0.0:
        guide(risk, noise**2, "σ²: a curve through every label", above=False)
        risk.set_ylim(top=max(risk.get_ylim()[1], 1.05 * noise**2))


def fits(result: Result, labels: str) -> Drawn:
    """One row per arm and range with results, one column per step size: data, truth, the learned curve."""
    shown = evenly_ranked(sorted(result.settings["step_sizes"]), COLUMNS)
    cells = list(drawing.cells_with_results(result)) or [("", 0.0, result.where(arm=""))]
    figure, axes = canvas(len(cells), len(shown), (7.2, 1.25 * len(cells) + 0.9))
    for row, (arm, half_width, cell) in zip(axes, cells, strict=True):
        for ax, eta in zip(row, shown, strict=True):
            ax.axis("off")
            for run in cell.drawn("solution", step_size=eta):
                _sample(ax, run)
                ax.plot(run.arrays["grid"], run.arrays["solution"], color=eta_color(eta), lw=MAIN, zorder=4)
        if arm:
            name = f"{drawing.arm_name(arm)}\n{drawing.range_name(half_width)}"
            row[0].text(-0.05, 0.5, name, transform=row[0].transAxes, fontsize=SMALL, ha="right", va="center")
    for ax, eta in zip(axes[0], shown, strict=True):
        ax.set_title(f"η = {short(eta)}", fontsize=NAMES, color=eta_color(eta), fontweight="bold")
    drawing.say_fates(figure, result)
    found = _missed(cells, shown) if labels == "clean" else _pieces_of_one(cells, shown, labels)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Circles: labels; dashed: the truth; lines: the midpoint network of the last two iterates, "
        "in colors that mean the step size; a level line is a network whose neurons have all died. "
        f"{drawing.absent(result)} {drawing.one_sample(result)}"
    ))  # fmt: skip


def _pieces_of_one(cells: list[Any], etas: list[float], labels: str) -> str:
    """State the pieces that the drawn curves have at the smallest and at the largest step size."""
    found = [
        sorted(float(run["pieces"]) for run in _alive(cells, eta)) for eta in (etas[0], etas[-1])
    ]  # fmt: skip
    if not all(found):
        return "Descent learned a curve at the two ends of the step sizes in 0 of the arms."
    words = [
        f"{pieces[0]:.0f} to {pieces[-1]:.0f} {'linear ' if i == 0 else ''}pieces at η = {short(eta)}"
        for i, (pieces, eta) in enumerate(zip(found, (etas[0], etas[-1]), strict=True))
    ]
    return f"From {labels} labels, the curves of one sample have {words[0]}, and {words[1]}."


def _missed(cells: list[Any], etas: list[float]) -> str:
    """State how far the drawn curves miss clean labels at the smallest and at the largest step size."""
    found = [
        [
            float(np.abs(np.interp(run.arrays["inputs"], run.arrays["grid"], run.arrays["solution"])
                         - run.arrays["labels"]).max())
            for run in _alive(cells, eta)
        ]
        for eta in (etas[0], etas[-1])
    ]  # fmt: skip
    if not all(found):
        return "Descent learned a curve at the two ends of the step sizes in 0 of the arms."
    return (
        f"From clean labels, the curves of one sample miss a label by at most {number(max(found[0]), 2)} at "
        f"η = {short(etas[0])}, and by {number(min(found[1]), 2)} or more at η = {short(etas[-1])}."
    )


def _alive(cells: list[Any], eta: float) -> list[Run]:
    return [
        run for _, _, cell in cells for run in cell.drawn("solution", step_size=eta)
        if run["bent_neurons"] > 0
    ]  # fmt: skip


def summary(result: Result) -> Drawn:
    """Risk and pieces against the step size in every arm and range, at three moments."""
    places, arms = drawing.ranges(result) or [0.0], result.settings["arms"]
    figure, axes = canvas(
        2 * len(places), len(arms), (7.2, 3.4 * len(places) + 0.6), sharex=True, sharey="row"
    )
    for i, half_width in enumerate(places):
        for j, arm in enumerate(arms):
            rows = result.where(arm=arm, half_width=half_width).table
            for ax, quantity in zip(axes[2 * i : 2 * i + 2, j], ("risk", "pieces"), strict=True):
                moments(ax, rows, quantity)
            label(axes[2 * i, j], title=f"{drawing.arm_name(arm)}, {drawing.range_name(half_width)}")
            drawing.say_lost(axes[2 * i, j], rows)
    for ax in axes[-1]:
        drawing.step_sizes(ax, result)
        ax.set_xlabel("step size η", fontsize=NAMES)
    drawing.leave_out_empty(axes, ["risk", "linear pieces"] * len(places))
    name_moments(figure, axes)
    found = _moments_compared(result)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Mean squared error to the truth at the inputs, and linear pieces, at the end of training "
        "(disks, blue), at equal time Σ η (squares, vermilion) and at the best held-out moment (triangles, "
        f"green). {drawing.LEFT_OUT} {drawing.absent(result)} {drawing.runs_of(result)}"
    ))  # fmt: skip


def moments(ax: Axes, rows: Any, quantity: str) -> None:
    """Draw a quantity at three moments against the step size, where runs learn a curve."""
    if not drawing.works(rows):
        return
    kept = drawing.working(rows)
    for suffix, look in MOMENT.items():
        if quantity + suffix in kept:
            ribbon(ax, kept, "step_size", quantity + suffix, look.both, width=SECONDARY)


def name_moments(figure: Figure, axes: NDArray[Any]) -> None:
    """Name the three moments once, below all panels."""
    filled = [ax for ax in axes.flat if len(ax.lines) >= len(MOMENT)]
    for look, line in zip(MOMENT.values(), filled[0].lines if filled else (), strict=False):
        line.set_label(look.words)
    if filled:
        shared_legend(figure, axes, columns=len(MOMENT))


def _moments_compared(result: Result) -> str:
    """Compare the smallest step size at the end and at its best moment, over the headline arm."""
    shown = drawing.headline(result)
    table = shown.where(half_width=drawing.ranges(result)[0]).table if shown.runs else shown.table
    if not drawing.compares(table):
        return f"{drawing.TOO_FEW} them."
    smallest = ARRIVED.working(table)[:1]
    end, early = (median(ARRIVED.values(table, f"risk{at}", smallest)) for at in ("", "_held_out"))
    return (
        f"At η = {short(smallest[0])} the risk is {number(end, 2)} at the end of training and "
        f"{number(early, 2)} at the best held-out moment, with {drawing.headline_name(result)} on "
        f"{drawing.range_name(drawing.ranges(result)[0])}."
    )
