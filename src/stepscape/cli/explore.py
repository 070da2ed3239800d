"""The command ``explore``: one offline page on which a network trains live, with a user's table in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape.cli import console, values
from stepscape.cli.browser import open_in_browser
from stepscape.cli.fit import LOSSES, outcome_notice
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.one_file import check_target, write_target
from stepscape.errors import InputError, bad, listed

if TYPE_CHECKING:
    from stepscape.explorer.page_data import Table
    from stepscape.problems.user.columns import Columns
    from stepscape.problems.user.table import RawTable

Document = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Attributes
    ----------
    file, x, y : a table and two of its columns; None for the page without a table, or a table of two columns.
    out : file of the page.
    """

    file: str | None
    x: str | None
    y: str | None
    out: str
    loss: str
    event: str | None

    @classmethod
    def parse(
        cls, file: str | None, x: str | None, y: str | None, out: str, loss: str, event: str | None
    ) -> Request:
        """Check the words of the command line that need no file."""
        values.choice("loss", loss, LOSSES)
        about = {"--x": x, "--y": y, "--event": event, "--loss": None if loss == "auto" else loss}
        given = [name for name, value in about.items() if value is not None]
        if file is None and given:
            raise InputError(f"{given[0]} is about a table: give its FILE, too, or leave {given[0]} out")
        return cls(file, x, y, out, loss, event)


def explore(request: Request, force: bool, opens: bool, as_json: bool, unfinished: Unfinished) -> None:
    """Write the page and open it in a browser."""
    from stepscape.explorer.pages import page_of
    from stepscape.explorer.setups import setup

    check_target(request.out, force)
    table, said = (None, None) if request.file is None else _table(request.file, request)
    html = page_of(None if table is None else setup(table), table)
    write_target(request.out, html, force)
    unfinished.keep(lambda: f"the page {request.out!r} is complete")
    why = open_in_browser(request.out) if opens else "--no-open"
    document = {
        "command": "explore",
        "file": request.out,
        "bytes": len(html.encode()),
        "opened": not why,
        "table": said,
        "notes": [] if table is None else table.notes,
    }
    console.answer(document, _lines(document, why), as_json)


def _table(file: str, request: Request) -> tuple[Table, Document]:
    """Read a table: its points for the page, and what is to be said of it."""
    from stepscape.explorer.tables import table_of_columns

    columns = _columns(file, request)
    table = table_of_columns(columns, Path(file).name, _notes(request, columns))
    return table, {
        "file": file,
        "x": columns.x_name,
        "y": columns.y_name,
        "loss": table.loss,
        "classes": list(columns.classes),
        "rows": columns.rows,
        "used": len(columns.x),
        "shown": len(table.x),
        "dropped": dict(columns.dropped),
    }


def _columns(file: str, request: Request) -> Columns:
    from stepscape.problems.user.column_names import column_names
    from stepscape.problems.user.columns import select_columns
    from stepscape.problems.user.file import read_table

    table = read_table(file)
    x, y = _named(table, request)
    if len(names := column_names(table, "x", x)) > 1:
        then = "the page draws curves; 'stepscape fit' takes several columns"
        raise bad("x", "name one column here", len(names), then)
    return select_columns(table, names[0], y, request.loss, request.event)


def _named(table: RawTable, request: Request) -> tuple[str, str]:
    """Return the columns that are named; of a table of two they need no names."""
    if request.x is not None and request.y is not None:
        return request.x, request.y
    if request.x is request.y is None and len(set(table.names)) == len(table.names) == 2:
        return table.names[0], table.names[1]
    missing = " and ".join(name for name in ("x", "y") if getattr(request, name) is None)
    raise bad(
        f"--{missing}".replace(" and ", " and --"),
        f"name a column of {table.source!r}",
        "nothing",
        f"its columns: {listed([name for name in table.names if name])}",
    )


def _notes(request: Request, columns: Columns) -> list[str]:
    """Say what was dropped and guessed, as ``fit`` does."""
    from stepscape.problems.user.dropped import reasons
    from stepscape.report.words import sentence

    lost = f"{len(columns.x)} of {columns.rows} rows are used{reasons(columns.dropped)}"
    said = [lost, *outcome_notice(request.loss, columns), *columns.notes, columns.doubt]
    return [sentence(text) for text in dict.fromkeys(said) if text]


def _lines(document: Mapping[str, Any], why: str) -> list[str]:
    table, said = document["table"], []
    if table is not None:
        said = [f"{table['y']} against {table['x']}"]
        said += [console.paragraph(note, "  ") for note in document["notes"]]
    where = f"{document['file']} ({document['bytes'] / 1000:.0f} kB, works offline)"
    if not why:
        return [*said, f"Wrote {where} and opened it in your browser"]
    reason = "" if why == "--no-open" else f": {why}"
    return [*said, f"Wrote {where}; open it in a browser{reason}"]
