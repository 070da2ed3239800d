"""The files of a ledger's directory: the ledger, its report, its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stepscape import files
from stepscape.cli.figure_files import DESIGNED, Pictures, write_figures
from stepscape.cli.provenance import colophon

if TYPE_CHECKING:
    from stepscape.experiments.frame import Drawn
    from stepscape.experiments.frame.ledger import Ledger

LEDGER = "ledger.json"


def read_ledger(directory: Path) -> Ledger:
    """Read the ledger of a directory."""
    from stepscape.experiments.frame import ledger

    path = directory / LEDGER
    return ledger.read(files.read_bytes(path), repr(str(path)))


def write_report(
    directory: Path,
    ledger: Ledger,
    drawn: Mapping[str, Mapping[str, Drawn]],
    tick: Callable[[float], None] = lambda _: None,
    pictures: Pictures = DESIGNED,
) -> list[str]:
    """Write report.html and figures/; `drawn` by claim and name, none where records are gone.

    Returns the names of the figures.
    """
    from stepscape.report import draw, page_share, render
    from stepscape.report.ledger import ledger_page

    share = page_share(sum(map(len, drawn.values())))
    drawings = {}
    for i, (name, some) in enumerate(drawn.items()):
        tick(i / len(drawn))
        drawings[name] = [
            draw(each.figure, f"{name}-{key}", each.caption, largest=share) for key, each in some.items()
        ]
    figures = {f"{name}-{key}": each.figure for name, some in drawn.items() for key, each in some.items()}
    write_figures(directory, figures, [each for some in drawings.values() for each in some], pictures)
    page = ledger_page(ledger, drawings, colophon(ledger.provenance))
    files.write_atomic(directory / "report.html", render(page))
    return list(figures)
