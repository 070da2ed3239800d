"""The lab: specs with an identity, a store that survives, executors, sweeps that resume."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Curve": "stepscape.lab.curves",
    "Spec": "stepscape.lab.spec",
    "Store": "stepscape.lab.store",
    "curve_table": "stepscape.lab.curves",
    "executor": "stepscape.lab.executors",
    "identity": "stepscape.lab.spec",
    "stream": "stepscape.lab.spec",
    "sweep": "stepscape.lab.sweeping",
}

__all__ = ["Curve", "Spec", "Store", "curve_table", "executor", "identity", "stream", "sweep"]

if TYPE_CHECKING:
    from stepscape.lab.curves import Curve, curve_table
    from stepscape.lab.executors import executor
    from stepscape.lab.spec import Spec, identity, stream
    from stepscape.lab.store import Store
    from stepscape.lab.sweeping import sweep


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stepscape.lab' has no attribute {name!r}")
    # No module may be called like one of these names: importing it would hide the name.
    globals()[name] = value = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
