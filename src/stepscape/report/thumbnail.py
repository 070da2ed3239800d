"""The leading panel of a figure as a small picture inside the page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from stepscape.figures import output

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

SIZE = (160, 100)  # CSS pixels
SHARP = 2  # device pixels per CSS pixel
COLORS = 48
HERO = "hero"  # identifier of the axes that lead a figure
AROUND = 0.06  # inches of margin around the panel


def thumbnail(figure: Figure) -> str:
    """Return the panel as a data address: the axes whose gid is `HERO`, or else the largest of them.

    The panel keeps its proportions, on white; without axes the whole figure is shown.
    """
    from PIL import Image

    with Image.open(io.BytesIO(output.png(figure))) as whole:
        panel = whole.convert("RGB").crop(_frame(figure, whole))
    wide, high = SHARP * SIZE[0], SHARP * SIZE[1]
    panel.thumbnail((wide, high), Image.Resampling.LANCZOS)
    ground = Image.new("RGB", (wide, high), "white")
    ground.paste(panel, ((wide - panel.width) // 2, (high - panel.height) // 2))
    data = io.BytesIO()
    ground.quantize(COLORS, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"


def _frame(figure: Figure, whole: Image) -> tuple[int, int, int, int]:
    """Left, upper, right and lower end of the panel in pixels of the whole."""
    if not figure.axes:
        return (0, 0, whole.width, whole.height)
    box = max(figure.axes, key=lambda ax: (ax.get_gid() == HERO, _area(ax))).get_position()
    across, down = AROUND / figure.get_figwidth(), AROUND / figure.get_figheight()
    ends = (box.x0 - across, 1 - box.y1 - down, box.x1 + across, 1 - box.y0 + down)
    scales = (whole.width, whole.height) * 2
    left, upper, right, lower = (
        round(min(max(end, 0.0), 1.0) * scale) for end, scale in zip(ends, scales, strict=True)
    )
    return (left, upper, max(right, left + 1), max(lower, upper + 1))


def _area(ax: Axes) -> float:
    return float(round(ax.get_position().width * ax.get_position().height, 3))
