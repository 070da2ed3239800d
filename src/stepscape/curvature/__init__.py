"""Symmetric operators, and what is read off them."""

from stepscape.curvature.hessian import Hessian, directional_smoothness, hessian, hessian_trace, sharpness
from stepscape.curvature.lanczos import Eigenpair, largest_eigenpair

__all__ = [
    "Eigenpair",
    "Hessian",
    "directional_smoothness",
    "hessian",
    "hessian_trace",
    "largest_eigenpair",
    "sharpness",
]
