"""What the optimizer of a PyTorch model stabilizes, without touching training (extra `torch`)."""

from stepscape.monitor.critical import CriticalStepSize, critical_step_size
from stepscape.monitor.edge import EdgeRatio, PreconditionedHessian, edge_ratio, preconditioned
from stepscape.monitor.eigenvalue import Sharpness, block_sharpness, sharpness
from stepscape.monitor.failure import Unmeasured
from stepscape.monitor.guard import is_probing
from stepscape.monitor.lanczos import RitzPair, largest
from stepscape.monitor.operator import HessianOperator
from stepscape.monitor.probe import Probe
from stepscape.monitor.regularize import SAM, trace_penalty
from stepscape.monitor.slices import LossSlice, loss_slice
from stepscape.monitor.stochastic import BatchSharpness, HessianTrace, batch_sharpness, hessian_trace
from stepscape.monitor.thresholds import Threshold, threshold_of
from stepscape.monitor.tracking import Followed, Track, follow
from stepscape.monitor.units import Activity, SiteActivity, activity

__all__ = [
    "SAM",
    "Activity",
    "BatchSharpness",
    "CriticalStepSize",
    "EdgeRatio",
    "Followed",
    "HessianOperator",
    "HessianTrace",
    "LossSlice",
    "PreconditionedHessian",
    "Probe",
    "RitzPair",
    "Sharpness",
    "SiteActivity",
    "Threshold",
    "Track",
    "Unmeasured",
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
    "sharpness",
    "threshold_of",
    "trace_penalty",
]


def __dir__() -> list[str]:
    return sorted(__all__)
