"""An npz of arrays, read with limits: it takes no more memory than its bytes."""

from __future__ import annotations

import ast
import io
import math
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import printable
from stepscape.lab.seal import Damaged

_LONGEST = 10_000  # bytes of a header, as NumPy has it: its parser is not made for more


def unpack(data: bytes, wanted: Callable[[str], bool] = lambda _: True) -> dict[str, NDArray[Any]]:
    """Read the arrays of an npz by the names of their members, such as "a.npy"; only those that are wanted.

    Nothing is compressed here: a member that is, members that overlap, and a header whose shape is not
    that of the bytes behind it are refused before memory is taken for them.

    Raises
    ------
    Damaged
        It is not such an archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _refuse_expansion(members, len(data))
            return {info.filename: _array(archive.read(info)) for info in members if wanted(info.filename)}
    except Exception as error:  # of many kinds, by what the damage makes of an archive
        raise Damaged(f"its content is not that of an archive of arrays: {printable(str(error))}") from None


def _refuse_expansion(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    if any(info.compress_type != zipfile.ZIP_STORED for info in members):
        raise ValueError("it is compressed")
    if sum(info.file_size for info in members) > size:
        raise ValueError("its members have more bytes than the archive")
    if len({info.filename for info in members}) < len(members):
        raise ValueError("two members have the same name")


def _array(content: bytes) -> NDArray[Any]:
    """Read one npy; see `numpy.lib.format`."""
    version = np.lib.format.read_magic(io.BytesIO(content))
    start = np.lib.format.MAGIC_LEN + (2 if version == (1, 0) else 4)
    length = int.from_bytes(content[np.lib.format.MAGIC_LEN : start], "little")
    if length > _LONGEST:
        raise ValueError("an array has a header of more than 10000 bytes")
    offset = start + length
    text = content[start:offset].decode("utf-8" if version == (3, 0) else "latin1")
    header = ast.literal_eval(text)
    shape, dtype = header["shape"], np.lib.format.descr_to_dtype(header["descr"])
    if dtype.hasobject:
        raise ValueError("an array holds objects")
    if math.prod(shape) * dtype.itemsize != len(content) - offset:
        raise ValueError("the shape of an array is not that of its bytes")
    order: Literal["F", "C"] = "F" if header["fortran_order"] else "C"
    return np.ndarray(shape, dtype, content, offset, order=order).copy(order="K")
