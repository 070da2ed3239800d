"""Where rows go while a run trains: files, TensorBoard, Weights & Biases, MLflow."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, Protocol

from stepscape import files
from stepscape.arguments import path as path_of
from stepscape.errors import InputError, OutputError, Unavailable, bad, shown
from stepscape.monitor.row import NAMES, Row
from stepscape.monitor.run_file import read_run
from stepscape.tables.csv_text import csv_text

PREFIX = "stepscape/"


class Sink(Protocol):
    """What takes rows one after the other."""

    def write(self, row: Row) -> None:
        """Take a row."""
        ...

    def close(self) -> None:
        """Write what is not written yet; nothing of the user's is closed."""
        ...


class JsonLines:
    """A file with one line of JSON per row, written and flushed at once, so that `stepscape watch` sees it.

    Rows are appended to a file of rows. What a run that was killed left half-written at its end is cut off.

    Parameters
    ----------
    path : path
        Its directory must exist.

    Raises
    ------
    InputError
        If the file holds something else than rows, or cannot be made there.
    OutputError
        If the system refuses to write.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path_of("path", path)
        try:
            if os.path.exists(self.path):
                _end_last_line(self.path)
            self._file = open(self.path, "a", encoding="utf-8")  # noqa: SIM115 - closed by `close`
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise InputError(f"cannot write {self.path!r}: {files.reason(error)}") from error

    def write(self, row: Row) -> None:
        """Append a row and hand it to the system."""
        try:
            self._file.write(row.to_line() + "\n")
            self._file.flush()
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot write {self.path!r}: {files.reason(error)}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _end_last_line(path: str) -> None:
    """Cut off a row that is half-written, and end a line that only lacks its end."""
    whole = os.path.getsize(path) - read_run(path).unfinished
    os.truncate(path, whole)
    with open(path, "rb+") as file:
        file.seek(max(0, whole - 1))
        if file.read(1) not in (b"", b"\n"):
            file.write(b"\n")


class Csv:
    """A CSV file that holds all rows so far, or what it held before if a row cannot be written."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path_of("path", path)
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        """Write the file anew, with one more row."""
        self._rows.append(row)
        write_csv(self.path, self._rows)

    def close(self) -> None:
        """Do nothing: all is written."""


class TensorBoard:
    """Scalars of a row in TensorBoard, at its step.

    Parameters
    ----------
    writer : torch.utils.tensorboard.SummaryWriter, or a path
        Or anything with ``add_scalar(name, value, step)``. A writer of the user's stays open; for a path one
        is made, which needs the package tensorboard.
    """

    def __init__(self, writer: Any) -> None:
        self._own = isinstance(writer, str | os.PathLike)
        self._writer = _summary_writer(writer) if self._own else _with_method(writer, "writer", "add_scalar")

    def write(self, row: Row) -> None:
        """Add the scalars."""
        for name, value in scalars(row).items():
            self._writer.add_scalar(name, value, row.step)

    def close(self) -> None:
        """Close a writer of our own."""
        if self._own:
            self._writer.close()


class WeightsAndBiases:
    """Scalars of a row in a run of Weights & Biases, with ``stepscape/step`` as their step.

    Parameters
    ----------
    run : what ``wandb.init`` returned, or anything with ``log(mapping)``
        The counter of steps of the run stays as it is, because it must not run backwards: plot against
        ``stepscape/step``.
    """

    def __init__(self, run: Any) -> None:
        self._run = _with_method(run, "run", "log")
        if callable(getattr(run, "define_metric", None)):
            run.define_metric(f"{PREFIX}*", step_metric=f"{PREFIX}step")

    def write(self, row: Row) -> None:
        """Log the scalars."""
        self._run.log({**scalars(row), f"{PREFIX}step": row.step})

    def close(self) -> None:
        """Do nothing: the run belongs to the user."""


class MLflow:
    """Scalars of a row as metrics of MLflow, at its step.

    Characters that MLflow refuses in names, such as # for the second call of a layer, become underscores.

    Parameters
    ----------
    client : the module ``mlflow``, or anything with ``log_metrics(mapping, step=…)``
        By default the module, which logs to the active run.
    """

    def __init__(self, client: Any = None) -> None:
        self._client = _with_method(_mlflow() if client is None else client, "client", "log_metrics")

    def write(self, row: Row) -> None:
        """Log the scalars."""
        metrics = {re.sub(r"[^\w./: -]", "_", name): value for name, value in scalars(row).items()}
        self._client.log_metrics(metrics, step=row.step)

    def close(self) -> None:
        """Do nothing: the run belongs to the user."""


def scalars(row: Row) -> dict[str, float]:
    """Return the numbers of a row by the names that loggers get; what was not measured is left out.

    Names begin with ``stepscape/``; a block or a layer has its own, such as ``stepscape/blocks/head``.
    """
    return {
        PREFIX + name: float(value)
        for name, value in columns(row).items()
        if isinstance(value, bool | int | float) and name != "step"
    }


def columns(row: Row) -> dict[str, Any]:
    """Return a row by columns: step sizes, blocks and layers have one each.

    >>> row = Row(0, 1.0, (0.1, 0.2), "converged", blocks={"head": 3.0})
    >>> [name for name in columns(row) if "/" in name]
    ['step_size/0', 'step_size/1', 'blocks/head']
    """
    found: dict[str, Any] = {}
    for name in NAMES:
        value = getattr(row, name)
        if name == "step_sizes":
            several = len(value) > 1
            found |= {f"step_size/{i}" if several else "step_size": each for i, each in enumerate(value)}
        elif name in ("blocks", "dead_units"):
            found |= {f"{name}/{key}": each for key, each in (value or {}).items()}
        else:
            found[name] = value
    return found


def write_csv(path: str | os.PathLike[str], rows: Sequence[Row]) -> None:
    """Write rows as CSV, whole or not at all; columns that only some rows have stand last."""
    records = [columns(row) for row in rows]
    every = dict.fromkeys(name for record in records for name in record)
    names = sorted(every, key=lambda name: "/" in name)
    text = csv_text(names, [[record.get(name) for name in names] for record in records])
    files.write_atomic(path_of("path", path), text)


def _with_method(value: Any, name: str, method: str) -> Any:
    if not callable(getattr(value, method, None)):
        raise bad(name, f"have a method {method}", shown(value))
    return value


def _summary_writer(path: str | os.PathLike[str]) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise Unavailable("TensorBoard needs the package tensorboard: pip install tensorboard") from error
    return SummaryWriter(path_of("writer", path))


def _mlflow() -> Any:
    try:
        import mlflow  # type: ignore[import-not-found]
    except ImportError as error:
        raise Unavailable("MLflow needs the package mlflow: pip install mlflow") from error
    return mlflow
