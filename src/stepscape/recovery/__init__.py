"""Recovery: which of all zero-loss solutions is flattest, and whether it is the truth."""

from stepscape.recovery.crossover import Uniqueness
from stepscape.recovery.recovered import NullSpace, Recovered
from stepscape.recovery.solve import flattest, minimum_frobenius_norm, minimum_nuclear_norm
from stepscape.recovery.trials import Trial, trial

__all__ = [
    "NullSpace",
    "Recovered",
    "Trial",
    "Uniqueness",
    "flattest",
    "minimum_frobenius_norm",
    "minimum_nuclear_norm",
    "trial",
]


def __dir__() -> list[str]:
    return sorted(__all__)
