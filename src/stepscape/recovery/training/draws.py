"""The random numbers of a training: batches, label noise and probes, from three streams for each start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.recovery.training.training import Training

Array = NDArray[np.float64]
Places = NDArray[np.int64]
BLOCK = 2**15  # random numbers that are drawn ahead for each start and stream
BATCHES, NOISE, PROBES = 2, 3, 4  # second entries of seeds; the one of random factors is 1


class Draw(NamedTuple):
    """What all starts draw for one step; None where the training asks for nothing random."""

    places: Places | None  # numbers of the measurements (S, B)
    noise: Array | None  # N(0, 1) (S, B)
    probes: Array | None  # ±1 (S, size)


class Draws:
    """Random numbers of some starts; those of a start follow from its seed, whatever the other starts are."""

    def __init__(self, training: Training, measurements: int, size: int, seeds: list[int]) -> None:
        batch = training.batch or measurements
        probing = training.trace_penalty > 0.0 and training.trace == "hutchinson"
        self._places = [_batches(seed, training, measurements) for seed in seeds if training.batch]
        self._noise = [_rows(seed, NOISE, batch, _normal) for seed in seeds if training.label_noise]
        self._probes = [_rows(seed, PROBES, size, _signs) for seed in seeds if probing]

    def next(self) -> Draw:
        """Return the numbers of the next step."""
        places = np.array([next(each) for each in self._places]) if self._places else None
        return Draw(places, _next(self._noise), _next(self._probes))

    def keep(self, starts: list[int]) -> None:
        """Continue with these starts alone."""
        self._places = [self._places[s] for s in starts if self._places]
        self._noise = [self._noise[s] for s in starts if self._noise]
        self._probes = [self._probes[s] for s in starts if self._probes]


def _next(streams: list[Iterator[Array]]) -> Array | None:
    return np.array([next(each) for each in streams]) if streams else None


def _rows(
    seed: int, kind: int, length: int, draw: Callable[[np.random.Generator, tuple[int, int]], Array]
) -> Iterator[Array]:
    """Yield rows of random numbers, drawn in blocks whose size depends on their length alone."""
    rng = np.random.default_rng([seed, kind])
    while True:
        yield from draw(rng, (max(1, BLOCK // length), length))


def _normal(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return rng.standard_normal(shape)


def _signs(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return np.asarray(2.0 * rng.integers(0, 2, shape) - 1.0)


def _batches(seed: int, training: Training, measurements: int) -> Iterator[Places]:
    rng, batch = np.random.default_rng([seed, BATCHES]), training.batch or measurements
    while True:
        if training.replacement:
            yield from rng.integers(0, measurements, (max(1, BLOCK // batch), batch))
        else:
            whole = measurements - measurements % batch
            yield from rng.permutation(measurements)[:whole].reshape(-1, batch)
