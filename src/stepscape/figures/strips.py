"""Ratios of what is measured to what theory says, in a strip below the panel of the quantity itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import bad
from stepscape.figures.references import theory_level
from stepscape.figures.style import NAMES, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

HEIGHTS = (3, 1)


def with_strip(columns: int, size: tuple[float, float]) -> tuple[Figure, NDArray[Any]]:
    """Return a figure and its axes (2, columns): panels, and below each a strip of a third of its height."""
    return canvas(2, columns, size, sharex=True, height_ratios=HEIGHTS)


def ratio_strip(ax: Axes, name: str, most: float = 1.25) -> None:
    """Make a panel the strip of a ratio: logarithmic from 1/most to most, centered on the dashed line at 1.

    Draw first; ratios beyond are drawn by `clip` at the edge.
    """
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

    if not most > 1.0:
        raise bad("most", "be larger than 1", most)
    theory_level(ax, 1.0)
    ax.set_yscale("log")
    ax.set_ylim(1.0 / most, most)
    ax.yaxis.set_major_locator(FixedLocator([1.0 / most, 1.0, most]))
    ax.yaxis.set_major_formatter(FixedFormatter([f"{1.0 / most:.3g}", "1", f"{most:g}"]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylabel(name, fontsize=NAMES)


def clip(ratios: ArrayLike, most: float) -> NDArray[np.float64]:
    """Move ratios beyond a strip to its edges.

    >>> clip([0.1, 1.0, 9.0], 1.25).tolist()
    [0.8, 1.0, 1.25]
    """
    return np.asarray(np.clip(np.asarray(ratios, float), 1.0 / most, most))
