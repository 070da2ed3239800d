"""Recovery: which of all zero-loss solutions is flattest, and whether training gets there."""

from stepscape.recovery.training import (
    Paths,
    Training,
    settled_step_size,
    stable_step_size,
    trace_penalty_limit,
    train_factors,
    weight_decay_limit,
)

__all__ = [
    "Paths",
    "Training",
    "settled_step_size",
    "stable_step_size",
    "trace_penalty_limit",
    "train_factors",
    "weight_decay_limit",
]


def __dir__() -> list[str]:
    return sorted(__all__)
