"""What the optimizer of a PyTorch model stabilizes, without touching training (extra `torch`)."""

from stepscape.monitor.failure import Unmeasured
from stepscape.monitor.guard import is_probing
from stepscape.monitor.operator import HessianOperator
from stepscape.monitor.probe import Probe

__all__ = ["HessianOperator", "Probe", "Unmeasured", "is_probing"]


def __dir__() -> list[str]:
    return sorted(__all__)
