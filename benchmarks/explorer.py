"""The explorer in Chromium: a step of its engine beside a loop over all pairs, and frames per second.

Usage: python benchmarks/explorer.py [--quick] [--no-write]; writes results/explorer.{md,json}. It needs
Chromium, and `npm ci` in explorer/.

The loop goes over all pairs of a neuron and an input on flat arrays, once for f and once for the gradient.
Both run in one page, from the same state at the edge of stability, taking turns; microseconds of the fastest
turn. Then the page itself trains 1000 neurons, and the frames that it draws in five seconds are counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engine import machine

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
sys.path.insert(0, str(ROOT / "tests"))

from browser import Tab, browser  # noqa: E402
from stepscape.explorer import page  # noqa: E402

CASES = [(30, 1000, 0.02), (30, 1000, 0.3), (30, 1000, 0.8), (200, 1000, 0.3), (30, 100, 0.3)]
STEPS, TURNS = 30_000, 100
SECONDS, WIDTH = 5.0, 1000
COUNT = """
window.frames_drawn = 0;
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...rest) {
  if (message.kind === "drawn") window.frames_drawn += 1;
  return post.call(this, message, ...rest);
};
"""


def setup(n: int, width: int, step_size: float) -> dict[str, Any]:
    data = {
        "kind": "curve", "truth": "tent", "n": n, "noise": 0.5, "flipRate": 0, "amplitude": 2,
        "halfWidth": 3, "seed": 0,
    }  # fmt: skip
    method = {"stepSize": step_size, "momentum": 0, "weightDecay": 0, "warmupSteps": 5000}
    return {
        "loss": "square",
        "data": data,
        "start": {"arm": "large", "width": width, "seed": 1},
        "method": method,
    }


def steps(tab: Tab, quick: bool) -> list[dict[str, Any]]:
    """Each case, in a page of its own bundle."""
    esbuild = ROOT / "explorer" / "node_modules" / ".bin" / "esbuild"
    command = [str(esbuild), "--bundle", str(ROOT / "explorer" / "tests" / "speed.js"), "--format=iife"]
    tab.evaluate(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    rows = []
    for n, width, step_size in CASES[1:2] if quick else CASES:
        sizes = (STEPS // 10, 3) if quick else (STEPS, TURNS)
        found = tab.evaluate(
            f"compare({json.dumps(setup(n, width, step_size))}, {', '.join(map(str, sizes))})"
        )
        rows.append({"n": n, "width": width, "step_size": step_size, **found})
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def frames(tab: Tab, folder: Path, seconds: float) -> dict[str, float]:
    """Frames per second of the page while it trains, and milliseconds of CPU for each."""
    file = folder / "explorer.html"
    file.write_text(page(), encoding="utf-8")
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=COUNT)
    tab.events.clear()
    tab.call("Page.navigate", url=f"{file.as_uri()}#width={WIDTH}&range=3&start=large&warmup=5000&eta=0.3")
    while not tab.of("Page.loadEventFired"):
        tab.evaluate("0")
    time.sleep(1.0)
    tab.evaluate("document.getElementById('play').click()")
    time.sleep(1.0)
    tab.call("Performance.enable", timeDomain="threadTicks")
    (first, busy), start = standing(tab), time.monotonic()
    time.sleep(seconds)
    (last, busier), passed = standing(tab), time.monotonic() - start
    drawn = last - first
    return {"frames_per_second": drawn / passed, "drawing": 1000 * (busier - busy) / drawn, "width": WIDTH}


def standing(tab: Tab) -> tuple[int, float]:
    """Frames drawn so far, and the seconds of CPU of the thread that draws."""
    metrics = {each["name"]: each["value"] for each in tab.call("Performance.getMetrics")["metrics"]}
    return tab.evaluate("window.frames_drawn"), metrics["TaskDuration"]


HEAD = """\
# The explorer in a browser

`python benchmarks/explorer.py`: microseconds per step of gradient descent in one page of Chromium, the fastest of
several turns, which the two take in the state that 30,000 steps have reached (tent on [−3, 3], square loss,
mean-field start ×6 with warm-up). The loop over all pairs goes twice over flat arrays: for f, and for the gradient. A
frame measures λ_max with its residual, trace, weighted variation and bound, pieces, risk and three curves.

{about}.

| n | neurons (dead) | η | λ_max over 2/η | step, µs | all pairs, µs | times faster | frame, ms |
|---|---|---|---|---|---|---|---|
"""  # noqa: E501
ROW = (
    "| {n} | {width} ({dead}) | {step_size} | {edge:.3f} "
    "| {fast:.1f} | {dense:.0f} | {ratio:.1f} | {ms:.1f} |\n"
)
TAIL = """
The page draws {frames_per_second:.0f} frames per second while it trains {width} neurons on 30 examples; its
thread is busy for {drawing:.1f} ms with each, while the worker trains for the next.
"""


def markdown(about: dict[str, Any], rows: list[dict[str, Any]], drawn: dict[str, float]) -> str:
    head = HEAD.format(about="; ".join(f"{key} {value}" for key, value in about.items()))
    lines = [ROW.format(**row, ratio=row["dense"] / row["fast"], ms=row["frame"] / 1000) for row in rows]
    return head + "".join(lines) + TAIL.format(**drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one case, few turns")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    about = machine()
    with tempfile.TemporaryDirectory() as name, browser(Path(name) / "profile") as tab:
        agent = tab.evaluate("navigator.userAgent").split("Chrome/")[1].split()[0]
        about = {key: about[key] for key in ("processor", "cores", "load at the start")} | {"Chromium": agent}
        rows = steps(tab, options.quick)
        drawn = frames(tab, Path(name), 1.0 if options.quick else SECONDS)
    text = markdown(about, rows, drawn)
    print(text)
    if not options.no_write:
        (RESULTS / "explorer.md").write_text(text, encoding="utf-8")
        found = {"machine": about, "steps": rows, "page": drawn}
        (RESULTS / "explorer.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
