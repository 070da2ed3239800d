"""What a command says: its result on stdout, progress and warnings on stderr."""

from __future__ import annotations

import json
import math
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stepscape.cli import streams
from stepscape.errors import printable

Progress = Callable[[float, str], None]
Document = dict[str, Any]
SCHEMA = 1
_WIDEST = 100
LONG = 20.0  # seconds from which a block says how long it will take
EARLY, PERIOD = 5.0, 60.0  # seconds until a block is asked how fast it is, and between two lines of a log


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
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


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


def tell(text: str) -> None:
    """Say on stderr what a reader of a log wants to know."""
    streams.say(f"stepscape: {text}")


@contextmanager
def progress(title: str, expected: float = math.nan, workers: int = 0) -> Iterator[Progress]:
    """Show on stderr how far the block is: a bar on a terminal, elsewhere one line per minute.

    expected : seconds that the block will take; said at the start if they are many. Where nobody knows, the
        first seconds of the block tell.
    workers : cores that it uses, by default all.
    """
    if expected >= LONG:
        tell(f"{title} takes {roughly(expected)} on {_cores(workers)}")
    if sys.stderr is not None and sys.stderr.isatty():
        with _bar(title) as show:
            yield show
        return
    log = _Log(title, said=not math.isnan(expected))
    thread = threading.Thread(target=log.write, daemon=True)
    thread.start()
    try:
        yield log.note
    finally:
        log.ended.set()
        thread.join()


class _Log:
    """The lines of a log: how far a block is, what it does, since when, and for how long still."""

    def __init__(self, title: str, said: bool) -> None:
        self.ended = threading.Event()
        self._title, self._said = title, said
        self._started = time.monotonic()
        self._first: float | None = None
        self._fraction, self._message = 0.0, ""

    def note(self, fraction: float, message: str) -> None:
        """Remember how far the block is."""
        if self._first is None:
            self._first = fraction
        self._fraction, self._message = fraction, message

    def write(self) -> None:
        """Write one line per period, until the block has ended."""
        if not self._said and not self.ended.wait(EARLY):
            total = self._elapsed + self._left
            if LONG <= total < math.inf:
                tell(f"{self._title} takes {roughly(total)} on {_cores()}")
        while not self.ended.wait(PERIOD):
            tell(self._line())

    def _line(self) -> str:
        from stepscape.report.words import duration

        done = f", {self._message}" if self._message else ""
        left = f", {roughly(self._left)} left" if math.isfinite(self._left) else ""
        return f"{self._title}: {self._fraction:.0%}{done}; {duration(self._elapsed)} so far{left}"

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    @property
    def _left(self) -> float:
        made = self._fraction - (self._first or 0.0)
        return self._elapsed * (1.0 - self._fraction) / made if made > 0.0 else math.inf


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    layout = (
        TextColumn("{task.description}", markup=False),
        BarColumn(24),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    shown = Progress(*layout, console=Console(stderr=True), transient=True)
    with shown:
        task = shown.add_task(printable(title), total=1.0)
        yield lambda fraction, message: shown.update(
            task, completed=fraction, description=printable(f"{title}: {message}" if message else title)
        )


def roughly(seconds: float) -> str:
    """Write a time that is only estimated.

    >>> roughly(23.0), roughly(70.0), roughly(580.0), roughly(9000.0)
    ('about 25 seconds', 'about 1 minute', 'about 10 minutes', 'about 2.5 hours')
    """
    from stepscape.report.words import counted

    if seconds < 57.5:
        return f"about {5 * max(1, round(seconds / 5))} seconds"
    minutes, hours = seconds / 60.0, seconds / 3600.0
    if round(minutes) < 60:
        return f"about {counted(round(minutes), 'minute')}"
    if hours < 48.0:
        return f"about {hours:.1f} hours".replace(".0 ", " ").replace(" 1 hours", " 1 hour")
    return f"about {counted(round(hours / 24.0), 'day')}"


def _cores(workers: int = 0) -> str:
    from stepscape.lab.pool import cores
    from stepscape.report.words import counted

    return counted(workers or cores(), "core")
