"""The command ``watch``: a file of rows → the picture of a run while it trains, and its report."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stepscape.cli import console
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.one_file import check_target, write_target
from stepscape.cli.surroundings import own_style
from stepscape.cli.watch_document import monitored_run, require_rows, watch_document
from stepscape.cli.watch_lines import watch_lines
from stepscape.errors import printable

if TYPE_CHECKING:
    from rich.live import Live

PERIOD = 0.5  # seconds between two looks at the file


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Attributes
    ----------
    file : the rows of a run.
    out : file of the report; None for none.
    once : draw what there is, and end.
    """

    file: str
    out: str | None
    force: bool
    once: bool


def watch(request: Request, as_json: bool, _unfinished: Unfinished) -> None:
    """Draw a run: while it trains, on a terminal; else once."""
    if request.out is not None:
        check_target(request.out, request.force)
    document = _document(request.file)
    if request.out is not None:
        require_rows(document)
        write_target(request.out, _page(document), request.force)
    if as_json or request.out is not None or request.once or not sys.stdout.isatty():
        said = [] if request.out is None else ["", f"Wrote {request.out}"]
        console.answer(document, [*_lines(document), *said], as_json)
        return
    _follow(request.file)


def _document(file: str) -> dict[str, Any]:
    from stepscape.monitor.run_file import read_run

    return watch_document(file, read_run(file))


def _lines(document: dict[str, Any]) -> list[str]:
    return watch_lines(document, shutil.get_terminal_size().columns, _shows_braille())


def _shows_braille() -> bool:
    try:
        "⣿┄│".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _follow(file: str) -> None:
    """Draw the run anew whenever its file or the terminal has changed, until Ctrl-C."""
    with _screen() as screen:
        seen: object = None
        while True:
            now = (_version(file), shutil.get_terminal_size())
            if now != seen:
                seen = now
                _show(
                    screen, [*_lines(_document(file)), "", "Ctrl-C ends the watch; the run is not touched."]
                )
            time.sleep(PERIOD)


def _version(file: str) -> object:
    try:
        found = os.stat(file)
    except OSError:  # it was removed: reading it words that
        return None
    return found.st_size, found.st_mtime_ns


@contextmanager
def _screen() -> Iterator[Live]:
    from rich.console import Console
    from rich.live import Live

    # The encoding of stdout decides what is drawn, and `streams` spells what it lacks.
    with Live(console=Console(), auto_refresh=False, vertical_overflow="crop") as live:
        yield live


def _show(screen: Live, lines: list[str]) -> None:
    from rich.text import Text

    text = Text("\n".join(map(printable, lines)), no_wrap=True, overflow="crop")
    screen.update(text, refresh=True)


def _page(document: dict[str, Any]) -> str:
    from stepscape import __version__
    from stepscape.figures.monitored import draw_monitored
    from stepscape.report import draw, render
    from stepscape.report.captions import caption
    from stepscape.report.monitored import monitored_page
    from stepscape.tables.records import plain

    with own_style():
        drawing = draw(draw_monitored(monitored_run(document)), "run", caption("watch", "run"))
    day = datetime.now(UTC).date().isoformat()
    origin = f"Made by stepscape {__version__} on {day} from {document['file']}."
    return render(monitored_page(plain(document), drawing, origin))
