"""The command line: run a command, word what went wrong, return the exit status.

Exit status: 0 completed, whatever the verdict; 1 could not complete; 2 the input was wrong; 130 interrupted.
"""

from __future__ import annotations

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
    if arguments is None and status == INTERRUPTED:
        os._exit(status)  # taking the interpreter down in order can outlast the user's patience
    if arguments is None:
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # all is said and done: the status must not say otherwise
    return status


def _run(words: list[str]) -> int:
    unfinished = None
    try:
        # All imports from here on, so that a Ctrl-C during one of them is worded like any other.
        from stepscape.cli.interrupt import Unfinished, leaving_promptly

        unfinished = Unfinished()
        with leaving_promptly(unfinished):
            from stepscape.cli.app import parse

            parse(words)(unfinished)
            sys.stdout.flush()
        return 0
    except KeyboardInterrupt:
        words_left = unfinished.last_words() if unfinished else "interrupted; nothing was left behind"
        return _say(words_left, INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has seen enough
        return COULD_NOT
    except Exception as error:
        if "--debug" in words:
            import traceback

            traceback.print_exc()
        from stepscape.cli import wording

        return _say(wording.sentence(error), wording.status(error))


def _say(sentence: str, status: int) -> int:
    print(f"stepscape: {sentence}", file=sys.stderr, flush=True)
    return status
