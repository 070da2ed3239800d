"""Gradient flow of a network on the line from kink to kink: smooth pieces, and slides along inputs.

Let z_ij = w1_j x_i + b1_j. While no z_ij changes its sign, L is smooth in θ, and an adaptive Runge–Kutta
method of order 8 follows the flow with few steps. It is stopped where some z_ij comes to 0: the knot of
neuron j has reached the input x_i. There the velocity jumps, by

    F⁺ − F⁻ = −g_i w2_j ν,    ν = (x_i, 1) on the trained ones of (w1_j, b1_j),    g_i = ∂L/∂f(x_i),

F⁺ with neuron j active on x_i and F⁻ without. The jump is along the normal ν of the surface z_ij = 0. So
there are three cases, by the signs of F⁻·ν and F⁺·ν = F⁻·ν − g_i w2_j ‖ν‖²:

equal               The knot passes the input; the flow continues with the other activation.
F⁻·ν > 0 > F⁺·ν     Both sides push towards the input. The knot stays on it, and θ moves with F⁻ minus its
                    normal part, which is the sliding solution of Filippov, until one of the signs changes.
F⁻·ν < 0 < F⁺·ν     Both sides push away. No flow comes here; a start here takes the inactive side.

A neuron that is active on x_i alone has F⁻ = 0: its knot passes x_i, and the neuron is dead from then on.
Knots of different neurons slide independently, for neither f nor the velocity of another neuron jumps with
z_ij. A neuron with w1_j = b1_j = 0 has no knot and stays as it is.

Source: Filippov (1988), chapter 2, §10; Hairer, Nørsett and Wanner (1993), II.6 on discontinuous equations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import NotConverged
from stepscape.objectives.relu_line import ReLULine

Array = NDArray[np.float64]
MOST_EVENTS = 100_000
MARGIN = 1e-13  # how far beyond a surface, in units of the largest |z|, an event is noticed
INSIDE = (0.25, 0.5, 0.75, 1.0)  # places in a step that are searched for an event
HALVINGS = 48


@dataclass
class Pieces:
    """The velocity of θ with the activations and slides of one smooth piece.

    Attributes
    ----------
    objective : the loss; frozen blocks stay.
    active : (n, k), whether neuron j is counted as active on input i.
    slide : (k,), the input that the knot of neuron j slides on, or −1.
    """

    objective: ReLULine
    active: NDArray[np.bool_]
    slide: NDArray[np.int64]

    @classmethod
    def at(cls, objective: ReLULine, theta: Array) -> Pieces:
        """Return the piece that θ lies in."""
        x, k = objective.problem.line.inputs, objective.network.width
        return cls(objective, np.multiply.outer(x, theta[:k]) + theta[k : 2 * k] > 0.0, np.full(k, -1))

    def before_kinks(self, theta: Array) -> Array:
        """Return z (n, k)."""
        k = self.slide.size
        return np.multiply.outer(self.objective.problem.line.inputs, theta[:k]) + theta[k : 2 * k]

    def velocity(self, theta: Array) -> Array:
        """θ' (3k + 1,)."""
        free, _ = self.free(theta)
        return self._slid(free)

    def free(self, theta: Array) -> tuple[Array, Array]:
        """F⁻ at slides, F elsewhere, and ∂L/∂f (n,)."""
        data, k = self.objective.problem.line, self.slide.size
        w2 = theta[2 * k : 3 * k]
        hidden = np.where(self.active, self.before_kinks(theta), 0.0)
        f = hidden @ w2 + theta[3 * k]
        if self.objective.problem.loss == "square":
            g = data.averaging * (f - data.labels)
        else:
            g = -data.averaging * data.labels / (1.0 + np.exp(data.labels * f))
        inner = np.stack([g * data.inputs, g]) @ self.active
        found = -np.concatenate([inner[0] * w2, inner[1] * w2, g @ hidden, [g.sum()]])
        return found * self.objective.network.trained, g

    def _normals(self) -> tuple[NDArray[np.int64], Array, Array]:
        """Sliding neurons (m,) and their normals: parts along w1 and b1, 0 where frozen."""
        neurons = np.flatnonzero(self.slide >= 0)
        return neurons, *self.normal(self.slide[neurons], neurons)

    def normal(self, inputs: NDArray[np.int64], neurons: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return ν of these pairs: parts along w1 and b1, 0 where frozen."""
        trained, k = self.objective.network.trained, self.slide.size
        return self.objective.problem.line.inputs[inputs] * trained[neurons], trained[k + neurons] * np.ones(
            neurons.size
        )

    def _slid(self, free: Array) -> Array:
        neurons, a, b = self._normals()
        k = self.slide.size
        share = (free[neurons] * a + free[k + neurons] * b) / (a * a + b * b)
        free[neurons] -= share * a
        free[k + neurons] -= share * b
        return free

    def pushes(
        self, theta: Array, inputs: NDArray[np.int64], neurons: NDArray[np.int64]
    ) -> tuple[Array, Array]:
        """F⁻·ν and F⁺·ν of pairs of an input and a neuron."""
        without = self.active.copy()
        without[inputs, neurons] = False
        free, g = replace(self, active=without).free(theta)
        k = self.slide.size
        a, b = self.normal(inputs, neurons)
        inactive = free[neurons] * a + free[k + neurons] * b  # 0 exactly, if it is active on no other input
        return inactive, inactive - g[inputs] * theta[2 * k + neurons] * (a * a + b * b)

    def outside(self, theta: Array) -> NDArray[np.bool_]:
        """Mask (n + 1, k): pairs that have left the piece, and in the last row slides that end."""
        z = self.before_kinks(theta)
        margin = MARGIN * max(1.0, float(np.abs(z).max()))
        free = self.slide < 0
        wrong = (np.where(self.active, -z, z) > margin) & free
        # A knot that slides on one input may not come to another one: then w1 and b1 vanish.
        neurons = np.flatnonzero(~free)
        ends = np.zeros((1, free.size), bool)
        if neurons.size:
            inactive, active = self.pushes(theta, self.slide[neurons], neurons)
            ends[0, neurons] = (inactive < 0.0) | (active > 0.0)
        return np.vstack([wrong, ends])

    def cross(self, theta: Array, events: NDArray[np.bool_]) -> None:
        """Move to the next piece: pairs change their activation or begin to slide, slides end."""
        neurons = np.flatnonzero(events[-1])
        if neurons.size:
            inactive, active = self.pushes(theta, self.slide[neurons], neurons)
            self.active[self.slide[neurons], neurons] = (active > 0.0) & (inactive >= 0.0)
            self.slide[neurons] = -1
        inputs, neurons = np.nonzero(events[:-1])
        if neurons.size:
            inactive, active = self.pushes(theta, inputs, neurons)
            stays = (inactive > 0.0) & (active < 0.0)
            self.active[inputs, neurons] = ~stays & ~self.active[inputs, neurons]
            self.slide[neurons[stays]] = inputs[stays]


def follow_events(objective: ReLULine, start: Array, at: Array, tolerance: float) -> Array:
    """Gradient flow at increasing times, the first of them that of the start: (m, size).

    `tolerance` is the relative and absolute one of the Runge–Kutta method.

    Raises
    ------
    NotConverged
        There are more than 10⁵ events, or the method gives up.
    """
    from scipy.integrate import DOP853

    pieces, theta, time = Pieces.at(objective, start), start.copy(), float(at[0])
    path, filled, events, first = np.empty((at.size, start.size)), 1, 0, None
    path[0] = start
    while filled < at.size:
        rest = float(at[-1]) - time
        solver = DOP853(
            lambda _, y: pieces.velocity(y), time, theta, float(at[-1]), rtol=tolerance, atol=tolerance,
            first_step=None if first is None else min(first, rest),
        )  # fmt: skip
        happened = None
        while happened is None and solver.status == "running":
            if (message := solver.step()) is not None:
                raise NotConverged(f"gradient flow did not reach the time {at[-1]:g}: {message}")
            dense = solver.dense_output()
            happened = _event(pieces, dense, solver.t_old, solver.t)
            end = solver.t if happened is None else happened
            upto = int(np.searchsorted(at, end, side="right"))
            path[filled:upto] = dense(at[filled:upto]).T
            filled = max(filled, upto)
        time = solver.t if happened is None else happened
        theta, first = dense(time), solver.t - solver.t_old
        pieces.cross(theta, pieces.outside(theta))
        events += 1
        if events > MOST_EVENTS:
            met = f"gradient flow met more than {MOST_EVENTS} kinks"
            raise NotConverged(f"{met}; lower time, or choose another method")
    return path


def _event(pieces: Pieces, dense: object, begin: float, end: float) -> float | None:
    """Return the first time in a step at which θ has just left the piece; None if it has not."""
    low = begin
    for share in INSIDE:
        high = begin + share * (end - begin)
        if pieces.outside(dense(high)).any():  # type: ignore[operator]
            break
        low = high
    else:
        return None
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (low, middle) if pieces.outside(dense(middle)).any() else (middle, high)  # type: ignore[operator]
    return high
