"""What a sweep asks of whatever carries out its batches."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from stepscape.lab.batch import Batch, Done


class Executor(Protocol):
    """Carries out batches, several at a time; the context manager that yields it closes it."""

    @property
    def workers(self) -> int:
        """How many batches run at a time; a cluster may grow."""

    def submit(self, batch: Batch) -> Future[Done]:
        """Hand over a batch; the future raises `Died` when the worker process did not survive it."""

    def stop(self) -> None:
        """Call off what waits and what runs; finished runs are committed where that is quick."""
