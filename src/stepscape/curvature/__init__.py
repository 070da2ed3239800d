"""Symmetric operators and their largest eigenvalues; nothing here knows a network or a problem."""

from stepscape.curvature.lanczos import Eigenpair, largest_eigenpair
from stepscape.curvature.operator import KrylovOperator, Matrix, Operator, Scaled, Shifted

__all__ = ["Eigenpair", "KrylovOperator", "Matrix", "Operator", "Scaled", "Shifted", "largest_eigenpair"]


def __dir__() -> list[str]:
    return sorted(__all__)
