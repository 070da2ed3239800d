"""What the optimizer of a PyTorch model stabilizes, without touching training (extra `torch`).

Rows of a run, their story and `read_run` need no PyTorch; every name is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = [
    "SAM",
    "Activity",
    "BatchSharpness",
    "CriticalStepSize",
    "Csv",
    "EdgeRatio",
    "Followed",
    "HessianOperator",
    "HessianTrace",
    "JsonLines",
    "LossSlice",
    "MLflow",
    "Monitor",
    "PreconditionedHessian",
    "Probe",
    "RitzPair",
    "Row",
    "RunFile",
    "Sharpness",
    "SiteActivity",
    "Suggestion",
    "TensorBoard",
    "Threshold",
    "Track",
    "Unmeasured",
    "WeightsAndBiases",
    "activity",
    "batch_sharpness",
    "block_sharpness",
    "critical_step_size",
    "edge_ratio",
    "follow",
    "hessian_trace",
    "is_probing",
    "largest",
    "loss_slice",
    "preconditioned",
    "read_run",
    "sharpness",
    "suggest",
    "threshold_of",
    "trace_penalty",
]

_HOMES = {
    "Activity": "stepscape.monitor.units",
    "BatchSharpness": "stepscape.monitor.stochastic",
    "CriticalStepSize": "stepscape.monitor.critical",
    "Csv": "stepscape.monitor.sinks",
    "EdgeRatio": "stepscape.monitor.edge",
    "Followed": "stepscape.monitor.tracking",
    "HessianOperator": "stepscape.monitor.operator",
    "HessianTrace": "stepscape.monitor.stochastic",
    "JsonLines": "stepscape.monitor.sinks",
    "LossSlice": "stepscape.monitor.slices",
    "MLflow": "stepscape.monitor.sinks",
    "Monitor": "stepscape.monitor.monitor",
    "PreconditionedHessian": "stepscape.monitor.edge",
    "Probe": "stepscape.monitor.probe",
    "RitzPair": "stepscape.monitor.lanczos",
    "Row": "stepscape.monitor.row",
    "RunFile": "stepscape.monitor.run_file",
    "SAM": "stepscape.monitor.regularize",
    "Sharpness": "stepscape.monitor.eigenvalue",
    "SiteActivity": "stepscape.monitor.units",
    "Suggestion": "stepscape.monitor.suggestion",
    "TensorBoard": "stepscape.monitor.sinks",
    "Threshold": "stepscape.monitor.thresholds",
    "Track": "stepscape.monitor.tracking",
    "Unmeasured": "stepscape.monitor.failure",
    "WeightsAndBiases": "stepscape.monitor.sinks",
    "activity": "stepscape.monitor.units",
    "batch_sharpness": "stepscape.monitor.stochastic",
    "block_sharpness": "stepscape.monitor.eigenvalue",
    "critical_step_size": "stepscape.monitor.critical",
    "edge_ratio": "stepscape.monitor.edge",
    "follow": "stepscape.monitor.tracking",
    "hessian_trace": "stepscape.monitor.stochastic",
    "is_probing": "stepscape.monitor.guard",
    "largest": "stepscape.monitor.lanczos",
    "loss_slice": "stepscape.monitor.slices",
    "preconditioned": "stepscape.monitor.edge",
    "read_run": "stepscape.monitor.run_file",
    "sharpness": "stepscape.monitor.eigenvalue",
    "suggest": "stepscape.monitor.suggestion",
    "threshold_of": "stepscape.monitor.thresholds",
    "trace_penalty": "stepscape.monitor.regularize",
}

if TYPE_CHECKING:
    from stepscape.monitor.critical import CriticalStepSize, critical_step_size
    from stepscape.monitor.edge import EdgeRatio, PreconditionedHessian, edge_ratio, preconditioned
    from stepscape.monitor.eigenvalue import Sharpness, block_sharpness, sharpness
    from stepscape.monitor.failure import Unmeasured
    from stepscape.monitor.guard import is_probing
    from stepscape.monitor.lanczos import RitzPair, largest
    from stepscape.monitor.monitor import Monitor
    from stepscape.monitor.operator import HessianOperator
    from stepscape.monitor.probe import Probe
    from stepscape.monitor.regularize import SAM, trace_penalty
    from stepscape.monitor.row import Row
    from stepscape.monitor.run_file import RunFile, read_run
    from stepscape.monitor.sinks import Csv, JsonLines, MLflow, TensorBoard, WeightsAndBiases
    from stepscape.monitor.slices import LossSlice, loss_slice
    from stepscape.monitor.stochastic import BatchSharpness, HessianTrace, batch_sharpness, hessian_trace
    from stepscape.monitor.suggestion import Suggestion, suggest
    from stepscape.monitor.thresholds import Threshold, threshold_of
    from stepscape.monitor.tracking import Followed, Track, follow
    from stepscape.monitor.units import Activity, SiteActivity, activity


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stepscape.monitor' has no attribute {name!r}")
    # Set here, because importing a module puts the module itself under the name it shares with a function.
    globals()[name] = value = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
