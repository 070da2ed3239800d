"""Step size and number of steps, which every method has."""

from __future__ import annotations

import math

from stepscape.arguments import number, positive
from stepscape.errors import bad, shown

LARGEST = 2**53  # steps: a float counts no further


def set_clock(method: object) -> None:
    """Check step size and steps of a frozen method, and keep them as a float and an int."""
    for name, read in (("step_size", _step_size), ("steps", _steps)):
        object.__setattr__(method, name, read(name, getattr(method, name)))


def two_over(step_size: float) -> float:
    """Return 2/η, the threshold of gradient descent."""
    return 2.0 / positive("step_size", step_size)


def _step_size(name: str, value: object) -> float:
    return positive(name, number(name, value))


def _steps(name: str, value: object) -> int:
    steps = whole_steps(name, value)
    if steps < 1:
        raise bad(name, "be at least 1", steps)
    return steps


def whole_steps(name: str, value: object) -> int:
    """Read a whole number of steps that a float can count."""
    steps = number(name, value)
    if not (math.isfinite(steps) and steps == int(steps)):
        raise bad(name, "be a whole number", shown(value))
    if abs(steps) > LARGEST:
        raise bad(name, f"be at most {LARGEST}", shown(value))
    return int(steps)


def fraction(name: str, value: object) -> float:
    """Read a number of at least 0 and less than 1."""
    read = number(name, value)
    if not 0.0 <= read < 1.0:
        raise bad(name, "lie in [0, 1)", read)
    return read
