"""A table on disk → a table in memory: compression, encoding, delimited text or Parquet."""

from __future__ import annotations

import io
import os
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from stepscape import files
from stepscape.errors import InputError, Unavailable
from stepscape.problems.user.delimited import parse_delimited
from stepscape.problems.user.signatures import is_parquet, refuse_bytes, refuse_text
from stepscape.problems.user.table import Array, RawTable
from stepscape.problems.user.text import Content, decode

_TOP = 5  # first lines that tell markup from a table


def read_table(path: str | os.PathLike[str]) -> RawTable:
    """Read a table: CSV and its kin, or Parquet, either of them gzipped; contents decide, not the suffix.

    Cells stay text, and are read when they are asked for; ``columns.select_columns`` makes numbers of them.
    docs/reference/reading-tables.md states the rules.

    Raises
    ------
    InputError
        No readable table is there; the sentence names the file and says what it looks like.
    OutputError
        The system failed while reading.
    Unavailable
        A Parquet file, and pyarrow is not installed.
    """
    name = os.fspath(path)
    source = Path(name).name
    content = Content(files.read_bytes(path), name, source, files.MAX_BYTES)
    head = next(content.chunks(), b"")
    if not head:
        raise InputError(f"{name!r} is empty (0 bytes)")
    if head.startswith(b"PAR1") and is_parquet(data := b"".join(content.chunks())):
        return _read_parquet(data, name, source)
    refuse_bytes(head, name)
    text = decode(content)
    refuse_text("".join(islice(text.lines(), _TOP)), name)
    return parse_delimited(text)


def _read_parquet(data: bytes, name: str, source: str) -> RawTable:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise Unavailable(
            f"{name!r} is Parquet, which needs pyarrow: pip install 'stepscape[export]'"
        ) from error
    try:
        table = parquet.ParquetFile(io.BytesIO(data)).read()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise InputError(f"{name!r} is a damaged Parquet file: {reason}") from error
    if not table.num_columns or not table.num_rows:
        what = f"{table.num_columns} columns and {table.num_rows} rows"
        raise InputError(f"{source!r} must hold rows of data, got {what}")
    columns = tuple(_arrow_cells(pa, column) for column in table.columns)
    lines = range(1, table.num_rows + 1)
    return RawTable(source, tuple(table.column_names), columns, lines, encoding="parquet", delimiter="")


def _arrow_cells(pa: Any, column: Any) -> Array | tuple[str, ...]:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        # safe=False: integers beyond 2⁵³ round to the nearest float64.
        floats = column.cast(pa.float64(), safe=False).to_numpy()
        return np.array(floats, dtype=np.float64)
    return tuple("" if cell is None else str(cell) for cell in column.to_pylist())
