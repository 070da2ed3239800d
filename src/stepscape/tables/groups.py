"""Rows of a sweep in groups: what differs between its runs besides step size and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
_NAMES = ("identity", "kind")
REPEATED = ("step_size", "seed")  # a group is drawn over the first, its medians are over the second


def settings(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Values of every column that says what was run, in order of size where they have one.

    In a row of a store these columns stand before ``outcome``.
    """
    found: dict[str, dict[Any, None]] = {}
    for row in rows:
        names = list(row)
        for name in names[: names.index("outcome")]:
            if name not in _NAMES:
                found.setdefault(name, {})[row[name]] = None
    return {name: _sorted(list(values)) for name, values in found.items()}


def keys(rows: Sequence[Row]) -> list[str]:
    """Columns that tell groups apart: those that vary by themselves, not with the step size alone.

    Columns that every row has come first. One that only some have, with a single value, tells nothing if
    another column says which rows these are: of the keys of a method the method itself does.
    """
    several = [name for name, values in settings(rows).items() if len(values) > 1 or _partial(rows, name)]
    free = [name for name in several if name not in REPEATED and not _follows(rows, name)]
    everywhere = [name for name in free if not _partial(rows, name)]
    return everywhere + [
        name
        for name in free
        if name not in everywhere and not any(_goes_with(rows, name, other) for other in everywhere)
    ]


def groups(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by a name of their group, such as "momentum 0.5"; "all runs" where nothing else varies.

    >>> row = {"step_size": 0.1, "momentum": 0.0, "outcome": "finished"}
    >>> {name: len(group) for name, group in groups([row, row | {"momentum": 0.5}]).items()}
    {'momentum 0': 1, 'momentum 0.5': 1}
    """
    by = keys(rows)
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row.get(name) for name in by), []).append(row)
    return {_name(by, values): found[values] for values in sorted(found, key=_order)}


def _partial(rows: Sequence[Row], name: str) -> bool:
    return any(name not in row for row in rows)


def _goes_with(rows: Sequence[Row], name: str, other: str) -> bool:
    """Whether a column has one value at most for every value of another one, or is missing for all of it."""
    seen: dict[Any, Any] = {}
    return all(seen.setdefault(row[other], row.get(name)) == row.get(name) for row in rows)


def _follows(rows: Sequence[Row], name: str) -> bool:
    """Whether every step size goes with one value only: such a column is not an independent choice."""
    seen: dict[Any, Any] = {}
    if len({row.get("step_size") for row in rows}) < 2:
        return False
    return all(seen.setdefault(row.get("step_size"), row.get(name)) == row.get(name) for row in rows)


def _name(by: Sequence[str], values: Sequence[Any]) -> str:
    known = [(name, value) for name, value in zip(by, values, strict=True) if value is not None]
    parts = [f"{name.replace('_', ' ')} {_word(value)}" for name, value in known]
    parts = parts or [f"{name.replace('_', ' ')} –" for name in by]  # a key that other runs have
    return ", ".join(parts) or "all runs"


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _order(values: Sequence[Any]) -> list[tuple[str, Any]]:
    # Numbers before words, and each kind among its like.
    return [("", value) if isinstance(value, int | float) else ("word", str(value)) for value in values]


def _sorted(values: list[Any]) -> list[Any]:
    return [value for _, value in sorted((_order([value])[0], value) for value in values)] if values else []
