"""Arrays of numbers in the bytes of an ``.npz``, which may come from anybody."""

from __future__ import annotations

import io
import math
import zipfile
from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, bad, printable
from stepscape.memory import in_words, require_memory

COPIES = 26  # bytes per number, beside the array itself, while it is read as float64 and checked


class _Header(NamedTuple):
    """Shape and type of an array, and where its numbers begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    begin: int

    @property
    def numbers(self) -> int:
        return math.prod(self.shape)


def read_arrays(data: bytes, name: str) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of an archive by their names; `name` is that of the file, for messages.

    Nothing is unpickled, and no memory is taken for numbers before all headers have been read: an archive of
    a few kilobytes can hold gigabytes of zeros.

    Raises
    ------
    InputError
        What is not such an archive, is damaged, holds Python objects, or does not fit in memory.
    """
    if not data:
        raise InputError(f"{name!r} is empty (0 bytes)")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            headers = {key: _header(archive, member, name) for key, member in _members(archive, name)}
            needs = sum(h.numbers * (h.dtype.itemsize + COPIES) for h in headers.values())
            require_memory(repr(name), f"{len(headers)} arrays", needs, "save fewer measurements")
            return {key: _array(archive, f"{key}.npy") for key in headers}
    except InputError:
        raise
    except zipfile.BadZipFile as error:
        if data[:4] == b"PK\x03\x04":
            raise _damaged(name, error) from error
        raise InputError(f"{name!r} is not an npz file, as numpy.savez writes it") from error
    except Exception as error:  # zlib, zipfile and NumPy raise many kinds for damaged archives
        raise _damaged(name, error) from error


def _members(archive: zipfile.ZipFile, name: str) -> list[tuple[str, str]]:
    """Return the arrays' names, and their names in the archive."""
    times = Counter(archive.namelist())
    for member, count in times.items():
        if not member.endswith(".npy") or count > 1:
            what = "twice" if count > 1 else "which is not an array"
            raise InputError(f"{name!r} is not a file of numpy.savez: it holds {member!r}, {what}")
    return [(member.removesuffix(".npy"), member) for member in times]


def _header(archive: zipfile.ZipFile, member: str, name: str) -> _Header:
    key = printable(member.removesuffix(".npy"))
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):  # later formats are for structures, and their headers can be as long as bombs
            raise bad(f"{key} in {name!r}", "be an array of numbers", "a structure")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        header = _Header(shape, dtype, file.tell())
    if dtype.kind in "OV":
        came = "Python objects" if dtype.kind == "O" else "a structure"
        raise bad(f"{key} in {name!r}", "be an array of numbers", came)
    held, wanted = archive.getinfo(member).file_size - header.begin, header.numbers * dtype.itemsize
    if held != wanted:
        came = f"{in_words(held)} for an array of shape {shape}, which takes {in_words(wanted)}"
        raise InputError(f"{name!r} is damaged: {key} has {came}")
    return header


def _array(archive: zipfile.ZipFile, member: str) -> NDArray[np.generic]:
    with archive.open(member) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _damaged(name: str, error: Exception) -> InputError:
    reason = printable(str(error)) or type(error).__name__
    return InputError(f"{name!r} is not a readable npz file: {reason[:200]}")
