"""Records, one per run, and tables of them: `nan` means that something was not measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, overload

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import mapping, text
from stepscape.errors import Unavailable, bad, shown, unknown

Outcome = Literal["finished", "diverged", "failed"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
_PLAIN = (int, float, str, type(None))  # what a column of several types may hold


@dataclass(frozen=True, eq=False)
class Record:
    """What one run leaves behind.

    Attributes
    ----------
    outcome : "finished" | "diverged" | "failed"
        A run that diverged is a result; one that failed could not be carried out.
    numbers : mapping of str to float, int, bool, str or None
        Scalars by column name, plain Python values; what was not measured is None.
    arrays : mapping of str to ndarray
        Curves for figures, by name; no objects.
    reason : str
        One sentence for a run that diverged or failed, otherwise empty.
    """

    outcome: Outcome
    numbers: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.outcome, str) or self.outcome not in OUTCOMES:
            raise unknown("outcome", self.outcome, OUTCOMES)
        arrays = {name: _array(name, values) for name, values in mapping("arrays", self.arrays).items()}
        text("reason", self.reason)
        object.__setattr__(self, "numbers", plain(mapping("numbers", self.numbers)))
        object.__setattr__(self, "arrays", arrays)


def _array(name: str, values: Any) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        raise bad(f"array {name!r}", "hold numbers or text", shown(values)) from None
    if array.dtype.hasobject:
        raise bad(f"array {name!r}", "hold numbers or text", "Python objects")
    return array


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by name, each a one-dimensional array of the same length; a sequence of rows as well.

    ``table["risk"]`` is a column, ``table[0]`` a row, ``table[:3]`` a table of the first rows; ``for row in
    table`` and ``list(table)`` give rows as dictionaries. ``np.asarray(table)`` is a structured array,
    `to_pandas` a data frame. Columns are read-only.

    Examples
    --------
    >>> table = Table.from_records([{"seed": 0, "risk": 0.5}, {"seed": 1}])
    >>> table["risk"]
    array([0.5, nan])
    >>> table[-1]
    {'seed': 1, 'risk': None}
    >>> table.where(seed=0).records()
    [{'seed': 0, 'risk': 0.5}]
    """

    columns: Mapping[str, NDArray[Any]]

    def __post_init__(self) -> None:
        columns = {
            text("the name of a column", name): _values(name, values)
            for name, values in mapping("columns", self.columns).items()
        }
        lengths = {name: values.size for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise bad("columns", "have the same length", lengths)
        object.__setattr__(self, "columns", columns)

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, Any]]) -> Table:
        """Build a table from one mapping per row; None and missing entries become nan."""
        if not isinstance(records, Iterable) or isinstance(records, str | bytes | Mapping):
            raise bad("records", "be a list with one mapping per row", shown(records))
        rows = [mapping("each row of records", row) for row in records]
        names = list(dict.fromkeys(name for row in rows for name in row))
        return cls({name: _column([row.get(name) for row in rows]) for name in names})

    @overload
    def __getitem__(self, which: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, which: slice) -> Table: ...
    @overload
    def __getitem__(self, which: int) -> dict[str, Any]: ...
    def __getitem__(self, which: str | slice | int) -> NDArray[Any] | Table | dict[str, Any]:
        if isinstance(which, str):
            if which not in self.columns:
                raise unknown("column", which, self.columns)
            return self.columns[which]
        if isinstance(which, slice):
            return self.rows(np.arange(len(self))[which])
        if isinstance(which, bool) or not isinstance(which, int | np.integer):
            then = "rows(…) takes a mask or numbers of rows"
            raise bad(
                "an index", "be the name of a column, the number of a row or a slice", shown(which), then
            )
        if not -len(self) <= which < len(self):
            raise bad("the number of a row", f"lie within the {len(self)} rows", shown(which))
        return {
            name: plain(values[which : which + 1 or None].tolist()[0])
            for name, values in self.columns.items()
        }

    def __contains__(self, name: object) -> bool:
        return name in self.columns if isinstance(name, str) else any(row == name for row in self)

    def __len__(self) -> int:
        return next((values.size for values in self.columns.values()), 0)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.records())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return a structured array (n,), one field per column."""
        fields = np.dtype([(name, values.dtype) for name, values in self.columns.items()])
        array = np.empty(len(self), fields)
        for name, values in self.columns.items():
            array[name] = values
        return array if dtype is None else array.astype(dtype, copy=bool(copy))

    def where(self, **wanted: object) -> Table:
        """Keep the rows whose columns equal the given values."""
        keep = np.ones(len(self), bool)
        for name, value in wanted.items():
            column = self[name]
            if getattr(value, "ndim", 0) or isinstance(value, list | tuple | Mapping):
                raise bad(name, "be one value", shown(value), "a row of a table has one in each column")
            keep &= np.asarray(column == value, bool)
        return self.rows(keep)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Table:
        """Keep the rows where a mask is true, or those with the given indices, in their order."""
        try:
            chosen = np.asarray(which)
        except (TypeError, ValueError, RuntimeError):
            raise bad("which", f"be a mask ({len(self)},) or numbers of rows", shown(which)) from None
        mask = chosen.dtype.kind == "b" and chosen.shape == (len(self),)
        if not mask and (chosen.dtype.kind not in "iu" or chosen.ndim != 1) and chosen.size:
            raise bad("which", f"be a mask ({len(self)},) or numbers of rows", shown(which))
        if not mask and chosen.size and not -len(self) <= chosen.min() <= chosen.max() < len(self):
            wrong = chosen.min() if chosen.min() < -len(self) else chosen.max()
            raise bad("the number of a row", f"lie within the {len(self)} rows", int(wrong))
        chosen = chosen if mask else chosen.astype(np.intp).ravel()
        return Table({name: values[chosen] for name, values in self.columns.items()})

    def records(self) -> list[dict[str, Any]]:
        """Rows as dictionaries of plain Python values, ready for JSON: nan and infinities become None."""
        names = list(self.columns)
        lists = [[plain(value) for value in self.columns[name].tolist()] for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame`` with these columns; what was not measured is nan.

        Raises
        ------
        Unavailable
            pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise Unavailable("to_pandas needs pandas: pip install pandas") from error
        return pd.DataFrame({name: values.copy() for name, values in self.columns.items()})

    def __repr__(self) -> str:
        return f"Table({len(self)} rows: {', '.join(self.columns)})"


# A sequence of rows to whoever asks: pandas and polars then read a table like a list of dictionaries.
Sequence.register(Table)


def _values(name: str, values: Any) -> NDArray[Any]:
    """Return a read-only copy (n,) of numbers or text."""
    try:
        column = (
            np.ma.filled(values.astype(float), np.nan) if isinstance(values, np.ma.MaskedArray) else values
        )
        column = np.array(np.asarray(column))
    except (TypeError, ValueError, RuntimeError):
        raise bad(f"column {name!r}", "hold numbers or text", shown(values)) from None
    if column.ndim != 1:
        raise bad(f"column {name!r}", "be one-dimensional", f"shape {column.shape}")
    if column.dtype.kind not in "biufUSM" and not all(isinstance(value, _PLAIN) for value in column.tolist()):
        raise bad(f"column {name!r}", "hold numbers or text", f"an array of dtype {column.dtype}")
    column.flags.writeable = False
    return column


def _column(values: list[Any]) -> NDArray[Any]:
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, str) for value in present):
        return np.array(["" if value is None else value for value in values])
    filled = [math.nan if value is None else value for value in values]
    try:
        return np.array(filled)
    except ValueError:  # a list beside numbers
        return np.array([str(value) for value in filled])


def plain(value: Any) -> Any:
    """Make a value ready for JSON: numpy to Python, nan and infinities to None, tuples to lists.

    >>> plain({"risk": float("nan"), "knots": (1, 2)})
    {'risk': None, 'knots': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        # A file name that is not UTF-8 comes with lone surrogates, which UTF-8 cannot write.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None  # numpy's float64 is a float, too
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufUO":
        return plain(value.tolist())
    raise bad("a value", "be a number, text, or a list or mapping of these", shown(value))
