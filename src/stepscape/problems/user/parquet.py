"""A Parquet file → a table whose columns are read one by one, when something asks for them."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import numpy as np

from stepscape.errors import InputError, Unavailable
from stepscape.problems.user.header import clean_names
from stepscape.problems.user.table import Cells, LazyColumns, RawTable


def parse_parquet(data: bytes, name: str, source: str) -> RawTable:
    """Read the names of a Parquet file; ``RawTable.columns`` reads a column when it is asked for.

    Parameters
    ----------
    data
        The whole file.
    name, source
        Path and name of the file, for messages.

    Raises
    ------
    InputError
        The file is damaged, or holds no column or no row. Asking for a column raises it for that column.
    Unavailable
        pyarrow is not installed.
    """
    file = _open(data, name)
    rows, names = file.metadata.num_rows, file.schema_arrow.names
    if not names or not rows:
        raise InputError(f"{source!r} must hold rows of data, got {len(names)} columns and {rows} rows")
    columns = LazyColumns(len(names), partial(_read, file, name))
    lines = range(1, rows + 1)
    return RawTable(source, tuple(clean_names(names)), columns, lines, encoding="parquet", delimiter="")


def _open(data: bytes, name: str) -> Any:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise Unavailable(
            f"{name!r} is Parquet, which needs pyarrow: pip install 'stepscape[export]'"
        ) from error
    try:
        return parquet.ParquetFile(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise _damage(name, error) from error


def _read(file: Any, name: str, place: int) -> Cells:
    import pyarrow as pa

    try:
        column = file.schema_arrow.names[place]
        table = file.read(columns=[column])
        return _cells(pa, table.column(table.column_names.index(column)))
    except (pa.ArrowException, OSError) as error:
        raise _damage(name, error) from error


def _damage(name: str, error: Exception) -> InputError:
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return InputError(f"{name!r} is a damaged Parquet file: {reason}")


def _cells(pa: Any, column: Any) -> Cells:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        # safe=False: integers beyond 2⁵³ round to the nearest float64.
        floats = column.cast(pa.float64(), safe=False).to_numpy()
        return np.array(floats, dtype=np.float64)
    return tuple("" if cell is None else str(cell) for cell in column.to_pylist())
