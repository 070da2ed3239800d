"""What is to be learned: problems, curves, tables."""

from stepscape.problems.curves import bernoulli, curve, doppler, line, steps, tent, wave
from stepscape.problems.measurements import Measurements
from stepscape.problems.problem import Problem
from stepscape.problems.product_measurements import ProductMeasurements
from stepscape.problems.products import block_network, hadamard

__all__ = [
    "Measurements",
    "Problem",
    "ProductMeasurements",
    "bernoulli",
    "block_network",
    "curve",
    "doppler",
    "hadamard",
    "line",
    "steps",
    "tent",
    "wave",
]


def __dir__() -> list[str]:
    return sorted(__all__)
