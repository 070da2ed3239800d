"""A picture of the page, for who has not opened it yet; tests/explorer/still.py makes it again."""

from __future__ import annotations

import base64
from importlib import resources

ALT = (
    "The explorer while it trains at step size 0.4: controls with the step size as a slider, thirty noisy "
    "points with truth and fit, and below them the sharpness, which has come down to 2 over the step size."
)


def still() -> str:
    """Return the picture as an element that can stand in a page."""
    picture = (resources.files("stepscape.explorer") / "still.png").read_bytes()
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
