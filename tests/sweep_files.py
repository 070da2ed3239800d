"""Small sweep files, and what their refusal looks like."""

from __future__ import annotations

import math
import re
from importlib.resources import files
from pathlib import Path

import pytest

from stepscape.errors import InputError
from stepscape.sweeps.file import SweepFile, read_sweep

SMALL = """title = "small"
seeds = 2
[problem]
truth = "tent"
[network]
width = 5
[method]
step_size = 0.1
steps = 10
"""
TABLE = "time;pull\n" + "".join(f"{i / 4};{math.sin(i)}\n" for i in range(40)) + "3;\nx;1\n"
EXAMPLE, SEVERAL = (
    (files("stepscape") / "data" / f"example-sweep{name}.toml").read_text(encoding="utf-8")
    for name in ("", "-several-inputs")
)


def read(text: str, folder: Path | str = "") -> SweepFile:
    return read_sweep(text, "sweep.toml", folder)


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new, 1)


def refuse(text: str | bytes, sentence: str, folder: Path | str = "") -> None:
    """The file is refused with exactly this sentence, where … stands for anything."""
    pattern = ".*".join(re.escape(part) for part in sentence.split("…"))
    with pytest.raises(InputError, match=f"^sweep.toml, line {pattern}$") as caught:
        read_sweep(text, "sweep.toml", folder)
    assert "\n" not in str(caught.value)
