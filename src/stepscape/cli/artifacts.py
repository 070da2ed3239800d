"""The files of a results directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import console
from stepscape.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stepscape.report import Drawing


def write_result(directory: Path, document: Mapping[str, Any], html: str) -> None:
    """Write result.json and report.html."""
    files.write_atomic(directory / "result.json", console.to_json(document))
    files.write_atomic(directory / "report.html", html)


def write_figures(directory: Path, figures: Mapping[str, Figure], drawings: Sequence[Drawing]) -> None:
    """Write every figure into ``figures/``, as SVG (already drawn) and as PNG."""
    from stepscape.figures import style

    folder = directory / "figures"
    try:
        folder.mkdir()
    except OSError as error:
        raise OutputError(f"cannot write {str(folder)!r}: {error.strerror}") from error
    for drawing in drawings:
        files.write_atomic(folder / f"{drawing.name}.svg", drawing.svg)
        files.write_atomic(folder / f"{drawing.name}.png", style.png(figures[drawing.name]))
