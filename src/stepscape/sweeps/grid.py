"""A value in a sweep's file → what it stands for: one value of the type of its key, or an even spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from typing import Any

from stepscape.errors import bad, unknown

SPREADS = ("logspace", "linspace")
MOST = 100_000  # values of a spread


def one(key: str, kind: Any, given: Any) -> Any:
    """Read one value: a whole number also serves as a number, nothing else as anything else."""
    if kind is float and isinstance(given, int) and not isinstance(given, bool):
        try:
            given = float(given)
        except OverflowError:
            raise bad(key, "be a number that a float holds", f"one of {given.bit_length()} bits") from None
    if type(given) is not kind:
        raise bad(key, _MUST[kind], shown(given))
    if kind is int and abs(given) >= 2**63:
        raise bad(key, "be a whole number of 64 bits", f"one of {given.bit_length()}")
    return given + 0.0 if kind is float else given  # -0.0 is 0.0


def spread(key: str, kind: Any, given: Mapping[str, Any]) -> list[Any]:
    """Read ``{ logspace = [low, high, count] }`` or ``{ linspace = [low, high, count] }``.

    Both ends are exact, and each value is the nearest float to the exact one, so that the same file means
    the same runs on every machine. Whole numbers are rounded, and what is then equal counts once.
    """
    if kind not in (int, float):
        raise bad(key, _MUST[kind], shown(dict(given)))
    for name in given:
        if name not in SPREADS:
            raise unknown(f"spread of {key}", name, SPREADS)
    if len(given) != 1:
        raise bad(key, "have one of logspace and linspace", "both" if given else "neither")
    [(name, limits)] = given.items()
    what = f"{name} of {key}"
    if not isinstance(limits, list) or len(limits) != 3:
        raise bad(what, "be [low, high, count]", shown(limits))
    low, high = (one(f"{end} of {what}", float, limit) for end, limit in zip(_ENDS, limits, strict=False))
    count = one(f"count of {what}", int, limits[2])
    if not 2 <= count <= MOST:
        raise bad(f"count of {what}", f"lie between 2 and {MOST}", count)
    if not -math.inf < low < high < math.inf:
        raise bad(what, "have finite ends with low < high", shown(limits))
    if name == "logspace" and low <= 0.0:
        raise bad(f"low of {what}", "be positive", shown(limits[0]))
    steps = _SPREAD[name](Decimal(repr(low)), Decimal(repr(high)), count)
    return list(dict.fromkeys(steps)) if kind is float else list(dict.fromkeys(map(round, steps)))


def shown(value: object) -> str:
    """Show a value of a file as the file would, clipped."""
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _linspace(low: Decimal, high: Decimal, count: int) -> list[float]:
    with localcontext(prec=_DIGITS):
        return [float(low + (high - low) * step / (count - 1)) for step in range(count)]


def _logspace(low: Decimal, high: Decimal, count: int) -> list[float]:
    with localcontext(prec=_DIGITS):
        ratio = (high / low).ln()
        return [float(low * (ratio * step / (count - 1)).exp()) for step in range(count)]


_DIGITS = 50  # far beyond a float, so that rounding to one gives the nearest on every machine
_ENDS = ("low", "high")
_SPREAD: dict[str, Callable[[Decimal, Decimal, int], list[float]]] = {
    "linspace": _linspace,
    "logspace": _logspace,
}
_MUST = {bool: "be true or false", int: "be a whole number", float: "be a number", str: "be text"}
