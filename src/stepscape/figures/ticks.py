"""Ticks at given values, as many as have room for their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import Locator
from numpy.typing import NDArray

LETTER = 0.64  # width of a digit, in font sizes


class Among(Locator):
    """Ticks of the x axis: the ends of some values, and those between whose names do not touch."""

    def __init__(self, ax: Axes, values: Sequence[float]) -> None:
        self._ax = ax
        self._values = np.unique(np.asarray(values, float))

    def __call__(self) -> list[float]:
        """Choose for the width that the axis has."""
        return self.tick_values(*sorted(self._ax.get_xlim()))

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Choose among the values within these limits."""
        inside = self._values[(self._values >= vmin) & (self._values <= vmax)]
        if inside.size < 3:
            return list(inside)
        left, right = self._ends(inside)
        kept = [0]
        for i in range(1, inside.size - 1):
            if left[i] >= right[kept[-1]] and right[i] <= left[-1]:
                kept.append(i)
        return list(inside[[*kept, inside.size - 1]])

    def _ends(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the names of values begin and end, in pixels, with half a letter to spare on each side."""
        at = self._ax.transData.transform(np.column_stack([values, np.ones(values.size)]))[:, 0]
        given = self._ax.xaxis.get_tick_params().get("labelsize", rcParams["xtick.labelsize"])
        size = FontProperties(size=given).get_size_in_points()
        letter = LETTER * size * self._ax.figure.dpi / 72.0
        half = np.array([0.5 * letter * (len(f"{value:g}") + 1) for value in values])
        return at - half, at + half
