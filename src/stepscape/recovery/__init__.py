"""Recovery: which zero-loss solution is flattest, whether it is the truth, and what training finds.

Tables with missing entries are filled by the same norm.
"""

from stepscape.recovery.convex.crossover import Uniqueness
from stepscape.recovery.depth.decay import minimum_decay_product
from stepscape.recovery.depth.flattest_product import flattest_product
from stepscape.recovery.depth.layers import flat_product_layers, flat_product_trace
from stepscape.recovery.depth.recovered_product import RecoveredProduct
from stepscape.recovery.recovered import NullSpace, Recovered
from stepscape.recovery.solve import flattest, minimum_frobenius_norm, minimum_nuclear_norm
from stepscape.recovery.tables.completion import Completion, complete
from stepscape.recovery.training import (
    Paths,
    Training,
    settled_step_size,
    stable_step_size,
    trace_penalty_limit,
    train_factors,
    weight_decay_limit,
)
from stepscape.recovery.trials import Trial, trial
from stepscape.theory.low_rank.flatness import flattest_trace, hessian_trace, scaled_trace

__all__ = [
    "Completion",
    "NullSpace",
    "Paths",
    "Recovered",
    "RecoveredProduct",
    "Training",
    "Trial",
    "Uniqueness",
    "complete",
    "flat_product_layers",
    "flat_product_trace",
    "flattest",
    "flattest_product",
    "flattest_trace",
    "hessian_trace",
    "minimum_decay_product",
    "minimum_frobenius_norm",
    "minimum_nuclear_norm",
    "scaled_trace",
    "settled_step_size",
    "stable_step_size",
    "trace_penalty_limit",
    "train_factors",
    "trial",
    "weight_decay_limit",
]


def __dir__() -> list[str]:
    return sorted(__all__)
