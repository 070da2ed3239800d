"""Descent with noise on the labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stepscape.arguments import nonnegative, whole
from stepscape.methods.clock import set_clock, two_over
from stepscape.methods.draws import BLOCK, rows


@dataclass(frozen=True)
class LabelNoise:
    """Full-batch descent whose labels carry fresh noise, y_i + noise·N(0, 1), in every step.

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    noise : float
        Standard deviation, at least 0.
    seed : int
        Of the noise.
    """

    step_size: float
    steps: int
    noise: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        set_clock(self)
        object.__setattr__(self, "noise", nonnegative("noise", self.noise))
        object.__setattr__(self, "seed", whole("seed", self.seed))

    def threshold(self, step_size: float | None = None) -> float:
        """Return 2/η, that of descent: noise of the labels leaves the curvature as it is."""
        return two_over(self.step_size if step_size is None else step_size)

    def noises(self, first: int, count: int, examples: int) -> np.ndarray:
        """Noise (count, n) of the labels in the steps from `first` on; equal seeds give equal noise."""
        n = whole("examples", examples, 1)

        def draw(block: int) -> np.ndarray:
            return self.noise * np.random.default_rng((self.seed, block)).standard_normal((BLOCK, n))

        return rows(whole("first", first), whole("count", count, 1), (BLOCK, draw))
