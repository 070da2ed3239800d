"""The arrays of runs as curves: each value of an array beside the place that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, bad, expect, shown
from stepscape.tables.csv_text import csv_text
from stepscape.tables.parquet_bytes import arrow, parquet_bytes
from stepscape.tables.records import Table

Array = NDArray[Any]
AXES = ("at_steps", "steps", "curve_x")  # arrays that say where the values of others belong
MOST_POINTS = 20_000_000  # of one table: beyond it a part of the runs or of the curves is meant


@dataclass(frozen=True, eq=False)
class Curve:
    """One array of one run, laid along its axis.

    Attributes
    ----------
    identity : of the run, as in the table of its store.
    name : of the array, such as "loss" or "curve_y".
    axis : the array of the run that says where the values belong: "at_steps" or "steps" for what is recorded
        during training, "curve_x" for a learned function; "position" (0, 1, …) where the run has none.
    at, values : (m,)
    """

    identity: str
    name: str
    axis: str
    at: Array
    values: Array


def curves_of(identity: str, arrays: Mapping[str, Array], names: Iterable[str] = ()) -> list[Curve]:
    """Lay the arrays of a run along their axes.

    An array named ``curve_…`` belongs to "curve_x", any other to the steps, if there are as many values;
    otherwise values are numbered. An array of more dimensions is read row by row. Arrays of text and of
    complex numbers are left out.

    Parameters
    ----------
    names : keep these arrays only; by default all but the axes.

    >>> arrays = {"at_steps": np.array([0, 5]), "loss": np.array([2.0, 1.0])}
    >>> [(curve.name, curve.axis, curve.at.tolist()) for curve in curves_of("run", arrays)]
    [('loss', 'at_steps', [0, 5])]
    """
    wanted = set(names)
    return [
        _laid(identity, name, values, arrays)
        for name, values in arrays.items()
        if values.dtype.kind in "biuf" and (name in wanted or not (wanted or name in AXES))
    ]


def _laid(identity: str, name: str, values: Array, arrays: Mapping[str, Array]) -> Curve:
    wanted = ("curve_x",) if name.startswith("curve_") else ("at_steps", "steps")
    for axis in wanted:
        if axis in arrays and axis != name and values.ndim == 1 and arrays[axis].shape == values.shape:
            return Curve(identity, name, axis, arrays[axis], values)
    return Curve(identity, name, "position", np.arange(values.size), values.ravel())


def curve_table(curves: Iterable[Curve]) -> Table:
    """Lay curves out as one long table: ``identity``, ``name``, ``axis``, ``at``, ``value``.

    Raises
    ------
    InputError
        They have more than 20 million values together.
    """
    found = list(_limited(curves))
    sizes = [curve.at.size for curve in found]
    words = {
        name: np.repeat(np.array([getattr(curve, name) for curve in found], dtype=str), sizes)
        for name in ("identity", "name", "axis")
    }
    numbers = {
        "at": np.concatenate([np.empty(0), *(curve.at for curve in found)]),
        "value": np.concatenate([np.empty(0), *(curve.values for curve in found)]),
    }
    return Table({**words, **numbers})


def to_csv(curves: Iterable[Curve]) -> bytes:
    """Write the long table with full precision; what was not measured is an empty cell."""
    rows = (
        (curve.identity, curve.name, curve.axis, at, None if value != value else value)
        for curve in _limited(curves)
        for at, value in zip(curve.at.tolist(), curve.values.tolist(), strict=True)
    )
    return csv_text(("identity", "name", "axis", "at", "value"), rows).encode("utf-8")


def to_parquet(curves: Iterable[Curve]) -> bytes:
    """Write the long table with types; what was not measured is null.

    Raises
    ------
    Unavailable
        pyarrow is not installed.
    """
    pa = arrow()
    found = list(_limited(curves))
    sizes = np.array([curve.at.size for curve in found], dtype=np.int64)
    columns = {}
    for name in ("identity", "name", "axis"):  # each word stands once in memory, however long the table
        words = list(dict.fromkeys(getattr(curve, name) for curve in found))
        places = {word: place for place, word in enumerate(words)}
        codes = np.array([places[getattr(curve, name)] for curve in found], dtype=np.int32)
        columns[name] = pa.DictionaryArray.from_arrays(np.repeat(codes, sizes), pa.array(words, pa.string()))
    for name, arrays in (("at", (c.at for c in found)), ("value", (c.values for c in found))):
        numbers = np.concatenate(list(chain([np.empty(0)], arrays)))
        columns[name] = pa.array(numbers, from_pandas=True)
    return parquet_bytes(columns)


def _limited(curves: Iterable[Curve]) -> Iterator[Curve]:
    points = 0
    if isinstance(curves, str | bytes | Mapping) or not isinstance(curves, Iterable):
        raise bad("curves", "be curves of runs, as Store.curves gives them", shown(curves))
    for curve in curves:
        expect("each of curves", curve, Curve)
        points += curve.at.size
        if points > MOST_POINTS:
            raise InputError(
                f"the curves must have at most {MOST_POINTS} values together, got more; "
                "choose some of the runs or some of the curves"
            )
        yield curve
