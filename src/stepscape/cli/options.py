"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from stepscape.cli import completion
from stepscape.cli.interrupt import Unfinished

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout instead of text.")]
Force = Annotated[bool, typer.Option("--force", help="Write into a non-empty directory.")]
Debug = Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")]
Full = Annotated[bool, typer.Option("--full", help="Run at full size, the size that verdicts are about.")]
Table = Annotated[
    str,
    typer.Argument(metavar="FILE", help="CSV or Parquet, also gzipped.", autocompletion=completion.tables),
]
Features = Annotated[
    str,
    typer.Option(
        "--x",
        metavar="COL[,COL]...",
        help="Column of inputs, or several between commas; a name with a comma stands in double quotes.",
    ),
]
Labels = Annotated[str, typer.Option("--y", metavar="COL", help="Column of labels.")]
Executor = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="serial, threads, processes or dask.  [default: threads]",
        autocompletion=completion.executors,
    ),
]
Workers = Annotated[str, typer.Option(metavar="N", help="Parallel runs (0: one per core).")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="A running Dask scheduler, or slurm.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Carry out failed runs again.")]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format", metavar="svg|pdf|png", help="Files in figures/; may be repeated.  [default: svg and png]"
    ),
]
Size = Annotated[
    str | None,
    typer.Option(metavar="WxH", help="Inches of the files in figures/, as in 6x3.  [default: as designed]"),
]
Action = Callable[[Unfinished], None]
