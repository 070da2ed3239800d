"""What is to be learned: problems, curves, tables."""

from stepscape.problems.curves import bernoulli, curve, doppler, line, steps, tent, wave
from stepscape.problems.measurements import Measurements
from stepscape.problems.problem import Problem

__all__ = ["Measurements", "Problem", "bernoulli", "curve", "doppler", "line", "steps", "tent", "wave"]


def __dir__() -> list[str]:
    return sorted(__all__)
