"""Random numbers of a method, drawn block by block, so that any step's can be drawn alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BLOCK = 1024  # steps whose random numbers are drawn together


def rows(first: int, count: int, block: tuple[int, Callable[[int], np.ndarray]]) -> np.ndarray:
    """Return rows first to first + count of blocks of so many rows, which are drawn by their number."""
    size, draw = block
    numbers = range(first // size, (first + count - 1) // size + 1)
    start = first - numbers[0] * size
    return np.concatenate([draw(number) for number in numbers])[start : start + count]
