"""Files that are not a table of text, by their first bytes or words: whole signatures, not prefixes."""

from __future__ import annotations

import re

from stepscape.errors import InputError

_BINARY = tuple(
    (re.compile(pattern, re.DOTALL), what)
    for pattern, what in (
        (
            rb"PK(\x03\x04|\x05\x06|\x07\x08)",
            "a spreadsheet (.xlsx) or zip archive; save the sheet as CSV, or unpack it",
        ),
        (rb"\xd0\xcf\x11\xe0\xa1", "an old spreadsheet (.xls); save the sheet as CSV"),
        (rb"%PDF-\d\.\d\s*[\r\n]", "a PDF document"),
        (rb"\x89PNG\r\n", "a PNG image"),
        (rb"\xff\xd8\xff[\xc0-\xff]", "a JPEG image"),
        (rb"\x89HDF\r\n", "an HDF5 file; export the two columns as CSV"),
        (rb"CDF[\x01\x02\x05]", "a NetCDF file; export the two columns as CSV"),
        (rb"SQLite format 3\x00", "an SQLite database; export the two columns as CSV"),
        (rb"ARROW1\x00\x00|FEA1\x00", "an Arrow (Feather) file; save it as Parquet or CSV"),
        (rb"PARE.{0,64}[\x00-\x08\x0e-\x1f]", "an encrypted Parquet file; decrypt it first"),
        (rb"\x93NUMPY[\x01-\x03]", "a NumPy array; save it with numpy.savetxt"),
        (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "a bzip2 file; unpack it first"),
        (rb"\xfd7zXZ\x00", "an xz file; unpack it first"),
        (rb"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
        (rb"\(\xb5/\xfd", "a Zstandard file; unpack it first"),
        (rb"\x7fELF[\x01\x02]", "a program"),
        (rb"version https://git-lfs\.github\.com/spec/v\d\s*\n", "a Git LFS pointer; fetch the file itself"),
    )
)
_TEXT = (
    (
        re.compile(r"\s*<(!doctype|html|head|body|table|svg|\?xml)\b|\s*<!--", re.IGNORECASE),
        "HTML or XML; save it as CSV",
    ),
    (re.compile(r'\s*(\{\s*"|\[\s*[\[{]|\{\s*\})'), "JSON; save it as CSV"),
    (re.compile(r"\{\\rtf\d"), "RTF; save it as plain text"),
)


def is_parquet(data: bytes) -> bool:
    """Whether a file is Parquet, whole or cut: its first four letters may also be a column's name."""
    return data.startswith(b"PAR1") and (data.endswith(b"PAR1") or b"\0" in data[:4096])


def refuse_bytes(data: bytes, name: str) -> None:
    """Refuse a file that begins as one of a known kind.

    Raises
    ------
    InputError
        The sentence says of which.
    """
    for pattern, what in _BINARY:
        if pattern.match(data):
            raise InputError(f"{name!r} is not a table of text: it looks like {what}")


def refuse_text(top: str, name: str) -> None:
    """Refuse a text that is written in another language than that of tables.

    Raises
    ------
    InputError
        The sentence says in which.
    """
    for pattern, what in _TEXT:
        if pattern.match(top):
            raise InputError(f"{name!r} is not a table of text: it looks like {what}")
