"""Data of a user's table, kept under the digest of its numbers: read once, identical everywhere."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, OutputError
from stepscape.files import write_atomic

Array = NDArray[np.float64]


def digest(x: Array, y: Array) -> str:
    """Name two columns by the first 128 bits of the SHA-256 of their numbers, in order, in hexadecimal."""
    return hashlib.sha256(_pair(x, y).tobytes()).hexdigest()[:32]


def save(folder: str | os.PathLike[str], x: Array, y: Array) -> str:
    """Keep two columns as ``folder/<digest>.npz``, unless they are there, and return the digest.

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
        np.savez(buffer, **dict(zip("xy", _pair(x, y), strict=True)))
        write_atomic(path, buffer.getvalue())
    except OSError as error:
        raise OutputError(f"cannot make {str(path.parent)!r}: {error.strerror or error}") from error
    return name


def load(folder: str | os.PathLike[str], name: str) -> tuple[Array, Array]:
    """Read two columns by their digest, and check them against it.

    Raises
    ------
    InputError
        They are not in the folder.
    OutputError
        The file is damaged or cannot be read.
    """
    path = Path(folder) / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as columns:
            x, y = columns["x"], columns["y"]
        found = digest(x, y)
    except FileNotFoundError:
        raise InputError(
            f"the data {name!r} of a run are not in {str(folder)!r}; run 'stepscape sweep' on its file again"
        ) from None
    except Exception as error:  # whatever the damage makes of an archive
        raise OutputError(f"cannot read {str(path)!r}: {error}") from error
    if found != name:
        raise OutputError(f"{str(path)!r} is damaged: its numbers are not those of its name")
    return x, y


def _pair(x: Array, y: Array) -> Array:
    return np.asarray([x, y], dtype="<f8") + 0.0  # -0.0 is 0.0
