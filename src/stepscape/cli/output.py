"""A directory of results that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stepscape import files
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import InputError, OutputError

if TYPE_CHECKING:
    from stepscape.lab.store import Store

STORE = "store"  # the directory of records inside a directory of results


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
        with _reason(path):
            draft.mkdir()
        yield draft
        with _reason(path):
            _publish(draft, target)
    except BaseException:
        remove()
        raise
    finally:
        unfinished.done(remove)


def check_directory(path: str) -> None:
    """Refuse a directory that holds anything but a store, which an interrupted command leaves to its like."""
    folder = Path(path)
    with contextlib.suppress(OSError, ValueError):
        names = {name for name in os.listdir(folder) if not name.startswith(".stepscape-")}
        if names == {STORE} and (folder / STORE / "store.json").is_file():
            return
    if folder.is_dir():
        files.prepare_directory(path)


def holds(path: str, what: str) -> InputError:
    """Word the refusal of a directory that holds something else."""
    return InputError(f"output directory {path!r} holds {what}; name another or add --force")


@contextmanager
def store_in(path: str, unfinished: Unfinished) -> Iterator[Store]:
    """Yield the store of a directory of results, made where there is none.

    When the block fails, a store with records stays; an empty one vanishes with all directories made for it.

    Raises
    ------
    InputError
        ``path`` cannot be used; see ``files.prepare_directory``.
    """
    from stepscape.cli.damage import warn_of_damage
    from stepscape.lab.store import Store

    target = Path(path)
    made = _missing(target)
    files.prepare_directory(path, force=True)
    folder = target / STORE
    begun = not folder.exists()

    def remove() -> None:
        if begun and not any(folder.glob("segments/*")):
            shutil.rmtree(folder, ignore_errors=True)
        for directory in made:
            with contextlib.suppress(OSError):
                directory.rmdir()

    unfinished.add(remove)
    try:
        store = Store.create(folder)
        warn_of_damage(store)
        yield store
    except BaseException:
        remove()
        raise
    finally:
        unfinished.done(remove)


def _missing(path: Path) -> list[Path]:
    return [p for p in (path, *path.parents) if not os.path.lexists(p)]


def _publish(draft: Path, target: Path) -> None:
    for file in sorted(p for p in draft.rglob("*") if p.is_file()):
        folder = target / file.relative_to(draft)
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, folder)
    shutil.rmtree(draft)


@contextmanager
def _reason(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot write to {path!r}: {reason}") from error
