"""A directory that is being written: hidden, named after its process, locked as long as the process lives."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from stepscape import files

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_JUST_MADE = 10.0  # seconds in which a draft without a lock may belong to a process that is about to lock it
NEW, OLD, NAMES = "new", "old", "names"  # what a draft holds: the results, those they replace, what is new


@contextlib.contextmanager
def draft_in(folder: Path) -> Iterator[Path]:
    """Yield a new draft in a folder; when the block ends, what is still in it is removed."""
    draft = folder / files.draft_name()
    draft.mkdir()
    try:
        with _lock(draft):
            (draft / NEW).mkdir()
            yield draft
    finally:
        take_back(draft)


def abandoned(folder: Path) -> list[Path]:
    """Return the drafts in a folder whose process has ended."""
    try:
        names = [name for name in os.listdir(folder) if files.DRAFT.fullmatch(name)]
    except (OSError, ValueError):
        return []
    drafts = [folder / name for name in sorted(names)]
    return [draft for draft in drafts if _is_directory(draft) and _is_abandoned(draft)]


def take_back(draft: Path) -> None:
    """Remove a draft; where its results were taking the place of older ones beside it, put those back first.

    Nothing older is ever removed: a draft that still holds some stays.
    """
    old = draft / OLD
    if old.is_dir() and not is_published(draft):
        _restore(draft, draft.parent)
        with contextlib.suppress(OSError):
            old.rmdir()
        if old.is_dir():
            return
    shutil.rmtree(draft, ignore_errors=True)


def is_published(draft: Path, new: os.stat_result | None = None) -> bool:
    """Whether everything new has left the draft, which is the last step of a publication.

    new : status of its folder ``new``, which may have been renamed as a whole, or exchanged.
    """
    try:
        now = (draft / NEW).stat()
    except OSError:
        return (draft / NAMES).is_file() or (new is not None and draft.is_dir())
    return new is not None and not os.path.samestat(now, new)


def _restore(draft: Path, target: Path) -> None:
    names = (draft / NAMES).read_text(encoding="utf-8").splitlines() if (draft / NAMES).is_file() else []
    for name in names:
        if not os.path.lexists(draft / NEW / name) and os.path.lexists(target / name):
            with contextlib.suppress(OSError):
                os.rename(target / name, draft / NEW / name)
    for name in os.listdir(draft / OLD):
        if not os.path.lexists(target / name):
            with contextlib.suppress(OSError):
                os.rename(draft / OLD / name, target / name)


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_abandoned(draft: Path) -> bool:
    """Whether its process has ended, or has a number that another process got since."""
    if files.is_abandoned(draft.name):
        return True
    with contextlib.suppress(OSError):
        if files.is_ours(draft.name) and time.time() - draft.stat().st_mtime > _JUST_MADE:
            with _lock(draft) as locked:
                return locked
    return False


@contextlib.contextmanager
def _lock(draft: Path) -> Iterator[bool]:
    """Lock a draft, if nobody else has; True where that is known to have succeeded."""
    if fcntl is None:
        yield False
        return
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except OSError:  # somebody else has it, or a file system without locks
            locked = False
        yield locked
    finally:
        os.close(descriptor)
