"""A Parquet file → a table whose columns are read one by one, when something asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from stepscape.errors import InputError, Unavailable
from stepscape.problems.user.arrow import cells_of, is_readable
from stepscape.problems.user.delimited import MOST_ROWS
from stepscape.problems.user.header import clean_names
from stepscape.problems.user.table import Cells, LazyColumns, RawTable, clip

MOST_BYTES = 512 * 2**20  # of one column, unpacked
_BATCH_ROWS = 2**20
_BATCH_BYTES = 2**30


@dataclass(frozen=True)
class _File:
    """The bytes of a file, what its footer says about them, and names fit for a sentence."""

    data: bytes = field(repr=False)
    path: str
    source: str
    metadata: Any = field(repr=False)
    schema: Any = field(repr=False)
    names: tuple[str, ...] = field(repr=False)

    @property
    def rows(self) -> int:
        return int(self.metadata.num_rows)


def parse_parquet(data: bytes, path: str, source: str) -> RawTable:
    """Read the names of a Parquet file; ``RawTable.columns`` reads a column when it is asked for.

    Rows and bytes are counted before anything is read. Numbers of every kind become float64; texts, dates,
    times and truth values become text. What is wrong with a column matters only to those who ask for it.

    Parameters
    ----------
    data
        The whole file.
    path, source
        Path and name of the file, for messages.

    Raises
    ------
    InputError
        The file is damaged, holds no column or no row, or more than ``MOST_ROWS`` rows. A column that is
        asked for is damaged, unpacks to more than ``MOST_BYTES``, or holds no numbers, texts or times.
    Unavailable
        pyarrow is not installed.
    """
    file = _open(data, path, source)
    if not file.names or not file.rows:
        count = f"{len(file.names)} columns and {file.rows} rows"
        raise InputError(f"{source!r} must hold rows of data, got {count}")
    if file.rows > MOST_ROWS:
        raise InputError(
            f"{source!r} must have at most {MOST_ROWS} rows, got {file.rows}; keep a sample of them"
        )
    columns = LazyColumns(len(file.names), partial(_read, file))
    return RawTable(source, file.names, columns, range(1, file.rows + 1), encoding="parquet", delimiter="")


def _open(data: bytes, path: str, source: str) -> _File:
    try:
        from pyarrow import BufferReader, parquet
    except ImportError as error:
        raise Unavailable(
            f"{path!r} is Parquet, which needs pyarrow: pip install 'stepscape[export]'"
        ) from error
    with _refusal(f"{path!r} is a damaged Parquet file"):
        opened = parquet.ParquetFile(BufferReader(data))
        metadata, schema = opened.metadata, opened.schema_arrow
        names = tuple(clean_names(schema.names))
        groups = [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)]
        if metadata.num_rows != sum(groups) or min(groups, default=0) < 0:
            raise ValueError(f"it counts {metadata.num_rows} rows, its parts {sum(groups)}")
    return _File(data, path, source, metadata, schema, names)


def _read(file: _File, place: int) -> Cells:
    name, kind = clip(file.names[place]), file.schema.field(place).type
    if not is_readable(kind):
        raise InputError(
            f"column {name!r} must hold numbers, texts or times, got {clip(clean_names([str(kind)])[0])}"
        )
    raw = file.schema.names[place]
    with _refusal(f"column {name!r} of {file.source!r} cannot be read"):
        chunks = _chunks(file, raw)
    size = sum(chunk.total_uncompressed_size for chunk in chunks)
    if size > MOST_BYTES:
        most, got = MOST_BYTES // 2**20, size // 2**20
        raise InputError(f"column {name!r} must unpack to at most {most} MiB, got {got} MiB")
    with _refusal(f"column {name!r} of {file.source!r} cannot be read"):
        cells = cells_of(_batches(file, raw, chunks), kind, name, MOST_BYTES)
        if len(cells) != file.rows:
            raise ValueError(f"it has {len(cells)} rows, the table {file.rows}")
    return cells


def _chunks(file: _File, raw: str) -> list[Any]:
    """Return what the file says of a column in each of its groups of rows."""
    groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
    for place, group in enumerate(groups):
        # Where a column is encrypted or damaged, pyarrow ends the process if it is asked about it, but raises
        # if it is to read a row.
        if group.num_columns != file.metadata.num_columns:
            raise ValueError("a group of rows has another number of columns")
        next(_parts(file, raw, 1, groups=[place]), None)
    leaves = [
        leaf for leaf in range(file.metadata.num_columns) if file.metadata.schema.column(leaf).path == raw
    ]
    return [group.column(leaf) for group in groups for leaf in leaves]


def _batches(file: _File, raw: str, chunks: list[Any]) -> Iterator[Any]:
    """Read a column in parts.

    Texts come as a dictionary, so that a long one that repeats is held once. The exception are texts that
    share their beginning with the one before: each of them may be as long as all that is stored.
    """
    if not any("DELTA_BYTE_ARRAY" in chunk.encodings for chunk in chunks):
        return _parts(file, raw, _BATCH_ROWS, dictionaries=[raw])
    largest = max(int(chunk.total_uncompressed_size) for chunk in chunks)
    return _parts(file, raw, max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, largest))))


def _parts(
    file: _File, raw: str, rows: int, dictionaries: Sequence[str] = (), groups: Sequence[int] | None = None
) -> Iterator[Any]:
    from pyarrow import BufferReader, parquet

    opened = parquet.ParquetFile(
        BufferReader(file.data),
        metadata=file.metadata,
        read_dictionary=list(dictionaries),
        pre_buffer=False,
        coerce_int96_timestamp_unit="us",  # nanoseconds end in the year 2262
    )
    for batch in opened.iter_batches(rows, row_groups=groups, columns=[raw], use_threads=False):
        yield batch.column(batch.schema.names.index(raw))


@contextmanager
def _refusal(what: str) -> Iterator[None]:
    """Turn whatever goes wrong inside a library that reads a file of unknown origin into one sentence."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{what}: there is not enough memory for it") from error
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "").rstrip(".") or type(error).__name__
        raise InputError(f"{what}: {reason}") from error
