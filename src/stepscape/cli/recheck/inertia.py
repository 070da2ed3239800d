"""Whether a number exceeds every eigenvalue: an n × n matrix is proved positive definite, or not."""

from __future__ import annotations

import math
from fractions import Fraction

from stepscape.cli.recheck.intervals import BITS, ONE, ZERO, exactly, exponent, root_of
from stepscape.cli.recheck.network import Network


def exceeds_all(at: Network, sigma: Fraction, with_residual: bool) -> bool:
    """Whether σ - A is proved positive definite."""
    n, k = len(at.x), len(at.w)
    middles, off = [], ZERO
    for pair in at.couplings if with_residual else [(exactly(0), exactly(0))] * k:
        middles.append([(part.low + part.high) / 2 for part in pair])
        off = max(off, sum(((part.high - part.low) / 2 for part in pair), ZERO))
    sigma -= off  # Weyl: R lies within `off` of the R of the middles
    kept = [i for i in range(n) if at.curvature[i].high > 0]
    c = {i: root_of(at.curvature[i].high, 1) for i in kept}
    if sigma <= 0 or not all(sigma**2 > p * p + q * q for p, q in middles):
        return False
    gram = _Gram(at, sigma, middles)
    size = max((gram.bound(i) for i in kept), default=ONE)
    places = BITS + 2 * max(0, exponent(max(size, ONE)))
    rows = [
        [_grid((i == j) - c[i] * c[j] * gram(i, j), places) for j in kept[: row + 1]]
        for row, i in enumerate(kept)
    ]
    return _definite(rows, places)


class _Gram:
    """Φ S⁻¹ Φᵀ, entry by entry: neurons that see the same inputs are summed up once."""

    def __init__(self, at: Network, sigma: Fraction, middles: list[list[Fraction]]) -> None:
        self.at, self.constant = at, (ONE / sigma if at.trained["b2"] else ZERO)
        n = len(at.x)
        self.cells: dict[tuple[bool, ...], list[Fraction]] = {}
        for j, (p, q) in enumerate(middles):
            seen = tuple(at.z[i][j] > 0 for i in range(n))
            if any(seen):
                moments = self.cells.setdefault(seen, [p, q, *[ZERO] * 6])
                w, b, a = at.w[j], at.b[j], at.a[j]
                for place, part in enumerate((w * w, w * b, b * b, w * a, b * a, a * a), 2):
                    moments[place] += part
        self.forms = {seen: self._form(moments, sigma) for seen, moments in self.cells.items()}
        self.pairs: dict[tuple[int, int], tuple[Fraction, Fraction, Fraction]] = {}
        for i in range(n):
            for j in range(i + 1):
                both = [form for seen, form in self.forms.items() if seen[i] and seen[j]]
                self.pairs[i, j] = tuple(sum(parts, ZERO) for parts in zip(*both, strict=True)) or (ZERO,) * 3  # type: ignore[assignment]

    def _form(self, moments: list[Fraction], s: Fraction) -> tuple[Fraction, Fraction, Fraction]:
        """M with Σ_j φ_j(x)ᵀ S⁻¹ φ_j(x') = (x, 1) M (x', 1)ᵀ over the neurons of the cell, rounded."""
        p, q, ww, wb, bb, wa, ba, aa = moments
        on = self.at.trained
        delta = s * s - p * p - q * q
        inner = [part * on["w2"] for part in (ww, wb, bb)]
        exact = (
            aa * (on["w1"] / s + p * p / (s * delta)) + (2 * p * wa + s * inner[0]) / delta,
            aa * p * q / (s * delta) + (p * ba + q * wa + s * inner[1]) / delta,
            aa * (on["b1"] / s + q * q / (s * delta)) + (2 * q * ba + s * inner[2]) / delta,
        )
        # Rounded up in the order of matrices: the diagonal by more than the rounding of all entries.
        unit = Fraction(2) ** (exponent(max(map(abs, exact)) or ONE) - 2 * BITS)
        least = [math.floor(part / unit) * unit for part in exact]
        return least[0] + 4 * unit, least[1], least[2] + 4 * unit

    def __call__(self, i: int, j: int) -> Fraction:
        one, both, other = self.pairs[max(i, j), min(i, j)]
        x, y = self.at.x[i], self.at.x[j]
        return one * x * y + both * (x + y) + other + self.constant

    def bound(self, i: int) -> Fraction:
        """Bound the size of what is rounded."""
        return abs(self(i, i)) + 1


def _grid(number: Fraction, places: int) -> int:
    return math.floor(number * Fraction(2) ** places)


def _definite(rows: list[list[int]], places: int) -> bool:
    """Whether every symmetric matrix within 1 of the integers `rows` (lower triangle) is positive definite.

    L E Lᵀ, E > 0, of the matrix less δ is computed with rounding; then its distance is computed exactly.
    """
    n, one = len(rows), 1 << places
    delta = one >> (places // 2)
    factor, pivots = [[0] * (i + 1) for i in range(n)], [0] * n
    for i in range(n):
        scaled = [0] * i
        for j in range(i):
            rest = rows[i][j] - (sum(map(int.__mul__, scaled[:j], factor[j])) >> places)
            scaled[j] = rest
            factor[i][j] = (rest << places) // pivots[j]
        pivots[i] = rows[i][i] - delta - (sum(map(int.__mul__, scaled, factor[i])) >> places)
        if pivots[i] <= 0:
            return False
        factor[i][i] = one
    distance = [0] * n  # row sums of |B - δ - L E Lᵀ|, in units of 2^(-3 places)
    for i in range(n):
        ahead = [factor[i][m] * pivots[m] for m in range(i + 1)]
        for j in range(i + 1):
            entry = rows[i][j] - (delta if i == j else 0)
            gap = abs((entry << 2 * places) - sum(map(int.__mul__, ahead, factor[j])))
            distance[i] += gap
            distance[j] += gap if i != j else 0
    return (max(distance) >> 2 * places) + 1 + n < delta
