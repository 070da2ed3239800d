"""Files of a store as they are read, whoever made it: regular files of a sensible size, no links.

A store may come from elsewhere. A named pipe in place of a file would make a reader wait for ever, a link
lead it out of the store, a file of a gigabyte fill its memory: each is damage, refused before it is opened.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from stepscape import files
from stepscape.errors import OutputError, printable
from stepscape.lab.seal import Damaged

MOST = 2**27  # bytes of a sealed document: 128 MiB; a plan of a million runs has 36 MiB


def read(path: Path, most: int = MOST) -> bytes:
    """Read a file of a store.

    Raises
    ------
    Damaged
        It is not a regular file, or has more than `most` bytes.
    OSError
        The system refused, or there is none.
    """
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise Damaged(f"it is {files.kind(found.st_mode)}, not a file")
    if found.st_size > most:
        raise Damaged(f"it has {found.st_size} bytes, where at most {most} belong")
    with open(path, "rb", opener=_opener) as file:
        return file.read(found.st_size + 1)


def write(path: Path, content: bytes) -> None:
    """Write a file of a store; a link or a named pipe in its place is replaced and not followed.

    Raises
    ------
    OutputError
        The system refused.
    """
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            path.unlink()
    files.write_atomic(path, content)
    files.sync_directory(path.parent)


def _opener(path: str, flags: int) -> int:
    # Against whoever changes the file between the look at it and this.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))


def listing(folder: Path, suffix: str) -> list[Path]:
    """Name the files of a folder that end in `suffix`, in order.

    What begins with a dot belongs to the system or to a writer under way: on foreign disks macOS puts a
    ``._x.json`` beside each ``x.json``.

    Raises
    ------
    OutputError
        The system refused; a folder that is not there holds nothing.
    """
    try:
        names = [name for name in os.listdir(folder) if name.endswith(suffix) and not name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OutputError(f"cannot read {str(folder)!r}: {files.reason(error)}") from error
    return [folder / name for name in sorted(names)]


def shown(path: Path) -> str:
    """Name a file as a reader of its store finds it, such as ``plans/x.json``."""
    return printable(f"{path.parent.name}/{path.name}")
