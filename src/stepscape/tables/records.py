"""Records, one per run, and tables of them: `nan` means that something was not measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, unknown

Outcome = Literal["finished", "diverged", "failed"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)


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
        if self.outcome not in OUTCOMES:
            raise unknown("outcome", self.outcome, OUTCOMES)
        arrays = {name: np.asarray(values) for name, values in self.arrays.items()}
        for name, values in arrays.items():
            if values.dtype.hasobject:
                raise bad(f"array {name!r}", "hold numbers or text", "Python objects")
        object.__setattr__(self, "numbers", plain(self.numbers))
        object.__setattr__(self, "arrays", arrays)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by name, each a one-dimensional array of the same length.

    Examples
    --------
    >>> table = Table.from_records([{"seed": 0, "risk": 0.5}, {"seed": 1}])
    >>> table["risk"]
    array([0.5, nan])
    >>> table.where(seed=0).records()
    [{'seed': 0, 'risk': 0.5}]
    """

    columns: Mapping[str, NDArray[Any]]

    def __post_init__(self) -> None:
        columns = {name: np.array(values) for name, values in self.columns.items()}
        for name, values in columns.items():
            if values.ndim != 1:
                raise bad(f"column {name!r}", "be one-dimensional", f"shape {values.shape}")
            values.flags.writeable = False
        lengths = {name: values.size for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise bad("columns", "have the same length", lengths)
        object.__setattr__(self, "columns", columns)

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, Any]]) -> Table:
        """Build a table from one mapping per row; None and missing entries become nan."""
        rows = list(records)
        names = list(dict.fromkeys(name for row in rows for name in row))
        return cls({name: _column([row.get(name) for row in rows]) for name in names})

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.columns:
            raise unknown("column", name, self.columns)
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return next((values.size for values in self.columns.values()), 0)

    def where(self, **wanted: object) -> Table:
        """Keep the rows whose columns equal the given values."""
        keep = np.ones(len(self), bool)
        for name, value in wanted.items():
            keep &= self[name] == value
        return self.rows(keep)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Table:
        """Keep the rows where a mask is true, or those with the given indices, in their order."""
        return Table({name: values[which] for name, values in self.columns.items()})

    def records(self) -> list[dict[str, Any]]:
        """Rows as dictionaries of plain Python values, ready for JSON: nan and infinities become None."""
        names = list(self.columns)
        lists = [[plain(value) for value in self.columns[name].tolist()] for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]

    def __repr__(self) -> str:
        return f"Table({len(self)} rows: {', '.join(self.columns)})"


def _column(values: list[Any]) -> NDArray[Any]:
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, str) for value in present):
        return np.array(["" if value is None else value for value in values])
    return np.array([math.nan if value is None else value for value in values])


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
    return plain(value.tolist())  # numpy arrays and scalars
