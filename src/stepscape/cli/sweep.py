"""The command ``sweep``: the runs of a file that are not on record yet, and how it went."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape.cli import console
from stepscape.cli.carry_out import Resources, progress_words
from stepscape.cli.damage import warn_of_damage
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.provenance import Clock, provenance
from stepscape.errors import InputError, OutputError, bad, printable

if TYPE_CHECKING:
    from stepscape.lab.execution import Executor
    from stepscape.lab.store import Store
    from stepscape.lab.sweeping import Progress, Summary
    from stepscape.problems.user.columns import Columns
    from stepscape.sweeps.file import SweepFile

_PRINTED = 3  # reasons of failed runs


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    file: str
    out: str | None
    resources: Resources
    shard: tuple[int, int] | None
    job_script: bool

    @property
    def command(self) -> str:
        """The command that resumes where this one stops."""
        resources = self.resources
        words = ["stepscape", "sweep", self.file, "--out", str(self.out)]
        words += ["--executor", resources.executor] if resources.executor != "threads" else []
        words += ["--workers", str(resources.workers)] if resources.workers else []
        words += ["--scheduler", resources.scheduler] if resources.scheduler else []
        words += ["--shard", "{}/{}".format(*self.shard)] if self.shard else []
        words += ["--retry-failed"] if resources.retry_failed else []
        return shlex.join(words)


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """Read ``i/N``."""
    from stepscape.lab.sweeping import check_shard

    if text is None:
        return None
    parts = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if parts is None:
        raise bad("shard", "be i/N with whole numbers", repr(text))
    shard = int(parts[1]), int(parts[2])
    check_shard(shard)
    return shard


def sweep_file(request: Request, as_json: bool, unfinished: Unfinished) -> None:
    """Carry out what a sweep file asks for and is not on record."""
    from stepscape.lab.executors import executor
    from stepscape.lab.store import Store

    clock = Clock()
    file = _read(request.file)
    if request.job_script:
        _print_job_script(file, as_json)
        return
    if request.out is None:
        raise InputError("the command needs --out, the directory of the store")
    resources = request.resources
    where = resources.executor, resources.workers, resources.scheduler, file.cluster
    with executor(*where, runs=len(file.specs), warn=console.warn) as workers:
        store = Store.create(request.out)
        warn_of_damage(store)
        summary = _sweep(request, file, store, workers, unfinished)
    document = {
        "command": "sweep",
        "file": request.file,
        "title": file.title,
        "directory": request.out,
        "shard": request.shard,
        "tables": [_rows(columns) for columns in file.data.values()],
        "notes": file.notes,
        "repeated": file.repeated,
        **vars(summary),
        "provenance": provenance(clock),
    }
    console.answer(document, _lines(document), as_json)


def _sweep(
    request: Request, file: SweepFile, store: Store, workers: Executor, unfinished: Unfinished
) -> Summary:
    from stepscape.lab.sweeping import sweep

    with _watching(request, unfinished) as note:
        return sweep(
            store,
            file.specs,
            file.work_in(store.path / "data"),
            workers,
            retry_failed=request.resources.retry_failed,
            shard=request.shard,
            title=file.title,
            source=request.file,
            notes=file.notes,
            progress=note,
        )


@contextmanager
def _watching(request: Request, unfinished: Unfinished) -> Iterator[Callable[[Progress], None]]:
    """Show the progress of the sweep; whatever ends it early, say what is kept and how to resume."""
    from stepscape.lab.store import Gone

    kept = f"the runs on record in {request.out!r} are kept; resume with: {request.command}"
    unfinished.keep(lambda: kept)
    with console.progress("sweep") as show:

        def note(now: Progress) -> None:
            nonlocal kept
            on_record = f"{now.done} of {now.total} runs are on record in {request.out!r}"
            kept = f"{on_record}; resume with: {request.command}"
            show(now.done / max(1, now.total), progress_words(now))

        try:
            yield note
        except Gone as error:
            raise OutputError(f"{error}; the same command begins anew, or resumes when it is back") from None
        except OutputError as error:
            raise OutputError(f"{error}; {kept}") from error


def _read(name: str) -> SweepFile:
    from stepscape import files
    from stepscape.sweeps.file import read_sweep

    return read_sweep(files.read_bytes(name), name, Path(name).parent)


def _rows(columns: Columns) -> dict[str, Any]:
    return {
        "x": list(columns.features) or columns.x_name,
        "y": columns.y_name,
        "rows": columns.rows,
        "used": len(columns.x),
        "dropped": dict(columns.dropped),
        **({"classes": list(columns.classes)} if columns.classes else {}),
    }


def _notes(document: dict[str, Any]) -> list[str]:
    """Say what of the input was left out."""
    from stepscape.problems.user.columns import some

    lines = []
    for table in document["tables"]:
        x = table["x"] if isinstance(table["x"], str) else some(table["x"])
        lines.append(f"{table['y']} against {x}: {table['used']} of {table['rows']} rows used")
        lines += [f"    dropped {rows}: {why}" for why, rows in table["dropped"].items()]
    lines += map(printable, document["notes"])
    if document["repeated"]:
        lines.append(f"The file describes {document['repeated']} more runs, each equal to one of these")
    return lines


def _lines(document: dict[str, Any]) -> list[str]:
    from stepscape.report.words import duration

    runs = f"{document['total']} runs" if document["total"] != 1 else "1 run"
    part = " in part {}/{}".format(*document["shard"]) if document["shard"] else ""
    outcomes = ", ".join(f"{document[outcome]} {outcome}" for outcome in ("finished", "diverged", "failed"))
    lines = [f"{runs}{part}: {outcomes}", *_notes(document)]
    lines.append(
        f"{document['reused']} were on record, {document['computed']} were carried out in "
        f"{duration(document['seconds'])}"
    )
    if document["failed"]:
        lines.append("The sweep is complete nevertheless; --retry-failed carries out the failed runs again:")
        lines += [f"    {printable(reason)}" for reason in list(document["reasons"].values())[:_PRINTED]]
    lines.append(f"The table: stepscape export {shlex.quote(document['directory'])} --csv FILE")
    return lines


def _print_job_script(file: SweepFile, as_json: bool) -> None:
    from stepscape.lab.cluster import job_script

    script = job_script(file.cluster)
    console.answer({"command": "sweep", "job_script": script}, script.splitlines(), as_json)
