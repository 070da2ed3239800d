"""A table on disk → a table in memory: compression, encoding, delimited text or Parquet."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from stepscape import files
from stepscape.errors import InputError, Unavailable
from stepscape.problems.user.columns import GUESSED, Array, RawTable
from stepscape.problems.user.delimited import parse_delimited

_SIGNATURES = (
    (b"PK\x03\x04", "a spreadsheet (.xlsx) or zip archive; save the sheet as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls); save the sheet as CSV"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89HDF", "an HDF5 file; export the two columns as CSV"),
    (b"CDF", "a NetCDF file; export the two columns as CSV"),
    (b"SQLite format 3", "an SQLite database; export the two columns as CSV"),
    (b"ARROW1", "an Arrow (Feather) file; save it as Parquet or CSV"),
    (b"\x93NUMPY", "a NumPy array; save it with numpy.savetxt"),
    (b"BZh", "a bzip2 file; unpack it first"),
    (b"\xfd7zXZ", "an xz file; unpack it first"),
    (b"(\xb5/\xfd", "a Zstandard file; unpack it first"),
    (b"\x7fELF", "a program"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself"),
)
_MARKUP = re.compile(r"\s*<(!doctype|html|head|body|table|svg|\?xml)\b|\s*<!--", re.IGNORECASE)
_JSON = re.compile(r'\s*(\{\s*"|\[\s*[\[{]|\{\s*\})')
_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Runs of the punctuation and the 3755 commonest characters of GB 2312, none beside a letter: where a byte is
# a character, such runs would be words without a letter of ASCII.
_CHINESE = re.compile(
    rb"(?:[\x00-\x7f]|(?<![A-Za-z])(?:[\xa1-\xa3\xb0-\xd7][\xa1-\xfe])++(?![A-Za-z\x80-\xff]))*+"
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")  # \x1a ends DOS files
_CONTROL_SHARE = 200  # text may hold a stray control character in so many; binary data hold one in ten


def read_table(path: str | os.PathLike[str]) -> RawTable:
    """Read a table: CSV and its kin, or Parquet, either of them gzipped; contents decide, not the suffix.

    Encodings: UTF-8, UTF-16 and UTF-32 with a byte order mark, UTF-16 without; else GB 18030 where all that
    is not ASCII are common Chinese characters, else Windows-1252 or Latin-1.
    For the rest see ``parse_delimited``. Cells stay text; ``problems.tables.select_columns`` makes numbers.

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
    data = _unpack(files.read_bytes(path), name)
    if not data:
        raise InputError(f"{name!r} is empty (0 bytes)")
    if data.startswith(b"PAR1"):
        return _read_parquet(data, name, source)
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise InputError(f"{name!r} is not a table of text: it looks like {what}")
    text, encoding = _decode(data, name)
    _refuse_other_text(text, name)
    return parse_delimited(text, source, encoding)


def _unpack(data: bytes, name: str) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        # A small file may unpack to any size, so not gzip.decompress.
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(files.MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"cannot unpack {name!r}: its gzip data are truncated or damaged ({error})"
        ) from error
    if len(unpacked) > files.MAX_BYTES:
        raise files.too_large(name)
    return unpacked


def _decode(data: bytes, name: str) -> tuple[str, str]:
    marked = next((encoding for bom, encoding in _BOMS if data.startswith(bom)), _utf16_without_mark(data))
    for encoding in [marked] if marked else ["utf-8", *GUESSED]:
        if encoding == "gb18030" and not _CHINESE.fullmatch(data):
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            if marked:
                byte = f"byte 0x{error.object[error.start]:02x} does not belong"
                raise InputError(f"{name!r} begins as {marked} text but is not: {byte}") from error
        else:
            break
    found = _CONTROL.findall(text)
    if "\0" in text or len(found) * _CONTROL_SHARE > len(text):
        first = _CONTROL.search(text)
        where = f"{first[0]!r} at character {first.start() + 1}" if first else ""
        raise InputError(f"{name!r} is not a table of text: it looks like binary data ({where})")
    return text, encoding


def _utf16_without_mark(data: bytes) -> str:
    head = data[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 4 and not even:
        return "utf-16-le"
    return "utf-16-be" if even > len(head) // 4 and not odd else ""


def _refuse_other_text(text: str, name: str) -> None:
    for pattern, what in ((_MARKUP, "HTML or XML"), (_JSON, "JSON")):
        if pattern.match(text):
            raise InputError(f"{name!r} is not a table of text: it looks like {what}; save it as CSV")
    if text.startswith("{\\rtf"):
        raise InputError(f"{name!r} is not a table of text: it looks like RTF; save it as plain text")


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
