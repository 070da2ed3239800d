"""Descent on minibatches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stepscape.arguments import flag, whole
from stepscape.errors import bad
from stepscape.methods.clock import fraction, set_clock, two_over
from stepscape.methods.draws import BLOCK, rows


@dataclass(frozen=True)
class StochasticGradientDescent:
    """v ← βv + ∇L_B, θ ← θ − ηv: descent on a minibatch B of `batch_size` examples, with heavy-ball momentum.

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    batch_size : int
        B ≤ n.
    replacement : bool
        Whether every batch is drawn with replacement. Otherwise an epoch deals out the examples in random
        order, n // B batches of them, as PyTorch's ``DataLoader(shuffle=True, drop_last=True)`` does.
    seed : int
        Of the batches.
    momentum : float
        β in [0, 1); 0 is plain stochastic descent.
    """

    step_size: float
    steps: int
    batch_size: int = 1
    replacement: bool = False
    seed: int = 0
    momentum: float = 0.0

    def __post_init__(self) -> None:
        set_clock(self)
        object.__setattr__(self, "batch_size", whole("batch_size", self.batch_size, 1))
        object.__setattr__(self, "replacement", flag("replacement", self.replacement))
        object.__setattr__(self, "seed", whole("seed", self.seed))
        object.__setattr__(self, "momentum", fraction("momentum", self.momentum))

    def threshold(self, step_size: float | None = None) -> float:
        """Return (2 + 2β)/η, which λ_max must not exceed for the mean of θ to be stable on a quadratic.

        It is necessary, not sufficient: in one dimension, without momentum or replacement and with s² the
        variance of the curvatures of the examples, E θ² shrinks only if
        (1 − ηλ)² + η² s² (n − B)/(B(n − 1)) ≤ 1.

        Source: Wu et al. (2018); see THEORY §5.1.
        """
        return (1.0 + self.momentum) * two_over(self.step_size if step_size is None else step_size)

    def batches(self, first: int, count: int, examples: int) -> np.ndarray:
        """Numbers (count, B) of the examples of the steps from `first` on; equal seeds give equal ones."""
        size, n = self.batch_size, whole("examples", examples, 1)
        if size > n:
            raise bad("batch_size", f"be at most the {n} examples", size)
        return rows(whole("first", first), whole("count", count, 1), self._block(n))

    def _block(self, n: int) -> tuple[int, Callable[[int], np.ndarray]]:
        """Return the steps of a block, and its batches by its number."""
        size, seed = self.batch_size, self.seed
        if self.replacement:
            return BLOCK, lambda block: np.random.default_rng((seed, block)).integers(0, n, (BLOCK, size))
        each = n // size
        return (
            each,
            lambda block: (
                np.random.default_rng((seed, block)).permutation(n)[: each * size].reshape(each, size)
            ),
        )
