"""The commands: their words, their help, and which function does the work.

The parser has opinions of its own about interrupts and broken pipes. So a command returns what is to be done,
and that is done when the parser is out of the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from stepscape import __version__
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import unknown


class _Group(TyperGroup):
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = TyperGroup.get_command(self, ctx, cmd_name)
        if found is None:
            raise unknown("command", cmd_name, self.list_commands(ctx))
        return found


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout instead of text.")]
Force = Annotated[bool, typer.Option("--force", help="Write into a directory that holds something.")]
Debug = Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")]
Executor = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="serial, threads, processes or dask.  [default: threads]"),
]
Workers = Annotated[str, typer.Option(metavar="N", help="Parallel runs (0: one per core).")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="A running Dask scheduler, or slurm.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Carry out again what failed.")]
Version = Annotated[bool, typer.Option("--version", help="Print the version.")]


Action = Callable[[Unfinished], None]


def parse(words: Sequence[str]) -> Action:
    """Parse one command line: what is to be done, given where to note unfinished output."""
    action = app(args=list(words), prog_name="stepscape", standalone_mode=False)
    if isinstance(action, int):  # the parser's exit status: help was printed, or it was interrupted
        if action:
            raise KeyboardInterrupt
        return _nothing
    return action if callable(action) else _nothing


def _nothing(_unfinished: Unfinished) -> None:
    pass


@app.callback(invoke_without_command=True)
def _main(ctx: typer.Context, version: Version = False, debug: Debug = False) -> None:  # noqa: ARG001
    """Train with large step sizes, measure the curvature of the result, certify it."""
    if version:
        print(f"stepscape {__version__}")
    elif ctx.invoked_subcommand is None:
        print(ctx.get_help())


@app.command("demo")
def _demo(
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the report goes.")] = "stepscape-demo",
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Make one report of everything.

    In about a minute: both experiments at their quick size, the certificates of a trained network, and a fit
    of real data.
    """
    from stepscape.cli.demo import demo

    return partial(demo, out, force, as_json)


@app.command("list")
def _list(as_json: Json = False, debug: Debug = False) -> Action:  # noqa: ARG001
    """List the experiments and their claims."""
    from stepscape.cli.run import list_experiments

    return partial(list_experiments, as_json)


@app.command("run")
def _run(
    name: Annotated[str, typer.Argument(help="An experiment; see 'stepscape list'.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; may be repeated."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Run at the size the verdict is about.")] = False,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where results go.  [default: stepscape-NAME]")
    ] = None,
    executor: Executor = None,
    workers: Workers = "0",
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Run an experiment and judge its claim.

    Its records are kept in the directory: the same command repeated answers from them, and one that was
    interrupted goes on where it stopped.
    """
    from stepscape.cli.carry_out import Resources
    from stepscape.cli.run import Request, run_experiment

    resources = Resources.parse(executor, workers, scheduler, retry_failed)
    return partial(run_experiment, Request.parse(name, settings or [], full, out, force, resources), as_json)


@app.command("verify")
def _verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Experiments; all where none is named.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Run the sizes the verdicts are about.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 when a verdict is not the committed one.")
    ] = False,
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the ledger goes.")] = "stepscape-ledger",
    executor: Executor = None,
    workers: Workers = "0",
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Put every claim to the test: one ledger of verdicts, one report.

    What is on record in the directory is not run again, so an interrupted command goes on where it stopped.
    """
    from stepscape.cli.carry_out import Resources
    from stepscape.cli.verify import Request, verify

    resources = Resources.parse(executor, workers, scheduler, retry_failed)
    return partial(verify, Request(names or [], full, strict, out, force, resources), as_json)


@app.command("report")
def _report(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="Of a ledger, or of a sweep.")],
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Make the report of a ledger or of a sweep again, from its records alone."""
    from stepscape.cli.report import report

    return partial(report, directory, as_json)


@app.command("sweep")
def _sweep(
    file: Annotated[str, typer.Argument(help="A TOML file; see 'stepscape example-sweep'.")],
    out: Annotated[str | None, typer.Option(metavar="DIR", help="The store: made, or gone on with.")] = None,
    executor: Executor = None,
    workers: Workers = "0",
    scheduler: Scheduler = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Only the I-th of N parts, for jobs that share DIR.")
    ] = None,
    retry_failed: RetryFailed = False,
    job_script: Annotated[
        bool, typer.Option("--job-script", help="Print the script of one Slurm job and do nothing else.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Carry out the runs of your own grid.

    What is on record in the directory is not carried out again: the same command goes on where it stopped,
    and several at once, on one machine or many, share the work.
    """
    from stepscape.cli.carry_out import Resources
    from stepscape.cli.sweep import Request, parse_shard, sweep_file

    resources = Resources.parse(executor, workers, scheduler, retry_failed)
    return partial(sweep_file, Request(file, out, resources, parse_shard(shard), job_script), as_json)


@app.command("example-sweep")
def _example_sweep(as_json: Json = False, debug: Debug = False) -> Action:  # noqa: ARG001
    """Print a commented sweep file that works."""
    from stepscape.cli.example_sweep import example_sweep

    return partial(example_sweep, as_json)


@app.command("status")
def _status(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="Of a sweep.")],
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Say how far the sweeps of a directory are, from any terminal."""
    from stepscape.cli.status import show_status

    return partial(show_status, directory, as_json)


@app.command("fit")
def _fit(
    file: Annotated[str, typer.Argument(help="CSV or Parquet, also gzipped.")],
    x: Annotated[str, typer.Option("--x", metavar="COL", help="Column of inputs.")],
    y: Annotated[str, typer.Option("--y", metavar="COL", help="Column of labels.")],
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where results go.  [default: FILE-fit]")
    ] = None,
    step_size: Annotated[
        str | None,
        typer.Option("--step-size", metavar="NUMBER", help="Fix it instead of cross-validating."),
    ] = None,
    rule: Annotated[
        str, typer.Option(metavar="min|1se", help="Least error, or the largest step within a standard error.")
    ] = "min",
    predict: Annotated[
        str | None, typer.Option(metavar="FILE", help="Predict for this table instead of the fitted one.")
    ] = None,
    loss: Annotated[
        str,
        typer.Option(
            metavar="auto|square|logistic",
            help="What training reduces; auto: logistic where the labels have two values, else square.",
        ),
    ] = "auto",
    seed: Annotated[str, typer.Option(metavar="NUMBER", help="Of the folds and the initial network.")] = "0",
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Fit two columns of your own table.

    A network is trained on them by gradient descent; the step size is the smoothness of the fit, chosen by
    cross-validation. Labels of two values, of any type, are an outcome: its probability is fitted. The
    directory gets predictions.csv (a row for each row of the table predicted, in its order; empty where the
    input is missing), result.json, report.html and figures.
    """
    from stepscape.cli.fit import Request, fit

    request = Request.parse(file, x, y, out, step_size, rule, predict, loss, seed)
    return partial(fit, request, force, as_json)


@app.command("export")
def _export(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="A store: what a sweep wrote to.")],
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write CSV; an empty cell: not measured.")
    ] = None,
    parquet: Annotated[str | None, typer.Option("--parquet", metavar="FILE", help="Write Parquet.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="KEY=VALUE", help="Only rows with this value; may be repeated."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Write the records of a store as one table.

    A row a run: its identity, the columns of its spec, how it ended and after how many seconds, its numbers.
    """
    from stepscape.cli.export import export

    return partial(export, directory, csv, parquet, where or [], force, as_json)


@app.command("check")
def _check(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="A store: what a sweep wrote to.")],
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Verify every file of a store.

    What is damaged is named and moved to damaged/ in the store, so that the next sweep computes it again; the
    exit status is then 1.
    """
    from stepscape.cli.check import check

    return partial(check, directory, as_json)
