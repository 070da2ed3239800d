"""The network and the data of a certificate in exact numbers, and its Rayleigh quotients."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from stepscape.cli.recheck.intervals import ONE, ZERO, Interval, exactly, exponential, logarithm, root

BLOCKS = ("w1", "b1", "w2", "b2")


@dataclass(frozen=True)
class Network:
    """The data and the network of the file; lists over inputs i and neurons j, of d entries in x and w."""

    logistic: bool
    x: list[list[Fraction]]
    y: list[Fraction]
    v: list[Fraction]
    w: list[list[Fraction]]
    b: list[Fraction]
    a: list[Fraction]
    b2: Fraction
    trained: dict[str, bool]

    @cached_property
    def z(self) -> list[list[Fraction]]:
        """The heights w1·x + b1, rows of inputs."""
        return [[dot(w, x) + b for w, b in zip(self.w, self.b, strict=True)] for x in self.x]

    @cached_property
    def seen(self) -> list[tuple[bool, ...]]:
        """Which inputs each neuron is active on."""
        return [tuple(row[j] > 0 for row in self.z) for j in range(len(self.b))]

    @property
    def dimension(self) -> int:
        """Number d of input variables."""
        return len(self.x[0])

    @cached_property
    def f(self) -> list[Fraction]:
        """Predictions."""
        return [
            self.b2 + sum((a * z for a, z in zip(self.a, row, strict=True) if z > 0), ZERO) for row in self.z
        ]

    @cached_property
    def smooth(self) -> bool:
        """Whether no neuron that is not 0 bends at an input."""
        return not any(z == 0 and (any(self.w[j]) or self.b[j]) for row in self.z for j, z in enumerate(row))

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
    def couplings(self) -> list[list[Interval]]:
        """Return p = Σ_active v ℓ' x and q = Σ_active v ℓ' of each neuron, 0 if they couple nothing."""
        on = [self.trained["w2"] and self.trained["w1"]] * self.dimension
        on.append(self.trained["w2"] and self.trained["b1"])
        known: dict[tuple[bool, ...], list[Interval]] = {}
        for seen in self.seen:
            if seen not in known:
                known[seen] = [
                    one if use else exactly(0) for one, use in zip(self._pulled(seen), on, strict=True)
                ]
        return [known[seen] for seen in self.seen]

    def _pulled(self, seen: tuple[bool, ...]) -> list[Interval]:
        out = [exactly(0)] * (self.dimension + 1)
        for x, slope, active in zip(self.x, self.slopes, seen, strict=True):
            if active:
                out = [one + slope.times(exactly(t)) for one, t in zip(out, [*x, ONE], strict=True)]
        return out

    @cached_property
    def residual_norm(self) -> Interval:
        """‖R‖ = max √(‖p‖² + q²)."""
        sizes = [norm(pair) for pair in self.couplings]
        return Interval(max(s.low for s in sizes), max(s.high for s in sizes))

    def tangent(self, i: int, j: int) -> tuple[list[Fraction], Fraction, Fraction]:
        """∂f(x_i)/∂(w1_j, b1_j, w2_j) on trained coordinates."""
        if self.z[i][j] <= 0:
            return [ZERO] * self.dimension, ZERO, ZERO
        on = self.trained
        return [self.a[j] * x * on["w1"] for x in self.x[i]], self.a[j] * on["b1"], self.z[i][j] * on["w2"]


def dot(u: list[Fraction], v: list[Fraction]) -> Fraction:
    """⟨u, v⟩."""
    return sum((s * t for s, t in zip(u, v, strict=True)), ZERO)


def norm(parts: list[Interval]) -> Interval:
    """Length of a vector of intervals."""
    total = exactly(0)
    for one in map(_magnitude, parts):
        total = total + one.times(one)
    return root(total)


def _magnitude(one: Interval) -> Interval:
    ends = abs(one.low), abs(one.high)
    return Interval(ZERO if one.low < 0 < one.high else min(ends), max(ends))


def rayleigh(at: Network, u: list[Fraction], with_residual: bool) -> Fraction:
    """Return a lower bound on uᵀAu/uᵀu; coordinates that are not trained count as 0."""
    k, d = len(at.b), at.dimension
    blocks = u[: d * k], u[d * k : d * k + k], u[d * k + k : -1]
    w, b, a = (
        block if at.trained[name] else [ZERO] * len(block)
        for name, block in zip(BLOCKS[:3], blocks, strict=True)
    )
    last = u[-1] * at.trained["b2"]
    length = sum((t * t for t in (*w, *b, *a, last)), ZERO)
    if not length:
        return ZERO
    rows = [w[j * d : j * d + d] for j in range(k)]
    total = exactly(0)
    for i in range(len(at.x)):
        ahead = last
        for j in range(k):
            if at.z[i][j] > 0:
                dw, db, da = at.tangent(i, j)
                ahead += dot(dw, rows[j]) + db * b[j] + da * a[j]
        total = total + at.curvature[i].times(exactly(ahead * ahead))
    for j in range(k if with_residual else 0):
        for part, t in zip(at.couplings[j], [*rows[j], b[j]], strict=True):
            total = total + part.times(exactly(2 * t * a[j]))
    return total.low / length
