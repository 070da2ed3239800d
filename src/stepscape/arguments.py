"""Checks at the door of a public function: one line per argument, one sentence per refusal."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, expect, shown, unknown

Array = NDArray[np.float64]
Kind = TypeVar("Kind")


def number(name: str, value: object, must: str = "be a number") -> float:
    """Read one real number, possibly nan or infinite: Python's or NumPy's, neither text nor True.

    >>> number("noise", np.float32(0.5))
    0.5
    """
    if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise bad(name, must, shown(value))
    try:
        return float(value)
    except OverflowError:
        raise bad(name, must, shown(value)) from None


def finite(name: str, value: object) -> float:
    """Read a finite number."""
    read = number(name, value, "be a finite number")
    if not math.isfinite(read):
        raise bad(name, "be a finite number", read)
    return read


def positive(name: str, value: object) -> float:
    """Read a finite number above 0."""
    read = number(name, value, "be finite and positive")
    if not (math.isfinite(read) and read > 0.0):
        raise bad(name, "be finite and positive", read)
    return read


def nonnegative(name: str, value: object, must: str = "be finite and not negative") -> float:
    """Read a finite number of at least 0."""
    read = number(name, value, must)
    if not (math.isfinite(read) and read >= 0.0):
        raise bad(name, must, read)
    return read


def share(name: str, value: object) -> float:
    """Read a number strictly between 0 and 1."""
    read = number(name, value, "lie strictly between 0 and 1")
    if not 0.0 < read < 1.0:
        raise bad(name, "lie strictly between 0 and 1", read)
    return read


def whole(name: str, value: object, least: int = 0, most: float = 2**64 - 1) -> int:
    """Read a whole number of at least `least`: an int of Python or NumPy, not True."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise bad(name, f"be a whole number of at least {least}", shown(value))
    if value > most:
        raise bad(name, f"be at most {most}", shown(value))
    return int(value)


def matrix_shape(value: object, name: str = "shape") -> tuple[int, int]:
    """Read the shape (d1, d2) of a matrix."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise bad(name, "be two whole numbers (d1, d2)", shown(value))
    return whole(f"d1 of {name}", value[0], 1), whole(f"d2 of {name}", value[1], 1)


def flag(name: str, value: object) -> bool:
    """Read True or False; 0, 1 and words are neither."""
    if not isinstance(value, bool | np.bool_):
        raise bad(name, "be True or False", shown(value))
    return bool(value)


def text(name: str, value: object) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise bad(name, "be text", shown(value))
    return value


def word(kind: str, value: object, known: Iterable[str]) -> str:
    """Read one of the known words."""
    names = list(known)
    if not isinstance(value, str):
        raise bad(kind, f"be one of {', '.join(map(repr, names))}", shown(value))
    if value not in names:
        raise unknown(kind, value, names)
    return value


def function(name: str, value: object, must: str = "be a function") -> None:
    """Refuse what cannot be called; a class can be, but it makes objects."""
    if not callable(value) or isinstance(value, type):
        raise bad(name, must, shown(value))


def _is_list(values: object) -> TypeGuard[Iterable[Any]]:
    single = isinstance(values, str | bytes | Mapping) or getattr(values, "ndim", 1) != 1
    return isinstance(values, Iterable) and not single


def path(name: str, value: object) -> str:
    """Read a path: text, bytes or a ``pathlib.Path``."""
    if not isinstance(value, str | bytes | os.PathLike):
        raise bad(name, "be a path", shown(value))
    return os.fsdecode(value)


def texts(name: str, value: object) -> list[str]:
    """Read a list of strings, or a column of them; one string alone is none."""
    if not _is_list(value):
        raise bad(name, "be a list of text", shown(value))
    return [text(f"each of {name}", each) for each in value]


def each_of(name: str, values: object, kind: type[Kind]) -> list[Kind]:
    """Read several objects of one class."""
    if not _is_list(values):
        raise bad(name, f"be a list of {kind.__name__}", shown(values))
    found = list(values)
    for value in found:
        expect(f"each of {name}", value, kind)
    return found


def pair(name: str, value: object) -> tuple[float, float]:
    """Read (low, high) with low < high; both may be infinite."""
    must = "be two increasing numbers"
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != 2:
        raise bad(name, must, shown(value))
    low, high = (number(f"each end of {name}", end) for end in value)
    if not low < high:
        raise bad(name, must, (low, high))
    return low, high


def mapping(name: str, value: object) -> Mapping[Any, Any]:
    """Read a mapping."""
    if not isinstance(value, Mapping):
        raise bad(name, "be a mapping, such as a dict", shown(value))
    return value


def reals(name: str, values: object, kinds: str = "biuf") -> Array:
    """Return a float64 copy of an array of real numbers, of any shape.

    Lists, arrays, and what NumPy reads as an array of numbers: columns of pandas, tensors. Masked entries and
    missing values are refused or nan, never numbers.

    Parameters
    ----------
    kinds : of NumPy's types of numbers, without "b" for those who refuse truth values.
    """
    must = "hold real numbers"
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        raise bad(name, f"{must} and nothing masked", shown(values), "drop the masked entries")
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O" and hasattr(values, "to_numpy"):  # a column of pandas that can miss values
            array = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, RuntimeError) as error:
        ragged = isinstance(values, list | tuple) and isinstance(error, ValueError)
        raise bad(name, must, "a ragged list" if ragged else shown(values)) from None
    if array.dtype.kind not in kinds:
        came = f"an array of dtype {array.dtype}" if array.ndim else shown(values)
        raise bad(name, must, came, _remedy(values))
    with np.errstate(over="ignore"):  # a longer float becomes infinite
        return np.array(array, dtype=np.float64)


def vector(name: str, values: object, size: int) -> Array:
    """Return an array (size,) of real numbers: one that is so already is not copied and may hold nan."""
    if type(values) is np.ndarray and values.dtype == np.float64 and values.shape == (size,):
        return values
    array = reals(name, values)
    if array.shape != (size,):
        raise bad(name, f"have shape ({size},)", array.shape)
    return array


def _remedy(values: object) -> str:
    """Say how to turn an object into an array."""
    if hasattr(values, "toarray"):
        return "give its toarray()"
    known = isinstance(values, str | bytes | list | tuple | np.ndarray)
    return "give a list" if isinstance(values, Iterable) and not known else ""
