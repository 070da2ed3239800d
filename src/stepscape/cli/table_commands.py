"""Commands about a table of one's own: their words, their help, and which function does the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from stepscape.cli import completion
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


def explore(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]",
            help="CSV or Parquet, also gzipped; without it the page has data of its own.",
            autocompletion=completion.tables,
        ),
    ] = None,
    x: Annotated[
        str | None,
        typer.Option("--x", metavar="COL", help="Column of inputs; the first, if there are two columns."),
    ] = None,
    y: Annotated[
        str | None,
        typer.Option("--y", metavar="COL", help="Column of labels; the second, if there are two columns."),
    ] = None,
    loss: Annotated[
        str, typer.Option(metavar="auto|square|logistic", help="Loss to train with, as in fit.")
    ] = "auto",
    event: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="Of labels of two values, the one that stands for 1, as in fit."),
    ] = None,
    out: Annotated[str, typer.Option(metavar="PAGE", help="File of the page.")] = "explorer.html",
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Write the page, and do not open it in a browser.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Train a network live in your browser.

    One page is written that works offline: drag the step size and the data while a network trains, and watch
    the fit, the sharpness against 2/step size, the bending and the loss. With a table it begins with two of
    its columns, read as fit reads them and standardized as fit does, so that step sizes mean the same.
    """
    from stepscape.cli.explore import Request
    from stepscape.cli.explore import explore as write_page

    return partial(write_page, Request.parse(file, x, y, out, loss, event), force, not no_open, as_json)


COMMANDS: dict[str, Callable[..., Action]] = {"complete": complete, "explore": explore}
