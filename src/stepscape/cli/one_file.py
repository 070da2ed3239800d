"""The one file that a command writes: refused before the work if it cannot be written, then written whole."""

from __future__ import annotations

import os

from stepscape import files
from stepscape.errors import InputError


def check_target(target: str, force: bool) -> None:
    """Refuse a file in no directory, a directory, and a file that exists unless `force`."""
    folder = os.path.dirname(target) or os.curdir
    if not os.path.isdir(folder):
        raise InputError(f"cannot write {target!r}: there is no directory {folder!r}")
    if os.path.isdir(target):
        raise InputError(f"cannot write {target!r}: it is a directory")
    if not force and os.path.lexists(target):
        raise InputError(f"{target!r} exists; name another file or add --force")


def write_target(target: str, content: str | bytes, force: bool) -> None:
    """Write the file; one that somebody else has made meanwhile is refused unless `force`."""
    files.remove_abandoned(os.path.dirname(target) or os.curdir)
    try:
        files.write_atomic(target, content, replace=force)
    except FileExistsError:
        check_target(target, force=False)
