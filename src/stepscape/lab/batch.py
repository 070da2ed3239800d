"""A batch: runs that one worker carries out in a row and commits as one segment of the store."""

from __future__ import annotations

import os
import pickle
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stepscape.errors import InputError, OutputError, StepscapeError
from stepscape.lab.pool import Stopped, Tick
from stepscape.lab.provenance import machine
from stepscape.lab.spec import Spec
from stepscape.lab.store import Entry, Store
from stepscape.tables.records import Record

Work = Callable[[Any, Tick], Record]
_LONGEST = 500  # characters of a reason
_LARGEST = 2**26  # bytes of arrays with which a batch is committed: it is held in memory until then


@dataclass(frozen=True)
class Batch:
    """What a worker needs to know.

    Attributes
    ----------
    path, store : directory of the store and its identity, which tells another directory of the same name.
    runs : specs by identity, in order.
    work : (spec, tick) → `Record`; a function of a module, so that other processes find it by name.
    seconds : the worker commits when this has passed or its arrays are large, and hands back the runs that it
        has not begun.
    lives : how many more workers may die while they carry it out.
    alone : nothing else may be under way, so that nothing else can be what a worker dies of.
    """

    path: str
    store: str
    runs: Mapping[str, Spec]
    work: Work
    seconds: float
    lives: int
    alone: bool = False


@dataclass(frozen=True)
class Done:
    """What a worker reports; the records themselves are in the store.

    Attributes
    ----------
    outcomes : outcome by identity, of the first runs of the batch; it hands back the others.
    reasons : why, by identity of a failed run.
    seconds : spent on the runs.
    """

    outcomes: Mapping[str, str]
    reasons: Mapping[str, str]
    seconds: float


class Died(Exception):
    """The process that carried out a batch ended; the text says how. Never leaves the lab.

    It costs the batch `lives`; `certain` means that no other batch can be the cause.
    """

    def __init__(self, how: str, lives: int = 1, certain: bool = True):
        super().__init__(how, lives, certain)
        self.how, self.lives, self.certain = how, lives, certain


def carry_out_batch(batch: Batch, stopped: Callable[[], bool] = lambda: False) -> Done:
    """Carry out the runs in turn and commit their records: the same function under every executor.

    When `stopped` says so, the run under way is given up at its next tick and those finished are committed.

    Raises
    ------
    OutputError
        This process does not see the store, or the system refuses to write to it.
    """
    store = _store(batch)
    started, clock = datetime.now(UTC), time.perf_counter()
    entries: list[Entry] = []
    try:
        for spec in batch.runs.values():
            late = entries and time.perf_counter() - clock > batch.seconds
            if stopped() or late or sum(map(_size, entries)) > _LARGEST:
                break
            entries.append(_carry_out(spec, batch.work, stopped))
    except Stopped:
        pass
    seconds = time.perf_counter() - clock
    if entries:
        store.commit(entries, _origin(started, seconds))
    records = {name: entry.record for name, entry in zip(batch.runs, entries, strict=False)}
    return Done(
        outcomes={name: record.outcome for name, record in records.items()},
        reasons={name: record.reason for name, record in records.items() if record.outcome == "failed"},
        seconds=seconds,
    )


def packed(batch: Batch, dumps: Callable[[Any], Any]) -> bytes:
    """Serialize a batch for another process."""
    try:
        return bytes(dumps(batch))
    except Exception as error:
        raise InputError(
            f"other processes must find the work function and specs by name, in a module: {sentence(error)}"
        ) from None


def unpacked(message: bytes) -> Batch:
    """Load a batch that came from another process."""
    try:
        batch: Batch = pickle.loads(message)
    except Exception as error:
        raise InputError(f"a worker cannot load the work function or a spec: {sentence(error)}") from None
    return batch


def failing_work(how: str, _spec: Spec, _tick: Tick) -> Record:
    """Stand in for the work of a run that no worker process survives."""
    return Record("failed", reason=f"its worker process died: {how}")


def _carry_out(spec: Spec, work: Work, stopped: Callable[[], bool]) -> Entry:
    def tick(_fraction: float) -> None:
        if stopped():
            raise Stopped

    clock = time.perf_counter()
    try:
        record = work(spec, tick)
        if not isinstance(record, Record):
            raise TypeError(f"the work function returned {type(record).__name__}, not a Record")
    except Exception as error:
        record = Record("failed", reason=sentence(error))
    return Entry(spec, record, time.perf_counter() - clock)


def _size(entry: Entry) -> int:
    return sum(values.nbytes for values in entry.record.arrays.values())


def sentence(error: BaseException) -> str:
    """Word on one line what went wrong in a run."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    own = str(error) if isinstance(error, StepscapeError) else ""
    line = " ".join((own or f"{type(error).__name__}: {error}".removesuffix(": ")).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _store(batch: Batch) -> Store:
    host = socket.gethostname()
    try:
        store = Store.open(batch.path)
    except InputError as error:
        raise OutputError(
            f"the worker on {host!r} does not see the store: {error}; put the store on a directory that all "
            "workers share"
        ) from None
    if store.id != batch.store:
        raise OutputError(
            f"the worker on {host!r} sees another store at {batch.path!r}; put the store on a directory that "
            "all workers share"
        )
    return store


def _origin(started: datetime, seconds: float) -> dict[str, object]:
    return {
        **machine(),
        "process": os.getpid(),
        "started": started.isoformat(timespec="milliseconds"),
        "seconds": round(seconds, 3),
    }
