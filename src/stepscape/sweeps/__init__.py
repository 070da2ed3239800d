"""A user's sweep: a short file, the runs it stands for, and how each is carried out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {"Run": "stepscape.sweeps.runs", "build": "stepscape.sweeps.runs"}

__all__ = ["Run", "build"]

if TYPE_CHECKING:
    from stepscape.sweeps.runs import Run, build


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stepscape.sweeps' has no attribute {name!r}")
    # No module may be called like one of these names: importing it would hide the name.
    globals()[name] = value = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
