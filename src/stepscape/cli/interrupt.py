"""Ctrl-C and its like: leave within a second, whatever compiled code runs, with nothing half-written."""

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
from types import FrameType

GRACE = 0.4  # seconds for an orderly way out
NOTHING_LEFT = "nothing was left behind"
# What ends a command in order; its exit status is 128 and the number of the signal.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Ended(KeyboardInterrupt):
    """A command was ended by a signal."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.number = number

    @property
    def status(self) -> int:
        """Exit status of the command: 130, 143 or 129."""
        return 128 + self.number


class Unfinished:
    """What has to be removed if the command does not complete, a function for each place; and what stays."""

    def __init__(self) -> None:
        self._removals: list[Callable[[], None]] = []
        self.kept: Callable[[], str] = lambda: NOTHING_LEFT

    def add(self, remove: Callable[[], None]) -> None:
        """Remember how to remove something that is being written."""
        self._removals.append(remove)

    def done(self, remove: Callable[[], None]) -> None:
        """Forget it: it is complete, or removed already."""
        with contextlib.suppress(ValueError):
            self._removals.remove(remove)

    def discard(self) -> None:
        """Remove everything unfinished; two threads may do so at once."""
        while True:
            try:
                remove = self._removals.pop()
            except IndexError:
                return
            remove()

    def keep(self, describe: Callable[[], str]) -> None:
        """Remember how to word what an interrupt leaves behind and how to resume."""
        self.kept = describe

    def last_words(self, number: int = signal.SIGINT) -> str:
        """Word the end by a signal."""
        ended = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
        return f"{ended}; {self.kept()}"


@contextmanager
def leaving_promptly(unfinished: Unfinished) -> Iterator[None]:
    """Raise `Ended` for a signal that ends the command, and leave the process if that does not in time.

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
    received: list[int] = []  # at most one: while we leave, a second one changes nothing
    left = threading.Event()
    hook, sys.unraisablehook = sys.unraisablehook, _quiet_about_interrupts
    threading.Thread(target=_watch, args=(reader, unfinished, received, left), daemon=True).start()
    handlers = _take_over(received)
    try:
        yield
    except BaseException as error:
        unfinished.discard()
        if received:  # libraries turn an interrupt inside their callbacks into errors of their own
            raise Ended(received[0]) from error
        raise
    finally:
        left.set()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook
        signal.set_wakeup_fd(before)
        writer.close()  # ends the thread


def _take_over(received: list[int]) -> dict[int, Callable[[int, FrameType | None], object] | int | None]:
    """Handle the signals that end a command; what our parent ignores (``nohup``) stays ignored."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if not received:
            received.append(number)
            raise Ended(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    for number in taken:
        signal.signal(number, handle)
    return taken


def _watch(reader: socket.socket, unfinished: Unfinished, received: list[int], left: threading.Event) -> None:
    while written := reader.recv(16):
        numbers = [number for number in written if number in _SIGNALS]
        if numbers:
            # The interrupt can land inside a lock of a thread pool, whose workers then log a traceback each.
            logging.disable()
            if not left.wait(GRACE):
                ended = Ended(received[0] if received else numbers[0])
                unfinished.discard()
                _say(unfinished.last_words(ended.number))
                os._exit(ended.status)
    reader.close()


def _say(words: str) -> None:
    # A progress bar hides the cursor; nobody else is left to show it again.
    cursor = "\x1b[?25h\n" if sys.stderr is not None and sys.stderr.isatty() else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{cursor}stepscape: {words}\n".encode(errors="replace"))


def _quiet_about_interrupts(unraisable: sys.UnraisableHookArgs) -> None:
    # An interrupt that lands in a destructor is lost there; the clock ends the process all the same.
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
