"""The files of a ledger's directory: the ledger, its index and pages, its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stepscape import files
from stepscape.cli.claim_figures import ClaimFigures, claim_figures
from stepscape.cli.figure_files import DESIGNED, Pictures, write_figures
from stepscape.cli.provenance import colophon
from stepscape.cli.publication import CLAIMS
from stepscape.cli.reference_ledger import full_sizes

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
    """Write report.html, a page for each claim, and figures/.

    `drawn` holds figures by claim and name, none where records are gone. Returns the names of the figures.
    """
    from stepscape.report import render, render_index
    from stepscape.report.claim import claim_page
    from stepscape.report.ledger import ledger_index

    origin, full = colophon(ledger.provenance), full_sizes(ledger)
    laid: dict[str, ClaimFigures] = {}
    (directory / CLAIMS).mkdir()
    for i, entry in enumerate(ledger.entries):
        tick(i / len(ledger.entries))
        name = entry.experiment.name
        here = laid[name] = claim_figures(drawn.get(name, {}), pictures, f"{name}-", "../")
        page = claim_page(entry, here.drawings, here.links, full.get(name), origin)
        files.write_atomic(directory / CLAIMS / f"{name}.html", render(page))
    figures = {f"{name}-{key}": each.figure for name, some in drawn.items() for key, each in some.items()}
    write_figures(directory, figures, [each for here in laid.values() for each in here.drawings], pictures)
    index = ledger_index(ledger, {name: here.thumbnail for name, here in laid.items()}, full, origin)
    files.write_atomic(directory / "report.html", render_index(index))
    return list(figures)
