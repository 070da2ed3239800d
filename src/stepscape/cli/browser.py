"""A page in the user's browser, where there is one; nothing here waits long for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PATIENCE = 5.0  # seconds after which a browser that still runs counts as open
_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def open_in_browser(file: str) -> str:
    """Open a file in the user's browser.

    Returns
    -------
    str
        Why it was not opened; "" where it was.
    """
    why = _obstacle()
    if why:
        return why
    # A process of its own, without a terminal: a browser for terminals would take ours, and not give it back.
    surroundings = {name: value for name, value in os.environ.items() if name != "TERM"}
    command = [sys.executable, "-c", _OPEN, Path(file).resolve().as_uri()]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, env=surroundings,
        )  # fmt: skip
        failed = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return ""
    except OSError:
        failed = 1
    return "no browser could be started" if failed else ""


def _obstacle() -> str:
    """Say why there is no use in trying; a browser that the user names in BROWSER is always tried."""
    if os.environ.get("BROWSER"):
        return ""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return "this is a session on another machine"
    own_display = sys.platform in ("win32", "darwin")
    if not (own_display or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no display"
    return ""
