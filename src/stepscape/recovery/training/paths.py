"""The recorded paths of a training from many starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stepscape.factorization import Factorization
from stepscape.recovery.training.training import Training

Array = NDArray[np.float64]
Outcome = Literal["finished", "diverged"]


@dataclass(frozen=True, eq=False)
class Paths:
    """Recorded steps of S starts on one problem; arrays (S, records), nan where nothing was measured.

    Attributes
    ----------
    training : Training
    at_steps : ndarray of int (records,)
        The first is 0, the last the final step.
    outcome : tuple of "finished" | "diverged"
        One per start. A start that diverged has no records from then on: nan.
    step_size : ndarray (S,)
        η of each start.
    loss : (1/m) Σ (⟨A_i, X⟩ − b_i)² over all measurements, without noise and penalties.
    sharpness, sharpness_residual
        λ_max of the Hessian at the iterate, and how far some eigenvalue is from it at most.
    trace, trace_ratio
        Trace of the Hessian, exact; and divided by the flattest trace, if that was given.
    hessian_frobenius : ‖∇²L‖_F, exact (`hessian_frobenius`).
    error : ‖X − truth‖_F/‖truth‖_F, if the truth is known.
    rank : number of singular values of X above 1 % of the largest one.
    stable_rank : ‖X‖_F²/‖X‖_op².
    norm_excess, imbalance
        As in `theory.low_rank`: 0 for norm-minimal, and for balanced factors.
    factors : tuple of Factorization
        The last ones of each start; of one that diverged those of its last record.
    """

    training: Training
    at_steps: NDArray[np.int64]
    outcome: tuple[Outcome, ...]
    step_size: Array
    loss: Array
    sharpness: Array
    sharpness_residual: Array
    trace: Array
    trace_ratio: Array
    hessian_frobenius: Array
    error: Array
    rank: Array
    stable_rank: Array
    norm_excess: Array
    imbalance: Array
    factors: tuple[Factorization, ...]

    @property
    def edge_ratio(self) -> Array:
        """Sharpness over 2/η (S, records): at most 1 where plain descent can stay."""
        return self.sharpness * self.step_size[:, None] / 2.0

    @property
    def finished(self) -> NDArray[np.bool_]:
        """Which starts did not diverge (S,)."""
        return np.array([outcome == "finished" for outcome in self.outcome])

    def __repr__(self) -> str:
        finished = int(self.finished.sum())
        end = ""
        if finished:
            loss = np.median(self.loss[self.finished, -1])
            end = f", median loss {loss:.3g} after {self.at_steps[-1]} steps"
        return f"Paths({finished} of {len(self.outcome)} starts finished{end})"
