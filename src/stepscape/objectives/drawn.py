"""Random numbers of the steps of a method, drawn ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.methods import LabelNoise, LineMethod, StochasticGradientDescent
from stepscape.methods.draws import BLOCK


@dataclass
class Drawn:
    """Random numbers of steps, a row for each; the last block is kept, from which the next steps may draw.

    `draw(first, count)` returns the rows of so many steps from `first` on; fewer than `block` rows cost as
    much as a block. `examples` is how many examples a step looks at.
    """

    draw: Callable[[int, int], NDArray[Any]]
    block: int
    examples: int
    kept: tuple[int, NDArray[Any]] = (0, np.empty((0, 0)))  # the step of its first row, and the rows

    def rows_from(self, first: int, count: int) -> NDArray[Any]:
        """Rows (count, …) of the steps from `first` on."""
        begin, rows = self.kept
        if first < begin or first + count > begin + len(rows):
            begin = first - first % self.block
            rows = self.draw(begin, max(self.block, first + count - begin))
            self.kept = begin, rows
        return rows[first - begin : first - begin + count]


def drawn(method: LineMethod, examples: int) -> Drawn:
    """Return the random numbers of a method on so many examples.

    Raises
    ------
    InputError
        For a batch larger than the data.
    """
    if isinstance(method, LabelNoise):
        return Drawn(lambda first, count: method.noises(first, count, examples), BLOCK, examples)
    if isinstance(method, StochasticGradientDescent):
        method.batches(0, 1, examples)  # refuses a batch larger than the data
        block = BLOCK if method.replacement else examples // method.batch_size
        return Drawn(lambda first, count: method.batches(first, count, examples), block, method.batch_size)
    return Drawn(lambda _, count: np.empty((count, 0)), 1, examples)
