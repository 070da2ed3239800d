"""Columns → Parquet; pyarrow is imported on use."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from stepscape.errors import Unavailable


def arrow() -> Any:
    """Return pyarrow.

    Raises
    ------
    Unavailable
        It is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise Unavailable("Parquet needs pyarrow: pip install 'stepscape[export]'") from error
    return pyarrow


def parquet_bytes(columns: Mapping[str, Any]) -> bytes:
    """Write arrays of pyarrow, by the names of their columns, as one table."""
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(arrow().table(dict(columns)), stream)
    return stream.getvalue()
