"""Figures of the claim `bias`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.plane.bias import WITH, WITHOUT
from stepscape.experiments.plane.histograms import bars
from stepscape.experiments.plane.shattering_figures import counting, seeds_of
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD, Look, level_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REPEAT = "`stepscape run bias --full` repeats it."
COMPARED = (
    ("linear", THIRD, "least squares"),
    ("null", Look("constant", COLORS["gray"], "D"), "best constant"),
)
ARMS = {"with biases": (WITH, MEASURED), "without biases": (WITHOUT, CONTRAST)}


def rates(result: Result) -> Drawn:
    """Draw the rates against the dimension with and without biases, and against the shift without."""
    table = counting(result)
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    left, right = axes[0]
    dimensions = sorted(result.settings["dimensions"])
    for name, (where, look) in ARMS.items():
        _curve(left, table.where(**where) if len(table) else table, "dimension", look.both, name)
    for d in dimensions:
        rows = table.where(biases="none", dimension=d) if len(table) else table
        _curve(right, rows, "shift", marks(level_color(d, dimensions)), f"d = {d:g}")
    number_ticks(left, "x")
    left.set_xticks(dimensions, [f"{d:g}" for d in dimensions])
    guide(left, 0.5, "one half")
    guide(right, 0.5, "one half")
    label(left, "dimension d", title="centered data")
    label(right, "shift of the data", title="without biases")
    left.set_ylabel("path-weighted rate", fontsize=10)
    left.set_ylim(0.0, 0.62)
    sentence = _rates_sentence(result, table)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. The share of the examples on which a live neuron is active, weighted by |w2|·‖w1‖, at "
        f"η = {result.settings['step_size']:g}. Left: against the dimension d, with biases (blue disks) and "
        "without (vermilion squares). Right: without biases against the shift of the data from the origin, "
        "by dimension, in colors from dark to light. Dotted: one half. Medians with quartiles as a band, of "
        f"the runs that arrived with live neurons; {seeds_of(result)}. {REPEAT}",
    )


def _curve(ax: Axes, rows: Table, x: str, look: dict[str, object], name: str) -> None:
    if len(rows) and (line := ribbon(ax, rows, x, "live_path_rate", look, keep_dead=True)) is not None:
        name_at_end(ax, line, name)


def _rates_sentence(result: Result, table: Table) -> str:
    d = max(each for each in result.settings["dimensions"] if each <= 10)
    shift = max(result.settings["shifts"])
    wheres = (WITH, WITHOUT, {"biases": "none", "shift": shift})
    found = [
        median(rows["live_path_rate"]) if len(rows := table.where(dimension=d, **where)) else float("nan")
        for where in (wheres if len(table) else ())
    ]
    if not found or not np.isfinite(found).all():
        return "Too few runs arrived to compare the rates of their neurons"
    shares = [f"{100 * each:.0f} %" for each in found]
    return (
        f"For d = {d:g} neurons hold {shares[0]} of the examples with biases, {shares[1]} without, and "
        f"{shares[2]} without on data shifted by {shift:g}"
    )


def histogram(result: Result) -> Drawn:
    """Draw how many neurons are active on how many of the examples, for networks of one seed."""
    d, shift = _middle(result), max(result.settings["shifts"])
    shown = {
        "with biases": WITH,
        "without biases": WITHOUT,
        f"without, shifted by {shift:g}": {"biases": "none", "shift": shift},
    }
    figure, axes = canvas(1, 3, DOUBLE, sharex=True, sharey=True)
    for ax, (title, where) in zip(axes[0], shown.items(), strict=True):
        found = result.drawn("rates", dimension=d, **where)
        if found:
            bars(ax, found[0])
        else:
            note(ax, "no such run finished")
        label(ax, title=title)
    for ax in axes[0]:
        ax.set_xlabel("active on examples, %", fontsize=10)
    axes[0, 0].set_ylabel("neurons, %", fontsize=10)
    sentence = _histogram_sentence(result, d)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. How many neurons are active on how many of the examples, for networks of one seed and "
        f"d = {d:g}; the dotted line is the mean of the live ones, the share of the dead ones is written in "
        f"the panel. The tutorial's slide shows such histograms. {REPEAT}",
    )


def _middle(result: Result) -> int:
    return int(max(each for each in result.settings["dimensions"] if each <= 10))


def _histogram_sentence(result: Result, d: int) -> str:
    least = []
    for where in (WITH, WITHOUT):
        found = result.drawn("rates", dimension=d, **where)
        live = found[0].arrays["rates"] if found else np.zeros(1)
        least.append(100.0 * float(live[live > 0.0].min()) if live.any() else float("nan"))
    if not np.isfinite(least).all():
        return "A run whose neurons are drawn did not finish"
    return (
        f"In one data set the least active neuron holds {least[0]:.0f} % of the examples with biases and "
        f"{least[1]:.0f} % without"
    )


def errors(result: Result) -> Drawn:
    """Draw the population error against the dimension, with what it is compared with."""
    table = counting(result)
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    dimensions = sorted(result.settings["dimensions"])
    columns = {"end of training": "population_error", "best held-out moment": "population_error_held_out"}
    for ax, (title, column) in zip(axes[0], columns.items(), strict=True):
        for name, (where, look) in ARMS.items():
            rows = table.where(**where) if len(table) else table
            if len(rows):
                ribbon(ax, rows, "dimension", column, look.both, keep_dead=True, label=name)
        if len(table):
            rows = table.where(**WITH)
            ribbon(
                ax, rows, "dimension", "linear_population", THIRD.both, keep_dead=True, label="least squares"
            )
            gray = {"color": "#6E6E6E", "marker": "D", "ms": 6.0, "mec": "white", "mew": 0.8}
            ribbon(ax, rows, "dimension", "null_population", gray, keep_dead=True, label="best constant")
        number_ticks(ax)
        number_ticks(ax, "x")
        ax.set_xticks(dimensions, [f"{d:g}" for d in dimensions])
        label(ax, "dimension d", title=title)
    axes[0, 0].set_ylabel("population error", fontsize=10)
    shared_legend(figure, axes, columns=4)
    sentence = _errors_sentence(result, table)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. The squared distance to the truth on fresh inputs against the dimension d, with biases "
        "(blue disks) and without (vermilion squares), beside the least-squares fit (green triangles) and "
        "the best constant (gray diamonds). Left: at the end of training. Right: at the best held-out "
        f"moment. Medians with quartiles as a band; {seeds_of(result)}. {REPEAT}",
    )


def _errors_sentence(result: Result, table: Table) -> str:
    said = []
    for d in sorted(result.settings["dimensions"]):
        found = [
            median(rows["population_error"])
            for where in (WITH, WITHOUT)
            if len(table) and len(rows := table.where(dimension=d, **where))
        ]
        if len(found) == 2 and np.isfinite(found).all():
            said.append(f"{number(found[1], 2)} instead of {number(found[0], 2)} for d = {d:g}")
    if not said:
        return "Too few runs arrived to compare their errors"
    return f"Without biases the error is {', '.join(said)}"
