"""The lines of Python on the page make the network again that the page has trained."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
RUNS = {
    "after the warm-up": 120,
    "in the warm-up": 85,
    "below the threshold": 90,
    "two classes": 100,
    "momentum over a change": 100,
    "points that move": 100,
    "from the past": 80,
    "nothing trained": 0,
}
BY_HAND = {"in the warm-up", "momentum over a change"}  # ss.train begins each of its runs anew


@cache
def trained() -> dict[str, Any]:
    """Runs of the page's own engine, in Node, with their lines."""
    if shutil.which("node") is None:
        reason = "no node: the page's lines are not compared with its engine"
        (pytest.fail if os.environ.get("STEPSCAPE_NEEDS_NODE") else pytest.skip)(reason)
    script = ROOT / "explorer" / "tests" / "python_lines.js"
    done = subprocess.run(["node", script], capture_output=True, text=True, check=True, timeout=120)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", RUNS)
def test_the_lines_end_in_the_network_of_the_page(name: str) -> None:
    run = trained()[name]
    assert (run["step"], run["outcome"]) == (RUNS[name], "paused")
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(run["lines"], name, "exec"), names)
    np.testing.assert_allclose(names["network"].parameters, run["theta"], rtol=1e-9, atol=1e-9)
    assert float(out.getvalue()) > 0.0


@pytest.mark.parametrize("name", RUNS)
def test_the_lines_use_train_wherever_it_makes_the_same_steps(name: str) -> None:
    lines = trained()[name]["lines"]
    assert ("def descend" in lines) == (name in BY_HAND)
    assert ("ss.train" in lines) == (name not in BY_HAND and RUNS[name] > 0)
