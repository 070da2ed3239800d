"""Measurements on problems, networks and trajectories, and their certificates."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Activity": "stepscape.measures.activation",
    "PredictionGain": "stepscape.measures.table_gain",
    "Shattering": "stepscape.measures.held_examples",
    "activity": "stepscape.measures.activation",
    "certified_class": "stepscape.measures.certified",
    "certify": "stepscape.measures.certification",
    "facts": "stepscape.measures.certification",
    "plane_facts": "stepscape.measures.plane_certification",
    "prediction_gain": "stepscape.measures.table_gain",
    "shattering": "stepscape.measures.held_examples",
    "tightest_worst_case": "stepscape.measures.tightest",
    "worst_case": "stepscape.measures.certified",
}

__all__ = [
    "Activity",
    "PredictionGain",
    "Shattering",
    "activity",
    "certified_class",
    "certify",
    "facts",
    "plane_facts",
    "prediction_gain",
    "shattering",
    "tightest_worst_case",
    "worst_case",
]

if TYPE_CHECKING:
    from stepscape.measures.activation import Activity, activity
    from stepscape.measures.certification import certify, facts
    from stepscape.measures.certified import certified_class, worst_case
    from stepscape.measures.held_examples import Shattering, shattering
    from stepscape.measures.plane_certification import plane_facts
    from stepscape.measures.table_gain import PredictionGain, prediction_gain
    from stepscape.measures.tightest import tightest_worst_case


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stepscape.measures' has no attribute {name!r}")
    # No module may be called like one of these names: importing it would hide the name.
    globals()[name] = value = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
