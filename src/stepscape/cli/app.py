"""The commands: their words, their help, and which function does the work.

The parser has opinions of its own about interrupts and broken pipes. So a command returns what is to be done,
and that is done when the parser is out of the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Annotated, Any

import typer
import typer.main

from stepscape import __version__
from stepscape.cli import completion, matrix_commands, record_commands, streams, table_commands
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.options import (
    Action,
    Debug,
    Executor,
    Features,
    Force,
    Formats,
    Full,
    Json,
    Labels,
    RetryFailed,
    Scheduler,
    Size,
    Table,
    Workers,
)
from stepscape.cli.parser import Commands, WithSettings

app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Version = Annotated[bool, typer.Option("--version", help="Print the version.")]


def parse(words: Sequence[str]) -> Action:
    """Parse one command line: what is to be done, given where to note unfinished output."""
    action = command_group()(args=list(words), prog_name="stepscape", standalone_mode=False)
    if isinstance(action, int):  # the parser's exit status: help was printed, or it was interrupted
        if action:
            raise KeyboardInterrupt
        return _nothing
    return action if callable(action) else _nothing


@cache
def command_group() -> Any:
    """Build the parser of all commands, once: that takes longer than most command lines."""
    return typer.main.get_command(app)


def _nothing(_unfinished: Unfinished) -> None:
    pass


@app.callback(invoke_without_command=True)
def _main(ctx: typer.Context, version: Version = False, debug: Debug = False) -> None:  # noqa: ARG001
    """Train with large step sizes, measure the curvature of the result, and certify it."""
    if version:
        streams.write(f"stepscape {__version__}")
    elif ctx.invoked_subcommand is None:
        streams.write(ctx.get_help())


@app.command("demo")
def _demo(
    out: Annotated[str, typer.Option(metavar="DIR", help="Directory of the report.")] = "stepscape-demo",
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Make one report of everything.

    It takes less than a minute. The report holds two experiments at their quick size, the certificates of a
    trained network, and a fit of real data.
    """
    from stepscape.cli.demo import demo

    return partial(demo, out, force, as_json)


@app.command("list")
def _list(
    family: Annotated[
        str | None,
        typer.Argument(
            metavar="[FAMILY|NAME]",
            help="Only this family or experiment, with all that is known of it.",
            autocompletion=completion.families,
        ),
    ] = None,
    long: Annotated[bool, typer.Option("--long", help="Print what every claim says, part by part.")] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """List the experiments by family, with their verdicts."""
    from stepscape.cli.claim_list import list_experiments

    return partial(list_experiments, family, long, as_json)


@app.command("run", cls=WithSettings)
def _run(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="An experiment; see 'stepscape list'. With --help: its settings.",
            autocompletion=completion.experiments,
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change one setting; may be repeated.",
            autocompletion=completion.settings,
        ),
    ] = None,
    full: Full = False,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory of the results.  [default: stepscape-NAME]")
    ] = None,
    executor: Executor = None,
    workers: Workers = "0",
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
    formats: Formats = None,
    size: Size = None,
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Run an experiment and judge its claim.

    The directory keeps the records of all runs: the same command, repeated, answers from them, and an
    interrupted one resumes where it stopped.
    """
    from stepscape.cli.carry_out import Resources
    from stepscape.cli.figure_files import Pictures
    from stepscape.cli.run import Request, run_experiment

    resources = Resources.parse(executor, workers, scheduler, retry_failed)
    pictures = Pictures.parse(formats, size)
    request = Request.parse(name, settings or [], full, out, force, resources, pictures)
    return partial(run_experiment, request, as_json)


@app.command("verify")
def _verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Names of experiments (none: all).",
            autocompletion=completion.experiments,
        ),
    ] = None,
    full: Full = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with status 1 when a verdict differs from the committed one."),
    ] = False,
    out: Annotated[str, typer.Option(metavar="DIR", help="Directory of the ledger.")] = "stepscape-ledger",
    executor: Executor = None,
    workers: Workers = "0",
    scheduler: Scheduler = None,
    retry_failed: RetryFailed = False,
    force: Force = False,
    long: Annotated[bool, typer.Option("--long", help="Print every part of every claim.")] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Test every claim, and write a ledger of pages.

    Runs on record in the directory are not repeated, so an interrupted command resumes where it stopped.
    """
    from stepscape.cli.carry_out import Resources
    from stepscape.cli.verify import Request, verify

    resources = Resources.parse(executor, workers, scheduler, retry_failed)
    return partial(verify, Request(names or [], full, strict, out, force, resources, long), as_json)


@app.command("report")
def _report(
    directory: Annotated[
        str,
        typer.Argument(
            metavar="DIR", help="Directory of a ledger or of a sweep.", autocompletion=completion.directories
        ),
    ],
    docs: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Draw the figures of a ledger for the docs instead, by family."),
    ] = None,
    formats: Formats = None,
    size: Size = None,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Rebuild the report of a ledger or of a sweep."""
    from stepscape.cli.figure_files import Pictures
    from stepscape.cli.report import report

    return partial(report, directory, docs, Pictures.parse(formats, size), as_json)


@app.command("sweep")
def _sweep(
    file: Annotated[
        str,
        typer.Argument(help="A TOML file; see 'stepscape example-sweep'.", autocompletion=completion.sweeps),
    ],
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory of the store, created if missing.")
    ] = None,
    executor: Executor = None,
    workers: Workers = "0",
    scheduler: Scheduler = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Carry out only part I of N, for jobs that share DIR.")
    ] = None,
    retry_failed: RetryFailed = False,
    job_script: Annotated[
        bool, typer.Option("--job-script", help="Print the script of one Slurm job and do nothing else.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Carry out the runs of your own grid.

    Runs on record in the directory are not repeated: the same command resumes where it stopped, and several
    commands at once, on one machine or many, share the work.
    """
    from stepscape.cli.carry_out import Resources
    from stepscape.cli.sweep import Request, parse_shard, sweep_file

    resources = Resources.parse(executor, workers, scheduler, retry_failed)
    return partial(sweep_file, Request(file, out, resources, parse_shard(shard), job_script), as_json)


@app.command("example-sweep")
def _example_sweep(
    several_inputs: Annotated[
        bool, typer.Option("--several-inputs", help="Print one with several input variables.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Print a commented sweep file that works."""
    from stepscape.cli.example_sweep import example_sweep

    return partial(example_sweep, several_inputs, as_json)


@app.command("fit")
def _fit(
    file: Table,
    x: Features,
    y: Labels,
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
    event: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE",
            help="Of labels of two values, the one whose probability is fitted, such as high.",
        ),
    ] = None,
    seed: Annotated[
        str, typer.Option(metavar="NUMBER", help="Seed of the folds and of the initial network.")
    ] = "0",
    formats: Formats = None,
    size: Size = None,
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001
) -> Action:
    """Fit a column of your own table against others.

    A network is trained on them by gradient descent. The step size decides how smooth the fit is, and
    cross-validation chooses it; with several columns it also chooses when to stop. Labels of two values, of
    any type, are taken for an outcome, whose probability is fitted. The directory gets predictions.csv (one
    row for each row of the predicted table, in its order; empty where the input is missing), result.json,
    report.html and figures.
    """
    from stepscape.cli.figure_files import Pictures
    from stepscape.cli.fit import Request, fit

    request = Request.parse(file, x, y, out, step_size, rule, predict, loss, event, seed)
    return partial(fit, request, force, as_json, pictures=Pictures.parse(formats, size))


for _name, _command in table_commands.COMMANDS.items():
    app.command(_name)(_command)


@app.command("certify")
def _certify(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NET", help="A network that TwoLayerReLU.save wrote.", autocompletion=completion.networks
        ),
    ],
    file: Table,
    x: Features,
    y: Labels,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory of the results.  [default: NET-certified]")
    ] = None,
    loss: Annotated[
        str,
        typer.Option(metavar="auto|square|logistic", help="Loss that the certificates are about, as in fit."),
    ] = "auto",
    event: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="Of labels of two values, the one that stands for 1, as in fit."),
    ] = None,
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

    return partial(certify, Request.parse(network, file, x, y, out, loss, event, recheck), force, as_json)


for _name, _command in {**matrix_commands.COMMANDS, **record_commands.COMMANDS}.items():
    app.command(_name)(_command)
