"""Figures of the claim `quadratic-teacher`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.sentences import counted
from stepscape.experiments.recovery.quadratic_teacher import EXACT, finished
from stepscape.figures.colors import CONTRAST, MEASURED, THIRD
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory_level
from stepscape.figures.style import DOUBLE, MAIN, NAMES, SECONDARY, SINGLE, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {"nuclear": (CONTRAST, MAIN), "flat": (MEASURED, SECONDARY), "frobenius": (THIRD, SECONDARY)}
NAMED = {"flat": "flattest", "nuclear": "least nuclear norm", "frobenius": "quadratic kernel"}
FLOOR = 1e-16  # test errors below are drawn there
TEACHERS = {"one_sign": "neurons of one sign", "both": "neurons of both signs"}
LEARNING = (
    "Share of runs whose test error, at fresh inputs and relative to the mean square of the teacher, is at "
    "most 1e-8, against the examples over the degrees of freedom of the teacher: the flattest network (blue "
    "disks), the quadratic function of least nuclear norm (vermilion squares), and that of the quadratic "
    "kernel, of least Frobenius norm (green triangles). Dashed: as many examples as degrees of freedom."
)
WEIGHTS = (
    "Every run as a point: test error of the flat network, at least 1e-16, against the distance of its "
    "neurons from the teacher's, relative to their norm and in the order and with the signs that fit best. "
    "Dotted: the error up to which the function counts as learned."
)


def learning(result: Result) -> Drawn:
    """Draw the share of exact students against the number of examples, teachers of one sign and of both."""
    table = finished(result)
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    for ax, (which, title) in zip(axes[0], TEACHERS.items(), strict=True):
        theory_level(ax, 1.0, vertical=True)
        rows = _of_signs(table, which == "both")
        if len(rows):
            _shares(ax, rows)
        else:
            note(ax, "no teacher")
        label(ax, x="examples over degrees of freedom", title=title)
    axes[0, 0].set_ylim(-0.05, 1.08)
    axes[0, 0].set_ylabel("share that learns exactly", fontsize=NAMES)
    shared_legend(figure, axes, columns=3)
    sentence = _learned(table)
    finding(figure, sentence)
    return Drawn(figure, f"{sentence} {LEARNING} {_seeds(table)}")


def _of_signs(table: Table, both: bool) -> Table:
    if not len(table):
        return table
    mixed = (table["positive"] > 0) & (table["negative"] > 0)
    return table.rows(mixed if both else ~mixed)


def _shares(ax: Axes, rows: Table) -> None:
    at = np.unique(rows["ratio"])
    for name, (look, width) in LOOKS.items():
        exact = rows[f"test_{name}"] <= EXACT
        shares = [float(exact[rows["ratio"] == ratio].mean()) for ratio in at]
        order = 5 if name == "flat" else 4
        ax.plot(at, shares, lw=width, label=NAMED[name], zorder=order, **look.both)


def _learned(table: Table) -> str:
    if not len(table):
        return "No network was tried."
    ratio = float(table["ratio"].max())
    rows = table.where(ratio=ratio)
    flat, kernel = (int(np.sum(rows[f"test_{name}"] <= EXACT)) for name in ("flat", "frobenius"))
    return (
        f"With {short(ratio)} examples per degree of freedom {flat} of {len(rows)} flat networks learn the "
        f"teacher exactly; of the kernel's functions {kernel or 'none'} {'does' if kernel < 2 else 'do'}."
    )


def weights(result: Result) -> Drawn:
    """Draw the test error against the distance of the weights, one point per run."""
    table = finished(result)
    figure, axes = canvas(1, 1, SINGLE)
    ax = axes[0, 0]
    number_ticks(ax)
    number_ticks(ax, "x")
    sentence = "No network was tried."
    if len(table):
        error = np.maximum(table["test_flat"], FLOOR)
        ax.plot(table["weights"], error, **{**MEASURED.marks, "ms": 3.0, "mew": 0.0, "alpha": 0.4})
        guide(ax, EXACT, "learned below", above=False)
        exact = table["test_flat"] <= EXACT
        near = int(np.sum(table["weights"][exact] <= 0.01))
        sentence = (
            f"Of {int(exact.sum())} networks that are the teacher as a function, {near or 'none'} "
            f"{'has' if near < 2 else 'have'} its weights."
        )
    label(ax, x="distance of the weights", y="test error")
    finding(figure, sentence)
    return Drawn(figure, f"{sentence} {WEIGHTS} {_seeds(table)}")


def _seeds(table: Table) -> str:
    return f"{counted(np.unique(table['seed']).size if len(table) else 0, 'seed')} per teacher."
