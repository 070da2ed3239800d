"""Data of a user's table, kept under the digest of its numbers: read once, identical everywhere.

Inputs x are one column (n,), or several (n, d); labels y are (n,).
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stepscape import files
from stepscape.errors import InputError, OutputError
from stepscape.lab import arrays, stored
from stepscape.lab.seal import Damaged

Array = NDArray[np.float64]
_MOST = 8 * files.MAX_BYTES  # two numbers of 8 bytes for a row of at least 4 characters, and room


def digest(x: Array, y: Array) -> str:
    """Name columns by the first 128 bits of the SHA-256 of their numbers, in order, in hexadecimal."""
    inputs, labels = _numbers(x), _numbers(y)
    shape = "" if inputs.ndim == 1 else f"{inputs.shape} "
    return hashlib.sha256(shape.encode() + inputs.tobytes() + labels.tobytes()).hexdigest()[:32]


def save(folder: str | os.PathLike[str], x: Array, y: Array) -> str:
    """Keep columns as ``folder/<digest>.npz``, unless they are there, and return the digest.

    Raises
    ------
    OutputError
        The system refused.
    """
    name = digest(x, y)
    path = Path(folder) / f"{name}.npz"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        load(folder, name)
    except (InputError, OutputError):
        buffer = io.BytesIO()
        np.savez(buffer, x=_numbers(x), y=_numbers(y))
        stored.write(path, buffer.getvalue())
    except OSError as error:
        raise OutputError(f"cannot make {str(path.parent)!r}: {error.strerror or error}") from error
    return name


def load(folder: str | os.PathLike[str], name: str) -> tuple[Array, Array]:
    """Read columns by their digest, and check them against it.

    Raises
    ------
    InputError
        They are not in the folder.
    OutputError
        The file is damaged or cannot be read.
    """
    path = Path(folder) / f"{name}.npz"
    try:
        return read(path)
    except FileNotFoundError:
        raise InputError(
            f"the data {name!r} of a run are not in {str(folder)!r}; run 'stepscape sweep' on its file again"
        ) from None
    except Damaged as error:
        raise OutputError(f"{str(path)!r} is damaged: {error}") from None
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot read {str(path)!r}: {files.reason(error)}") from error


def read(path: Path) -> tuple[Array, Array]:
    """Read columns and check them against the name of their file.

    Raises
    ------
    Damaged
        They are not what was written.
    OSError
        The system refused, or there is no such file.
    """
    columns = arrays.unpack(stored.read(path, _MOST))
    x, y = (columns.get(f"{name}.npy", np.empty(0)) for name in "xy")
    rows = x.ndim in (1, 2) and y.shape == x.shape[:1] and x.shape[1:] not in ((0,), (1,))
    if not (x.dtype == y.dtype == np.dtype("<f8") and rows):
        raise Damaged("it does not hold columns of numbers, one row for each label")
    if digest(x, y) != path.stem:
        raise Damaged("its numbers are not those of its name")
    return x, y


def _numbers(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype="<f8") + 0.0  # -0.0 is 0.0
