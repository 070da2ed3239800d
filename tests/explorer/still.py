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
WIDTH, HIGHEST = 1400, 2000
FIRST, LAST = "#lesson-list", "#view-risk svg"
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
        for i in range(1, len(SIZES) + 1):
            tab.wait(f"document.querySelectorAll('#runs li').length >= {i}")
        size = {"width": WIDTH, "height": HIGHEST, "deviceScaleFactor": 1, "mobile": False}
        tab.call("Emulation.setDeviceMetricsOverride", **size)
        time.sleep(1.0)
        box = "document.querySelector('{}').getBoundingClientRect()"
        top = tab.evaluate(f"{box.format(FIRST)}.top") - 10
        bottom = tab.evaluate(f"{box.format(LAST)}.bottom") + 10
        shot = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
        shot = shot.crop((0, round(top), WIDTH - 15, round(bottom)))
    shot.quantize(COLORS, dither=Image.Dither.NONE).save(STILL, optimize=True)
    print(f"{STILL}: {shot.size}, {STILL.stat().st_size} bytes")


if __name__ == "__main__":
    main()
