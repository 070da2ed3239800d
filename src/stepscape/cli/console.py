"""What a command says: its result on stdout, progress and warnings on stderr."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stepscape.cli import streams

Progress = Callable[[float, str], None]
Document = dict[str, Any]
SCHEMA = 1
_WIDEST = 100


def to_json(document: Mapping[str, Any]) -> str:
    """Write a document of the current schema as JSON text."""
    from stepscape.tables.records import plain

    whole = plain({"schema": SCHEMA, **document})
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def answer(document: Mapping[str, Any], lines: Iterable[str], as_json: bool) -> None:
    """Print the result: the document alone, or the lines for people."""
    if as_json:
        # Escapes, because a pipe may not be UTF-8.
        streams.write(json.dumps(json.loads(to_json(document)), indent=2))
        return
    for line in lines:
        streams.write(line)


def paragraph(text: str, indent: str = "") -> str:
    """Wrap a text to the width of the terminal."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def columns(rows: Iterable[tuple[str, ...]], indent: str = "  ") -> list[str]:
    """Align rows in columns; the last column is ragged."""
    table = list(rows)
    if not table:
        return []
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return [(indent + line).rstrip() for line in lines]


def warn(text: str) -> None:
    """Say something on stderr."""
    streams.say(f"stepscape: warning: {text}")


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """Show a progress bar on stderr while the block runs, if stderr is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _fraction, _message: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    layout = (TextColumn("{task.description}", markup=False), BarColumn(24), TimeElapsedColumn())
    shown = Progress(*layout, console=Console(stderr=True), transient=True)
    with shown:
        task = shown.add_task(title, total=1.0)
        yield lambda fraction, message: shown.update(
            task, completed=fraction, description=f"{title}: {message}" if message else title
        )
