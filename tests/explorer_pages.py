"""The explorer in a browser: what its worker said, what it gave to be saved, and what stands on the page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browser import Tab

# A run that is small and arrives within a second.
SMALL = (
    "#loss=square&truth=tent&n=12&noise=0.5&flips=0.1&amplitude=2&range=3&seed=0&start=large&width=60"
    "&start-seed=1&eta=0.1&warmup=300"
)
# Listens to the worker, and keeps files instead of saving them.
SPY = """
window.seen = { frame: null, ready: null, frames: 0, drawn: 0, files: [] };
const blobs = new Map();
const create = URL.createObjectURL;
URL.createObjectURL = (blob) => { const address = create(blob); blobs.set(address, blob); return address; };
HTMLAnchorElement.prototype.click = function () {
  if (this.download) seen.files.push({ name: this.download, blob: blobs.get(this.href) });
};
window.Worker = class extends Worker {
  constructor(address) {
    super(address);
    this.addEventListener("message", ({ data }) => {
      if (data.kind === "ready") seen.ready = data;
      if (data.kind === "frame") { seen.frame = data; seen.frames += 1; }
    });
  }
  postMessage(message) {
    if (message.kind === "drawn") seen.drawn += 1;
    super.postMessage(message);
  }
};
"""
KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9, "Delete": 46}


@dataclass
class Desk:
    """A page that is open."""

    tab: Tab

    def open(self, page: Path, fragment: str = "", width: int = 1280) -> None:
        """Open a page anew and wait until its worker has drawn the start."""
        self.tab.call("Page.navigate", url="about:blank")
        self.tab.events.clear()
        self.tab.open(page, width, fragment)
        self.tab.wait("window.seen && seen.frame !== null && document.getElementById('numbers').textContent")

    def click(self, name: str) -> None:
        """Press the button with an id."""
        self.tab.evaluate(f"document.getElementById('{name}').click()")

    def set(self, name: str, value: object, event: str = "change") -> None:
        """Let a user give a control another value."""
        self.tab.evaluate(
            f"(() => {{ const control = document.getElementById('{name}'); control.value = {str(value)!r};"
            f" control.dispatchEvent(new Event('{event}', {{ bubbles: true }})); }})()"
        )

    def text(self, name: str) -> str:
        """Text of the element with an id."""
        return str(self.tab.evaluate(f"document.getElementById('{name}').textContent"))

    def value(self, name: str) -> str:
        """Value of the control with an id."""
        return str(self.tab.evaluate(f"document.getElementById('{name}').value"))

    def frame(self, *names: str) -> Any:
        """Numbers of the last frame that the worker sent."""
        found = self.tab.evaluate(f"[{', '.join(f'seen.frame.{name}' for name in names)}]")
        return found[0] if len(names) == 1 else found

    def array(self, name: str) -> list[float]:
        """Return an array that the worker sent, such as "ready.grid"."""
        return list(self.tab.evaluate(f"Array.from(seen.{name})"))

    def train(self, steps: int) -> None:
        """Make so many steps from where the run is, exactly, by the buttons for single steps."""
        made, wanted = self.frame("step"), self.frame("step") + steps
        for size in (1000, 100, 10, 1):
            while made + size <= wanted:
                made += size
                self.click(f"step-{size}")
                self.tab.wait(f"seen.frame.step === {made}")
        self.settle()

    def settle(self) -> None:
        """Wait until what the worker sent last is drawn."""
        self.tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def picture(self, view: str) -> str:
        """Markup of a plot."""
        return str(self.tab.evaluate(f"document.querySelector('#view-{view} svg').innerHTML"))

    def center(self, selector: str) -> tuple[float, float]:
        """Where an element stands, scrolled into sight."""
        x, y = self.tab.evaluate(
            f"(() => {{ const found = document.querySelector({selector!r});"
            " found.scrollIntoView({ block: 'center' }); const box = found.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        return x, y

    def files(self) -> dict[str, bytes]:
        """What the page gave to be saved, by name."""
        found = self.tab.evaluate(
            "Promise.all(seen.files.map(async ({ name, blob }) => {"
            " const bytes = new Uint8Array(await blob.arrayBuffer()); let text = '';"
            " for (const each of bytes) text += String.fromCharCode(each); return [name, btoa(text)]; }))"
        )
        return {name: base64.b64decode(content) for name, content in found}

    def press(self, key: str, times: int = 1) -> None:
        """Press a key."""
        for _ in range(times):
            self.tab.press(key, KEYS[key])
