"""Columns of a user's file, or a problem → the points on the page, in the units in which it trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, expect
from stepscape.explorer.page_data import Loss, Table, Unit, Units
from stepscape.figures.text import legal
from stepscape.problems.problem import Problem
from stepscape.problems.user.columns import Columns
from stepscape.problems.user.outcomes import shown
from stepscape.problems.user.scale import Affine, inputs_to_grid, to_grid
from stepscape.problems.user.units import Standardized, TwoClasses

Array = NDArray[np.float64]
MOST = 1000  # points: a frame of 2000 takes a browser three times as long, and nobody can tell them apart


def table_of_columns(columns: Columns, source: str, notes: Sequence[str] = ()) -> Table:
    """Standardize columns as a fit does, so that a step size means here what it means there."""
    ones = np.ones(len(columns.x))
    if columns.classes:
        inputs, labels = TwoClasses.of(columns.x, columns.y - 0.5, ones).inputs, None
        y = np.where(columns.y > 0.5, 1.0, -1.0)
    else:
        data = Standardized.of(columns.x, columns.y, ones)
        inputs, labels = data.inputs, data.labels
        y = to_grid(labels.standardize(columns.y))
    assert isinstance(inputs, Affine)
    x = inputs_to_grid(inputs.standardize(columns.x))
    units = Units(_unit(inputs), None if labels is None else _unit(labels))
    said = [*notes, _standardized(columns, inputs, labels)]
    return _table(source, x, y, columns.x_name, columns.y_name, columns.classes, units, said)


def table_of_problem(problem: Problem, x_name: str, y_name: str) -> Table:
    """Take the points of a problem as they are.

    Raises
    ------
    InputError
        The problem has several input variables, weights, or less than two distinct inputs.
    """
    expect("problem", problem, Problem)
    x = problem.line.inputs
    if problem.weights is not None:
        then = "the page counts every example once: repeat examples instead"
        raise bad("problem", "have no weights", "weights", then)
    if x[0] == x[-1]:
        raise bad("problem", "have two distinct inputs or more", f"{x[0]:g} alone")
    classes = ("-1", "1") if problem.loss == "logistic" else ()
    return _table(problem.name, x, problem.line.labels, x_name, y_name, classes, None, [])


def _table(
    source: str,
    x: Array,
    y: Array,
    x_name: str,
    y_name: str,
    classes: Sequence[str],
    units: Units | None,
    notes: Sequence[str],
) -> Table:
    loss: Loss = "logistic" if classes else "square"
    kept = thinned(x, y if classes else np.zeros_like(y), MOST)
    few = [] if kept.size == x.size else [_thinning(kept.size, x.size)]
    return Table(
        source=legal(source),
        x=x[kept].tolist(),
        y=y[kept].tolist(),
        x_name=legal(x_name),
        y_name=legal(y_name),
        loss=loss,
        labels=[legal(name) for name in classes] or None,
        units=units,
        notes=[legal(text) for text in (*notes, *few)],
    )


def thinned(x: Array, y: Array, most: int) -> NDArray[np.intp]:
    """Choose at most so many examples, evenly in the order of y and then x; in the order of the table.

    So every class keeps its share, none vanishes, and inputs stay as dense as they are.
    """
    if x.size <= most:
        return np.arange(x.size)
    places = np.linspace(0, x.size - 1, most).round().astype(np.intp)
    return np.sort(np.lexsort((x, y))[places])


def _thinning(kept: int, of: int) -> str:
    return (
        f"The page shows {kept} of the {of} rows, evenly in the order of the inputs, because a browser draws "
        "no more of them smoothly; stepscape fit uses all of them."
    )


def _unit(unit: Affine) -> Unit:
    return Unit(unit.mean, unit.deviation)


def _standardized(columns: Columns, inputs: Affine, labels: Affine | None) -> str:
    x = inputs.formula(columns.x_name)
    y = shown(columns.classes[1]) if labels is None else labels.formula(columns.y_name)
    what = f"{x} and the event {y}" if labels is None else f"{x} and {y}"
    return (
        f"The page trains on {what}, standardized as stepscape fit does: step sizes, sharpness and losses "
        "are in these units."
    )
