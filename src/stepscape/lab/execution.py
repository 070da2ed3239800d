"""What a sweep requires of an executor of its batches."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from stepscape.lab.batch import Batch, Done


class Executor(Protocol):
    """Carries out batches, several at a time; the context manager that yields it closes it."""

    @property
    def workers(self) -> int:
        """Number of batches that run at a time; a cluster may grow."""

    def submit(self, batch: Batch) -> Future[Done]:
        """Hand over a batch; the future raises `Died` when the worker process did not survive it."""

    def stop(self) -> None:
        """Cancel waiting and running batches; finished runs are committed if that is quick."""
