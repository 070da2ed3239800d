"""What the optimizer of a PyTorch model stabilizes, without touching training (extra `torch`)."""

from stepscape.monitor.eigenvalue import Sharpness, block_sharpness, sharpness
from stepscape.monitor.failure import Unmeasured
from stepscape.monitor.guard import is_probing
from stepscape.monitor.lanczos import RitzPair, largest
from stepscape.monitor.operator import HessianOperator
from stepscape.monitor.probe import Probe
from stepscape.monitor.tracking import Followed, Track, follow

__all__ = [
    "Followed",
    "HessianOperator",
    "Probe",
    "RitzPair",
    "Sharpness",
    "Track",
    "Unmeasured",
    "block_sharpness",
    "follow",
    "is_probing",
    "largest",
    "sharpness",
]


def __dir__() -> list[str]:
    return sorted(__all__)
