"""Make the still of the explorer again: `PYTHONPATH=tests python tests/explorer/still.py`, with Chromium."""

from __future__ import annotations

import io
import tempfile
import time
from pathlib import Path

from PIL import Image

from browser import browser
from explorer_pages import SPY, Desk
from stepscape import explorer

STILL = Path(explorer.__file__).with_name("still.png")
WIDTH, TOP, BOTTOM = 1400, 190, 1505  # from the lessons to the risk
SIZES = (0.02, 0.05, 0.1, 0.2, 0.8, 0.4)  # the last one is drawn with its two iterates
STEPS, COLORS = 20_000, 96


def main() -> None:
    """Train at one step size after another, and keep what the screen shows in the end."""
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder, "profile")) as tab:
        page = Path(folder, "explorer.html")
        page.write_text(explorer.page(), "utf-8")
        tab.call("Page.addScriptToEvaluateOnNewDocument", source=SPY)
        desk = Desk(tab)
        desk.open(page, width=WIDTH)
        desk.set("sweep-sizes", ", ".join(map(str, SIZES)))
        desk.set("sweep-steps", STEPS)
        desk.click("sweep")
        tab.wait(f"document.querySelectorAll('#runs li').length === {len(SIZES)}")
        size = {"width": WIDTH, "height": BOTTOM, "deviceScaleFactor": 1, "mobile": False}
        tab.call("Emulation.setDeviceMetricsOverride", **size)
        time.sleep(1.0)
        shot = Image.open(io.BytesIO(tab.screenshot())).convert("RGB").crop((0, TOP, WIDTH - 15, BOTTOM))
    shot.quantize(COLORS, dither=Image.Dither.NONE).save(STILL, optimize=True)
    print(f"{STILL}: {shot.size}, {STILL.stat().st_size} bytes")


if __name__ == "__main__":
    main()
