"""Colors that mean something: step sizes, ordered levels, moments of a run, starts, regions.

A color has one meaning in all figures. Hues are those of Okabe and Ito (2008), which color-blind eyes tell
apart; the two ordered scales are sequential in lightness, so that they survive black and white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stepscape.arguments import positive
from stepscape.errors import bad

# Orange and sky are too light for lines: they fill areas only.
COLORS = {
    "black": "#000000",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "orange": "#E69F00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "gray": "#6E6E6E",
}
STEP_SIZES = (0.003, 4.0)  # the range of η that the scale spans, the same in all figures
ETA_PART, LEVEL_PART = 0.75, 0.8  # of viridis and of cividis: their light ends are too light for lines


@dataclass(frozen=True)
class Look:
    """How one of a few things looks in every figure: words, color, marker."""

    words: str
    color: str
    marker: str = "o"

    @property
    def line(self) -> dict[str, Any]:
        """A solid line of its color: what is measured is solid."""
        return {"color": self.color, "linestyle": "-"}

    @property
    def marks(self) -> dict[str, Any]:
        """Markers of its shape and color with a white edge, without a line."""
        return {**marks(self.color, self.marker), "linestyle": "none"}

    @property
    def both(self) -> dict[str, Any]:
        """A line with its markers."""
        return {**marks(self.color, self.marker), "linestyle": "-"}


MEASURED = Look("measured", COLORS["blue"])
CONTRAST = Look("contrast", COLORS["vermilion"], "s")
THIRD = Look("third", COLORS["green"], "^")
# Keys are the suffixes of columns.
MOMENT = {
    "": Look("end of training", COLORS["blue"], "o"),
    "_equal_time": Look("equal time", COLORS["vermilion"], "s"),
    "_held_out": Look("best held-out moment", COLORS["green"], "^"),
}
ARM = {
    "as_printed": Look("default", COLORS["blue"]),
    "small_init": Look("small", COLORS["vermilion"]),
    "warm_up": Look("warm-up", COLORS["green"]),
}
REGION = {
    "interior": Look("interior", COLORS["blue"]),
    "boundary": Look("boundary", COLORS["vermilion"]),
    "everywhere": Look("all inputs", COLORS["green"]),
}


def marks(color: Any, marker: str = "o") -> dict[str, Any]:
    """Markers of 6 pt with a white edge."""
    return {"color": color, "marker": marker, "ms": 6.0, "mec": "white", "mew": 0.8}


def eta_color(step_size: float) -> str:
    """Color of a step size: viridis from 0 to 0.75 on log η, fixed from 0.003 to 4; beyond, the end's color.

    >>> eta_color(0.003), eta_color(4.0), eta_color(100.0)
    ('#440154', '#5ec962', '#5ec962')
    """
    low, high = np.log(STEP_SIZES)
    place = (np.log(positive("step_size", step_size)) - low) / (high - low)
    return _hex("viridis", ETA_PART * float(np.clip(place, 0.0, 1.0)))


def level_color(value: float, levels: Sequence[float]) -> str:
    """Color of one of some levels of n, decay, amplitude or rate: cividis from 0 to 0.8.

    On a logarithmic scale if all levels are positive, else on a linear one.

    >>> level_color(30, (30, 60, 120)), level_color(120, (30, 60, 120))
    ('#00224e', '#c8b866')
    """
    scale = np.log if min(levels) > 0 else np.asarray
    low, at, high = (float(scale(each)) for each in (min(levels), value, max(levels)))
    if not low <= at <= high:
        raise bad("value", "lie among the levels", f"{value:g} for {sorted(levels)}")
    return _hex("cividis", LEVEL_PART * (at - low) / (high - low) if high > low else 0.4)


def _hex(name: str, place: float) -> str:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return to_hex(colormaps[name](place))
