"""The report of a user's sweep, from its store alone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stepscape import files
from stepscape.cli import console
from stepscape.cli.damage import warn_of_damage
from stepscape.cli.figure_files import Pictures, write_figures
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.output import output_directory
from stepscape.cli.provenance import recorders
from stepscape.errors import InputError, printable
from stepscape.report.words import counted

_FAR = 1e100  # beyond it a number fits no axis


def report_sweep(directory: str, pictures: Pictures, unfinished: Unfinished) -> dict[str, Any]:
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
    from stepscape.sweeps.method import name_methods
    from stepscape.tables.groups import groups

    store = Store.open(directory)
    warn_of_damage(store)
    rows = store.rows()
    if not rows:
        raise InputError(f"nothing is on record in {directory!r}")
    rows = _sound(name_methods(rows))
    plans = [vars(standing) for standing in status(store)]
    grouped = groups([row for row in rows if row.get("step_size") is not None])
    figure = against_step_size(grouped)
    figures = {"step-size": figure} if figure is not None else {}
    chosen = runs.examples(grouped)
    figures |= runs.figures(chosen, store.curves(identities=list(chosen)))
    drawings = [draw(figure, name, caption("sweep", name)) for name, figure in figures.items()]
    origin = f"{cost(rows)}. Recorded by {'; '.join(recorders(store))}."
    page = sweep_page(_title(plans), plans, rows, drawings, _commands(plans, directory), origin)
    with output_directory(directory, True, unfinished, whole=False) as draft:
        write_figures(draft, figures, drawings, pictures)
        files.write_atomic(draft / "report.html", render(page))
    return {"of": "sweep", "runs": len(rows), "figures": list(figures)}


def _sound(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows whose step sizes are positive numbers and whose measures are numbers, or None; warn of others."""
    from stepscape.figures.sweep import PANELS

    measures = {"threshold"}.union(*(names[:2] for names in PANELS))
    odd = [row["step_size"] for row in rows if "step_size" in row and _positive(row["step_size"]) is None]
    if odd:
        console.warn(
            f"damaged: {counted(len(odd), 'run')} without a step size: it must be finite and positive, got "
            f"{printable(repr(odd[0]))[:80]}"
        )
    return [
        row
        | ({"step_size": _positive(row["step_size"])} if "step_size" in row else {})
        | {name: _number(row[name]) for name in measures & row.keys()}
        for row in rows
    ]


def _number(value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _FAR:
        return None
    return value


def _positive(value: object) -> int | float | None:
    number = _number(value)
    return number if number is not None and number > 1.0 / _FAR else None


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
