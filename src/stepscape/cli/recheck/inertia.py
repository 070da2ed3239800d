"""Whether a number exceeds every eigenvalue: an n × n matrix is proved positive definite, or not."""

from __future__ import annotations

import math
from fractions import Fraction

from stepscape.cli.recheck.intervals import BITS, ONE, ZERO, exactly, exponent, root_of
from stepscape.cli.recheck.network import Network, dot


def exceeds_all(at: Network, sigma: Fraction, with_residual: bool) -> bool:
    """Whether σ - A is proved positive definite."""
    n, k = len(at.x), len(at.w)
    middles, off = [], ZERO
    for pair in at.couplings if with_residual else [[exactly(0)] * (at.dimension + 1)] * k:
        middles.append([(part.low + part.high) / 2 for part in pair])
        off = max(off, sum(((part.high - part.low) / 2 for part in pair), ZERO))
    sigma -= off  # Weyl: R lies within `off` of the R of the middles
    kept = [i for i in range(n) if at.curvature[i].high > 0]
    c = {i: root_of(at.curvature[i].high, 1) for i in kept}
    if sigma <= 0 or not all(sigma**2 > dot(pair, pair) for pair in middles):
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
        cells: dict[tuple[bool, ...], list[int]] = {}
        for j, seen in enumerate(at.seen):
            if any(seen):
                cells.setdefault(seen, []).append(j)
        forms = [self._form(neurons, middles[neurons[0]], sigma) for neurons in cells.values()]
        flat, self.places = _integers([part for form in forms for row in form for part in row])
        size = at.dimension + 1
        rows = [flat[start : start + size] for start in range(0, len(flat), size)]
        inputs, self.fine = _integers([t for x in at.x for t in (*x, ONE)])
        self.x = [inputs[start : start + size] for start in range(0, len(inputs), size)]
        self.turned: list[dict[int, list[int]]] = [{} for _ in at.x]  # M x̃_i of the cells that see i
        for cell, seen in enumerate(cells):
            form = rows[cell * size : (cell + 1) * size]
            for i in (i for i, active in enumerate(seen) if active):
                self.turned[i][cell] = [sum(map(int.__mul__, row, self.x[i])) for row in form]

    def _form(self, neurons: list[int], pull: list[Fraction], s: Fraction) -> list[list[Fraction]]:
        """M with Σ_j φ_j(x)ᵀ S⁻¹ φ_j(x') = (x, 1) M (x', 1)ᵀ over the neurons of a cell, rounded.

        With P = (p, q), Δ = s² - ‖P‖² and w̃ = (w1, b1),

            M = Σ a² (diag(trained)/s + PPᵀ/(sΔ)) + (P Σ a w̃ᵀ + Σ a w̃ Pᵀ)/Δ + s Σ w̃w̃ᵀ/Δ.
        """
        at, size = self.at, self.at.dimension + 1
        on = [at.trained["w1"]] * at.dimension + [at.trained["b1"]]
        rows, delta = [[*at.w[j], at.b[j]] for j in neurons], s * s - dot(pull, pull)
        heads = [at.a[j] for j in neurons]
        squares, mixed = dot(heads, heads), [dot(heads, [row[c] for row in rows]) for c in range(size)]
        exact = [[ZERO] * size for _ in range(size)]
        for c in range(size):
            for e in range(c + 1):
                inner = sum((row[c] * row[e] for row in rows), ZERO) * at.trained["w2"]
                exact[c][e] = exact[e][c] = (
                    squares * (Fraction(on[c] * (c == e)) / s + pull[c] * pull[e] / (s * delta))
                    + (pull[c] * mixed[e] + pull[e] * mixed[c] + s * inner) / delta
                )
        # Rounded up in the order of matrices: the diagonal by more than the rounding of all entries.
        largest = max(abs(part) for row in exact for part in row)
        unit = Fraction(2) ** (exponent(largest or ONE) - 2 * BITS)
        return [
            [
                math.floor(part / unit) * unit + (2 * size * unit if c == e else 0)
                for e, part in enumerate(row)
            ]
            for c, row in enumerate(exact)
        ]

    def __call__(self, i: int, j: int) -> Fraction:
        ahead, behind = self.turned[i], self.turned[j]
        if len(behind) < len(ahead):
            i, j, ahead, behind = j, i, behind, ahead
        total = [0] * len(self.x[j])
        for cell, row in ahead.items():
            if cell in behind:
                total = list(map(int.__add__, total, row))
        return (
            Fraction(sum(map(int.__mul__, total, self.x[j])), 1 << (self.places + 2 * self.fine))
            + self.constant
        )

    def bound(self, i: int) -> Fraction:
        """Bound the size of what is rounded."""
        return abs(self(i, i)) + 1


def _integers(numbers: list[Fraction]) -> tuple[list[int], int]:
    """Return numbers with powers of two for denominators as integers over 2^places."""
    places = max((number.denominator.bit_length() - 1 for number in numbers), default=0)
    return [number.numerator << (places + 1 - number.denominator.bit_length()) for number in numbers], places


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
