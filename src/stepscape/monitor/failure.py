"""Why a curvature could not be measured: a word, and a sentence."""

from __future__ import annotations

import re

from stepscape.errors import StepscapeError
from stepscape.objectives.require_torch import require_torch

# How PyTorch words an operation whose derivative, or second derivative, it does not know.
_NO_DERIVATIVE = re.compile(r"derivative for '?([\w:.]+?)'? is not implemented")


class Unmeasured(StepscapeError):
    """A measurement that the model, its loss or the memory does not allow; training is untouched.

    Parameters
    ----------
    status : str
        "unsupported" (an operation has no second derivative, or parameters are not all here),
        "nondeterministic" (two values of one loss differ), "nonfinite", "oom" or "error".
    reason : str
        One sentence.
    """

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def unmeasured(error: Exception) -> Unmeasured:
    """Give an exception that a model or its loss raised a status, and name the operation at fault."""
    if isinstance(error, Unmeasured):
        return error
    memory = (require_torch().OutOfMemoryError, MemoryError)
    if isinstance(error, memory) or "can't allocate memory" in str(error):
        return Unmeasured("oom", "memory did not suffice for the measurement; give a smaller batch")
    missing = no_derivative(error)
    if missing:
        what = f"the operation {missing} has no second derivative in PyTorch"
        return Unmeasured("unsupported", f"{what}; only critical_step_size needs none")
    return Unmeasured("error", f"the loss raised {type(error).__name__}: {_line(error)}")


def _line(error: Exception) -> str:
    """Return the first line of a message; the last one where a module is written out before it."""
    lines = str(error).strip().splitlines() or ["no message"]
    return lines[-1].lstrip(") ") if lines[0].endswith("(") else lines[0]


def no_derivative(error: Exception) -> str:
    """Return the operation whose derivative PyTorch does not know, by what it says; "" for another error."""
    found = _NO_DERIVATIVE.search(str(error))
    return found[1] if found else ""
