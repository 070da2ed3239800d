"""The report of a user's sweep, from its store alone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import artifacts
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.output import output_directory
from stepscape.cli.provenance import recorders
from stepscape.errors import InputError

if TYPE_CHECKING:
    pass


def report_sweep(directory: str, unfinished: Unfinished) -> dict[str, Any]:
    """Write report.html and figures/ into the directory of a store.

    Raises
    ------
    InputError
        Nothing is on record.
    """
    from stepscape.figures import runs
    from stepscape.figures.sweep import against_step_size
    from stepscape.lab.status import status
    from stepscape.lab.store import Store
    from stepscape.report import draw, render
    from stepscape.report.captions import caption
    from stepscape.report.sweep import cost, sweep_page
    from stepscape.tables.groups import groups

    store = Store.open(directory)
    rows = store.rows()
    if not rows:
        raise InputError(f"nothing is on record in {directory!r}")
    plans = [vars(standing) for standing in status(store)]
    grouped = groups(rows)
    figure = against_step_size(grouped)
    figures = {"step-size": figure} if figure is not None else {}
    chosen = runs.examples(grouped)
    figures |= runs.figures(chosen, store.curves(identities=chosen))
    drawings = [draw(figure, name, caption("sweep", name)) for name, figure in figures.items()]
    origin = f"{cost(rows)}. Recorded by {'; '.join(recorders(store))}."
    page = sweep_page(_title(plans), plans, rows, drawings, _commands(plans, directory), origin)
    with output_directory(directory, True, unfinished) as draft:
        artifacts.write_figures(draft, figures, drawings)
        files.write_atomic(draft / "report.html", render(page))
    return {"of": "sweep", "runs": len(rows), "figures": list(figures)}


def _title(plans: Sequence[dict[str, Any]]) -> str:
    names = dict.fromkeys(plan["title"] or Path(plan["source"]).name for plan in plans)
    return "; ".join(name for name in names if name) or "A sweep"


def _commands(plans: Sequence[dict[str, Any]], directory: str) -> list[tuple[str, str]]:
    place = shlex.quote(directory)
    sources = dict.fromkeys(plan["source"] for plan in plans if plan["source"])
    repeat = [
        (
            f"stepscape sweep {shlex.quote(source)} --out {place}",
            "carries out the runs that are not on record yet",
        )
        for source in sources
    ]
    return [
        *repeat,
        (f"stepscape export {place} --csv FILE", "writes every run with every measurement as one row"),
        (f"stepscape check {place}", "verifies every checksum"),
    ]
