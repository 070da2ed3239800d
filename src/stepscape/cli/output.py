"""A directory of results that appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stepscape import files
from stepscape.cli.drafts import NEW, abandoned, draft_in, is_published, take_back
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.publication import fits_beside, publish
from stepscape.errors import InputError, OutputError

if TYPE_CHECKING:
    from stepscape.lab.store import Store

STORE = "store"  # the directory of records inside a directory of results


@contextmanager
def output_directory(path: str, force: bool, unfinished: Unfinished, whole: bool = True) -> Iterator[Path]:
    """Yield a hidden directory to write to; what it holds becomes ``path`` when the block ends well.

    Otherwise it vanishes, with every directory made for it, and ``path`` is as it was. With ``force`` the new
    results replace older ones, all of them or (not ``whole``) those of the same name; other files stay.

    Raises
    ------
    InputError
        ``path`` cannot be used, before anything is computed; see `ready`.
    OutputError
        The system refused to write.
    """
    made: list[Path] = []
    kept = unfinished.kept
    complete = f"the results in {path!r} are complete"

    def remove() -> None:
        if writing:
            take_back(writing[0])
        _remove_empty(made)

    writing: list[Path] = []
    unfinished.add(remove)
    try:
        target = ready(path, force, made)
        with _draft(path, target, whole) as draft:
            writing.append(draft)
            new = (draft / NEW).stat()
            unfinished.keep(lambda: complete if is_published(draft, new) else kept())
            yield draft / NEW
            with _reason(path):
                publish(draft, target, force, whole)
            unfinished.keep(lambda: complete)
    finally:
        remove()
        unfinished.done(remove)


@contextmanager
def _draft(path: str, target: Path, whole: bool) -> Iterator[Path]:
    with contextlib.ExitStack() as stack:
        with _refusals(path):
            beside = fits_beside(target, whole)
            draft = stack.enter_context(draft_in(target.parent if beside else target))
        yield draft


def ready(path: str, force: bool, made: list[Path]) -> Path:
    """Return the directory to write, which may not exist yet; its parents that are made go to ``made``.

    What a killed command of ours was writing there is removed.

    Raises
    ------
    InputError
        ``path`` is a file, holds something and ``force`` is false, or cannot be made.
    """
    with _refusals(path):
        target = Path(os.path.realpath(path))
        tidy(path)
        if not _exists(target):
            files.make_directories(target.parent, made)
        elif not target.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is a file")
        elif not force and any(target.iterdir()):
            raise files.not_empty(path)
    return target


def _exists(target: Path) -> bool:
    try:
        os.lstat(target)
    except FileNotFoundError:
        return False
    return True


def tidy(path: str) -> None:
    """Remove what killed commands of ours left in a directory and beside it; undo what they left half-way."""
    with contextlib.suppress(OSError, ValueError):
        target = Path(os.path.realpath(path))
        for folder in (target, target.parent):
            for draft in abandoned(folder):
                take_back(draft)


def check_directory(path: str) -> None:
    """Refuse a directory that holds anything but a store, which an interrupted command leaves to its like."""
    tidy(path)
    folder = Path(path)
    with contextlib.suppress(OSError, ValueError):
        if set(os.listdir(folder)) == {STORE} and _is_store(folder / STORE):
            return
    if folder.is_dir():
        files.prepare_directory(path)


def _is_store(folder: Path) -> bool:
    """Whether it is a store, or was about to become one."""
    names = os.listdir(folder)
    return "store.json" in names or all(name.endswith(".tmp") for name in names)


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
    folder = target / STORE
    with _refusals(path):
        made = [p for p in reversed((target, *target.parents)) if not os.path.lexists(p)]
        begun = not folder.exists()

    def remove() -> None:
        if begun and not any(folder.glob("segments/*")):
            shutil.rmtree(folder, ignore_errors=True)
        _remove_empty(made)

    unfinished.add(remove)
    try:
        files.prepare_directory(path, force=True)
        store = Store.create(folder)
        warn_of_damage(store)
        yield store
    except BaseException:
        remove()
        raise
    finally:
        unfinished.done(remove)


def _remove_empty(made: list[Path]) -> None:
    for directory in reversed(made):
        with contextlib.suppress(OSError, ValueError):
            directory.rmdir()


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    """Word what speaks against a directory, before anything is computed."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError) as error:
        why = files.reason(error)
        raise InputError(f"cannot use {path!r} as output directory: {why}") from error


@contextmanager
def _reason(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write to {path!r}: {files.reason(error)}") from error
