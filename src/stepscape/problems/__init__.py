"""What is to be learned: problems, curves, tables."""

from stepscape.problems.curves import curve, doppler, line, steps, tent, wave
from stepscape.problems.problem import Problem

__all__ = ["Problem", "curve", "doppler", "line", "steps", "tent", "wave"]
