"""A worker process: one batch at a time over a pipe; the process ends when the pipe closes."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import Any

from stepscape.errors import OutputError, StepscapeError
from stepscape.lab.batch import Batch, Died, Done, carry_out_batch, packed, sentence, unpacked
from stepscape.lab.one_thread import keep_to_one_thread

_STOP, _READY = b"stop", b"ready"
_PATIENCE = 5.0  # seconds for a run that was called off to notice


class WorkerProcess:
    """A spawned process, started with its first batch and again after it died."""

    def __init__(self) -> None:
        self._process: Any = None
        self._pipe: Connection | None = None
        self._sending = threading.Lock()
        self._stopped = False

    def carry_out(self, batch: Batch) -> Done:
        """Send a batch and return the worker's report.

        Raises
        ------
        Died
            The process did not survive the batch.
        OutputError
            What the worker raised, or it could not even start.
        """
        message = packed(batch, ForkingPickler.dumps)
        pipe = self._pipe or self._start()
        try:
            with self._sending:
                pipe.send_bytes(message)
            reply = pipe.recv()
        except (EOFError, OSError):
            raise Died(self._close()) from None
        if isinstance(reply, Exception):
            raise reply
        assert isinstance(reply, Done)
        return reply

    def stop(self) -> None:
        """Tell the worker to commit what is finished and to end."""
        self._stopped = True
        with self._sending, contextlib.suppress(OSError):
            if self._pipe is not None:
                self._pipe.send_bytes(_STOP)

    def close(self) -> None:
        """Wait until the process has ended; kill it when it does not."""
        if self._process is not None:
            self._process.join(_PATIENCE)
            self._process.kill()
            self._close()

    def _start(self) -> Connection:
        context = get_context("spawn")
        with self._sending:
            if self._stopped:
                raise Died("it was called off")
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs,), daemon=True)
            with interrupts_blocked(), theirs:
                process.start()
            self._pipe, self._process = ours, process
        try:
            ours.recv_bytes()
        except (EOFError, OSError):
            how = self._close()
            if how in signal.Signals.__members__:  # somebody killed it
                raise Died(how) from None
            raise OutputError(f"a worker process could not start: {how}") from None
        return ours

    def _close(self) -> str:
        self._process.join()
        with self._sending:
            if self._pipe is not None:
                self._pipe.close()
            self._pipe = None
        code = self._process.exitcode
        return f"exit status {code}" if code >= 0 else signal.Signals(-code).name


def serve(pipe: Connection) -> None:
    """Work: carry out the batches that come through the pipe until it says stop or its other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the coordinator decides
    keep_to_one_thread()
    stopped = threading.Event()
    batches: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, batches, stopped), daemon=True).start()
    with contextlib.suppress(OSError):  # nobody is left to tell; what is finished is committed
        pipe.send_bytes(_READY)
        while (message := batches.get()) != _STOP:
            pipe.send(_reply(message, stopped.is_set))


def _listen(pipe: Connection, batches: SimpleQueue[bytes], stopped: threading.Event) -> None:
    message = b""
    while message != _STOP:
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            message = _STOP
        batches.put(message)
    stopped.set()
    time.sleep(_PATIENCE)
    os._exit(1)


def _reply(message: bytes, stopped: Callable[[], bool]) -> Done | StepscapeError:
    try:
        return carry_out_batch(unpacked(message), stopped)
    except StepscapeError as error:
        return error
    except Exception as error:
        return OutputError(f"a batch could not be carried out: {sentence(error)}")


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Let processes started meanwhile inherit a mask: no interrupt of the terminal reaches them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would lift the mask when started in the middle
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
