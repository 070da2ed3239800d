"""Stores from elsewhere: files renamed, cut, mangled, linked and replaced, and JSON with other values."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from hostile import TEXTS, mangle, pick

from store_cases import filled

COMMANDS = (
    ["status", "runs"], ["export", "runs", "--csv=runs.csv"], ["check", "runs"], ["report", "runs"],
    ["status", "runs", "--json"], ["export", "runs", "--parquet=runs.parquet"], ["check", "runs", "--json"],
)  # fmt: skip


def draw(rng: np.random.Generator, folder: Path) -> list[str]:
    """Damage a store of twelve runs and read it."""
    filled(folder / "runs")
    for _ in range(int(rng.integers(1, 4))):
        damage(rng, folder / "runs", folder)
    return list(COMMANDS[int(rng.integers(len(COMMANDS)))])


def damage(rng: np.random.Generator, store: Path, outside: Path) -> None:
    files = sorted(path for path in store.rglob("*") if path.is_file() and not path.is_symlink())
    if not files:
        return
    path = files[int(rng.integers(len(files)))]
    other = path.with_name(
        pick(rng, [f"copy of {path.name}", "foo.json", f"._{path.name}", "\udcff.json", f"{path.name}.bak"])
    )
    match int(rng.integers(9)):
        case 0 | 1:
            path.write_bytes(mangle(rng, path.read_bytes()))
        case 2:
            path.write_bytes(b"")
        case 3:
            other.write_bytes(path.read_bytes())
        case 4:
            path.rename(other)
        case 5:
            path.unlink()
            replace(rng, path, outside)
        case _:
            path.write_bytes(other_values(rng, path.read_bytes()))


def replace(rng: np.random.Generator, path: Path, outside: Path) -> None:
    """Put something that is not a file in its place."""
    match int(rng.integers(4)):
        case 0:
            os.mkfifo(path)
        case 1:
            path.mkdir()
        case 2:
            path.symlink_to(path)
        case _:
            target = outside / "elsewhere"
            target.write_text("{}")
            path.symlink_to(target)


def other_values(rng: np.random.Generator, data: bytes) -> bytes:
    """Give one value of a JSON document, or of one of its lines, another."""
    lines = data.split(b"\n")
    at = int(rng.integers(len(lines)))
    try:
        document = json.loads(lines[at])
    except ValueError:
        return mangle(rng, data)
    change(rng, document)
    lines[at] = json.dumps(document).encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def change(rng: np.random.Generator, node: Any) -> None:
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    if not keys:
        return
    key = keys[int(rng.integers(len(keys)))]
    if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
        change(rng, node[key])
        return
    values: list[Any] = [None, 0, -1, 1e308, True, [], {}, "", [[[]]], 10**400, *TEXTS]
    node[key] = values[int(rng.integers(len(values)))]
