"""A user's table (already read) → data, with what was dropped and why."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, bad, nearest, unknown
from stepscape.problems.user import cells as numbers
from stepscape.problems.user.outcomes import many, outcome_of, shown

LEAST_ROWS = 10
_EXAMPLES = {"motorcycle": ("mcycle.csv", "times", "accel")}
_LOSSES = ("auto", "square", "logistic")
GUESSED = ("gb18030", "cp1252", "latin-1")  # encodings that nothing in a file tells for certain
_LISTED = 20  # column names an error lists; a sentence stays a sentence for a table of thousands

Array = NDArray[np.float64]
Cells = Sequence[str] | Array


@dataclass(frozen=True)
class RawTable:
    """A table as it stands in its file: names, and cells that are still text (or numbers, from Parquet).

    Attributes
    ----------
    source
        Name of the file, for messages.
    names
        Column names in order; not necessarily distinct.
    columns
        One sequence of cells per name, all of one length.
    lines
        Line of the file each row ends on, from 1; for Parquet the row's number.
    ragged
        Line → number of cells, for the rows left out because that is not the header's number.
    encoding, delimiter, decimal
        How it was read: decimal is "." or ",", or "" where the cells do not tell.
    header
        Whether the first line named the columns; otherwise their names are "1", "2", ….
    """

    source: str
    names: tuple[str, ...]
    columns: tuple[Cells, ...] = field(repr=False)
    lines: Sequence[int] = field(repr=False)
    ragged: Mapping[int, int] = field(default_factory=dict, repr=False)
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = ""
    header: bool = True

    @property
    def rows(self) -> int:
        """Rows of the file below the header, ragged ones included."""
        return len(self.lines) + len(self.ragged)


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
    merged
        For an outcome, a sentence for each value that the cells write in several ways.
    doubt
        A sentence where so many texts among the numbers of y were dropped that they may be values; else "".
    """

    x: Array = field(repr=False)
    y: Array = field(repr=False)
    x_name: str
    y_name: str
    rows: int
    dropped: Mapping[str, int]
    lines: NDArray[np.int64] = field(repr=False)
    classes: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    doubt: str = ""


@dataclass(frozen=True)
class Inputs:
    """One column as numbers, to predict at: as ``Columns``, without labels."""

    x: Array = field(repr=False)
    x_name: str
    rows: int
    dropped: Mapping[str, int]
    lines: NDArray[np.int64] = field(repr=False)


class Grouped(NamedTuple):
    """Data with weights: inputs (m,) strictly increasing, labels (m,), weights (m,) summing to n."""

    x: Array
    y: Array
    weights: Array


def select_columns(table: RawTable, x: str, y: str, loss: str = "square") -> Columns:
    """Take two columns of a table as numbers, dropping and counting the rows that cannot be used.

    Parameters
    ----------
    table, x, y
        Where from.
    loss
        "square": y holds numbers. "logistic": y holds two different values of any type, which become 0 and 1.
        "auto": the one or the other, two values before numbers.

    Raises
    ------
    InputError
        No such column, a name that stands twice, twice the same column, a column whose decimal mark cannot be
        decided, fewer than ``LEAST_ROWS`` usable rows, inputs that are all equal, labels that are not of the
        loss, or an unknown loss.
    """
    if loss not in _LOSSES:
        raise unknown("loss", loss, _LOSSES)
    if x == y:
        raise InputError(f"x and y must be two columns, got {x!r} for both")
    xs = _column(table, x)
    ys, classes, merged = _labels(table, x, y, xs, loss)
    kept, dropped = _usable(table, {x: xs, y: ys})
    if len(kept) < LEAST_ROWS:
        valued = loss == "logistic" or classes
        what = f"a number in {x!r} and a value in {y!r}" if valued else f"a number in both {x!r} and {y!r}"
        need = f"at least {LEAST_ROWS} rows with {what}"
        raise InputError(f"{table.source!r} must have {need}, got {_count(len(kept), table.rows, dropped)}")
    inputs = xs.values[kept]
    if inputs.min() == inputs.max():
        raise InputError(
            f"column {x!r} must hold at least two distinct inputs, "
            f"got {float(inputs[0])!r} in all {len(kept)} usable rows"
        )
    lines = np.asarray(table.lines, dtype=np.int64)[kept]
    doubt = "" if classes else _doubt(table, y, xs, ys)
    return Columns(inputs, ys.values[kept], x, y, table.rows, dropped, lines, classes, merged, doubt)


def select_inputs(table: RawTable, x: str) -> Inputs:
    """Take one column of a table as the inputs to predict at; at least one must be a finite number.

    Raises
    ------
    InputError
        As ``select_columns``.
    """
    xs = _column(table, x)
    kept, dropped = _usable(table, {x: xs})
    if not len(kept):
        count = _count(0, table.rows, dropped)
        raise InputError(f"{table.source!r} must have at least one row with a number in {x!r}, got {count}")
    lines = np.asarray(table.lines, dtype=np.int64)[kept]
    return Inputs(xs.values[kept], x, table.rows, dropped, lines)


def merge_repeated(x: Array, y: Array, weights: Array | None = None) -> Grouped:
    """Merge repeated inputs: distinct inputs sorted, the mean label of each, and how many it stands for.

    Nothing is lost for square loss. With w_g the weight and ȳ_g the weighted mean label of input x_g,

        Σ_i w_i (f(x_i) − y_i)² = Σ_g w_g (f(x_g) − ȳ_g)² + Σ_i w_i (y_i − ȳ_{g(i)})²   for every f,

    because the cross term Σ_{i in g} w_i (ȳ_g − y_i) vanishes. The last sum is free of f, so gradients and
    Hessians in the parameters are those of the unmerged data. Labels that agree within an input, and inputs
    that stand alone, come back bit for bit; other means to a few eps times the largest |y| merged.

    Parameters
    ----------
    x, y
        Inputs and labels, shape (n,), finite.
    weights
        Positive weights, shape (n,); 1 when absent.
    """
    distinct, group = np.unique(x, return_inverse=True)
    w = np.ones(len(x)) if weights is None else weights
    totals, means = _group_means(group, y, w)
    return Grouped(distinct, means, totals)


def bin_inputs(x: Array, y: Array, bins: int, weights: Array | None = None) -> Grouped:
    """Average sorted data into at most ``bins`` bins of equal count: mean input, mean label, weight of each.

    Repeated inputs are merged first, and never split: input g, with W_g the weight before it, goes to bin
    ⌊bins · (W_g + w_g/2) / W⌋. Data with no more distinct inputs than bins are only merged, exactly.

    What is lost: write δ_i = x_i − x̄_b and ε_i = y_i − ȳ_b in bin b. For an f affine on every bin, slope s_b,

        Σ_i w_i (f(x_i) − y_i)² = Σ_b w_b (f(x̄_b) − ȳ_b)² + Σ_i w_i (s_b δ_i − ε_i)²,

    so binning omits the last sum: how the labels slope *within* a bin. The loss on bins is therefore exact up
    to a constant for functions constant on each bin, differs by O(s_b · bin width) otherwise, and cannot
    place a knot more finely than a bin.

    Parameters
    ----------
    x, y, weights
        As in ``merge_repeated``.
    bins
        At least 1.
    """
    if bins < 1:
        raise bad("bins", "be at least 1", bins)
    merged = merge_repeated(x, y, weights)
    if len(merged.x) <= bins:
        return merged
    end = np.cumsum(merged.weights)
    middle = end - merged.weights / 2
    bin_of = np.minimum((bins * (middle / end[-1])).astype(np.int64), bins - 1)
    _, bin_of = np.unique(bin_of, return_inverse=True)
    totals, inputs = _group_means(bin_of, merged.x, merged.weights)
    _, labels = _group_means(bin_of, merged.y, merged.weights)
    # Rounding must not carry a mean out of its bin: bins are disjoint, so means stay strictly increasing.
    first = np.flatnonzero(np.diff(bin_of, prepend=-1))
    last = np.append(first[1:], len(bin_of)) - 1
    return Grouped(np.clip(inputs, merged.x[first], merged.x[last]), labels, totals)


def load_example(name: str = "motorcycle") -> Columns:
    """Load a real table that comes with stepscape.

    "motorcycle": head acceleration (g) against time (ms) after a simulated impact, 133 rows, 94 distinct
    times, noise that changes with time. Source: Silverman (1985), J. R. Statist. Soc. B 47; R package MASS.
    """
    if name not in _EXAMPLES:
        raise unknown("example", name, _EXAMPLES)
    file, x, y = _EXAMPLES[name]
    text = (files("stepscape") / "data" / file).read_text(encoding="utf-8")
    names, *rows = csv.reader(text.splitlines())
    columns = tuple(zip(*rows, strict=True))
    return select_columns(RawTable(file, tuple(names), columns, range(2, len(rows) + 2), decimal="."), x, y)


def _column(table: RawTable, name: str) -> numbers.Numbers:
    places = [i for i, known in enumerate(table.names) if known == name]
    if not places:
        raise _unknown_column(table, name)
    if len(places) > 1:
        which = " and ".join(str(i + 1) for i in places)
        raise InputError(f"column {name!r} must have a name of its own, but columns {which} both bear it")
    cells = table.columns[places[0]]
    if isinstance(cells, np.ndarray):
        return numbers.from_array(cells)
    marks = numbers.find_marks(cells)
    mark = numbers.decimal_mark(marks, table.decimal, table.delimiter)
    if not mark:
        raise numbers.contradiction(marks, cells, name, table.lines)
    return numbers.parse(cells, mark)


def _labels(
    table: RawTable, x: str, y: str, xs: numbers.Numbers, loss: str
) -> tuple[numbers.Numbers, tuple[str, ...], tuple[str, ...]]:
    """Read the labels of a loss; where they have two values, say which 0 and 1 stand for, and how spelled."""
    ys = _column(table, y)
    if loss == "square":
        return ys, (), ()
    usable = xs.faults == numbers.GOOD
    least = None if loss == "logistic" else LEAST_ROWS
    outcome = outcome_of(table.columns[table.names.index(y)], ys, usable, least)
    if outcome.binary:
        return outcome.codes, outcome.names, outcome.merged
    numeric = outcome.numeric and np.count_nonzero(usable & (ys.faults == numbers.GOOD)) >= LEAST_ROWS
    differ = len(outcome.names) > 1
    if sum(outcome.counts) >= LEAST_ROWS and not (loss == "auto" and numeric and differ):
        must = "numbers or two values" if differ or not outcome.numeric else "different values"
        must = "two different values for the logistic loss" if loss == "logistic" else must
        then = "; numbers are for the square loss" if outcome.numeric and differ else ""
        for name in filter(numbers.is_missing, outcome.names):
            then = f"; where {shown(name)} stands for no value, leave the cell empty"
        why = _reasons(_usable(table, {x: xs, y: outcome.codes})[1])
        raise InputError(f"column {y!r} must hold {must}, got {outcome.listed()}{then}{why}")
    return (ys if loss == "auto" else outcome.codes), (), ()


def _doubt(table: RawTable, y: str, xs: numbers.Numbers, ys: numbers.Numbers) -> str:
    """Say that texts were dropped among numbers where they are more than stray ones."""
    known = (xs.faults == numbers.GOOD) & np.isin(ys.faults, (numbers.GOOD, numbers.TEXT))
    texts = Counter(
        _text(table, row, y) for row in np.flatnonzero(known & (ys.faults == numbers.TEXT)).tolist()
    )
    rows = int(np.count_nonzero(known))
    if not many(texts, rows):
        return ""
    text, times = texts.most_common(1)[0]
    often = f", {shown(text)} in {times} of them" if times > 1 else f", such as {shown(text)}"
    return (
        f"{texts.total()} of {rows} rows were dropped because {y!r} holds no number there{often}: if that is "
        "a possible outcome, the fit ignores it"
    )


def _unknown_column(table: RawTable, name: str) -> InputError:
    names = [known for known in table.names if known]
    if len(names) > _LISTED:
        near = nearest(name, names)
        names = [*filter(None, [near]), *[known for known in names if known != near][:_LISTED], "…"]
    where = f"of {table.source!r}"
    if not table.header:
        where = f"the first line of {table.source!r} is numbers, so columns go by position"
    elif table.encoding in GUESSED:
        where += f", read as {table.encoding} for it is not UTF-8; if that is wrong, save it as UTF-8"
    return InputError(f"{unknown('column', name, names)} ({where})")


def _usable(
    table: RawTable, chosen: Mapping[str, numbers.Numbers]
) -> tuple[NDArray[np.intp], dict[str, int]]:
    fault = np.zeros(len(table.lines), dtype=np.int8)
    blamed = np.zeros(len(table.lines), dtype=np.int8)
    for i, column in enumerate(chosen.values()):
        new = (fault == numbers.GOOD) & (column.faults != numbers.GOOD)
        fault[new], blamed[new] = column.faults[new], i
    kept = np.flatnonzero(fault == numbers.GOOD)
    names = list(chosen)
    dropped = _counted(table, {row: names[blamed[row]] for row in np.flatnonzero(fault).tolist()}, fault)
    if table.ragged:
        line, cells = next(iter(table.ragged.items()))
        reason = f"number of cells not {len(table.names)} (first: {cells} on line {line})"
        dropped[reason] = len(table.ragged)
    return kept, dropped


def _counted(table: RawTable, blamed: Mapping[int, str], fault: NDArray[np.int8]) -> dict[str, int]:
    """Count rows by the fault of a column: one reason per kind, and one for each text of a missing value."""
    reasons: dict[tuple[int, str], str] = {}
    counts = Counter[tuple[int, str]]()
    for row, column in blamed.items():
        kind = int(fault[row])
        key = kind, _text(table, row, column) if kind == numbers.MISSING else ""
        if key not in counts:
            reasons[key] = _REASONS[kind](table, row, column)
        counts[key] += 1
    return {reasons[key]: counts[key] for key in sorted(counts, key=lambda key: key[0])}


def _text(table: RawTable, row: int, column: str) -> str:
    """Return a cell as it is written; a Parquet cell without a number has no text."""
    cell = table.columns[table.names.index(column)][row]
    if isinstance(cell, str):
        return cell.strip()
    return "" if np.isnan(cell) else str(float(cell))


def _show(table: RawTable, row: int, column: str) -> str:
    text = _text(table, row, column)
    clipped = text if len(text) <= 40 else text[:37] + "…"
    return f"(first: {clipped!r} in column {column!r}, line {table.lines[row]})"


def _missing(table: RawTable, row: int, column: str) -> str:
    text = _text(table, row, column)
    return f"missing value {text!r}" if text else "missing value"


_REASONS: dict[int, Callable[[RawTable, int, str], str]] = {
    numbers.MISSING: _missing,
    numbers.INFINITE: lambda table, row, column: f"infinite {_show(table, row, column)}",
    numbers.TEXT: lambda table, row, column: f"not a number {_show(table, row, column)}",
}


def _count(kept: int, rows: int, dropped: Mapping[str, int]) -> str:
    return f"{kept} of {rows}" + _reasons(dropped)


def _reasons(dropped: Mapping[str, int]) -> str:
    why = ", ".join(f"{count} × {reason}" for reason, count in dropped.items())
    return f"; dropped: {why}" if why else ""


def _group_means(group: NDArray[np.intp], values: Array, weights: Array) -> tuple[Array, Array]:
    totals = np.bincount(group, weights=weights).astype(np.float64)
    # Deviations from one member of the group: exact where all agree, and no cancellation of a common offset.
    anchor = np.empty(len(totals))
    anchor[group[::-1]] = values[::-1]
    shift = np.bincount(group, weights=weights * (values - anchor[group]))
    return totals, anchor + shift / totals
