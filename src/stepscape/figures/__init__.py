"""Figures: tables and arrays in, matplotlib figures out; matplotlib is imported when drawing."""

from stepscape.figures.fit_pictures import of_fit
from stepscape.figures.output import pdf
from stepscape.figures.style import png, svg
from stepscape.figures.sweep import against_step_size
from stepscape.figures.trajectories import functions, training

__all__ = ["against_step_size", "functions", "of_fit", "pdf", "png", "svg", "training"]


def __dir__() -> list[str]:
    return sorted(__all__)
