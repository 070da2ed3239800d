"""Where compiled kernels are kept between processes: where Numba likes it, else in a temporary folder."""

from __future__ import annotations

import os
import stat
import tempfile


def can_cache() -> bool:
    """Whether a folder for compiled functions of this package can be written; gives Numba one if need be."""
    from numba import config

    if _numba_finds_one():
        return True
    folder = private_folder("numba")
    if folder is None:
        return False
    config.CACHE_DIR = folder  # type: ignore[attr-defined]
    return _numba_finds_one()


def private_folder(what: str) -> str | None:
    """Return a temporary folder that only this user can write, the same for every process; None without one.

    What lies there is executed, so that a folder that somebody else made is not used.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    try:
        folder = os.path.join(tempfile.gettempdir(), f"stepscape-{what}-{user}")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.lstat(folder)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return None
    mine = not hasattr(os, "getuid") or (status.st_uid == user and not status.st_mode & 0o022)
    return folder if mine and stat.S_ISDIR(status.st_mode) else None


def _numba_finds_one() -> bool:
    from numba.core.caching import FunctionCache

    try:
        FunctionCache(can_cache)
    except RuntimeError:  # "no locator available"
        return False
    return True
