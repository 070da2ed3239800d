"""The section [cluster] of a sweep file: resources of a Slurm job, translated to dask-jobqueue's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stepscape.errors import bad, unknown
from stepscape.sweeps.grid import one, shown
from stepscape.sweeps.location import Location

# Key → what dask-jobqueue calls it, and its type.
KEYS: dict[str, tuple[str, type]] = {
    "queue": ("queue", str),
    "account": ("account", str),
    "cores": ("cores", int),
    "processes": ("processes", int),
    "memory": ("memory", str),
    "walltime": ("walltime", str),
    "interface": ("interface", str),
    "local_directory": ("local_directory", str),
    "log_directory": ("log_directory", str),
    "python": ("python", str),
    "prologue": ("job_script_prologue", list),
    "directives": ("job_extra_directives", list),
}
_FORMS = {
    "memory": (re.compile(r"\d+(\.\d+)? ?[kMGT]i?B"), 'be an amount such as "4GB"'),
    "walltime": (
        re.compile(r"\d+(:\d\d){0,2}|\d+-\d\d?(:\d\d){0,2}"),
        'be a time such as "02:00:00" or "1-12:00:00"',
    ),
}


def cluster_options(section: object, place: Location) -> dict[str, Any]:
    """Check the section and translate it."""
    with place.at("cluster"):
        if not isinstance(section, Mapping):
            raise bad("cluster", "be one section, [cluster]", shown(section))
    options = {}
    for key, value in section.items():
        with place.at("cluster", key):
            if key not in KEYS:
                raise unknown("[cluster] key", key, KEYS)
            name, kind = KEYS[key]
            options[name] = _lines(key, value) if kind is list else _single(key, kind, value)
    return options


def _single(key: str, kind: type, value: object) -> Any:
    found = one(key, kind, value)
    form, must = _FORMS.get(key, (None, ""))
    if form and not form.fullmatch(found):
        raise bad(key, must, shown(found))
    if kind is int and found < 1:
        raise bad(key, "be at least 1", found)
    if kind is str and not found.strip():
        raise bad(key, "not be empty", shown(found))
    return found


def _lines(key: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise bad(key, "be a list of lines of text", shown(value))
    return value
