"""Sweep files: sound ones with hostile values, and mangled text."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from hostile import TEXTS, mangle, pick

SMALL = """title = "small"
seeds = 1
[problem]
truth = "tent"
n = 8
noise = 0.5
[network]
width = 4
init = "torch"
scale = 1.0
[method]
step_size = [0.1, 0.2]
steps = 5
momentum = 0.0
[measure]
records = 2
"""
LITERALS = (
    "true",
    "false",
    "[]",
    "{}",
    "[[1]]",
    "1979-05-27",
    "nan",
    "inf",
    "-1",
    "1e400",
    "0",
    "1_0",
    '"""x"""',
    "'C:\\x'",
    '"C:\\x"',
)


def draw(rng: np.random.Generator, folder: Path) -> list[str]:
    """Write a sweep file and carry it out on one thread."""
    text = SMALL
    for _ in range(int(rng.integers(0, 4))):
        text = change(rng, text)
    data = text.encode("utf-8", "surrogatepass")
    (folder / "sweep.toml").write_bytes(mangle(rng, data) if rng.random() < 0.3 else data)
    words = ["sweep", "sweep.toml", "--out=runs", "--executor=serial"]
    return words + (["--json"] if rng.random() < 0.5 else [])


def change(rng: np.random.Generator, text: str) -> str:
    """Give one key another value, drop a line, or add one."""
    lines = text.splitlines()
    at = int(rng.integers(len(lines)))
    match int(rng.integers(4)):
        case 0:
            del lines[at]
        case 1:
            lines.insert(
                at, f"{pick(rng, ['loss', 'data', 'x', 'seed', 'kind', '[problem]'])} = {value(rng)}"
            )
        case _:
            lines[at] = re.sub(r"= .*", lambda _: f"= {value(rng)}", lines[at])
    return "\n".join(lines) + "\n"


def value(rng: np.random.Generator) -> str:
    if rng.random() < 0.5:
        return pick(rng, list(LITERALS))
    quoted = pick(rng, list(TEXTS)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"' if rng.random() < 0.6 else quoted
