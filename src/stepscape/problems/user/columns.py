"""A user's table (already read) → data, with what was dropped and why, and what was guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, unknown
from stepscape.problems.user import cells as numbers
from stepscape.problems.user import notes
from stepscape.problems.user.dropped import count, reasons, text_of, usable_rows
from stepscape.problems.user.missing import is_missing
from stepscape.problems.user.outcomes import many, outcome_of, shown
from stepscape.problems.user.reading import Column, decimal_of, read_columns
from stepscape.problems.user.table import Array, RawTable, clip

LEAST_ROWS = 10
_LOSSES = ("auto", "square", "logistic")


@dataclass(frozen=True)
class Columns:
    """Two columns as numbers: the rows where both are finite, in the order of the table.

    Attributes
    ----------
    x, y
        Values, shape (n,).
    x_name, y_name
        Their names in the table.
    rows
        Rows of the table; ``rows == n + sum(dropped.values())``.
    dropped
        Reason → number of rows, each row counted once, with the first offending cell in the reason.
    lines
        Line of the file each kept row ends on, shape (n,).
    classes
        For an outcome of two values, what y = 0 and y = 1 stand for, as the table writes it; else empty.
    readings
        For an outcome, a sentence for each value that the cells write in several ways, and one where no rule
        tells which value is 1.
    doubt
        A sentence where so many texts among the numbers of y were dropped that they may be values; else "".
    decimal
        The decimal mark that the two columns show: "." or ","; else "".
    notes
        A sentence for each guess that matters to these columns.
    """

    x: Array = field(repr=False)
    y: Array = field(repr=False)
    x_name: str
    y_name: str
    rows: int
    dropped: Mapping[str, int]
    lines: NDArray[np.int64] = field(repr=False)
    classes: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    doubt: str = ""
    decimal: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inputs:
    """One column as numbers, to predict at: as ``Columns``, without labels."""

    x: Array = field(repr=False)
    x_name: str
    rows: int
    dropped: Mapping[str, int]
    lines: NDArray[np.int64] = field(repr=False)
    notes: tuple[str, ...] = ()


def select_columns(
    table: RawTable, x: str, y: str, loss: str = "square", event: str | None = None
) -> Columns:
    """Take two columns of a table as numbers, dropping and counting the rows that cannot be used.

    Parameters
    ----------
    table, x, y
        Where from.
    loss
        "square": y holds numbers. "logistic": y holds two different values of any type, which become 0 and 1.
        "auto": the one or the other, two values before numbers.
    event
        The value of y that stands for 1, as the table writes it; by default a rule decides, see `choose`.

    Raises
    ------
    InputError
        No such column, a name that stands twice, twice the same column, a column whose decimal mark cannot be
        decided, fewer than ``LEAST_ROWS`` usable rows, inputs that are all equal, labels that are not of the
        loss, an unknown loss, or an event that
        is neither of the two values.
    """
    if loss not in _LOSSES:
        raise unknown("loss", loss, _LOSSES)
    if table.place(x) == table.place(y):
        raise InputError(f"x and y must be two columns, got {clip(x)!r} for both")
    first, second = read_columns(table, (x, y))
    xs = first.numbers
    ys, classes, readings = _labels(table, first, second, loss, event)
    kept, dropped = usable_rows(table, {x: xs, y: ys})
    if len(kept) < LEAST_ROWS:
        valued = loss == "logistic" or classes
        names = clip(x), clip(y)
        what = "a number in {!r} and a value in {!r}" if valued else "a number in both {!r} and {!r}"
        need = f"at least {LEAST_ROWS} rows with {what.format(*names)}"
        raise InputError(f"{table.source!r} must have {need}, got {count(len(kept), table.rows, dropped)}")
    inputs = xs.values[kept]
    if inputs.min() == inputs.max():
        raise InputError(
            f"column {clip(x)!r} must hold at least two distinct inputs, "
            f"got {float(inputs[0])!r} in all {len(kept)} usable rows"
        )
    said = [*notes.of_table(table, (x, y), classes), *first.notes, *([] if classes else second.notes)]
    said += notes.sentinel(x, inputs)
    said += [] if classes else notes.sentinel(y, ys.values[kept])
    said += notes.loss_of_rows(table.rows, dropped)
    return Columns(
        inputs,
        ys.values[kept],
        x,
        y,
        table.rows,
        dropped,
        np.asarray(table.lines, dtype=np.int64)[kept],
        classes,
        readings,
        "" if classes else _doubt(first, second),
        decimal_of((first, second)),
        tuple(said),
    )


def select_inputs(table: RawTable, x: str, decimal: str = "") -> Inputs:
    """Take one column of a table as the inputs to predict at; at least one must be a finite number.

    Parameters
    ----------
    table, x
        Where from.
    decimal
        The decimal mark of the data that were fitted, for cells that do not show their own.

    Raises
    ------
    InputError
        As ``select_columns``.
    """
    (column,) = read_columns(table, (x,), decimal)
    kept, dropped = usable_rows(table, {x: column.numbers})
    if not len(kept):
        got = count(0, table.rows, dropped)
        raise InputError(
            f"{table.source!r} must have at least one row with a number in {clip(x)!r}, got {got}"
        )
    lines = np.asarray(table.lines, dtype=np.int64)[kept]
    said = (*notes.of_table(table, (x,), ()), *column.notes)
    return Inputs(column.numbers.values[kept], x, table.rows, dropped, lines, said)


def _labels(
    table: RawTable, x: Column, y: Column, loss: str, event: str | None
) -> tuple[numbers.Numbers, tuple[str, ...], tuple[str, ...]]:
    """Read the labels of a loss; where they have two values, say what 0 and 1 stand for, with notes."""
    xs, ys = x.numbers, y.numbers
    if event is not None and loss == "square":
        raise InputError(
            f"event must be left out with the square loss, which fits numbers, got {shown(event)}"
        )
    if loss == "square":
        return ys, (), ()
    usable = xs.faults == numbers.GOOD
    least = None if loss == "logistic" else LEAST_ROWS
    outcome = outcome_of(y.cells, ys, usable, least)
    if outcome.binary:
        if event is not None:
            outcome = outcome.with_event(event)
        return outcome.codes, outcome.names, outcome.readings
    numeric = outcome.numeric and np.count_nonzero(usable & (ys.faults == numbers.GOOD)) >= LEAST_ROWS
    differ = len(outcome.names) > 1
    if sum(outcome.counts) >= LEAST_ROWS and not (loss == "auto" and numeric and differ):
        must = "numbers or two values" if differ or not outcome.numeric else "different values"
        must = "two different values for the logistic loss" if loss == "logistic" else must
        then = "; numbers are for the square loss" if outcome.numeric and differ else ""
        for name in filter(is_missing, outcome.names):
            then = f"; where {shown(name)} stands for no value, leave the cell empty"
        why = reasons(usable_rows(table, {x.name: xs, y.name: outcome.codes})[1])
        raise InputError(f"column {clip(y.name)!r} must hold {must}, got {outcome.listed()}{then}{why}")
    if event is not None:
        raise InputError(
            f"event must be one of two values of {clip(y.name)!r}, which holds {outcome.listed()}"
        )
    return (ys if loss == "auto" else outcome.codes), (), ()


def _doubt(x: Column, y: Column) -> str:
    """Say that texts were dropped among numbers where they are more than stray ones."""
    faults = y.numbers.faults
    known = (x.numbers.faults == numbers.GOOD) & np.isin(faults, (numbers.GOOD, numbers.TEXT))
    places = np.flatnonzero(known & (faults == numbers.TEXT)).tolist()
    texts = Counter(text_of(y.cells[row]) for row in places)
    rows = int(np.count_nonzero(known))
    if not many(texts, rows):
        return ""
    text, times = texts.most_common(1)[0]
    often = f", {shown(text)} in {times} of them" if times > 1 else f", such as {shown(text)}"
    return (
        f"{texts.total()} of {rows} rows were dropped because {clip(y.name)!r} holds no number there{often}: "
        "if that is a possible outcome, the fit ignores it"
    )
