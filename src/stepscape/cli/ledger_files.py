"""The files of a ledger's directory: the ledger, its report, its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stepscape import files
from stepscape.cli import artifacts
from stepscape.cli.provenance import colophon

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stepscape.experiments.common.ledger import Ledger

LEDGER = "ledger.json"


def read_ledger(directory: Path) -> Ledger:
    """Read the ledger of a directory."""
    from stepscape.experiments.common import ledger

    path = directory / LEDGER
    return ledger.read(files.read_bytes(path), repr(str(path)))


def write_report(directory: Path, ledger: Ledger, figures: Mapping[str, Mapping[str, Figure]]) -> None:
    """Write report.html and figures/; `figures` by experiment and name, none where records are gone."""
    from stepscape.report import draw, page_share, render
    from stepscape.report.captions import caption
    from stepscape.report.ledger import ledger_page

    share = page_share(sum(map(len, figures.values())))
    drawings = {
        name: [
            draw(figure, f"{name}-{key}", caption(name, key), largest=share) for key, figure in drawn.items()
        ]
        for name, drawn in figures.items()
    }
    flat = {f"{name}-{key}": figure for name, drawn in figures.items() for key, figure in drawn.items()}
    artifacts.write_figures(directory, flat, [drawing for some in drawings.values() for drawing in some])
    page = ledger_page(ledger, drawings, colophon(ledger.provenance))
    files.write_atomic(directory / "report.html", render(page))
