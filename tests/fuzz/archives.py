"""Networks on disk: arrays of any shape and type under the right names, and mangled archives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hostile import mangle, pick

from stepscape.network import FORMAT

TYPES = ("f8", "f4", "f2", "i8", "u1", "?", "c16", "U3", "S3", "M8[s]", ">f8", "g")


def draw(rng: np.random.Generator, folder: Path) -> list[str]:
    """Write an archive and load it as a network."""
    width = int(rng.integers(0, 5))
    arrays = {name: block(rng, (width,)) for name in ("w1", "b1", "w2")}
    arrays |= {
        "b2": block(rng, ()),
        "format": np.array(FORMAT),
        "trainable": np.array(["w1", "b1", "w2", "b2"]),
    }
    for name in list(arrays):
        if rng.random() < 0.05:
            del arrays[name]
    np.savez(folder / "net.npz", **arrays)
    if rng.random() < 0.5:
        (folder / "net.npz").write_bytes(mangle(rng, (folder / "net.npz").read_bytes()))
    return ["load", str(folder / "net.npz")]


def block(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-300, 300)
    if rng.random() < 0.8:
        return np.asarray(values)
    if rng.random() < 0.3:
        return np.full((2, *shape), pick(rng, ["nan", "inf", "1"])).astype("f8")
    return np.zeros(shape, pick(rng, list(TYPES)))
