"""A directory of results that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stepscape import files
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import OutputError


@contextmanager
def output_directory(path: str, force: bool, unfinished: Unfinished) -> Iterator[Path]:
    """Yield a hidden directory to write to; its files move to ``path`` together when the block ends well.

    Otherwise they vanish, with every directory made for them. With ``force`` the new files replace those of
    the same name, and others stay.

    Raises
    ------
    InputError
        ``path`` cannot be used, before anything is computed; see ``files.prepare_directory``.
    OutputError
        The system refused to write.
    """
    made = _missing(Path(path))
    target = files.prepare_directory(path, force)
    draft = target / f".stepscape-{secrets.token_hex(6)}"

    def remove() -> None:
        shutil.rmtree(draft, ignore_errors=True)
        for directory in made:
            with contextlib.suppress(OSError):
                directory.rmdir()

    unfinished.add(remove)
    try:
        with _worded(path):
            draft.mkdir()
        yield draft
        with _worded(path):
            _publish(draft, target)
    except BaseException:
        remove()
        raise
    finally:
        unfinished.done(remove)


def _missing(path: Path) -> list[Path]:
    return [p for p in (path, *path.parents) if not os.path.lexists(p)]


def _publish(draft: Path, target: Path) -> None:
    for file in sorted(p for p in draft.rglob("*") if p.is_file()):
        place = target / file.relative_to(draft)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, place)
    shutil.rmtree(draft)


@contextmanager
def _worded(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot write to {path!r}: {reason}") from error
