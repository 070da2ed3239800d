"""The files of figures: in which formats they are written, and how large."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import values
from stepscape.errors import OutputError, bad

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stepscape.report import Drawing


@dataclass(frozen=True)
class Pictures:
    """Formats of the files in figures/, and their size in inches (None: as designed)."""

    formats: tuple[str, ...] = ("svg", "png")
    size: tuple[float, float] | None = None

    @classmethod
    def parse(cls, formats: Sequence[str] | None, size: str | None) -> Pictures:
        """Read the words of a command line, as in ``--format pdf --size 6x3``."""
        from stepscape.figures.output import FORMATS

        chosen = tuple(values.choice("format", word.lower(), FORMATS) for word in formats or cls.formats)
        return cls(tuple(dict.fromkeys(chosen)), None if size is None else _size(size))

    @property
    def key(self) -> dict[str, Any]:
        """What the files depend on."""
        return {"formats": list(self.formats), "size": None if self.size is None else list(self.size)}

    def names(self, figures: Sequence[str]) -> list[str]:
        """Name the files of figures, in the directory of the results."""
        return [f"figures/{name}.{kind}" for name in figures for kind in self.formats]


DESIGNED = Pictures()


def _size(text: str) -> tuple[float, float]:
    from stepscape.figures.output import SIDES

    must = "be width x height in inches, each from 1 to 60, as in 6x3"
    found = re.fullmatch(r"\s*([\d.]+)\s*[x×,]\s*([\d.]+)\s*", text)
    if not found or not all(re.fullmatch(r"\d+\.?\d*|\.\d+", side) for side in found.groups()):
        raise bad("size", must, repr(text))
    wide, high = float(found[1]), float(found[2])
    if not all(SIDES[0] <= side <= SIDES[1] for side in (wide, high)):
        raise bad("size", must, repr(text))
    return wide, high


def write_figures(
    directory: Path, figures: Mapping[str, Figure], drawings: Sequence[Drawing], pictures: Pictures
) -> None:
    """Write every figure into ``figures/``; what a page has drawn already is not drawn again.

    Figures that are written have that size afterwards: draw the report first.
    """
    from stepscape.figures import output

    folder = directory / "figures"
    try:
        folder.mkdir()
    except OSError as error:
        raise OutputError(f"cannot write {str(folder)!r}: {error.strerror}") from error
    known = {drawing.name: drawing.svg for drawing in drawings if pictures.size is None}
    for name, figure in figures.items():
        if pictures.size is not None:
            output.resize(figure, pictures.size)
        for kind in pictures.formats:
            drawn = known.get(name) if kind == "svg" else None
            files.write_atomic(folder / f"{name}.{kind}", drawn or output.document(figure, kind))
