"""A column of Arrow → cells: numbers as an array, everything else as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError
from stepscape.problems.user.table import Array, Cells

# Types that have a text, and how their values are written.
_TEXTS = (
    "string",
    "large_string",
    "string_view",
    "binary",
    "large_binary",
    "binary_view",
    "fixed_size_binary",
)


def is_readable(kind: Any) -> bool:
    """Whether a column of this type holds one number, text or time in each row."""
    return _is_number(kind) or _writer(kind) is not None


def cells_of(batches: Iterable[Any], kind: Any, name: str, most: int) -> Cells:
    """Convert a column that comes in parts.

    Parameters
    ----------
    batches
        Arrays of Arrow.
    kind
        The type that the file states; a readable one.
    name
        Of the column, for messages.
    most
        Characters of its texts, those that repeat counted as often, as in a file of text.

    Raises
    ------
    InputError
        A text is not UTF-8, or there is too much text.
    """
    if _is_number(kind):
        return np.concatenate([np.empty(0), *map(_floats, batches)])
    cells, held = list[str](), 0
    for batch in batches:
        words, codes = _words(batch, name)
        held += int(np.array([*map(len, words)])[codes].sum())
        if held > most:
            raise InputError(f"column {name!r} must hold at most {most // 2**20} MiB of text, got more")
        cells += [words[code] for code in codes.tolist()]
    return tuple(cells)


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    kind = _value_type(kind)
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _value_type(kind: Any) -> Any:
    """Look into dictionaries and extensions for the type of what they stand for."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return _value_type(kind.storage_type)
    return _value_type(kind.value_type) if pa.types.is_dictionary(kind) else kind


def _values(batch: Any) -> Any:
    """Replace dictionaries and extensions by what they stand for."""
    import pyarrow as pa

    if isinstance(batch.type, pa.BaseExtensionType):
        return _values(batch.storage)
    return _values(batch.dictionary_decode()) if pa.types.is_dictionary(batch.type) else batch


def _floats(batch: Any) -> Array:
    """Convert to the nearest float64; a null is not a number."""
    import pyarrow as pa

    values = _values(batch)
    if pa.types.is_decimal(values.type):  # Arrow's own cast is often off in the last place
        texts = values.cast(pa.string()).to_pylist()
        return np.array([np.nan if text is None else float(text) for text in texts], dtype=np.float64)
    floats = values.cast(pa.float64(), safe=False)  # integers beyond 2⁵³ round
    return np.asarray(floats.to_numpy(zero_copy_only=False), dtype=np.float64)


def _words(batch: Any, name: str) -> tuple[list[str], NDArray[np.int64]]:
    """Return the different texts of an array, the last of them empty, and which of them each row has."""
    import pyarrow as pa

    if isinstance(batch.type, pa.BaseExtensionType):
        return _words(batch.storage, name)
    if pa.types.is_null(batch.type):
        return [""], np.zeros(len(batch), dtype=np.int64)
    encoded = batch if pa.types.is_dictionary(batch.type) else batch.dictionary_encode()
    values = _values(encoded.dictionary)
    write = _writer(values.type) or _texts
    try:
        words = ["" if word is None else word for word in write(values)]
    except UnicodeDecodeError as error:
        got = f"byte 0x{error.object[error.start]:02x} in {error.object[:40]!r}"
        raise InputError(f"column {name!r} must hold UTF-8 text, got {got}") from error
    codes = encoded.indices.cast(pa.int64()).fill_null(len(words))
    return [*words, ""], np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)


def _writer(kind: Any) -> Callable[[Any], list[str | None]] | None:
    """Find how values of a type are written as text; None where they have no text."""
    from pyarrow import types

    kind = _value_type(kind)
    for writer, holds in (
        (_texts, (getattr(types, f"is_{text}") for text in _TEXTS)),
        (_truths, (types.is_null, types.is_boolean)),
        (_moments, (types.is_date, types.is_timestamp)),
        (_times, (types.is_time,)),
        (_durations, (types.is_duration,)),
    ):
        if any(holds_kind(kind) for holds_kind in holds):
            return writer
    return None


def _texts(values: Any) -> list[str | None]:
    import pyarrow as pa

    stored = values.cast(pa.large_binary()).to_pylist()
    return [None if text is None else text.decode("utf-8") for text in stored]


def _truths(values: Any) -> list[str | None]:
    return [None if value is None else str(value) for value in values.to_pylist()]


def _moments(values: Any) -> list[str | None]:
    """Write dates and points in time as ISO 8601; one with a time zone is stored in UTC.

    Neither Arrow nor Python writes years beyond 9999 or knows every zone; NumPy needs no zone.
    """
    import pyarrow as pa

    kind = values.type
    unit = "D" if pa.types.is_date32(kind) else "ms" if pa.types.is_date64(kind) else kind.unit
    width = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    counts = values.view(width).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    moments = np.array(counts, dtype=np.int64).view(f"M8[{unit}]")
    texts = np.datetime_as_string(moments.astype("M8[D]") if pa.types.is_date(kind) else moments).tolist()
    zone = "Z" if pa.types.is_timestamp(kind) and kind.tz else ""
    return [text + zone if valid else None for text, valid in zip(texts, _valid(values), strict=True)]


def _times(values: Any) -> list[str | None]:
    import pyarrow as pa

    return list(values.cast(pa.string()).to_pylist())


def _durations(values: Any) -> list[str | None]:
    import pyarrow as pa

    counts = values.view(pa.int64()).to_pylist()
    return [None if count is None else f"{count} {values.type.unit}" for count in counts]


def _valid(values: Any) -> list[bool]:
    return list(values.is_valid().to_pylist())
