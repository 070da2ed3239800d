"""Steps of many starts at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.objectives.matrix_factors import Factors
from stepscape.recovery.training.draws import Draw, Draws
from stepscape.recovery.training.stacked_factors import stacked_factors
from stepscape.recovery.training.stacked_maps import stacked
from stepscape.recovery.training.training import Training

Array = NDArray[np.float64]
BLOW_UP = 1e20  # a loss so many times that of the start and of the matrix 0 has diverged
LARGEST = 1e250  # a loss beyond it has diverged in any case
LOOK = 16  # steps between two looks at the loss


class FactorDescent:
    """The state of a training: rows of θ (S, size) for the starts that have not diverged.

    A start takes the same steps alone and among others, bit by bit: every operation acts on its row alone.
    """

    def __init__(self, objective: Factors, theta: Array, training: Training, seeds: list[int]) -> None:
        problem = objective.measurements
        self.training, self.theta, self.steps_made = training, theta.copy(), 0
        self.starts = np.arange(len(theta))  # which start each row belongs to
        self._eta = training.step_sizes(len(theta))[:, None]
        self._all, self._labels = stacked(problem.linear_map), problem.labels
        self._form = stacked_factors(problem.shape, objective.widths, problem.structure)
        self._moments = problem.linear_map.row_moment(), problem.linear_map.column_moment()
        self._noise = training.label_noise * float(np.sqrt(np.mean(problem.labels**2)))
        self._draws = Draws(training, problem.size, objective.size, seeds)
        largest = np.maximum(self._losses(), np.mean(problem.labels**2))
        self._limit = np.minimum(BLOW_UP * largest, LARGEST)

    def step_to(self, stop: int) -> None:
        """Step until `stop`, or until every start has diverged."""
        with np.errstate(over="ignore", invalid="ignore"):
            while self.steps_made < stop and self.starts.size:
                for _ in range(min(LOOK, stop - self.steps_made)):
                    self._step()
                self._drop_diverged()

    def _step(self) -> None:
        weight, draw = self.training.weight(self.steps_made), self._draws.next()
        radius, penalty, decay = (
            weight * size
            for size in (self.training.ascent, self.training.trace_penalty, self.training.weight_decay)
        )
        theta = self.theta
        slope = self._slope(theta, draw, weight)
        if radius:
            slope = self._slope(theta + radius * _unit(slope), draw, weight)
        if penalty:
            slope = slope + penalty * self._trace_slope(theta, draw)
        if decay:
            slope = slope + decay * theta
        self.theta = theta - self._eta * slope
        self.steps_made += 1

    def _slope(self, theta: Array, draw: Draw, weight: float) -> Array:
        """Return the gradients of (1/B) Σ (⟨A_i, X⟩ − b_i − w σ ε_i)² over the batches (S, size)."""
        seen, labels = self._all, self._labels
        if draw.places is not None:
            seen, labels = self._all.take(draw.places), self._labels[draw.places]
        residuals = seen.apply(self._form.matrices(theta)) - labels
        if draw.noise is not None:
            residuals -= weight * self._noise * draw.noise
        return np.asarray(2.0 / residuals.shape[1] * self._form.pull(seen.adjoint(residuals), theta))

    def _trace_slope(self, theta: Array, draw: Draw) -> Array:
        """Return the gradients of the trace, or of zᵀGz (S, size).

        zᵀGz = (2/m) Σ_i ⟨A_i, dX⟩² with the derivative dX of X along z, which is linear in θ as X is
        quadratic. So its gradient is (4/m) Σ_i ⟨A_i, dX⟩ ∇⟨A_i, X⟩ with the last gradient taken at z.
        """
        m = self._labels.size
        if draw.probes is None:
            return np.asarray(2.0 / m * self._form.trace_gradient(theta, self._moments))
        changes = self._all.apply(self._form.tangents(theta, draw.probes))
        return np.asarray(4.0 / m * self._form.pull(self._all.adjoint(changes), draw.probes))

    def _losses(self) -> Array:
        """Return the losses over all measurements (S,)."""
        residuals = self._all.apply(self._form.matrices(self.theta)) - self._labels
        return np.asarray(np.mean(residuals**2, axis=1))

    def _drop_diverged(self) -> None:
        fine = self._losses() <= self._limit
        if not fine.all():
            self._draws.keep(np.flatnonzero(fine).tolist())
            self.theta, self.starts = self.theta[fine], self.starts[fine]
            self._eta, self._limit = self._eta[fine], self._limit[fine]


def _unit(rows: Array) -> Array:
    """Return rows of length 1, or of 0."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return np.asarray(np.divide(rows, length, out=np.zeros_like(rows), where=length > 0.0))
