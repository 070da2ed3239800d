"""A picture of the page, for who has not opened it yet; tests/explorer/still.py makes it again."""

from __future__ import annotations

import base64
from importlib import resources

ALT = (
    "The explorer: the step size as a slider, thirty noisy points with the truth and the curves of six step "
    "sizes, the sharpness, which has come down to 2 over the step size, and the risk, which is least at 0.4."
)


def still() -> str:
    """Return the picture as an element that can stand in a page."""
    picture = (resources.files("stepscape.explorer") / "still.png").read_bytes()
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
