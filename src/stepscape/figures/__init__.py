"""Figures: tables and arrays in, matplotlib figures out; each is loaded on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["against_step_size", "functions", "half_planes", "of_fit", "pdf", "png", "svg", "training"]

_HOMES = {
    "against_step_size": "stepscape.figures.sweep",
    "functions": "stepscape.figures.trajectories",
    "half_planes": "stepscape.figures.half_plane_panels",
    "of_fit": "stepscape.figures.fit_pictures",
    "pdf": "stepscape.figures.output",
    "png": "stepscape.figures.output",
    "svg": "stepscape.figures.output",
    "training": "stepscape.figures.trajectories",
}

if TYPE_CHECKING:
    from stepscape.figures.fit_pictures import of_fit
    from stepscape.figures.half_plane_panels import half_planes
    from stepscape.figures.output import pdf, png, svg
    from stepscape.figures.sweep import against_step_size
    from stepscape.figures.trajectories import functions, training


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stepscape.figures' has no attribute {name!r}")
    # Set here, because importing a module puts the module itself under the name it shares with a function.
    globals()[name] = value = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
