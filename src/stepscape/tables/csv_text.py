"""Rows → CSV that a spreadsheet reads as data: no text of a file becomes a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

_END = "\r\n"
# What spreadsheets take for the beginning of a formula, after blanks that some of them skip; apostrophes in
# front count, so that taking one away gives back the text.
_FORMULA = re.compile(r"'* *(?:[\t\r\n\v\f]|\s*[=+\-@＝＋－＠])")
_NUMBER = re.compile(r" *[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)? *", re.ASCII)  # or a sign alone


def csv_text(names: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ",") -> str:
    """Write rows as CSV with full precision; what was not measured is an empty cell.

    A text, a name of a column included, that a spreadsheet would run as a formula gets an apostrophe in
    front: one that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break, also after blanks or
    apostrophes. Numbers, and a sign alone, stay as they are.
    """
    text = io.StringIO()
    # Python quotes the line breaks of its own terminator only, and a bare "\r" ends a row as well.
    lines = SimpleNamespace(write=lambda line: text.write(f"{line.removesuffix(_END)}\n"))
    writer = csv.writer(lines, delimiter=delimiter, lineterminator=_END)
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(cell: Any) -> Any:
    if cell is None or isinstance(cell, (bool, int, float)):
        return cell
    written = str(cell).encode("utf-8", "backslashreplace").decode("utf-8")  # half a character has no UTF-8
    return f"'{written}" if _FORMULA.match(written) and not _NUMBER.fullmatch(written) else written
