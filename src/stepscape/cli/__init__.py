"""The command line: run a command, word what went wrong, return the exit status.

Exit status: 0 completed, whatever the verdict; 1 could not complete; 2 the input was wrong; 130, 143 and 129:
ended by Ctrl-C, SIGTERM or SIGHUP.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

COULD_NOT, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default that of the process) and return its exit status; never raises."""
    status = _run(sys.argv[1:] if arguments is None else list(arguments))
    if arguments is None and status > 128:
        os._exit(status)  # taking the interpreter down in order can outlast the user's patience
    if arguments is None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and done: the status must not differ
    return status


def _run(words: list[str]) -> int:
    unfinished = None
    try:
        # All imports from here on, so that a Ctrl-C during one of them is worded like any other.
        from stepscape.cli import streams, surroundings
        from stepscape.cli.interrupt import Unfinished, leaving_promptly

        streams.prepare()
        unfinished = Unfinished()
        with leaving_promptly(unfinished):
            from stepscape.cli.app import parse

            parse(words)(unfinished)
            streams.flush()
            surroundings.warn_of_compiling()
        return 0
    except KeyboardInterrupt as error:
        number = getattr(error, "number", INTERRUPTED - 128)
        ended = unfinished.last_words(number) if unfinished else "interrupted; nothing was left behind"
        return _say(ended, 128 + number)
    except SystemExit as done:  # the parser's own, after it completed a word for a shell
        return done.code if isinstance(done.code, int) else COULD_NOT
    except Exception as error:
        return _failed(error, "--debug" in words)


def _failed(error: Exception, debug: bool) -> int:
    from stepscape.cli import streams, wording
    from stepscape.errors import OutputError

    if isinstance(error, streams.NobodyReads):
        return COULD_NOT
    with contextlib.suppress(OSError, OutputError):
        streams.flush()  # what cannot be written is given up here: Python would try again when it ends
    if debug:
        import traceback

        for line in "".join(traceback.format_exception(error)).splitlines():
            streams.say(line)
    return _say(wording.sentence(error), wording.status(error))


def _say(sentence: str, status: int) -> int:
    from stepscape.cli import streams

    streams.say(f"stepscape: {sentence}")
    return status
