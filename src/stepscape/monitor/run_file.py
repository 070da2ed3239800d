"""A file of rows, one line of JSON each: read while a run still writes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from stepscape import files
from stepscape.arguments import path as path_of
from stepscape.errors import InputError, bad
from stepscape.monitor.row import OPENING, Row

FOREIGN = 1000  # lines, all of them unreadable, after which a file is taken for one of something else


@dataclass(frozen=True)
class RunFile:
    """What a file of rows held when it was read.

    Attributes
    ----------
    rows : tuple of Row
        With increasing steps: a run that resumed from an earlier step replaces what it had written since.
    unfinished : int
        Bytes of a last line that is not written to its end yet.
    damage : str
        A sentence on the lines that could not be read and are left out; "" if there are none.
    """

    rows: tuple[Row, ...]
    unfinished: int = 0
    damage: str = ""


def read_run(path: str | os.PathLike[str]) -> RunFile:
    """Read a file of rows; the last line may still be half-written, and damaged lines are left out.

    Raises
    ------
    InputError
        For a file that cannot be read, and for one whose lines are all damaged, which holds something else.
    OutputError
        The system failed while reading.
    """
    name = path_of("path", path)
    *lines, last = files.read_bytes(name).split(b"\n")
    found = _Lines(name)
    for number, line in enumerate(lines, 1):
        found.take(number, line)
    unfinished = len(last) if _is_unfinished(last) else 0
    if not unfinished:
        found.take(len(lines) + 1, last)
    if found.damaged and not found.rows:
        raise found.refusal()
    return RunFile(tuple(latest(found.rows)), unfinished, found.sentence())


def latest(rows: Iterable[Row]) -> list[Row]:
    """Drop the rows of steps that were made again after a run had resumed."""
    kept: list[Row] = []
    for row in rows:
        while kept and kept[-1].step >= row.step:
            kept.pop()
        kept.append(row)
    return kept


def _is_unfinished(line: bytes) -> bool:
    """Whether these bytes can be the beginning of a row, and are not all of it."""
    opening = OPENING.encode()
    if not line or not (line.startswith(opening) or opening.startswith(line)):
        return False
    try:
        Row.from_line(line)
    except InputError:
        return True
    return False


@dataclass
class _Lines:
    """The lines of a file that were read so far.

    Attributes
    ----------
    damaged : numbers of lines that hold no row.
    first : what is wrong with the first of them.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    first: str = ""

    def take(self, number: int, line: bytes) -> None:
        """Keep the row of a line, or note that it holds none; blank lines do not count."""
        if not line.strip():
            return
        try:
            self.rows.append(Row.from_line(line))
        except InputError as error:
            self.first = self.first or str(error)
            self.damaged.append(number)
            if len(self.damaged) >= FOREIGN and not self.rows:
                raise self.refusal() from None

    def refusal(self) -> InputError:
        """Word a file without a row."""
        where = f"line {self.damaged[0]}: {self.first}"
        must = "hold rows, as Monitor(…, file=…) writes them"
        return bad(f"the file {self.name!r}", must, "none that can be read", where)

    def sentence(self) -> str:
        """Count the lines that are left out; "" for none."""
        count, lines = len(self.damaged), len(self.damaged) + len(self.rows)
        if not count:
            return ""
        if count == 1:
            return f"1 of {lines} lines could not be read, line {self.damaged[0]}: {self.first}."
        return (
            f"{count} of {lines} lines could not be read, the first is line {self.damaged[0]}: {self.first}."
        )
