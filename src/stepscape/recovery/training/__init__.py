"""How training gets to flat minima of low-rank problems: many starts at once."""

from stepscape.recovery.training.frobenius import hessian_frobenius
from stepscape.recovery.training.limits import trace_penalty_limit, weight_decay_limit
from stepscape.recovery.training.paths import Paths
from stepscape.recovery.training.step_sizes import settled_step_size, stable_step_size
from stepscape.recovery.training.train import train_factors
from stepscape.recovery.training.training import Training

__all__ = [
    "Paths",
    "Training",
    "hessian_frobenius",
    "settled_step_size",
    "stable_step_size",
    "trace_penalty_limit",
    "train_factors",
    "weight_decay_limit",
]


def __dir__() -> list[str]:
    return sorted(__all__)
