"""Tables as files, and how they are read."""

from __future__ import annotations

from stepscape.problems.user.file import read_table
from stepscape.problems.user.table import RawTable

ROWS = "".join(f"{i},{i / 2}\n" for i in range(12))
GOOD = "x,y\n" + ROWS


def read(tmp_path, content, name="table.csv") -> RawTable:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)
