"""The path of a run on one flat vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stepscape.methods import Method

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PathPoint:
    """The state at a recorded step: the iterate and the one before it (equal at step 0), each (size,)."""

    step: int
    loss: float
    theta: Array
    theta_before: Array

    @property
    def midpoint(self) -> Array:
        """(θ_t + θ_{t−1})/2."""
        return midpoint(self.theta, self.theta_before)


@dataclass(frozen=True, eq=False)
class Path:
    """Recorded steps of one run; arrays have one entry per recorded step, the first for step 0.

    Attributes
    ----------
    outcome, message, method, at_steps, time, step_size
        As in `Trajectory`.
    loss, sharpness, sharpness_residual, edge_ratio, smoothness
        As in `Trajectory`, in the objective's own normalization. With an adaptive method the sharpness is
        λ_max of P^{-1/2} (H + weight_decay·diag(mask)) P^{-1/2}, P being that of the last step (of the first
        one at step 0), and the threshold is the method's own.
    sharpness_last, sharpness_last_residual, edge_ratio_last
        As in `Trajectory`.
    census : dict of str to ndarray of int
        What the objective counts at the midpoint of each record, by name; {} for most.
    theta, theta_before : ndarray
        The last two iterates, each (size,).
    """

    outcome: Literal["finished", "diverged"]
    message: str
    method: Method
    at_steps: NDArray[np.int64]
    time: Array
    step_size: Array
    loss: Array
    sharpness: Array
    sharpness_residual: Array
    edge_ratio: Array
    sharpness_last: Array
    sharpness_last_residual: Array
    edge_ratio_last: Array
    smoothness: Array
    census: dict[str, NDArray[np.int64]]
    theta: Array
    theta_before: Array

    @property
    def midpoint(self) -> Array:
        """(θ_t + θ_{t−1})/2 (size,): at the edge descent oscillates around it with period two."""
        return midpoint(self.theta, self.theta_before)

    def __repr__(self) -> str:
        return f"Path({summary(self.outcome, self.at_steps, self.loss, self.sharpness, self.edge_ratio)})"


def midpoint(theta: Array, before: Array) -> Array:
    """Return the mean of two iterates; that of equal ones has the same bits."""
    # Halving before adding lets large numbers not overflow, but loses the last bit of the smallest.
    return np.where(theta == before, theta, 0.5 * theta + 0.5 * before)


def summary(
    outcome: str, at_steps: NDArray[np.int64], loss: Array, sharpness: Array, edge_ratio: Array
) -> str:
    """Put the end of a run into words."""
    edge = edge_ratio[-1]
    sharp = "" if np.isnan(edge) else f", sharpness {sharpness[-1]:.4g} (edge ratio {edge:.3f})"
    end = (
        f"after {at_steps[-1]} steps"
        if outcome == "finished"
        else f"after its last record, step {at_steps[-1]}"
    )
    return f"{outcome} {end}, loss {loss[-1]:.4g}{sharp}"
