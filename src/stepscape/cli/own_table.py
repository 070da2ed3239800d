"""The commands that read a user's table: their words and their help."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from stepscape.cli import completion
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.options import Debug, Force, Formats, Json, Size, X, Y

Action = Callable[[Unfinished], None]


def fit_command(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="CSV or Parquet, also gzipped.", autocompletion=completion.tables
        ),
    ],
    x: X,
    y: Y,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory of the results.  [default: FILE-fit]")
    ] = None,
    step_size: Annotated[
        str | None,
        typer.Option("--step-size", metavar="NUMBER", help="Use this step size instead of cross-validation."),
    ] = None,
    rule: Annotated[
        str,
        typer.Option(
            metavar="min|1se", help="Least error, or largest step size within one standard error of it."
        ),
    ] = "min",
    predict: Annotated[
        str | None, typer.Option(metavar="FILE", help="Predict for this table instead of the fitted one.")
    ] = None,
    loss: Annotated[
        str,
        typer.Option(
            metavar="auto|square|logistic",
            help="Loss to train with; auto: logistic if the labels have two values, else square.",
        ),
    ] = "auto",
    seed: Annotated[
        str, typer.Option(metavar="NUMBER", help="Seed of the folds and of the initial network.")
    ] = "0",
    formats: Formats = None,
    size: Size = None,
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Fit two columns of your own table.

    A network is trained on them by gradient descent. The step size decides how smooth the fit is, and
    cross-validation chooses it. Labels of two values, of any type, are taken for an outcome, whose
    probability is fitted. The directory gets predictions.csv (one row for each row of the predicted table,
    in its order; empty where the input is missing), result.json, report.html and figures.
    """
    from stepscape.cli.figure_files import Pictures
    from stepscape.cli.fit import Request, fit

    request = Request.parse(file, x, y, out, step_size, rule, predict, loss, seed)
    return partial(fit, request, force, as_json, pictures=Pictures.parse(formats, size))


def certify_command(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NET", help="A network that TwoLayerReLU.save wrote.", autocompletion=completion.networks
        ),
    ],
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="CSV or Parquet, also gzipped.", autocompletion=completion.tables
        ),
    ],
    x: X,
    y: Y,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory of the results.  [default: NET-certified]")
    ] = None,
    loss: Annotated[
        str,
        typer.Option(metavar="auto|square|logistic", help="Loss that the certificates are about, as in fit."),
    ] = "auto",
    recheck: Annotated[
        bool, typer.Option("--recheck", help="Prove the certificates at once, as recheck.py does.")
    ] = False,
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Certify your own network on your own table.

    The network takes the inputs and labels as the table holds them. The directory gets result.json,
    certificate.json (all numbers that enter, exactly) and recheck.py, which proves the certificates in exact
    and interval arithmetic with nothing but Python's standard library: python DIR/recheck.py.
    """
    from stepscape.cli.certify import Request, certify

    return partial(certify, Request.parse(network, file, x, y, out, loss, recheck), force, as_json)
