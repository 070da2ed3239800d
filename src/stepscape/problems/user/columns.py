"""A user's table (already read) → data, with what was dropped and why, and what was guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
    """Columns as numbers: the rows where all of them are finite, in the order of the table.

    Attributes
    ----------
    x, y
        Values, shape (n,); x of several features (n, d).
    x_name, y_name
        Their names in the table; of several features a list of some of them.
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
    features
        The names of several columns of inputs; empty for one.
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
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inputs:
    """Columns of inputs as numbers, to predict at: as ``Columns``, without labels."""

    x: Array = field(repr=False)
    x_name: str
    rows: int
    dropped: Mapping[str, int]
    lines: NDArray[np.int64] = field(repr=False)
    notes: tuple[str, ...] = ()


def select_columns(
    table: RawTable, x: str | Sequence[str], y: str, loss: str = "square", event: str | None = None
) -> Columns:
    """Take columns of a table as numbers, dropping and counting the rows that cannot be used.

    Parameters
    ----------
    table, x, y
        Where from; several columns of inputs as a sequence of names.
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
        loss, an unknown loss, an event that is neither of the two values, or categories among several columns
        of inputs.
    """
    if loss not in _LOSSES:
        raise unknown("loss", loss, _LOSSES)
    names = (x,) if isinstance(x, str) else tuple(x)
    _refuse_repeats(table, names, y)
    *inputs, last = read_columns(table, (*names, y))
    if len(inputs) > 1:
        refuse_categories(inputs)
    xs = {name: column.numbers for name, column in zip(names, inputs, strict=True)}
    ys, classes, readings = _labels(table, xs, last, loss, event)
    kept, dropped = usable_rows(table, {**xs, y: ys})
    if len(kept) < LEAST_ROWS:
        raise _too_few(
            table, names, y, bool(loss == "logistic" or classes), count(len(kept), table.rows, dropped)
        )
    values = _matrix(list(xs.values()), kept)
    _refuse_equal(values, names)
    said = [
        *notes.of_table(table, (*names, y), classes),
        *(note for column in inputs for note in column.notes),
    ]
    said += [] if classes else last.notes
    said += [note for name, one in xs.items() for note in notes.sentinel(name, one.values[kept])]
    said += [] if classes else notes.sentinel(y, ys.values[kept])
    said += notes.loss_of_rows(table.rows, dropped)
    return Columns(
        values,
        ys.values[kept],
        some(names),
        y,
        table.rows,
        dropped,
        np.asarray(table.lines, dtype=np.int64)[kept],
        classes,
        readings,
        "" if classes else _doubt(xs, last),
        decimal_of((*inputs, last)),
        tuple(said),
        names if len(names) > 1 else (),
    )


def select_inputs(table: RawTable, x: str | Sequence[str], decimal: str = "") -> Inputs:
    """Take columns of a table as the inputs to predict at; at least one row must be of finite numbers.

    Parameters
    ----------
    table, x
        Where from; several columns as a sequence of names.
    decimal
        The decimal mark of the data that were fitted, for cells that do not show their own.

    Raises
    ------
    InputError
        As ``select_columns``.
    """
    names = (x,) if isinstance(x, str) else tuple(x)
    columns = read_columns(table, names, decimal)
    xs = {name: column.numbers for name, column in zip(names, columns, strict=True)}
    kept, dropped = usable_rows(table, xs)
    if not len(kept):
        got = count(0, table.rows, dropped)
        raise InputError(
            f"{table.source!r} must have at least one row with a number in {_each(names)}, got {got}"
        )
    lines = np.asarray(table.lines, dtype=np.int64)[kept]
    said = (*notes.of_table(table, names, ()), *(note for column in columns for note in column.notes))
    return Inputs(_matrix(list(xs.values()), kept), some(names), table.rows, dropped, lines, said)


def some(names: Sequence[str], most: int = 3) -> str:
    """List names for a sentence, at most so many of them.

    >>> some(["age"]), some(["age", "dose"]), some(["a", "b", "c", "d", "e"])
    ('age', 'age and dose', 'a, b, c and 2 more')
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _refuse_repeats(table: RawTable, names: Sequence[str], y: str) -> None:
    """Refuse a column that is named twice."""
    places = [table.place(name) for name in names]
    if len(names) == 1 and places[0] == table.place(y):
        raise InputError(f"x and y must be two columns, got {clip(names[0])!r} for both")
    for at, place in enumerate(places):
        if place in places[:at]:
            raise InputError(f"x must name different columns, got {clip(names[at])!r} twice")
    if table.place(y) in places:
        raise InputError(f"x must not name the column of labels, got {clip(y)!r} among {len(names)} columns")


def refuse_categories(columns: Sequence[Column]) -> None:
    """Refuse a column of inputs with more than stray texts, and say how to write categories as numbers."""
    for column in columns:
        faults = column.numbers.faults
        places = np.flatnonzero(faults == numbers.TEXT).tolist()
        texts = Counter(text_of(column.cells[row]) for row in places)
        rows = len(places) + int(np.count_nonzero(faults == numbers.GOOD))
        if not (many(texts, rows) or len(places) == rows > 0):
            continue
        text = texts.most_common(1)[0][0]
        raise InputError(
            f"column {clip(column.name)!r} must hold numbers, got text such as {shown(text)} in "
            f"{len(places)} of {rows} rows; write categories as columns of 0 and 1, one for each of them, as "
            "scikit-learn's OneHotEncoder in a ColumnTransformer does"
        )


def _too_few(table: RawTable, names: Sequence[str], y: str, valued: bool, got: str) -> InputError:
    if len(names) > 1:
        what = f"numbers in all of {some([clip(name) for name in names])} and a value in {clip(y)!r}"
    elif valued:
        what = f"a number in {clip(names[0])!r} and a value in {clip(y)!r}"
    else:
        what = f"a number in both {clip(names[0])!r} and {clip(y)!r}"
    return InputError(f"{table.source!r} must have at least {LEAST_ROWS} rows with {what}, got {got}")


def _refuse_equal(values: Array, names: Sequence[str]) -> None:
    """Refuse inputs that are all equal."""
    if (values != values[0]).any():
        return
    if len(names) > 1:
        what = some([clip(name) for name in names])
        raise InputError(
            f"columns {what} must hold at least two distinct inputs, got the same in "
            f"all {len(values)} usable rows"
        )
    raise InputError(
        f"column {clip(names[0])!r} must hold at least two distinct inputs, "
        f"got {float(values[0])!r} in all {len(values)} usable rows"
    )


def _matrix(columns: Sequence[numbers.Numbers], kept: NDArray[np.intp]) -> Array:
    """Rows that are kept, (n,) of one column, (n, d) of several."""
    if len(columns) == 1:
        return columns[0].values[kept]
    return np.column_stack([column.values[kept] for column in columns])


def _each(names: Sequence[str]) -> str:
    return repr(clip(names[0])) if len(names) == 1 else f"each of {some([clip(name) for name in names])}"


def _labels(
    table: RawTable, inputs: Mapping[str, numbers.Numbers], y: Column, loss: str, event: str | None
) -> tuple[numbers.Numbers, tuple[str, ...], tuple[str, ...]]:
    """Read the labels of a loss; where they have two values, say what 0 and 1 stand for, with notes."""
    ys = y.numbers
    if event is not None and loss == "square":
        raise InputError(
            f"event must be left out with the square loss, which fits numbers, got {shown(event)}"
        )
    if loss == "square":
        return ys, (), ()
    usable = _good(inputs)
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
        why = reasons(usable_rows(table, {**inputs, y.name: outcome.codes})[1])
        raise InputError(f"column {clip(y.name)!r} must hold {must}, got {outcome.listed()}{then}{why}")
    if event is not None:
        raise InputError(
            f"event must be one of two values of {clip(y.name)!r}, which holds {outcome.listed()}"
        )
    return (ys if loss == "auto" else outcome.codes), (), ()


def _good(inputs: Mapping[str, numbers.Numbers]) -> NDArray[np.bool_]:
    """Mask of the rows in which every column holds a number."""
    return np.asarray(np.all([column.faults == numbers.GOOD for column in inputs.values()], axis=0))


def _doubt(inputs: Mapping[str, numbers.Numbers], y: Column) -> str:
    """Say that texts were dropped among numbers where they are more than stray ones."""
    faults = y.numbers.faults
    known = _good(inputs) & np.isin(faults, (numbers.GOOD, numbers.TEXT))
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
