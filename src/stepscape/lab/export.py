"""The records of a store as one flat table in a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stepscape.errors import InputError, printable, unknown
from stepscape.tables.csv_text import csv_text
from stepscape.tables.parquet_bytes import arrow, parquet_bytes

Rows = Sequence[Mapping[str, Any]]


def names(rows: Rows) -> list[str]:
    """Name every column that some row has, in order of appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def select(rows: Rows, where: Mapping[str, str]) -> Rows:
    """Keep the rows whose cells, written as text, equal the given text; numbers are compared as numbers.

    Raises
    ------
    InputError
        There is no such column, or no row is left.
    """
    known = names(rows)
    for name, text in where.items():
        if name not in known:
            raise unknown("column", name, known)
        kept = [row for row in rows if _equals(row.get(name), text)]
        if not kept:
            raise InputError(f"no record has {name}={text}; there are {_some(row.get(name) for row in rows)}")
        rows = kept
    return rows


def to_csv(rows: Rows) -> bytes:
    """Write a table with full precision; what was not measured is an empty cell."""
    columns = names(rows)
    return csv_text(columns, ([row.get(name) for name in columns] for row in rows)).encode("utf-8")


def to_parquet(rows: Rows) -> bytes:
    """Write a table whose columns have types; what was not measured is null.

    Raises
    ------
    Unavailable
        pyarrow is not installed.
    """
    pa = arrow()
    columns = {name: pa.array(_of_one_type([row.get(name) for row in rows])) for name in names(rows)}
    return parquet_bytes(columns)


def _of_one_type(cells: list[Any]) -> list[Any]:
    """Numbers stay numbers where all are; a column of several types becomes text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int, float} and not (kinds == {int} and _too_large(cells)):
        return [None if cell is None else float(cell) for cell in cells] if float in kinds else cells
    if len(kinds) > 1 or int in kinds:
        return [None if cell is None else str(cell) for cell in cells]
    return cells


def _too_large(cells: Iterable[int | None]) -> bool:
    return any(cell is not None and not -(2**63) <= cell < 2**63 for cell in cells)


def _equals(cell: Any, text: str) -> bool:
    if cell is None or isinstance(cell, str):
        return (cell or "") == text
    if isinstance(cell, bool) and text.lower() in (("true", "yes") if cell else ("false", "no")):
        return True
    return bool(cell == _number(text))


def _number(text: str) -> int | float | None:
    """Read a number: a whole one exactly, however many digits it has."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return None


def _some(cells: Iterable[Any], most: int = 8) -> str:
    found = list(dict.fromkeys("nothing" if cell is None else printable(str(cell)[:60]) for cell in cells))
    return ", ".join(found[:most]) + (", …" if len(found) > most else "")
