"""What gradients reach of a descent in R^d: neurons that may become active, directions of the inputs.

A neuron that is active on no input receives no gradient, and w1 receives none across the span of the inputs.
What receives none coasts: its steps are known beforehand, and only the rest is trained. Both are exact.

- The component of w1_j orthogonal to all inputs enters no w1_j·x_i. With an orthonormal basis Q (d, q) of the
  span, the inputs XQ and the weights w1_j Q make the same steps, whatever the method: ∇L lies in the span,
  and the method treats all coordinates of w1 alike.
- A neuron with w1_j·x_i + b1_j < 0 at every input stays so if it does not move, and if weight decay shrinks
  w1_j and b1_j alike; also if only w1_j shrinks and b1_j ≤ 0, because c (w1_j·x_i) + b1_j for 0 < c ≤ 1 lies
  between w1_j·x_i + b1_j and b1_j. Else it may come back, and is kept: where it has a velocity, where
  momentum and decay act together, where decay spares a positive bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.kernels.coasting import coast
from stepscape.methods import GradientDescent
from stepscape.objectives.descent import State

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
PAIRS = 4_000_000  # inputs times neurons looked at together
EPS = 2.0**-52


@dataclass(frozen=True, eq=False)
class Part:
    """Neurons to train, a mask (k,), and the directions of w1 to train, an orthonormal `basis` (d, q)."""

    alive: Mask
    basis: Array

    def of(self, theta: Array) -> Array:
        """Coordinates of θ ((d + 2)k + 1,) in the part: w1 Q, b1 and w2 of its neurons, and b2."""
        w1, rows = self._blocks(theta)
        return np.concatenate(
            [(w1[self.alive] @ self.basis).ravel(), rows[:, self.alive].ravel(), theta[-1:]]
        )

    def put(self, theta: Array, part: Array) -> None:
        """Change θ in place so that its part is this one, and nothing across it."""
        w1, rows = self._blocks(theta)
        count, (d, q) = int(self.alive.sum()), self.basis.shape
        inner, outer = part[: count * q].reshape(count, q), part[count * q : -1].reshape(2, count)
        here = w1[self.alive]
        w1[self.alive] = inner if q == d else here + (inner - here @ self.basis) @ self.basis.T
        rows[:, self.alive] = outer
        theta[-1] = part[-1]

    @cached_property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return bool(self.alive.all()) and self.basis.shape[0] == self.basis.shape[1]

    def _blocks(self, theta: Array) -> tuple[Array, Array]:
        """w1 (k, d), and b1 and w2 (2, k), as views."""
        k, d = self.alive.size, len(self.basis)
        return theta[: k * d].reshape(k, d), theta[k * d : -1].reshape(2, k)


def span_of(points: Array) -> Array:
    """Return an orthonormal basis (d, q) of the span of inputs (n, d), the identity if it is all of R^d.

    Directions are left out only if the inputs have no more than rounding in them, each input relative to its
    length and each variable relative to its largest value.
    """
    d = points.shape[1]
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(points, axis=1)
        units = points[lengths > 0.0] / lengths[lengths > 0.0, None]
    if d == 1 or not len(units) or not np.isfinite(units).all():
        return np.eye(d)
    _, values, rows = np.linalg.svd(np.linalg.qr(units, mode="r"), full_matrices=False)
    q = int((values > EPS * max(points.shape) * values[0]).sum())
    basis = np.ascontiguousarray(rows[:q].T)
    allowed = 64.0 * EPS * np.minimum(lengths[:, None], np.abs(points).max(axis=0))
    if q == d or not (np.abs(points - points @ basis @ basis.T) <= allowed).all():
        return np.eye(d)
    return basis


def may_stay_dead(
    theta: Array, velocity: Array, method: GradientDescent, rates: Array, dimension: int
) -> Mask:
    """Mask (k,) of the neurons that, active nowhere, stay so under the method for ever; see the module.

    rates : (4,) 1 for the trained ones of the blocks w1, b1, w2, b2, 0 for frozen ones.
    """
    k = (theta.size - 1) // (dimension + 2)
    inner, b1, outer = rates[:3] * method.weight_decay * np.array([1.0, float(method.decay_biases), 1.0])
    if method.momentum and (inner or b1 or outer):
        return np.zeros(k, bool)
    if method.momentum:
        sizes = np.array([dimension * k, k, k, 1])
        moves = (velocity != 0.0) & (np.repeat(rates, sizes) > 0.0)
        rows = moves[dimension * k : -1].reshape(2, k)
        still = ~moves[: dimension * k].reshape(k, dimension).any(axis=1)
        return np.asarray(still & ~rows.any(axis=0))
    if method.step_size * method.weight_decay >= 1.0:  # decay turns w1 round
        return np.full(k, inner == b1 == 0.0)
    if inner == b1:
        return np.ones(k, bool)
    biases = theta[dimension * k : (dimension + 1) * k]
    return np.asarray(biases <= 0.0) if b1 == 0.0 else np.zeros(k, bool)


def surely_dead(points: Array, w1: Array, b1: Array) -> Mask:
    """Mask (k,) of the neurons with w̃·x̃_i < 0 at every input by more than rounding; points are X̃ (n, d + 1).

    A sum of d + 1 products errs by at most (d + 1) u ‖w̃‖ ‖x̃‖, in whatever order.
    """
    weights = np.column_stack([w1, b1])
    far = float(np.linalg.norm(points, axis=1).max())
    slack = 2.0**-51 * weights.shape[1] * far * np.linalg.norm(weights, axis=1)
    highest = np.empty(len(weights))
    chunk = max(1, PAIRS // len(points))
    for start in range(0, len(weights), chunk):
        part = slice(start, start + chunk)
        highest[part] = (points @ weights[part].T).max(axis=0)
    return np.asarray(highest < -slack)


def coast_all(
    state: State, method: GradientDescent, rates: Array, first_step_size: float, steps: int, dimension: int
) -> None:
    """Make `steps` steps in place, at least one, as if there were no gradient anywhere."""
    k = (state.theta.size - 1) // (dimension + 2)
    sizes = np.cumsum([0, dimension * k, k, k, 1])
    decays = method.weight_decay * np.array([1.0, float(method.decay_biases), 1.0, 0.0])
    for block, decay in enumerate(decays):
        at = slice(sizes[block], sizes[block + 1])
        given = (
            float(decay), float(rates[block]), method.momentum, float(method.nesterov), first_step_size,
            method.step_size, method.warmup_steps,
        )  # fmt: skip
        pair = np.stack([state.theta[at], state.velocity[at]])
        middle = coast(*given, state.steps_made, steps - 1) @ pair
        state.before[at] = middle[0]
        last = coast(*given, state.steps_made + steps - 1, 1) @ middle
        state.theta[at], state.velocity[at] = last
    state.steps_made += steps
