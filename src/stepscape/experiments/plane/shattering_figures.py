"""Figures of the claim `shattering`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted as several
from stepscape.experiments.plane.histograms import bars
from stepscape.experiments.plane.pairs import counted
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import CONTRAST, MEASURED, MOMENT, THIRD, level_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, TALL, canvas, label, note
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {"matched": MEASURED, "torch": CONTRAST, "he": THIRD}
SHORT = {"matched": "below the edge", "torch": "default", "he": "He's"}
REPEAT = "`stepscape run shattering --full` repeats it."


def counting(result: Result) -> Table:
    """Return the runs that count."""
    return result.table.rows(counted(result.table))


def seeds_of(result: Result) -> str:
    """Say how many seeds were drawn."""
    return several(result.settings["seeds"], "seed")


def rates(result: Result) -> Drawn:
    """Path-weighted rate against the step size: without decay from every start, and with decay."""
    table = counting(result)
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    left, right = axes[0]
    for start, look in LOOKS.items():
        rows = table.where(start=start, weight_decay=0.0) if len(table) else table
        _curve(left, rows, "live_path_rate", look.both, SHORT[start])
    decays = result.settings["weight_decays"]
    for decay in decays:
        rows = table.where(start="matched", weight_decay=decay) if len(table) else table
        _curve(right, rows, "live_path_rate", _decay_marks(decay, decays), f"decay {decay:g}")
    for ax, title in ((left, "without decay, by start"), (right, "start below the edge")):
        step_size_ticks(ax, result.settings["step_sizes"])
        label(ax, "step size η", title=title)
    left.set_ylabel("path-weighted rate", fontsize=10)
    left.set_ylim(bottom=0.0)
    sentence = _rates_sentence(result, table)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. The share of the examples on which a live neuron is active, weighted by |w2|·‖w1‖, "
        "against the step size η. Left: without weight decay, from a start below the edge (blue disks), "
        "PyTorch's default (vermilion squares) and He's (green triangles). Right: from the start below the "
        "edge with each decay, in colors from dark to light. Medians with quartiles as a band, of the runs "
        f"that arrived with live neurons; {seeds_of(result)}. {REPEAT}",
    )


def _decay_marks(decay: float, decays: tuple[float, ...]) -> dict[str, object]:
    return marks(level_color(decay + 1e-3, [each + 1e-3 for each in decays]))


def _curve(ax: Axes, rows: Table, column: str, look: dict[str, object], name: str) -> None:
    if len(rows) and (line := ribbon(ax, rows, "step_size", column, look, keep_dead=True)) is not None:
        name_at_end(ax, line, name)


def _at(table: Table, column: str, **where: object) -> float:
    rows = table.where(**where) if len(table) else table
    return median(rows[column]) if len(rows) and column in rows else float("nan")


def _rates_sentence(result: Result, table: Table) -> str:
    etas = sorted(result.settings["step_sizes"])
    ends = [
        _at(table, "live_path_rate", start="matched", weight_decay=0.0, step_size=eta)
        for eta in (etas[0], etas[-1])
    ]
    decay = max(result.settings["weight_decays"])
    kept = _at(table, "live_path_rate", start="matched", weight_decay=decay, step_size=etas[-1])
    if not np.isfinite([*ends, kept]).all():
        return "Too few runs arrived to compare the rates of their neurons"
    return (
        f"At η = {etas[-1]:g} neurons hold {100 * ends[1]:.0f} % of the examples, at η = {etas[0]:g} "
        f"{100 * ends[0]:.0f} %, and with decay {decay:g} {100 * kept:.0f} %"
    )


def histogram(result: Result) -> Drawn:
    """Draw the slide's histogram: on which share of the examples the neurons of one run are active."""
    etas, decay = sorted(result.settings["step_sizes"]), max(result.settings["weight_decays"])
    shown = {
        f"η = {etas[0]:g}": {"start": "matched", "step_size": etas[0], "weight_decay": 0.0},
        f"η = {etas[-1]:g}": {"start": "matched", "step_size": etas[-1], "weight_decay": 0.0},
        f"η = {etas[-1]:g}, default start": {
            "start": "torch", "step_size": etas[-1], "weight_decay": 0.0,
        },
        f"η = {etas[-1]:g}, decay {decay:g}": {
            "start": "matched", "step_size": etas[-1], "weight_decay": decay,
        },
    }  # fmt: skip
    figure, axes = canvas(2, 2, TALL, sharex=True, sharey=True)
    for ax, (title, where) in zip(axes.flat, shown.items(), strict=True):
        found = result.drawn("rates", **where)
        if found:
            bars(ax, found[0])
        else:
            note(ax, "no such run finished")
        label(ax, title=title)
    for ax in axes[1]:
        ax.set_xlabel("examples on which a neuron is active, %", fontsize=10)
    for ax in axes[:, 0]:
        ax.set_ylabel("neurons, %", fontsize=10)
    sentence = _histogram_sentence(result, etas)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. How many neurons are active on how many of the examples, for networks of one seed; the "
        "dotted line is the mean of the live ones. Dead neurons are not drawn: their share is written in the "
        f"panel. The tutorial's slide shows such histograms. {REPEAT}",
    )


def _histogram_sentence(result: Result, etas: list[float]) -> str:
    means = []
    for eta in (etas[0], etas[-1]):
        found = result.drawn("rates", start="matched", step_size=eta, weight_decay=0.0)
        rates = found[0].arrays["rates"] if found else np.zeros(1)
        means.append(100.0 * float(rates[rates > 0.0].mean()) if rates.any() else float("nan"))
    if not np.isfinite(means).all():
        return "A run whose neurons are drawn did not finish"
    return (
        f"In one data set neurons hold {means[0]:.0f} % of the examples at η = {etas[0]:g} and "
        f"{means[1]:.0f} % at η = {etas[-1]:g}"
    )


def errors(result: Result) -> Drawn:
    """Draw the population error against the step size: by decay at the end, by moment without decay."""
    table = counting(result)
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    left, right = axes[0]
    decays = result.settings["weight_decays"]
    for decay in decays:
        rows = table.where(start="matched", weight_decay=decay) if len(table) else table
        _curve(left, rows, "population_error", _decay_marks(decay, decays), f"decay {decay:g}")
    rows = table.where(start="matched", weight_decay=0.0) if len(table) else table
    names = {"": "end", "_equal_time": "equal time", "_held_out": "best moment"}
    for suffix, name in names.items():
        _curve(right, rows, f"population_error{suffix}", MOMENT[suffix].both, name)
    for ax, title in ((left, "end of training, by decay"), (right, "without decay, by moment")):
        number_ticks(ax)
        step_size_ticks(ax, result.settings["step_sizes"])
        label(ax, "step size η", title=title)
        if len(table):
            guide(ax, median(table["null_population"]), "constant", above=False)
            guide(ax, median(table["linear_population"]), "least squares", above=False)
            guide(ax, median(table["realized_noise"]), r"mean of $\varepsilon^2$")
            levels = [median(table[name]) for name in ("realized_noise", "linear_population")]
            ax.set_ylim(top=1.6 * max(levels))
    left.set_ylabel("population error", fontsize=10)
    sentence = _errors_sentence(result, table)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. The squared distance to the truth on fresh inputs against the step size η, from the "
        "start below the edge. Left: at the end of training with each decay, in colors from dark to light. "
        "Right: without decay at the end (blue disks), at equal training time (vermilion squares) and at the "
        "best held-out moment (green triangles). Medians with quartiles as a band. Dotted: the best "
        f"constant, the least-squares fit, and the mean of ε². {seeds_of(result)}. {REPEAT}",
    )


def _errors_sentence(result: Result, table: Table) -> str:
    etas, decay = sorted(result.settings["step_sizes"]), max(result.settings["weight_decays"])
    found = [
        _at(table, "population_error", start="matched", weight_decay=each, step_size=etas[-1])
        for each in (0.0, decay)
    ]
    null = _at(table, "null_population", start="matched", weight_decay=0.0, step_size=etas[-1])
    if not np.isfinite([*found, null]).all():
        return "Too few runs arrived to compare their errors"
    return (
        f"At η = {short(etas[-1])} the error is {number(found[0], 2)} without decay, {number(found[1], 2)} "
        f"with decay {decay:g}, and {number(null, 2)} for a constant"
    )
