"""Least squares with a price on every bend, by an interior-point method.

    minimize ½ Σ v_i (u_i − y_i)² + Σ_k b_k |R_k u|,      R_k u a second difference of u_k, u_{k+1}, u_{k+2}.

Its dual has one number p_k in [−b_k, b_k] for each bend: at u = y − V⁻¹Rᵀp

    gap = Σ_k (b_k |R_k u| − p_k R_k u)

is the difference of the two values, a sum without negative terms. With slacks s^± = b ∓ p > 0 the path is

    v (u − y) + Rᵀp = 0,      R u = z⁺ − z⁻,      z^± s^± = μ,

where μ falls to 0 (Mehrotra, 1992). Newton's step takes O(m): its matrix is that of `Saddle`.

After each step the p_k whose slack vanishes are put on their bounds and the other bends are set to 0. The
system that remains is linear; as soon as these are the right bends, its solution is exact up to rounding.

Source: Kim, Koh, Boyd and Gorinevsky (2009), for equal spacing and equal prices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.theory.certificate import EPS
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.line.second_differences import Saddle, differences, transposed

_BOUNDARY = 0.99  # share of the way to where a slack or a multiplier vanishes
_FREE, _TINY = 1e-30, 1e-250  # of the largest price, and in labels of size 1: below it a bend is free
_ROUNDING = 64.0  # eps of a value that is subtracted
_STUCK = 1e-8  # a shorter step ends the work


@dataclass(frozen=True, eq=False)
class Penalized:
    """v (m,) > 0, y (m,), R (3, m − 2) and b (m − 2,) ≥ 0."""

    averaging: FloatArray
    labels: FloatArray
    rows: FloatArray
    prices: FloatArray

    def values(self, p: FloatArray) -> FloatArray:
        """Return u = y − V⁻¹Rᵀp."""
        return self.labels - transposed(self.rows, p) / self.averaging

    def objective(self, u: FloatArray, bends: FloatArray) -> float:
        """½ Σ v (u − y)² + Σ b |bends|."""
        return float(self.averaging @ (u - self.labels) ** 2) / 2.0 + float(self.prices @ np.abs(bends))

    def gap(self, p: FloatArray, bends: FloatArray) -> float:
        """Objective less bound, for the u of p."""
        signed = p * np.sign(bends)
        return float((self.prices - signed) @ np.abs(bends))


@dataclass(frozen=True, eq=False)
class Fitted:
    """The minimizer u, its bends R u, of which those that were set to 0 are exactly 0, the gap, and steps."""

    u: FloatArray
    bends: FloatArray
    gap: float
    iterations: int


@dataclass(frozen=True, eq=False)
class _State:
    u: FloatArray
    p: FloatArray
    slack: FloatArray  # (2, m − 2): s⁺, s⁻
    force: FloatArray  # (2, m − 2): z⁺, z⁻

    @property
    def products(self) -> float:
        """Sum of all products, which is the gap."""
        return float((self.slack * self.force).sum())


def line_of(program: Penalized) -> tuple[FloatArray, FloatArray]:
    """Return the values (m,) of the line of least squares, and the p (m − 2,) that prove it where |p| ≤ b."""
    saddle = Saddle(program.rows, program.averaging, np.zeros(program.prices.size))
    return saddle.solve(program.averaging * program.labels, np.zeros(program.prices.size))


def solve(program: Penalized, tolerance: float, max_iterations: int) -> Fitted:
    """Follow the path until the gap is at most `tolerance` times the objective; return the best found."""
    free = program.prices <= max(_FREE * float(program.prices.max()), _TINY)  # no equation, and p = 0
    rows = np.where(free, 0.0, program.rows)
    box = np.where(free, 1.0, program.prices)
    straight, _ = line_of(program)
    middle = program.objective(straight, np.zeros_like(box)) / (2 * box.size)  # a product of the path
    slack = np.stack([box, box])
    state = _State(straight, np.zeros_like(box), slack, middle / slack)
    best = Fitted(straight, np.zeros_like(box), math.inf, 0)
    for iteration in range(1, max_iterations + 1):
        new = _step(program, rows, state)
        if new is None:
            break
        state = new
        best = min((best, *_candidates(program, state, free, iteration)), key=lambda each: each.gap)
        if best.gap <= tolerance * program.objective(best.u, best.bends):
            break
    return best


def _candidates(program: Penalized, at: _State, free: NDArray[np.bool_], iteration: int) -> list[Fitted]:
    """Return the u of p, the u of the path beside the bound of p, and the one that bends where it pays."""
    p = np.where(free, 0.0, np.clip(at.p, -program.prices, program.prices))
    u = program.values(p)
    bends, beside = differences(program.rows, u), differences(program.rows, at.u)
    gap, value = program.gap(p, bends), program.objective(u, bends)
    bound = value - gap - _ROUNDING * EPS * value
    return [
        Fitted(u, bends, gap, iteration),
        Fitted(at.u, beside, program.objective(at.u, beside) - bound, iteration),
        *_crossed(program, at, free, iteration),
    ]


def _step(program: Penalized, rows: FloatArray, at: _State) -> _State | None:
    """Predict with μ = 0, then correct with the μ that the prediction leaves room for; None: it is stuck."""
    stiffness = (at.force / at.slack).sum(axis=0)
    saddle = Saddle(rows, program.averaging, stiffness)
    missing = (
        program.averaging * (program.labels - at.u) - transposed(rows, at.p),
        at.force[0] - at.force[1] - differences(rows, at.u),
    )
    guess = _direction(saddle, at, missing, 0.0, np.zeros_like(at.slack))
    mean = at.products / at.slack.size
    after = _moved(at, guess, _length(at, guess, 1.0)).products / at.slack.size
    second = guess.slack * guess.force
    step = _direction(saddle, at, missing, mean * (after / mean) ** 3, second)
    length = _length(at, step, _BOUNDARY)
    new = _moved(at, step, length)
    finite = bool(np.isfinite(new.u).all() and np.isfinite(new.p).all())
    return new if finite and length > _STUCK else None


def _direction(
    saddle: Saddle, at: _State, missing: tuple[FloatArray, FloatArray], mu: float, second: FloatArray
) -> _State:
    """Solve for what the two equations miss, and for products equal to μ less the second-order terms."""
    push = (mu - second) / at.slack - at.force  # of z, at p fixed
    u, p = saddle.solve(missing[0], missing[1] + push[0] - push[1])
    slack = np.stack([-p, p])
    return _State(u, p, slack, push - at.force / at.slack * slack)


def _length(at: _State, by: _State, boundary: float) -> float:
    """How far one may move until a slack or a multiplier would vanish."""
    most = max(float((-by.slack / at.slack).max()), float((-by.force / at.force).max()))
    return min(1.0, boundary / most) if most > 0.0 else 1.0


def _moved(at: _State, by: _State, length: float) -> _State:
    return _State(
        at.u + length * by.u,
        at.p + length * by.p,
        at.slack + length * by.slack,
        at.force + length * by.force,
    )


def _crossed(program: Penalized, at: _State, free: NDArray[np.bool_], iterations: int) -> list[Fitted]:
    """Bend where a multiplier exceeds its slack, nowhere else; nothing if p then leaves the box."""
    share = at.slack / np.where(free, 1.0, program.prices)
    size = float(np.abs(at.force).max()) or 1.0
    on = at.force / size > share  # (2, m − 2)
    sign = np.where(free, 0.0, on[0].astype(np.float64) - on[1].astype(np.float64))
    bent = free | (sign != 0.0)
    fixed = sign * program.prices
    rows = np.where(bent, 0.0, program.rows)
    saddle = Saddle(rows, program.averaging, bent.astype(np.float64))
    right = program.averaging * program.labels - transposed(program.rows, fixed)
    _, rest = saddle.solve(right, np.zeros_like(fixed))
    p = np.where(bent, fixed, rest)
    if (np.abs(p) > program.prices).any():
        return []
    u = program.values(p)
    bends = np.where(bent, differences(program.rows, u), 0.0)
    return [Fitted(u, bends, program.gap(p, bends), iterations)]
