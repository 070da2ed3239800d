"""Dynamics of training: flows and how far descent is from them, curvature along steps, and chaos."""

from stepscape.dynamics.central_flow import central_flow
from stepscape.dynamics.chaos import Separation, chaos_floor, lyapunov, separation
from stepscape.dynamics.complementarity import Complementary, complementary
from stepscape.dynamics.curve import Curve, Gap, compare
from stepscape.dynamics.gradient_flow import METHODS, gradient_flow, iterates
from stepscape.dynamics.mirror_flow import mirror_flow
from stepscape.dynamics.orbit import orbit
from stepscape.dynamics.rod_flow import rod_flow
from stepscape.dynamics.step_curvature import relative_progress, step_curvature

__all__ = [
    "METHODS",
    "Complementary",
    "Curve",
    "Gap",
    "Separation",
    "central_flow",
    "chaos_floor",
    "compare",
    "complementary",
    "gradient_flow",
    "iterates",
    "lyapunov",
    "mirror_flow",
    "orbit",
    "relative_progress",
    "rod_flow",
    "separation",
    "step_curvature",
]


def __dir__() -> list[str]:
    return sorted(__all__)
