"""Why the descent of a fit ended."""

from __future__ import annotations

from typing import Literal

Stop = Literal["edge", "stationary", "budget", "validated", "interpolating", "diverged"]

STOP_WORDS: dict[str, str] = {
    "edge": "at the edge of stability, loss level",
    "stationary": "loss level below the edge",
    "budget": "steps spent: smoothed by time as well",
    "validated": "stopped where cross-validation found the smallest error: smoothed by time as well",
    "interpolating": "every label fitted: the loss falls for as long as one trains",
    "diverged": "diverged",
}
TIMED = ("budget", "validated", "interpolating")  # ends with a loss that still falls
