"""The command ``complete``: a user's table with missing cells → the table completed, and its directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import artifacts, console, values
from stepscape.cli.complete_document import completion_document
from stepscape.cli.complete_lines import lines
from stepscape.cli.completed_cells import FilledCells, completed_rows, filled_rows
from stepscape.cli.figure_files import DESIGNED, Pictures, write_figures
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.output import output_directory
from stepscape.cli.provenance import Clock, colophon, provenance
from stepscape.cli.surroundings import own_style

if TYPE_CHECKING:
    from stepscape.problems.user.number_columns import NumberColumns
    from stepscape.problems.user.table import RawTable
    from stepscape.recovery import Completion
    from stepscape.recovery.tables.table_numbers import TableNumbers

NORMS = ("flat", "nuclear")
RULES = ("min", "1se")
_KEPT = (",", ";", "\t", "|")  # separators that completed.csv takes over from the table


@dataclass(frozen=True)
class Request:
    """What the command line asks for, checked."""

    file: str
    columns: tuple[str, ...]
    out: str
    norm: str
    penalty: float | None
    rule: str
    seed: int

    @classmethod
    def parse(
        cls,
        file: str,
        columns: Sequence[str] | None,
        out: str | None,
        norm: str,
        penalty: str,
        rule: str,
        seed: str,
    ) -> Request:
        """Check the words of the command line that need no file."""
        return cls(
            file,
            tuple(columns or ()),
            out or f"{Path(file).name.partition('.')[0] or 'table'}-completed",
            values.choice("norm", norm, NORMS),
            None if penalty == "cv" else values.positive("penalty", penalty),
            values.choice("rule", rule, RULES),
            values.whole("seed", seed),
        )


@dataclass(frozen=True)
class Completed:
    """A table, its numbers, and how they were completed: with the norm asked for, then with the other one."""

    table: RawTable
    numbers: NumberColumns
    completions: tuple[Completion, ...]

    @property
    def cells(self) -> FilledCells:
        """The cells that were filled."""
        first = self.completions[0]
        return FilledCells.of(self.numbers.values, first.filled, first.standard_error)


def complete(
    request: Request, force: bool, as_json: bool, unfinished: Unfinished, pictures: Pictures = DESIGNED
) -> None:
    """Complete a table and write its directory."""
    from stepscape.problems.user.file import read_table
    from stepscape.recovery.tables.table_numbers import TableNumbers, check_numbers

    clock = Clock()
    table = read_table(request.file)
    columns = _columns(table, request.columns)
    numbers = TableNumbers(columns.values, columns.names, tuple(columns.lines.tolist()))
    check_numbers(numbers)
    with output_directory(request.out, force, unfinished) as directory:
        with console.progress("complete") as progress:
            found = Completed(table, columns, _completions(request, numbers, progress))
        with own_style():
            document = completion_document(request, found) | {"provenance": provenance(clock)}
            _write(directory, document, pictures)
        _write_tables(directory, found)
    for warning in document["warnings"]:
        console.warn(warning)
    console.answer(document, lines(document), as_json)


def _columns(table: RawTable, words: Sequence[str]) -> NumberColumns:
    """Select the columns that were named; a word that is not the name of one may be a list with commas."""
    from stepscape.problems.user.number_columns import select_numbers

    known = set(table.names)
    lists = ([word] if word in known else [part.strip() for part in word.split(",")] for word in words)
    return select_numbers(table, [name for names in lists for name in names])


def _completions(
    request: Request, numbers: TableNumbers, progress: console.Progress
) -> tuple[Completion, ...]:
    """Complete with the norm asked for, and to compare with the other one if cross-validation can."""
    from stepscape.recovery.tables.completion import complete_numbers
    from stepscape.recovery.tables.completion_settings import CompletionSettings

    compared = request.penalty is None and not numbers.seen.all()
    norms = [request.norm, *(norm for norm in NORMS if norm != request.norm and compared)]

    def tick(norm: str, share: float) -> None:
        progress((norms.index(norm) + share) / len(norms), f"{norm} norm")

    def completed(norm: str) -> Completion:
        settings = CompletionSettings(norm, request.penalty, request.rule, seed=request.seed)
        return complete_numbers(numbers, settings, partial(tick, norm))

    return tuple(map(completed, norms))


def _write_tables(directory: Path, found: Completed) -> None:
    from stepscape.tables.csv_text import csv_text

    table, cells = found.table, found.cells
    rows = completed_rows(table, found.numbers, cells)
    names = table.names if table.header else rows.pop(0)
    delimiter = table.delimiter if table.delimiter in _KEPT else ","
    files.write_atomic(directory / "completed.csv", csv_text(names, rows, delimiter))
    listed = csv_text(("line", "column", "value", "standard_error"), filled_rows(found.numbers, cells))
    files.write_atomic(directory / "filled.csv", listed)


def _write(directory: Path, document: Mapping[str, Any], pictures: Pictures) -> None:
    from stepscape.figures.completed_table import completion_figures
    from stepscape.report import draw, render
    from stepscape.report.captions import caption
    from stepscape.report.completion import completion_page
    from stepscape.tables.records import plain

    drawn = completion_figures(document["completion"]["path"], document["data"]["by_column"])
    drawings = [draw(figure, name, caption("complete", name)) for name, figure in drawn.items()]
    page = completion_page(plain(document), drawings, colophon(document["provenance"]))
    write_figures(directory, drawn, drawings, pictures)
    artifacts.write_result(directory, document, render(page))
