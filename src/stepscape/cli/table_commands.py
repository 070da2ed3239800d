"""The command for a whole table: its words, its help, and which function does the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from stepscape.cli.options import Action, Debug, Force, Formats, Json, Size, Table


def complete(
    file: Table,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="COL[,COL]...",
            help="Use only these columns; may be repeated.  [default: all columns of numbers]",
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory of the results.  [default: FILE-completed]")
    ] = None,
    norm: Annotated[
        str,
        typer.Option(
            metavar="flat|nuclear",
            help="Norm that is penalized: weighted by how often rows and columns are observed, or not.",
        ),
    ] = "flat",
    penalty: Annotated[
        str, typer.Option(metavar="cv|NUMBER", help="Penalty of the norm; cv: cross-validation chooses it.")
    ] = "cv",
    rule: Annotated[
        str,
        typer.Option(
            metavar="min|1se", help="Least error, or largest penalty within one standard error of it."
        ),
    ] = "min",
    seed: Annotated[str, typer.Option(metavar="NUMBER", help="Seed of the folds.")] = "0",
    formats: Formats = None,
    size: Size = None,
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Fill the missing cells of your own table.

    The table is approximated by a matrix of low rank: the flattest factorization that fits the observed
    cells. Cross-validation on observed cells decides how closely it fits them, and gives every filled cell a
    standard error. Columns of text stay as they are. The directory gets completed.csv (the whole table),
    filled.csv (the filled cells with their standard errors), result.json, report.html and figures.
    """
    from stepscape.cli.complete import Request
    from stepscape.cli.complete import complete as complete_table
    from stepscape.cli.figure_files import Pictures

    request = Request.parse(file, columns, out, norm, penalty, rule, seed)
    return partial(complete_table, request, force, as_json, pictures=Pictures.parse(formats, size))


COMMANDS: dict[str, Callable[..., Action]] = {"complete": complete}
