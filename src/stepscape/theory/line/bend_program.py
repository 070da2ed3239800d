"""Maximize a linear form over values in [−1, 1] with a budget of bends, by an interior-point method.

    maximize c·u   over |u_i| ≤ 1,   R u = B (z⁺ − z⁻),   z ≥ 0,   Σ z⁺ + z⁻ ≤ 1,

where row k of R takes a second difference of u_k, u_{k+1}, u_{k+2} and B is diagonal. With the multipliers p
of the equations, π of the budget, α⁺, α⁻ of the bounds and slacks s^± = 1 ∓ u, t = 1 − Σ z, d^± = π ∓ B p,

    c − Rᵀp = α⁺ − α⁻,      α^± s^± = z^± d^± = t π = μ,

where μ falls to 0 (Mehrotra, 1992). Start and steps are feasible. The matrix of Newton's step is, with Θ = Σ
α/s and q = z/d,

    [ Θ   Rᵀ           0             ]
    [ R   −B² Σ q      B (q⁺ − q⁻)   ]
    [ 0   (…)ᵀ         −Σ q − t/π    ]

banded but for its last row when u and p alternate: a step costs O(m). The caller needs no trust in the
result: any p proves an upper bound, and any u, scaled into the budget, a lower one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.line.second_differences import Saddle, differences, transposed

_BOUNDARY = 0.995  # share of the way to where a slack or a multiplier vanishes


@dataclass(frozen=True, eq=False)
class Program:
    """c (m,), B (m − 2,) and the three diagonals (3, m − 2) of R: row k is (first, middle, last)."""

    coefficients: FloatArray
    bend: FloatArray
    rows: FloatArray

    def bends(self, u: FloatArray) -> FloatArray:
        """R u."""
        return differences(self.rows, u)

    def pull(self, p: FloatArray) -> FloatArray:
        """Rᵀ p."""
        return transposed(self.rows, p)

    def price(self, p: FloatArray) -> float:
        """Max B|p|: with it and any p, no value is larger than ‖c − Rᵀp‖₁ + price."""
        return float((self.bend * np.abs(p)).max(initial=0.0))


@dataclass(frozen=True, eq=False)
class Point:
    """Where the method ended: values u, multipliers p, and the gap between the two sides over ‖c‖₁."""

    u: FloatArray
    p: FloatArray
    gap: float
    iterations: int


@dataclass(frozen=True, eq=False)
class _State:
    u: FloatArray
    p: FloatArray
    price: float
    room: FloatArray  # (2, m): s⁺, s⁻
    force: FloatArray  # (2, m): α⁺, α⁻
    spent: FloatArray  # (2, m − 2): z⁺, z⁻
    left: float  # t

    def cost(self, bend: FloatArray) -> FloatArray:
        """d⁺, d⁻."""
        pulled = bend * self.p
        return np.stack([self.price - pulled, self.price + pulled])

    def products(self, bend: FloatArray) -> float:
        """Sum of all products that are μ on the path."""
        return float(
            (self.force * self.room).sum() + (self.spent * self.cost(bend)).sum() + self.left * self.price
        )


def solve(program: Program, tolerance: float, max_iterations: int) -> Point:
    """Follow the path until the sum of the products, the gap, is at most `tolerance` times ‖c‖₁."""
    c, bend = program.coefficients, program.bend
    m, kinks = c.size, bend.size
    unit = float(np.abs(c).mean())
    start = np.full((2, kinks), 0.25 / kinks)
    force = np.stack([np.maximum(c, 0.0), np.maximum(-c, 0.0)]) + unit
    state = _State(
        np.zeros(m), np.zeros(kinks), unit * m, np.ones((2, m)), force, start, 1.0 - float(start.sum())
    )
    count, size, iteration = 2 * m + 2 * kinks + 1, float(np.abs(c).sum()), 0
    while iteration < max_iterations and state.products(bend) > tolerance * size:
        iteration += 1
        new = _step(program, state, count)
        if new is None:
            break
        state = new
    return Point(state.u, state.p, state.products(bend) / size, iteration)


def _step(program: Program, at: _State, count: int) -> _State | None:
    """Predict with μ = 0, then correct with the μ that the prediction leaves room for; None: it is stuck."""
    bend = program.bend
    system = _System(program, at)
    zero = (np.zeros_like(at.room), np.zeros_like(at.spent), 0.0)
    guess = system.direction(0.0, *zero)
    mean = at.products(bend) / count
    after = _moved(at, guess, *_lengths(at, guess, bend, 1.0)).products(bend) / count
    mu = mean * (after / mean) ** 3
    second = (guess.room * guess.force, guess.spent * guess.cost, guess.left * guess.price)
    step = system.direction(mu, *second)
    primal, dual = _lengths(at, step, bend, _BOUNDARY)
    new = _moved(at, step, primal, dual)
    finite = bool(np.isfinite(new.u).all() and np.isfinite(new.p).all())
    return new if finite and max(primal, dual) > 1e-6 else None


@dataclass(frozen=True, eq=False)
class _Direction:
    u: FloatArray
    p: FloatArray
    price: float
    room: FloatArray
    force: FloatArray
    spent: FloatArray
    cost: FloatArray
    left: float


def _lengths(at: _State, by: _Direction, bend: FloatArray, boundary: float) -> tuple[float, float]:
    """How far (u, z, t) and (p, π, α) may move until one of the positive ones would vanish."""

    def reach(*pairs: tuple[FloatArray | float, FloatArray | float]) -> float:
        most = max(float(np.max(-np.asarray(change) / value)) for value, change in pairs)
        return min(1.0, boundary / most) if most > 0.0 else 1.0

    return (
        reach((at.room, by.room), (at.spent, by.spent), (at.left, by.left)),
        reach((at.force, by.force), (at.cost(bend), by.cost), (at.price, by.price)),
    )


def _moved(at: _State, by: _Direction, primal: float, dual: float) -> _State:
    return _State(
        at.u + primal * by.u,
        at.p + dual * by.p,
        at.price + dual * by.price,
        at.room + primal * by.room,
        at.force + dual * by.force,
        at.spent + primal * by.spent,
        at.left + primal * by.left,
    )


class _System:
    """The linear system of Newton's step at one point, factored once."""

    def __init__(self, program: Program, at: _State) -> None:
        self.program, self.at, self.cost = program, at, at.cost(program.bend)
        self.slack = at.spent / self.cost
        bend = program.bend
        self.couple = bend * (self.slack[0] - self.slack[1])
        self.corner = float(self.slack.sum()) + at.left / at.price
        stiff = (at.force / at.room).sum(axis=0)
        self.saddle = Saddle(program.rows, stiff, bend * bend * self.slack.sum(axis=0))
        self.border = self.saddle.solve(np.zeros(stiff.size), self.couple)

    def direction(self, mu: float, room: FloatArray, spent: FloatArray, left: float) -> _Direction:
        """Solve for products equal to μ less the given second-order terms."""
        at, bend = self.at, self.program.bend
        push = (mu - room) / at.room - at.force  # of α, at u fixed
        pay = (mu - spent) / self.cost - at.spent  # of z, at p and π fixed
        rest = (mu - left) / at.price - at.left
        u, p = self.saddle.solve(-(push[0] - push[1]), bend * (pay[0] - pay[1]))
        # Last row: couple·p − corner·price = −rest − Σ pay.
        edge_u, edge_p = self.border
        price = float((rest + pay.sum() + self.couple @ p) / (self.corner + self.couple @ edge_p))
        u, p = u - price * edge_u, p - price * edge_p
        cost = np.stack([price - bend * p, price + bend * p])
        return _Direction(
            u,
            p,
            price,
            np.stack([-u, u]),
            push + np.stack([u, -u]) * at.force / at.room,
            pay - self.slack * cost,
            cost,
            rest - at.left / at.price * price,
        )
