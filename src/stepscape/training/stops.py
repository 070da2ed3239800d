"""Why the descent of a fit ended."""

from __future__ import annotations

from typing import Literal

Stop = Literal["edge", "stationary", "budget", "validated", "interpolating", "diverged"]

STOP_WORDS: dict[str, str] = {
    "edge": "the loss is level at the edge of stability",
    "stationary": "the loss is level below the edge",
    "budget": "all steps are spent: stopping early also smooths the fit",
    "validated": "cross-validation chose this moment: stopping early also smooths the fit",
    "interpolating": "every label is fitted: the loss falls for as long as one trains",
    "diverged": "the descent diverged",
}
TIMED = ("budget", "validated", "interpolating")  # ends with a loss that still falls
