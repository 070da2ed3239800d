"""Command lines: every command with hostile words in place of its arguments and options."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hostile import TEXTS, pick

TABLE = "x,y\n" + "".join(f"{i},{(i * 7) % 5}\n" for i in range(20))
KEYS = ("seeds", "sizes", "n", "width", "noise", "step_sizes", "truth", "arms", "half_width", "nothing", "")
# A command line that works, and the places where a hostile word may stand; {} is the word.
LINES = (
    ["fit", "table.csv", "--x=x", "--y=y", "--out=fit", "--step-size={}"],
    ["fit", "table.csv", "--x={}", "--y=y", "--out=fit", "--step-size=0.3"],
    ["fit", "table.csv", "--x=x", "--y=y", "--out=fit", "--seed={}"],
    ["fit", "table.csv", "--x=x", "--y=y", "--out={}", "--step-size=0.3"],
    ["fit", "{}", "--x=x", "--y=y", "--out=fit"],
    ["fit", "table.csv", "--x=x", "--y=y", "--predict={}", "--out=fit", "--step-size=0.3"],
    ["explore", "{}", "--x=x", "--y=y", "--no-open", "--out=page.html"],
    ["explore", "table.csv", "--x={}", "--y=y", "--no-open", "--out=page.html"],
    ["explore", "table.csv", "--x=x", "--y=y", "--no-open", "--event={}", "--out=page.html"],
    ["explore", "--no-open", "--out={}"],
    ["run", "{}", "--out=run"],
    ["run", "random-labels", "--out=run", "--set", "steps=20", "--set", "seeds=1", "--set", "{key}={}"],
    ["run", "curve-fitting", "--out=run", "--set", "steps=20", "--set", "seeds=1", "--set", "{key}={}"],
    ["list", "{}"],
    ["status", "{}"],
    ["export", "{}", "--csv=a.csv"],
    ["check", "{}"],
    ["report", "{}"],
    ["sweep", "{}", "--out=runs"],
    ["verify", "{}", "--out=ledger"],
    ["{}"],
    ["{}", "--json"],
    ["--{}"],
    ["fit", "--{}={}"],
)  # fmt: skip


def draw(rng: np.random.Generator, folder: Path) -> list[str]:
    """Write a sound table and put hostile words into a command line."""
    (folder / "table.csv").write_text(TABLE)
    line = LINES[int(rng.integers(len(LINES)))]
    words = [word.replace("{key}", pick(rng, list(KEYS))) for word in line]
    # 1_000 is a number: so many seeds are no fault, and take a while.
    texts = [text.replace("\0", "") for text in TEXTS if text != "1_000"]
    return [word.replace("{}", pick(rng, texts)) for word in words]
