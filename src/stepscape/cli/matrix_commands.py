"""The commands about measurements of a matrix: their words, their help, and which function does the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from stepscape.cli import completion
from stepscape.cli.options import Action, Debug, Force, Formats, Json, Size


def recover(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Measurements in an .npz; see 'stepscape example-npz'.",
            autocompletion=completion.networks,
        ),
    ],
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory of the results.  [default: FILE-recovered]")
    ] = None,
    penalty: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            help="For noisy labels: minimize the loss plus this number times the norm.",
        ),
    ] = None,
    iterations: Annotated[
        str, typer.Option(metavar="NUMBER", help="At most so many iterations for each solution.")
    ] = "20000",
    formats: Formats = None,
    size: Size = None,
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Recover a matrix from measurements of your own.

    Of all matrices that fit the labels, the one is found whose factors are flattest, beside those of
    smallest nuclear norm and of smallest Frobenius norm. A duality gap proves how close each is to the
    smallest one. The directory gets flattest.npz and nuclear.npz (matrix, left, right), result.json,
    report.html and figures.
    """
    from stepscape.cli.figure_files import Pictures
    from stepscape.cli.recover import Request
    from stepscape.cli.recover import recover as carry_out

    request = Request.parse(file, out, penalty, iterations)
    return partial(carry_out, request, force, as_json, pictures=Pictures.parse(formats, size))


def example_measurements(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="File to write, such as measured.npz.", autocompletion=completion.networks
        ),
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Write measurements that 'stepscape recover' reads.

    They are 200 measurements a·X·b of a 20×20 matrix X of rank 2, which is in the file, too.
    """
    from stepscape.cli.example_measurements import example_measurements as write

    return partial(write, file, force, as_json)


COMMANDS: dict[str, Callable[..., Action]] = {
    "recover": recover,
    "example-npz": example_measurements,
}
