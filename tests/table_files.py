"""Tables as files, and how they are read."""

from __future__ import annotations

import gzip

from stepscape.problems.user.file import read_table
from stepscape.problems.user.table import RawTable

ROWS = "".join(f"{i},{i / 2}\n" for i in range(12))
GOOD = "x,y\n" + ROWS


def numbers(rows: int = 20) -> str:
    return "".join(f"{i},{i * i % 7}\n" for i in range(rows))


# Content of a table that is refused, and what the sentence says.
WRONG_TABLES = {
    "0 bytes": (b"", "'t.csv' is empty (0 bytes)"),
    "blank": (b" \n\n  \n", "blank"),
    "header only": (b"x,y\n", "t.csv"),
    "column of another case": (b"X,y\n" + numbers().encode(), "unknown column 'x'; did you mean 'X'?"),
    "missing column": (b"xx,y\n" + numbers().encode(), "unknown column 'x'; did you mean 'xx'?"),
    "duplicate names": (b"x,x,y\n" + b"1,2,3\n" * 20, "column 'x' must have a name of its own"),
    "one row": (b"x,y\n1,2\n", "got 1 of 1"),
    "nine rows": (b"x,y\n" + numbers(9).encode(), "got 9 of 9"),
    "all-equal x": (b"x,y\n" + b"3,1\n3,2\n" * 10, "at least two distinct inputs, got 3.0"),
    "infinities": (b"x,y\n" + b"inf,1\n2,-inf\n" * 10, "infinite (first: 'inf'"),
    "text in numbers": (b"x,y\n" + b"one,1\n" * 20, "not a number (first: 'one'"),
    "NaN labels": (b"x,y\n" + b"1,nan\n2,NaN\n" * 10, "10 × missing value 'nan', 10 × missing value 'NaN'"),
    "binary junk": (bytes(range(256)) * 4, "looks like binary data"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
    "damaged gzip": (gzip.compress(b"x,y\n" + numbers().encode(), mtime=0)[:-9], "truncated or damaged"),
    "HTML": (b"<!doctype html><html></html>", "HTML"),
}


def read(tmp_path, content, name="table.csv") -> RawTable:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)
