"""The network and the data of a certificate in exact numbers, and its Rayleigh quotients."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from stepscape.cli.recheck.intervals import ZERO, Interval, exactly, exponential, logarithm, root

BLOCKS = ("w1", "b1", "w2", "b2")


@dataclass(frozen=True)
class Network:
    """The data and the network of the file; lists over inputs i and neurons j."""

    logistic: bool
    x: list[Fraction]
    y: list[Fraction]
    v: list[Fraction]
    w: list[Fraction]
    b: list[Fraction]
    a: list[Fraction]
    b2: Fraction
    trained: dict[str, bool]

    @cached_property
    def z(self) -> list[list[Fraction]]:
        """The heights w1 x + b1, rows of inputs."""
        return [[w * x + b for w, b in zip(self.w, self.b, strict=True)] for x in self.x]

    @cached_property
    def f(self) -> list[Fraction]:
        """Predictions."""
        return [
            self.b2 + sum((a * z for a, z in zip(self.a, row, strict=True) if z > 0), ZERO) for row in self.z
        ]

    @cached_property
    def smooth(self) -> bool:
        """Whether no neuron that is not 0 has its knot on an input."""
        return not any(z == 0 and (self.w[j] or self.b[j]) for row in self.z for j, z in enumerate(row))

    @cached_property
    def _tails(self) -> list[Interval]:
        """e^(-|f|)."""
        return [exponential(-abs(f)) for f in self.f]

    @cached_property
    def curvature(self) -> list[Interval]:
        """D = v ℓ''."""
        if not self.logistic:
            return [exactly(v) for v in self.v]
        one = exactly(1)
        return [
            exactly(v).times(small).over((one + small).times(one + small))
            for v, small in zip(self.v, self._tails, strict=True)
        ]

    @cached_property
    def slopes(self) -> list[Interval]:
        """The slopes v ℓ' of the loss."""
        if not self.logistic:
            return [exactly(v * (f - y)) for v, f, y in zip(self.v, self.f, self.y, strict=True)]
        one, out = exactly(1), []
        for v, f, y, small in zip(self.v, self.f, self.y, self._tails, strict=True):
            wrong = (small if y * f > 0 else one).over(one + small)
            out.append(exactly(-v * y).times(wrong))
        return out

    @cached_property
    def total(self) -> Fraction:
        """V = Σ v."""
        return sum(self.v, ZERO)

    @cached_property
    def loss(self) -> Interval:
        """L."""
        if not self.logistic:
            pairs = zip(self.v, self.f, self.y, strict=True)
            return exactly(sum((v * (f - y) ** 2 for v, f, y in pairs), ZERO) / 2)
        out = exactly(0)
        for v, f, y, small in zip(self.v, self.f, self.y, self._tails, strict=True):
            out = out + exactly(v).times(exactly(max(-y * f, ZERO)) + logarithm(small))
        return out

    @cached_property
    def couplings(self) -> list[tuple[Interval, Interval]]:
        """Return p = Σ_active v ℓ' x and q = Σ_active v ℓ' of each neuron, 0 if they couple nothing."""
        out = []
        for j in range(len(self.w)):
            p = q = exactly(0)
            for i, row in enumerate(self.z):
                if row[j] > 0:
                    q = q + self.slopes[i]
                    p = p + self.slopes[i].times(exactly(self.x[i]))
            on = self.trained["w2"]
            out.append(
                (
                    p if on and self.trained["w1"] else exactly(0),
                    q if on and self.trained["b1"] else exactly(0),
                )
            )
        return out

    @cached_property
    def residual_norm(self) -> Interval:
        """‖R‖ = max √(p² + q²)."""
        sizes = [root(p.times(p) + q.times(q)) for p, q in map(_magnitudes, self.couplings)]
        return Interval(max(s.low for s in sizes), max(s.high for s in sizes))

    def tangent(self, i: int, j: int) -> tuple[Fraction, Fraction, Fraction]:
        """∂f(x_i)/∂(w1_j, b1_j, w2_j) on trained coordinates."""
        if self.z[i][j] <= 0:
            return ZERO, ZERO, ZERO
        on = self.trained
        return self.a[j] * self.x[i] * on["w1"], self.a[j] * on["b1"], self.z[i][j] * on["w2"]


def _magnitudes(pair: tuple[Interval, Interval]) -> tuple[Interval, Interval]:
    def magnitude(one: Interval) -> Interval:
        ends = abs(one.low), abs(one.high)
        return Interval(ZERO if one.low < 0 < one.high else min(ends), max(ends))

    return magnitude(pair[0]), magnitude(pair[1])


def rayleigh(at: Network, u: list[Fraction], with_residual: bool) -> Fraction:
    """Return a lower bound on uᵀAu/uᵀu; coordinates that are not trained count as 0."""
    k = len(at.w)
    for block, name in enumerate(BLOCKS[:3]):
        if not at.trained[name]:
            u = [ZERO if block * k <= place < block * k + k else t for place, t in enumerate(u)]
    last = u[-1] * at.trained["b2"]
    length = sum((t * t for t in u[:-1]), ZERO) + last * last
    if not length:
        return ZERO
    total = exactly(0)
    for i in range(len(at.x)):
        ahead = last
        for j in range(k):
            if at.z[i][j] > 0:
                dw, db, da = at.tangent(i, j)
                ahead += dw * u[j] + db * u[k + j] + da * u[2 * k + j]
        total = total + at.curvature[i].times(exactly(ahead * ahead))
    for j in range(k if with_residual else 0):
        p, q = at.couplings[j]
        total = (
            total + p.times(exactly(2 * u[j] * u[2 * k + j])) + q.times(exactly(2 * u[k + j] * u[2 * k + j]))
        )
    return total.low / length
