"""Chromium without a window, driven through its DevTools protocol: JSON on a pipe, a zero byte after each."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
# The browser reads commands from descriptor 3 and writes to 4, whatever numbers our pipes have.
TRAMPOLINE = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def executable() -> str:
    """Chromium, or skip; where a browser is promised its absence is a failure."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        reason = "no chromium: the report is not opened in a browser"
        (pytest.fail if os.environ.get("STEPSCAPE_NEEDS_BROWSER") else pytest.skip)(reason)
    return str(found)


class Tab:
    """One page of a browser, and everything that the browser said about it."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out, self._in, self._rest, self._count = to_browser, from_browser, b"", 0
        self._session: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters, **self._session}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer["result"])
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            received = self._receive()
            assert received, "the browser has gone"
            assert time.monotonic() < deadline
            self._rest += received
        message, self._rest = self._rest.split(b"\0", 1)
        return dict(json.loads(message))

    def _receive(self) -> bytes:
        import select

        ready, _, _ = select.select([self._in], [], [], PATIENCE)
        assert ready, "the browser does not answer"
        return os.read(self._in, 1 << 20)

    def open(self, page: Path, width: int = 1280, fragment: str = "") -> None:
        """Load a file and wait until it stands."""
        self.resize(width)
        self.call("Page.navigate", url=page.resolve().as_uri() + fragment)
        while not self.of("Page.loadEventFired"):
            self.events.append(self._next())

    def resize(self, width: int) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def of(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event.get("method") == method]

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, of a promise what it promises."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.02)

    def drag(self, *places: tuple[float, float]) -> None:
        """Press the mouse at the first place, move it to the others, and let it go at the last."""
        left = {"button": "left", "clickCount": 1}
        for kind, (x, y), more in [
            ("mousePressed", places[0], left),
            *(("mouseMoved", place, {"button": "left"}) for place in places[1:]),
            ("mouseReleased", places[-1], left),
        ]:
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def media(self, **features: str) -> None:
        """Pretend preferences of a user, such as prefers_color_scheme="dark"; without any, none."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=wanted)

    def press(self, key: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text
            )

    def screenshot(self, whole: bool = False) -> bytes:
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def complaints(self) -> list[str]:
        """Whatever the console, the page or the browser complained about."""
        said = [
            str(event["args"])
            for event in self.of("Runtime.consoleAPICalled")
            if event["type"] in ("error", "warning")
        ]
        said += [str(event["exceptionDetails"]) for event in self.of("Runtime.exceptionThrown")]
        entries = [event["entry"] for event in self.of("Log.entryAdded")]
        return said + [entry["text"] for entry in entries if entry["level"] in ("error", "warning")]

    def requests(self) -> list[str]:
        """Addresses that were asked for, other than data inside the page."""
        urls = [event["request"]["url"] for event in self.of("Network.requestWillBeSent")]
        return [url for url in urls if not url.startswith("data:")]


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """Start a browser with an empty profile; it has ended when the block has."""
    command = [executable(), *FLAGS, f"--user-data-dir={profile}"]
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", TRAMPOLINE, str(commands), str(answers), *command],
        pass_fds=(commands, answers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands)
    os.close(answers)
    try:
        yield Tab(to_browser, from_browser)
    finally:
        os.close(to_browser)  # the end of its commands ends the browser
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(from_browser)
