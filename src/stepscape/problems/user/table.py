"""A table as it stands in its file: names, and cells that are still text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, nearest, unknown

Array = NDArray[np.float64]
Cells = Sequence[str] | Array
Lines = Sequence[int] | NDArray[np.int64]

GUESSED = ("gb18030", "cp1252", "latin-1")  # encodings that nothing in a file tells for certain
_LISTED = 20  # column names an error lists; a sentence stays a sentence for a table of thousands
_LONGEST = 60  # characters of a name that an error shows


@dataclass(frozen=True)
class RawTable:
    """A table as it stands in its file: names, and cells that are still text (or numbers, from Parquet).

    Attributes
    ----------
    source
        Name of the file, for messages.
    names
        Column names in order; not necessarily distinct.
    columns
        One sequence of cells per name, all of one length; those of a file are read when they are asked for.
    lines
        Line of the file each row ends on, from 1; for Parquet the row's number.
    ragged
        Line → number of cells, for the rows left out because they have too many cells, or too few where
        nothing tells which are missing.
    encoding, delimiter
        How it was read.
    decimal
        The decimal mark of all columns, where it is known beforehand: "." or ","; else "".
    header
        Whether a line named the columns; otherwise their names are "1", "2", ….
    notes
        A sentence for each guess about the file that decides what its columns are.
    top
        Line and cells of the first lines of the file, to say which of them looks like the header.
    """

    source: str
    names: tuple[str, ...]
    columns: Sequence[Cells] = field(repr=False)
    lines: Lines = field(repr=False)
    ragged: Mapping[int, int] = field(default_factory=dict, repr=False)
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = ""
    header: bool = True
    notes: tuple[str, ...] = ()
    top: Sequence[tuple[int, Sequence[str]]] = field(default=(), repr=False)

    @property
    def rows(self) -> int:
        """Rows of the file below the header, ragged ones included."""
        return len(self.lines) + len(self.ragged)

    def place(self, name: str) -> int:
        """Find a column by its name; names are equal if they look equal (Unicode's NFC, else NFKC).

        Raises
        ------
        InputError
            There is no such column, or several.
        """
        for form in (lambda text: text, _composed, _compatible):
            places = [i for i, known in enumerate(self.names) if form(known) == form(name)]
            if len(places) > 1:
                which = " and ".join(str(i + 1) for i in places)
                raise InputError(
                    f"column {clip(name)!r} must have a name of its own, but columns {which} both bear it"
                )
            if places:
                return places[0]
        raise self._unknown(name)

    def cells(self, *names: str) -> list[Cells]:
        """Return the cells of columns, read together where they are read from a file."""
        places = [self.place(name) for name in names]
        if isinstance(self.columns, LazyColumns):
            self.columns.load(places)
        return [self.columns[place] for place in places]

    def _unknown(self, name: str) -> InputError:
        names = [clip(known) for known in self.names if known]
        if len(names) > _LISTED:
            near = nearest(name, names)
            names = [*filter(None, [near]), *[known for known in names if known != near][:_LISTED], "…"]
        where = f"of {self.source!r}"
        if not self.header:
            where = f"the first line of {self.source!r} is numbers, so columns go by position"
        elif self.encoding in GUESSED:
            where += f", read as {self.encoding} for it is not UTF-8; if that is wrong, save it as UTF-8"
        likely = self._line_of(name)
        if likely and self.header:
            where += f"; line {likely} holds this name: if it is the header, move it right above the data"
        return InputError(f"{unknown('column', clip(name), names)} ({where})")

    def _line_of(self, name: str) -> int:
        """Find the line among the first ones that holds a name; 0 if none does."""
        wanted = _compatible(name)
        return next((line for line, cells in self.top if wanted in map(_compatible, cells)), 0)


@dataclass(frozen=True)
class LazyColumns(Sequence[Cells]):
    """So many columns, each read once, when it is asked for: one by one, or several in one go."""

    width: int
    read: Callable[[int], Cells] = field(repr=False)
    read_several: Callable[[Sequence[int]], Iterable[Cells]] | None = field(default=None, repr=False)
    known: dict[int, Cells] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Count the columns."""
        return self.width

    @overload
    def __getitem__(self, place: int) -> Cells: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Cells]: ...
    def __getitem__(self, place: int | slice) -> Cells | Sequence[Cells]:
        """Read one column, or those of a slice."""
        places = range(self.width)[place]
        if isinstance(places, int):
            self.load([places])
            return self.known[places]
        self.load(places)
        return tuple(self.known[one] for one in places)

    def load(self, places: Sequence[int]) -> None:
        """Read the columns that are not known yet."""
        new = [place for place in dict.fromkeys(places) if place not in self.known]
        if new:
            columns = self.read_several(new) if self.read_several else map(self.read, new)
            self.known.update(zip(new, columns, strict=True))


def clip(name: str, most: int = _LONGEST) -> str:
    """Shorten a text for a sentence.

    >>> clip("abcdefgh", 5)
    'abcd…'
    """
    return name if len(name) <= most else name[: most - 1] + "…"


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()))


def _compatible(name: str) -> str:
    return unicodedata.normalize("NFKC", " ".join(name.split()))
