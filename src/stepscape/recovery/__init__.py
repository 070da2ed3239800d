"""Recovery: which of all zero-loss solutions is flattest, and whether it is the truth."""

from stepscape.recovery.depth.decay import minimum_decay_product
from stepscape.recovery.depth.flattest_product import flattest_product
from stepscape.recovery.depth.layers import flat_product_layers, flat_product_trace
from stepscape.recovery.depth.recovered_product import RecoveredProduct

__all__ = [
    "RecoveredProduct",
    "flat_product_layers",
    "flat_product_trace",
    "flattest_product",
    "minimum_decay_product",
]


def __dir__() -> list[str]:
    return sorted(__all__)
