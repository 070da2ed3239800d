"""A claim, its settings and a store → its result; only runs that are not on record are carried out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stepscape.cli import console, values
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import InputError, OutputError, StepscapeError

if TYPE_CHECKING:
    from stepscape.experiments.frame import Claim, Result, Settings
    from stepscape.lab.spec import Spec
    from stepscape.lab.store import Store
    from stepscape.lab.sweeping import Progress


@dataclass(frozen=True)
class Resources:
    """How runs are carried out: the options that every command with runs takes."""

    executor: str = "threads"
    workers: int = 0
    scheduler: str | None = None
    retry_failed: bool = False

    @classmethod
    def parse(
        cls, executor: str | None, workers: str, scheduler: str | None, retry_failed: bool
    ) -> Resources:
        """Parse the options of a command line."""
        from stepscape.lab.executors import NAMES
        from stepscape.lab.workers import workers as sensible

        name = executor or ("threads" if scheduler is None else "dask")
        values.choice("executor", name, NAMES)
        if scheduler is not None and name != "dask":
            raise InputError(f"--scheduler needs --executor dask, got --executor {name}")
        asked = values.whole("--workers", workers)
        count, fewer = sensible(asked, scheduler)
        if fewer:
            console.warn(fewer)
        return cls(name, count if fewer else asked, scheduler, retry_failed)


@dataclass(frozen=True)
class Outcome:
    """What came of a claim.

    Attributes
    ----------
    result : of the runs that finished or diverged; verdicts see no others.
    failures : the reason of every run that failed.
    seconds : wall time as recorded, by identity of every run, in order.
    """

    result: Result
    failures: list[str]
    seconds: dict[str, float]


def carry_out(
    claim: Claim,
    settings: Settings,
    store: Store,
    resources: Resources,
    unfinished: Unfinished,
    progress: console.Progress,
) -> Outcome:
    """Carry out the runs that are not on record, and collect all; warn of those that failed."""
    from stepscape.lab.check import check

    specs = claim.specs(settings)
    _complete(claim, specs, store, resources, unfinished, progress)
    try:
        carried = recorded(claim, settings, store, specs)
    except OutputError as error:
        check(store.path)  # nothing to set aside means that another process has done it
        console.warn(f"{error}; its runs are carried out again")
        _complete(claim, specs, store, resources, unfinished, progress)
        carried = recorded(claim, settings, store, specs)
    warn_of(carried.failures, claim.name)
    return carried


def _complete(
    claim: Claim,
    specs: Sequence[Spec],
    store: Store,
    resources: Resources,
    unfinished: Unfinished,
    progress: console.Progress,
) -> None:
    from stepscape.lab.executors import executor
    from stepscape.lab.sweeping import sweep

    def note(now: Progress) -> None:
        progress(now.done / max(1, now.total), progress_words(now))
        unfinished.keep(lambda: _kept(store.path, f"{now.done} of {now.total} runs of {claim.name}"))

    with executor(resources.executor, resources.workers, resources.scheduler) as workers:
        sweep(
            store,
            specs,
            claim.work,
            workers,
            retry_failed=resources.retry_failed,
            title=claim.name,
            progress=note,
        )


def recorded(claim: Claim, settings: Settings, store: Store, specs: Sequence[Spec]) -> Outcome:
    """Collect the records of all runs.

    Raises
    ------
    StepscapeError
        Every run failed.
    """
    from stepscape.lab.spec import identity

    identities = [identity(spec) for spec in specs]
    pairs = list(zip(specs, store.records(identities), strict=True))
    failures = [record.reason for _, record in pairs if record.outcome == "failed"]
    done = [(spec, record) for spec, record in pairs if record.outcome != "failed"]
    if not done:
        raise StepscapeError(f"all {len(pairs)} runs of {claim.name} failed: {failures[0]}")
    result = claim.collect(settings, [spec for spec, _ in done], [record for _, record in done])
    seconds = {row["identity"]: row["seconds"] for row in store.rows(specs)}
    return Outcome(result, failures, seconds)


def progress_words(now: Progress) -> str:
    """Word the progress of a sweep in one line."""
    lost = [
        f"{count} {what}" for count, what in ((now.diverged, "diverged"), (now.failed, "failed")) if count
    ]
    pace = [f"{now.rate:.3g} per second"] if math.isfinite(now.rate) else []
    return ", ".join([f"{now.done} of {now.total} runs", *lost, *pace])


def _kept(store: Path, runs: str) -> str:
    if not any(store.glob("segments/*")):
        return "nothing was left behind"
    return (
        f"the finished runs are kept in {str(store.parent)!r} ({runs}); the same command resumes from there"
    )


def warn_of(failures: Sequence[str], name: str) -> None:
    """Say on stderr which runs are in no verdict, and why."""
    from stepscape.report.words import counted

    for reason in dict.fromkeys(failures):
        count = failures.count(reason)
        runs = (
            f"{counted(count, 'run')} of {name} failed and {'is' if count == 1 else 'are'} part of no verdict"
        )
        console.warn(f"{runs}: {reason}; --retry-failed tries again")
