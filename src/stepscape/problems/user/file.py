"""A table on disk → a table in memory: compression, encoding, delimited text or Parquet."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from stepscape import files
from stepscape.errors import InputError
from stepscape.problems.user.delimited import parse_delimited
from stepscape.problems.user.parquet import parse_parquet
from stepscape.problems.user.signatures import is_parquet, refuse_bytes, refuse_text
from stepscape.problems.user.table import RawTable
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
        return parse_parquet(data, name, source)
    refuse_bytes(head, name)
    text = decode(content)
    refuse_text("".join(islice(text.lines(), _TOP)), name)
    return parse_delimited(text)
