"""Measurements on disk: arrays of any shape and type under the right names, and mangled archives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from archives import TYPES
from hostile import mangle, pick

KINDS = ("A", "left right", "vectors", "rows cols shape", "data indices indptr shape")
PENALTIES = ["0.1", "1e-9", "1e9", "1e300", "1e-300"]
SIZES = (1.0, 1.0, 1.0, 1e90, 1e200, 1e307, 1e-307)


def draw(rng: np.random.Generator, folder: Path) -> list[str]:
    """Write an archive and read it as measurements."""
    m, d1, d2 = (int(n) for n in rng.integers(0 if rng.random() < 0.1 else 1, 5, 3))
    names = {"b", *pick(rng, KINDS).split()}
    names |= {n for n in ("symmetric", "psd", "truth", "noise", "name", "scales") if rng.random() < 0.2}
    if rng.random() < 0.1:
        names ^= {pick(rng, ["A", "left", "shape", "b", "vectors", "bb", "../b"])}
    arrays = {name: _array(rng, name, m, d1, d2) for name in sorted(names)}
    np.savez(folder / "m.npz", **arrays)
    if rng.random() < 0.3:
        (folder / "m.npz").write_bytes(mangle(rng, (folder / "m.npz").read_bytes()))
    return ["measure", str(folder / "m.npz")]


def draw_recovery(rng: np.random.Generator, folder: Path) -> list[str]:
    """Write an archive and recover its matrix, in a few iterations."""
    draw(rng, folder)
    penalty = [f"--penalty={pick(rng, PENALTIES)}"] if rng.random() < 0.4 else []
    return ["recover", "m.npz", "--out=out", "--format=svg", "--iterations=40", "--json", *penalty]


def _array(rng: np.random.Generator, name: str, m: int, d1: int, d2: int) -> np.ndarray:
    """Return what belongs under a name, or something else now and then."""
    shapes = {"A": (m, d1, d2), "left": (m, d1), "right": (m, d2), "vectors": (m, d1), "truth": (d1, d2)}
    others: dict[str, Any] = {
        "rows": rng.integers(0, max(d1, 1), m), "cols": rng.integers(0, max(d2, 1), m), "shape": [d1, d2],
        "indices": rng.integers(0, max(d1 * d2, 1), m), "indptr": np.arange(m + 1), "noise": rng.random(),
        "symmetric": rng.random() < 0.5, "psd": rng.random() < 0.5,
        "name": pick(rng, ["a", "\x1b[31m", "日本"]),
    }  # fmt: skip
    if rng.random() < 0.04:
        shape = tuple(rng.integers(0, 4, int(rng.integers(0, 4))))
        return np.zeros(shape, pick(rng, [*TYPES, "O", "f8,i4"]))
    if name in others:
        shift = int(rng.integers(-9, 9)) if rng.random() < 0.03 and name != "name" else 0
        return np.asarray(others[name]) + shift if shift else np.asarray(others[name])
    values = np.asarray(rng.normal(size=shapes.get(name, (m,))) * SIZES[int(rng.integers(len(SIZES)))])
    return np.where(rng.random(values.shape) < 0.002, np.nan, values)
