"""The commands that read what is on record: their words, their help, and which function does the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from stepscape.cli import completion
from stepscape.cli.options import Action, Debug, Full, Json, Workers


def status(
    directory: Annotated[
        str,
        typer.Argument(metavar="DIR", help="Directory of a sweep.", autocompletion=completion.directories),
    ],
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Show the progress of the sweeps of a directory."""
    from stepscape.cli.status import show_status

    return partial(show_status, directory, as_json)


def figure(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="weight, landscape, features, an experiment, or EXPERIMENT/FIGURE.",
            autocompletion=completion.figures,
        ),
    ],
    purpose: Annotated[
        str,
        typer.Option(
            "--for", metavar="page|paper|talk", help="What for; a figure for a talk fills a slide of 16:9."
        ),
    ] = "page",
    kind: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="svg|pdf|png",
            help="Format.  [default: as FILE ends; svg for a page, pdf for a paper, png for a talk]",
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="File to write.  [default: NAME.FORMAT]")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="Draw what 'run' or 'verify' has left in this directory.  [default: run the quick size]",
            autocompletion=completion.directories,
        ),
    ] = None,
    full: Full = False,
    workers: Workers = "0",
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Draw one figure for a page, a paper or a talk.

    Three figures explain: the weight g with the bends under it, a slice of the landscape with the threshold
    2/step size, and the learned features; each takes seconds. The others are those of the experiments, drawn
    from records or from a run of the quick size. The caption is printed.
    """
    from stepscape.cli.figure import Request, draw_figure

    request = Request.parse(name, purpose, kind, out, force, source, full, workers)
    return partial(draw_figure, request, as_json)


def export(
    directory: Annotated[
        str,
        typer.Argument(
            metavar="DIR",
            help="Directory of a store, to which a sweep wrote.",
            autocompletion=completion.directories,
        ),
    ],
    csv: Annotated[
        str | None,
        typer.Option("--csv", metavar="FILE", help="Write CSV; an empty cell means 'not measured'."),
    ] = None,
    parquet: Annotated[str | None, typer.Option("--parquet", metavar="FILE", help="Write Parquet.")] = None,
    curves: Annotated[
        str | None,
        typer.Option("--curves", metavar="FILE", help="Write the arrays instead: FILE.csv or FILE.parquet."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="KEY=VALUE", help="Only rows with this value; may be repeated."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Write the records of a store as one table.

    The table has one row per run: its identity, the columns of its spec, its outcome, its duration in
    seconds, and its numbers. With --curves it has one row per value of an array: the identity of the run,
    the name of the array, the axis that it is laid along, the place on the axis, and the value.
    """
    from stepscape.cli import export as to

    return partial(to.export, directory, csv, parquet, curves, where or [], force, as_json)


def check(
    directory: Annotated[
        str,
        typer.Argument(
            metavar="DIR",
            help="Directory of a store, to which a sweep wrote.",
            autocompletion=completion.directories,
        ),
    ],
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Verify every file of a store.

    Damaged files are named and moved to damaged/ in the store, so that the next sweep computes their runs
    again; the exit status is then 1.
    """
    from stepscape.cli import check as of

    return partial(of.check, directory, as_json)


def watch(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Rows of a stepscape.monitor.Monitor, one line of JSON each.",
            autocompletion=completion.runs,
        ),
    ],
    once: Annotated[bool, typer.Option("--once", help="Draw what there is, and end.")] = False,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write a report of the run so far, one HTML page, and end."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the report if it exists.")] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Watch a PyTorch model train, from its file of rows.

    On a terminal the picture is drawn anew whenever the file grows, until Ctrl-C; elsewhere it is drawn once.
    The run is not touched, and PyTorch is not needed.
    """
    from stepscape.cli.watch import Request
    from stepscape.cli.watch import watch as watch_run

    return partial(watch_run, Request(file, out, force, once), as_json)


COMMANDS: dict[str, Callable[..., Action]] = {
    "watch": watch,
    "status": status,
    "figure": figure,
    "export": export,
    "check": check,
}
