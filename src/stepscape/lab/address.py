"""The address of a Dask scheduler: its form, and whether a scheduler answers there within seconds."""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from stepscape.errors import OutputError, bad
from stepscape.lab.batch import sentence

_FORM = re.compile(r"(?:(?:tcp|tls|wss?|ucxx?)://)?(?:[\w.-]+|\[[\da-fA-F:.%]+\]):(\d{1,5})", re.ASCII)
_LOGGERS = ("distributed", "tornado", "asyncio")


def address(text: str) -> str:
    """Refuse what is not an address: Dask itself would try again and again."""
    found = _FORM.fullmatch(text)
    if not found or not 1 <= int(found[1]) <= 65535:
        raise bad("scheduler", "be an address of the form tcp://host:port, or slurm", repr(text))
    return text


def answer_within(seconds: float, question: Callable[[], Any], what: str) -> Any:
    """Ask on a thread of its own, which is left behind when it gets no answer.

    Raises
    ------
    OutputError
        There was none, or an error: one sentence that begins with `what`.
    """
    answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put((question(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except Empty:
        raise OutputError(f"{what}: no answer within {seconds:g} s") from None
    if error is not None:
        raise OutputError(f"{what}: {sentence(error)}") from None
    return answer


def greet(scheduler: str, seconds: float) -> None:
    """Exchange greetings with a scheduler, or raise `OutputError`.

    Whatever else listens there, a web server or a silent port, does not greet as Dask does, and the client of
    Dask would wait for it for ever.
    """
    connect = importlib.import_module("distributed.comm").connect
    security = importlib.import_module("distributed.security").Security  # as Dask's configuration has it

    async def exchange() -> str:
        try:
            # A second more for the greeting: whether a connection was made at all is then told by Dask.
            known = security().get_connection_args("client")
            comm = await asyncio.wait_for(connect(scheduler, timeout=seconds, **known), seconds + 1.0)
        except TimeoutError:
            return f"what listens there gave no answer of Dask within {seconds:g} s"
        except (OSError, TypeError, ImportError) as error:
            return sentence(error)
        except Exception:  # of many kinds, by what was taken for a greeting
            return "what listens there is no Dask scheduler"
        comm.abort()
        return ""

    says = f"cannot reach the Dask scheduler {scheduler!r}"
    if trouble := answer_within(2.0 * seconds + 1.0, lambda: asyncio.run(exchange()), says):
        raise OutputError(f"{says}: {trouble}")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the logs of Dask off the terminal: a lost connection is told in one sentence."""
    known = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _LOGGERS]
    before = {name: logging.getLogger(name).level for name in known}
    for name in known:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
