"""Settings of a claim: they are complete, can be read from text, and are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepscape.errors import InputError, bad, unknown

Settings = Mapping[str, Any]


def resolve(name: str, defaults: Settings, overrides: Mapping[str, str]) -> dict[str, Any]:
    """Lay ``key=value`` strings over the defaults of a claim.

    A value is read by the type of the default: whole number, number, yes/no, text, or a list of these
    separated by commas.

    Raises
    ------
    InputError
        For a key that the claim does not have (the known ones are listed) or text of another type.
    """
    settings = dict(defaults)
    for key, text in overrides.items():
        if key not in settings:
            raise unknown(f"setting of {name}", key, settings)
        settings[key] = _read(key, text, settings[key])
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
