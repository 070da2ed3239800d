"""Dynamics of training: gradient flow, how far descent is from it, and whether descent is chaotic."""

from stepscape.dynamics.chaos import Separation, chaos_floor, lyapunov, separation
from stepscape.dynamics.curve import Curve, Gap, compare
from stepscape.dynamics.gradient_flow import METHODS, gradient_flow, iterates

__all__ = [
    "METHODS",
    "Curve",
    "Gap",
    "Separation",
    "chaos_floor",
    "compare",
    "gradient_flow",
    "iterates",
    "lyapunov",
    "separation",
]


def __dir__() -> list[str]:
    return sorted(__all__)
