"""Ctrl-C: leave within a second, whatever compiled code is running, with nothing half-written."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GRACE = 0.4  # seconds for an orderly way out
_INTERRUPTED = 130


class Unfinished:
    """What has to be removed if the command does not complete, a function for each place; and what stays."""

    def __init__(self) -> None:
        self._removals: list[Callable[[], None]] = []
        self._kept: Callable[[], str] = _nothing

    def add(self, remove: Callable[[], None]) -> None:
        """Remember how to remove something that is being written."""
        self._removals.append(remove)

    def done(self, remove: Callable[[], None]) -> None:
        """Forget it: it is complete, or removed already."""
        if remove in self._removals:
            self._removals.remove(remove)

    def discard(self) -> None:
        """Remove everything unfinished."""
        while self._removals:
            self._removals.pop()()

    def keep(self, describe: Callable[[], str]) -> None:
        """Remember how to word what an interrupt leaves behind and how to resume."""
        self._kept = describe

    def last_words(self) -> str:
        """Word an interrupt."""
        return f"interrupted; {self._kept()}"


@contextmanager
def leaving_promptly(unfinished: Unfinished) -> Iterator[None]:
    """Raise KeyboardInterrupt on Ctrl-C as usual, and leave the process if that has not ended it in time.

    Python runs its handler between two bytecodes of the main thread, so a compiler pass or a thread pool that
    waits for its workers can hold it up for long. The C handler writes to the wake-up descriptor at once, and
    a thread that waits there starts the clock.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    pressed, left = threading.Event(), threading.Event()
    hook, sys.unraisablehook = sys.unraisablehook, _quiet_about_interrupts
    threading.Thread(target=_watch, args=(reader, unfinished, pressed, left), daemon=True).start()
    try:
        yield
    except BaseException as error:
        unfinished.discard()
        if pressed.is_set():  # libraries turn an interrupt inside their callbacks into errors of their own
            raise KeyboardInterrupt from error
        raise
    finally:
        left.set()
        sys.unraisablehook = hook
        signal.set_wakeup_fd(before)
        writer.close()  # ends the thread


def _watch(
    reader: socket.socket, unfinished: Unfinished, pressed: threading.Event, left: threading.Event
) -> None:
    while received := reader.recv(16):
        if signal.SIGINT in received:
            pressed.set()
            # The interrupt can land inside a lock of a thread pool, whose workers then log a traceback each.
            logging.disable()
            if not left.wait(GRACE):
                unfinished.discard()
                _say(unfinished.last_words())
                os._exit(_INTERRUPTED)
    reader.close()


def _nothing() -> str:
    return "nothing was left behind"


def _say(words: str) -> None:
    # A progress bar hides the cursor; nobody else is left to show it again.
    cursor = "\x1b[?25h\n" if sys.stderr is not None and sys.stderr.isatty() else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{cursor}stepscape: {words}\n".encode(errors="replace"))


def _quiet_about_interrupts(unraisable: sys.UnraisableHookArgs) -> None:
    # An interrupt that lands in a destructor is lost there; the clock ends the process all the same.
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
