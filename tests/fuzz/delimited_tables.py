"""Delimited text: sound tables in many dialects, hostile cells, and mangled bytes."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
from hostile import NAMES, NUMBERS, mangle, pick

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "cp1252",
    "cp1251",
    "gb18030",
    "shift_jis",
    "latin-1",
)
CLASSES = (
    ("yes", "no"),
    ("да", "нет"),
    ("ja", "nein"),
    ("a", "b"),
    ("1", "2"),
    ("=1", "@b"),
    ("\x1b[31m", "ok"),
)


SOUND = ("x", "y", "z", "größe", "0", "1")


def draw(rng: np.random.Generator, folder: Path) -> list[str]:
    """Write a table and fit it; one in four predicts at another."""
    pool = SOUND if rng.random() < 0.7 else NAMES
    names = [pool[i] for i in rng.permutation(len(pool))[: int(rng.integers(2, 5))]]
    x, y = names[:2] if rng.random() < 0.9 else (pick(rng, [*names, "x", "1"]) for _ in range(2))
    words = ["fit", write(rng, folder / "table.csv", names), f"--x={x}", f"--y={y}", "--out=fit"]
    words = [word.replace("\0", "") for word in words]  # no shell can write it
    if rng.random() < 0.7:
        words.append("--step-size=0.3")
    if rng.random() < 0.25:
        words.append("--predict=" + write(rng, folder / "at.csv", names))
    if rng.random() < 0.5:
        words.append("--json")
    if rng.random() < 0.3:
        words.append("--loss=" + pick(rng, ["auto", "square", "logistic"]))
    return words


def write(rng: np.random.Generator, path: Path, names: list[str]) -> str:
    """Write one table; its name without the folder."""
    encoding = "utf-8" if rng.random() < 0.7 else pick(rng, list(ENCODINGS))
    data = table(rng, names).encode(encoding, "replace")
    if rng.random() < 0.2:
        data = mangle(rng, data)
    if rng.random() < 0.05:
        data = gzip.compress(data)
    path.write_bytes(data)
    return path.name


def table(rng: np.random.Generator, names: list[str]) -> str:
    """Text of a table of up to 40 rows whose columns are numbers, classes or hostile cells."""
    rows = int(rng.integers(12, 40)) if rng.random() < 0.9 else int(rng.integers(0, 12))
    columns = [column(rng, rows) for _ in names]
    text = io.StringIO()
    delimiter = pick(rng, [",", ";", "\t", "|", " "])
    writer = csv.writer(text, delimiter=delimiter, lineterminator=pick(rng, ["\n", "\r\n", "\r"]))
    if rng.random() < 0.9:
        writer.writerow(names)
    for row in zip(*columns, strict=True):
        kept = row[: int(rng.integers(len(row) + 1))] if rng.random() < 0.02 else row
        writer.writerow(kept)
    before = (
        pick(rng, ["# a comment\n", "A title\n", "\n\n", "sep=;\n", ",,\n"]) if rng.random() < 0.2 else ""
    )
    return before + text.getvalue()


def column(rng: np.random.Generator, rows: int) -> list[str]:
    values = rng.normal(size=rows) * 10.0 ** rng.integers(-8, 9)
    kind, classes = rng.random(), CLASSES[int(rng.integers(len(CLASSES)))]
    if kind < 0.6:
        cells = [f"{value:.6g}" for value in values]
    elif kind < 0.75:
        cells = [f"{value:.3f}".replace(".", ",") for value in values]
    elif kind < 0.9:
        cells = [pick(rng, list(classes)) for _ in values]
    else:
        cells = [pick(rng, list(NUMBERS)) for _ in values]
    for at in range(rows):
        if rng.random() < 0.01:
            cells[at] = pick(rng, [*NUMBERS, *NAMES])
    return cells
