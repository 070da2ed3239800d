"""Settings of a claim: they are complete, can be read from text, and are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from stepscape.arguments import finite, flag, mapping
from stepscape.errors import InputError, bad, shown, unknown
from stepscape.memory import require_memory
from stepscape.problems.truth import name_of

Settings = Mapping[str, Any]
RUNS = 8000  # bytes of the specs of one seed, with ten arms and step sizes
NEURON = 96  # bytes that a record keeps for each neuron: six numbers, before and after it is collected
STEP = 48.0  # bytes per step: two rows of step sizes, their sums, and what lies between


def resolve(name: str, defaults: Settings, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Lay values over the defaults of a claim.

    Text is read by the type of the default: whole number, number, yes/no, text, or a list of these separated
    by commas. Any other value must have that type. A function in place of text stands for its name,
    ``module:function``.

    Raises
    ------
    InputError
        For a key that the claim does not have (the known ones are listed) or a value of another type.
    """
    settings = dict(defaults)
    for key, value in mapping("settings", overrides).items():
        if key not in settings:
            raise unknown(f"setting of {name}", key, settings)
        read = _read if isinstance(value, str) else _typed
        settings[key] = read(key, value, settings[key])
    return settings


def at_least(settings: Settings, **limits: int) -> None:
    """Refuse a setting below its limit."""
    for key, limit in limits.items():
        if settings[key] < limit:
            raise bad(key, f"be at least {limit}", settings[key])


def seeds(settings: Settings, count: str = "seeds") -> range:
    """Return the seeds from the first on; `count` names the setting that says how many."""
    at_least(settings, **{"first_seed": 0, count: 0})
    return range(settings["first_seed"], settings["first_seed"] + settings[count])


def affordable(settings: Settings) -> None:
    """Refuse counts whose runs, or whose recorded networks, would not fit in memory: they are all kept."""
    for name, value in settings.items():
        if name.endswith("seeds") and isinstance(value, int):
            require_memory(name, value, RUNS * float(value))
    if "records" in settings:
        kept = min(settings["records"], settings.get("steps", settings["records"]))
        width = settings.get("width", 1)
        needs = NEURON * float(kept) * width
        require_memory(*(("width", width) if width > kept else ("records", settings["records"])), needs)
    if {"arms", "steps"} <= settings.keys():  # equal time is found on the step size of every step
        require_memory("steps", settings["steps"], STEP * float(settings["steps"]))


def _read(key: str, text: str, default: Any) -> Any:
    if isinstance(default, tuple):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts:
            raise bad(key, "list at least one value, separated by commas", repr(text))
        return tuple(_read(key, part, default[0]) for part in parts)
    for kind, must, parse in _READERS:
        if isinstance(default, kind):
            try:
                return parse(text.strip())
            except ValueError:
                raise bad(key, must, repr(text)) from None
    raise InputError(f"{key} cannot be set from text")


def _typed(key: str, value: Any, default: Any) -> Any:
    """Check a value of Python by the type of the default."""
    if isinstance(default, tuple):
        if not isinstance(value, Sequence | np.ndarray) or not len(value):
            raise bad(key, "be a list of at least one value", shown(value))
        read = [_read if isinstance(each, str) else _typed for each in value]
        return tuple(one(key, each, default[0]) for one, each in zip(read, value, strict=True))
    if isinstance(default, bool):
        return flag(key, value)
    if isinstance(default, int):
        return _whole_number(key, value)
    if isinstance(default, float):
        return finite(key, value)
    if isinstance(default, str):
        if callable(value):
            return name_of(value)
        raise bad(key, "be text", shown(value))
    return value


def _whole_number(key: str, value: Any) -> int:
    if isinstance(value, float | np.floating) and value == value // 1:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise bad(key, "be a whole number", shown(value))
    return int(value)


def _yes(text: str) -> bool:
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in answers:
        raise ValueError(text)
    return answers[text.lower()]


def _whole(text: str) -> int:
    number = _number(text)
    if number != int(number):
        raise ValueError(text)
    return int(number)


def _number(text: str) -> float:
    number = float(text)
    if number - number != 0.0:  # nan and infinities
        raise ValueError(text)
    return number


# bool before int, because True is an int.
_READERS: tuple[tuple[type, str, Callable[[str], Any]], ...] = (
    (bool, "be yes or no", _yes),
    (int, "be a whole number", _whole),
    (float, "be a finite number", _number),
    (str, "be text", str),
)
