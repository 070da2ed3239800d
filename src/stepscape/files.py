"""Files on disk: read one whole, write one atomically, prepare a directory."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import platform
import re
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from stepscape.errors import InputError, OutputError

# Whoever finds a draft can tell whether the process that wrote it still lives.
DRAFT = re.compile(r"\.stepscape-(?P<host>[\w.]*)-(?P<process>\d+)-[0-9a-f]{16}(\.tmp)?")
_PART = 2**20  # bytes of a pipe that are read at a time
MAX_BYTES = 512 * 2**20  # beyond this a table does not fit comfortably in memory as Python strings

# What the user can mend by naming another place; any other failure is the machine's (exit status 1).
_USER_ERRNOS = {
    errno.ENOENT,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EINVAL,
    errno.ENXIO,
}

_KINDS = (
    (stat.S_ISREG, "a file"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def write_atomic(path: str | os.PathLike[str], content: str | bytes, replace: bool = True) -> None:
    """Write ``content`` (text as UTF-8) so that ``path`` holds either all of it or its old content.

    The content goes to a temporary file in the same directory, is forced to disk and renamed over ``path``.
    Whatever interrupts this, Ctrl-C included, leaves no temporary file. A symbolic link is followed.

    Raises
    ------
    FileExistsError
        Something of that name is there and ``replace`` is false.
    InputError
        A device, a named pipe or a socket is there: a file in its place would break whatever uses it.
    OutputError
        The system refused; the sentence names ``path``.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = _target(os.fspath(path))
    # Not tempfile: its files have mode 0600, where a user expects what their umask says.
    draft = os.path.join(os.path.dirname(target), draft_name() + ".tmp")
    try:
        with open(draft, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(draft, target)
        else:
            _rename_new(draft, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        if isinstance(error, FileExistsError) and not replace:
            raise
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {os.fspath(path)!r}: {reason(error)}") from error
        raise


def _target(name: str) -> str:
    """Follow the links of a file to be written, and refuse to put it in the place of anything but a file."""
    try:
        target = os.path.realpath(name)
        mode = os.lstat(target).st_mode if os.path.exists(target) else stat.S_IFREG
    except OSError as error:  # the working directory is gone, for one
        raise OutputError(f"cannot write {name!r}: {reason(error)}") from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # of a directory the system says it
        raise InputError(f"cannot write {name!r}: it is {kind(mode)}, not a file")
    return target


def draft_name() -> str:
    """Return a new hidden name for what is being written; it says which process of which host writes."""
    return f".stepscape-{_host()}-{os.getpid()}-{secrets.token_hex(8)}"


def is_ours(name: str) -> bool:
    """Whether that is the name of a draft of this host; of another one nobody knows whether it is written."""
    draft = DRAFT.fullmatch(name)
    return draft is not None and draft["host"] == _host()


def is_abandoned(name: str) -> bool:
    """Whether that is the name of a draft of this host whose process has ended."""
    draft = DRAFT.fullmatch(name)
    return draft is not None and is_ours(name) and not _lives(int(draft["process"]))


def remove_abandoned(folder: str | os.PathLike[str]) -> None:
    """Remove the files that killed processes were writing into a folder."""
    with contextlib.suppress(OSError, ValueError):
        for name in filter(is_abandoned, os.listdir(folder)):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))


def _host() -> str:
    return re.sub(r"[^\w.]", "_", platform.node(), flags=re.ASCII)[:32]


def _lives(process: int) -> bool:
    if os.name == "nt":  # the signal 0 exists elsewhere only
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it belongs to somebody else
        return True
    return True


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Force the list of a directory's files to disk, so that a renamed file survives a power failure.

    Raises
    ------
    OutputError
        The system refused; a file system that has no such call is not asked twice.
    """
    if os.name == "nt":  # directories cannot be opened there
        return
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise OutputError(f"cannot write {os.fspath(path)!r}: {reason(error)}") from error


def prepare_directory(path: str | os.PathLike[str], force: bool = False) -> Path:
    """Create ``path`` (and its parents) for output and check that it can be written.

    Call it once the rest of the input is known to be good, so that wrong input leaves no directory.
    With ``force`` a directory that holds something is accepted; its files stay until overwritten.

    Raises
    ------
    InputError
        ``path`` is a file, holds something and ``force`` is false, or cannot be created or written.
        Directories made on the way are removed again.
    """
    directory = Path(path)
    made: list[Path] = []
    try:
        make_directories(directory, made)
        if not force and any(directory.iterdir()):
            raise not_empty(str(path))
        _probe(directory)
    except BaseException as error:
        for parent in reversed(made):
            with contextlib.suppress(OSError, ValueError):
                parent.rmdir()
        if isinstance(error, InputError) or not isinstance(error, OSError | ValueError):
            raise
        raise InputError(f"cannot use {str(path)!r} as output directory: {reason(error)}") from error
    return directory


def not_empty(path: str) -> InputError:
    """Word the refusal of a directory that holds something."""
    return InputError(f"output directory {path!r} is not empty; name another or add --force")


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read the whole file.

    Raises
    ------
    InputError
        Nothing of that name (the nearest name beside it is suggested), a directory, a device, a named pipe, a
        socket, no permission, or more than ``MAX_BYTES``.
    OutputError
        The system failed while reading.
    """
    name = os.fspath(path)
    try:
        _refuse_endless(name, os.stat(name).st_mode)
        with open(name, "rb") as file:
            too_many = os.fstat(file.fileno()).st_size > MAX_BYTES
            data = b"" if too_many else _read(file)
            too_many |= len(data) > MAX_BYTES
    except FileNotFoundError as error:
        raise InputError(f"cannot read {name!r}: {_missing(name)}") from error
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        user_error = isinstance(error, ValueError) or error.errno in _USER_ERRNOS
        kind = InputError if user_error else OutputError
        raise kind(f"cannot read {name!r}: {reason(error)}") from error
    if too_many:
        raise too_large(name)
    return data


def _read(file: BinaryIO) -> bytes:
    """Read to the end, or a little beyond ``MAX_BYTES``: what a shell hands over tells no length."""
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file.read()
    data = bytearray()
    # Not read(MAX_BYTES + 1): that takes so much memory beforehand.
    while len(data) <= MAX_BYTES and (part := file.read(_PART)):
        data += part
    return bytes(data)


def kind(mode: int) -> str:
    """Word what a directory lists under a name, given its mode: "a file", "a named pipe", …."""
    return next((words for is_one, words in _KINDS if is_one(mode)), "something else")


def too_large(name: str) -> InputError:
    """Word the refusal of a table that would not fit in memory."""
    return InputError(
        f"cannot read {name!r}: it holds more than {MAX_BYTES // 2**20} MiB; keep only the columns needed"
    )


def _refuse_endless(name: str, mode: int) -> None:
    """Refuse what may never end or never begin: a named pipe waits for a writer who may not come."""
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # opening a directory says what it is
        return
    # What a shell hands over, as in <(command), has a writer and no place among the files.
    if stat.S_ISFIFO(mode) and not os.path.lexists(os.path.realpath(name)):
        return
    raise InputError(f"cannot read {name!r}: it is {kind(mode)}, not a file")


def _rename_new(draft: str, target: str) -> None:
    try:
        os.link(draft, target)  # of several that try at once, one succeeds
    except FileExistsError:
        raise
    except OSError:  # no hard links here: the next best
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.replace(draft, target)
    else:
        os.unlink(draft)


def make_directories(directory: Path, made: list[Path]) -> None:
    """Make a directory and its parents, and note in `made` which were missing, the outermost first."""
    missing = [p for p in (directory, *directory.parents) if not os.path.lexists(p)]
    for parent in reversed(missing):
        made.append(parent)  # before it is made: an interrupt may come in between
        parent.mkdir(exist_ok=True)
    if not directory.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file")


def _probe(directory: Path) -> None:
    # Permission bits do not tell (root, read-only mounts, quotas): only writing does.
    probe = directory / f"{draft_name()}.tmp"
    with open(probe, "xb"):
        pass
    probe.unlink()


def _missing(name: str) -> str:
    parent, base = os.path.split(name)
    parent = parent or os.curdir
    if not os.path.isdir(parent):
        return f"there is no directory {parent!r}"
    try:
        names = [entry.name for entry in os.scandir(parent) if not entry.is_dir() and entry.name != base]
    except OSError:
        names = []
    near = difflib.get_close_matches(base, names, n=1, cutoff=0.5)
    return "there is no such file" + (f"; did you mean {near[0]!r}?" if near else "")


def reason(error: Exception) -> str:
    """Word a message of the system so that it can follow a colon."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[0].lower() + text[1:]
