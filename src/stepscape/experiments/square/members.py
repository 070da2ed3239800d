"""The members of the family that `robustness` asks about, and their runs.

What the documents leave open are five choices. Each has a base value and others: on every range, the members
are the base, each other value alone, and all second values at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepscape.errors import bad
from stepscape.experiments.frame import Settings
from stepscape.experiments.square.runs import StepSizeRun, grid
from stepscape.tables.records import Table

# Setting → the field of a run that it gives.
CHOICES = {"truths": "truth", "sizes": "n", "widths": "width", "noises": "noise"}
FIELDS = ("half_width", *CHOICES.values())


def members(settings: Settings) -> list[dict[str, Any]]:
    """Fields of every member, those of each range together.

    >>> choices = {"truths": ("tent", "wave"), "sizes": (30,), "widths": (200,), "noises": (0.5, 0.25)}
    >>> for member in members({**choices, "half_widths": (3.0,)}):
    ...     print(member["truth"], member["noise"])
    tent 0.5
    wave 0.5
    tent 0.25
    wave 0.25
    """
    base = {field: settings[name][0] for name, field in CHOICES.items()}
    found = [base]
    for name, field in CHOICES.items():
        found += [{**base, field: value} for value in settings[name][1:]]
    found += [{field: settings[name][min(1, len(settings[name]) - 1)] for name, field in CHOICES.items()}]
    return [
        {"half_width": half_width, **member}
        for half_width in settings["half_widths"]
        for member in _different(found)
    ]


def every_member(settings: Settings) -> list[StepSizeRun]:
    """Every arm, seed and step size in every member."""
    for name in CHOICES:
        if len(set(settings[name])) < len(settings[name]):
            raise bad(name, "list different values", settings[name])
    return [
        run
        for member in members(settings)
        for run in grid({**settings, **member, "half_widths": (member["half_width"],)})
    ]


def named(table: Table, base: Settings) -> dict[str, Table]:
    """Rows of every member in the order of the runs, under a name that says what differs from the base."""
    found: dict[str, Table] = {}
    for values in dict.fromkeys(zip(*(table[field].tolist() for field in FIELDS), strict=True)):
        member = dict(zip(FIELDS, values, strict=True))
        found[name_of(member, base)] = table.where(**member)
    return found


def name_of(member: Settings, base: Settings) -> str:
    """Name a member by its range and by what differs from the base values.

    >>> base = {"truths": ("tent", "wave"), "sizes": (30,), "widths": (1000,), "noises": (0.5, 0.25)}
    >>> one = {"half_width": 3.0, "truth": "tent", "n": 30, "width": 1000, "noise": 0.25}
    >>> name_of(one, base), name_of({**one, "truth": "wave"}, base)
    ('[−3, 3], noise 0.25', '[−3, 3], all at once')
    """
    changed, choices = list(_differences(member, base)), sum(len(base[name]) > 1 for name in CHOICES)
    words = ["all at once"] if 1 < len(changed) == choices else changed
    return ", ".join([f"[−{member['half_width']:g}, {member['half_width']:g}]", *words])


def _differences(member: Settings, base: Settings) -> Iterator[str]:
    words = {"truth": "{}", "n": "{:g} points", "width": "{:g} neurons", "noise": "noise {:g}"}
    for name, field in CHOICES.items():
        given = plain(member[field])
        if given != base[name][0]:
            yield words[field].format(given)


def plain(value: Any) -> Any:
    """Take the seal off the name of a user's own truth."""
    return value.partition("#")[0] if isinstance(value, str) else value


def _different(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [member for i, member in enumerate(found) if member not in found[:i]]
