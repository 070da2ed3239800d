"""The largest eigenvalue of an operator on tensors, with its true residual and a status."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from stepscape.arguments import nonnegative, share, whole
from stepscape.errors import bad, shown
from stepscape.monitor.krylov import Array, Krylov, TensorOperator, product, require_operator
from stepscape.monitor.vectors import dot, norm
from stepscape.objectives.require_torch import require_torch

LEAST = 10  # products before the first look at the true residual, from a random start
# An eigenvalue that hides behind the second shows in a value that still creeps upward while the residual is
# small. With these, 3 of 1000 random starts miss it where the two are 0.5 % apart.
STEADY, STILL = 5, 0.2  # over so many steps the value may move by this share of the tolerance
# Share of the tolerance that the estimated residual must reach. Vectors that were tracked make a small
# residual at once, whatever is not among them; it has to be smaller.
COLD, WARM = 0.6, 0.1
AGAIN = 3  # products between two looks at the true residual
ROWS = 24  # of the basis before a restart, which keeps half of them
LOST = 0.1  # share of the tolerance that inner products of rows may reach
NOISE = 0.05  # norm of the random part of a start that is given


@dataclass(frozen=True, eq=False)
class RitzPair:
    """An approximate largest eigenvalue.

    Attributes
    ----------
    value : float
        Rayleigh quotient of the first of `vectors`.
    residual : float
        ‖A·vector - value·vector‖, computed with one more product, not estimated: some eigenvalue lies within
        it of `value`. It does not say that this eigenvalue is the largest.
    error_estimate : float
        min(residual, residual²/(gap - residual)) with the gap to the second Ritz value: information only.
    status : str
        "converged" (residual at most tolerance·|value|, value steady over 5 steps), "budget" (products spent
        first), "noise_floor" (the true residual stays above the tolerance and above its estimate: products
        are not accurate enough).
    products : int
        Products spent, that of the true residual included.
    vectors : tensor (k, size)
        Orthonormal Ritz vectors of the largest Ritz values, the largest first.
    """

    value: float
    residual: float
    error_estimate: float
    status: str
    products: int
    vectors: Any

    @property
    def lower_bound(self) -> float:
        """The largest eigenvalue is at least this: value - residual."""
        return self.value - self.residual

    def __repr__(self) -> str:
        return f"RitzPair({self.value:.8g} ± {self.residual:.1e}, {self.status}, products={self.products})"


def largest(
    operator: TensorOperator,
    start: Any = None,
    *,
    tolerance: float = 1e-3,
    max_products: int = 200,
    least_scale: float = 0.0,
    kept: int = 1,
    rows: int = ROWS,
    seed: int = 0,
) -> RitzPair:
    """Find the largest (algebraic) eigenvalue of a symmetric operator by Lanczos with thick restarts.

    The result is a lower bound, up to its residual: no number of products excludes a larger eigenvalue whose
    vector the start happens to be orthogonal to. Where the first two eigenvalues are 0.5 % apart, about 3 of
    1000 random starts settle on the second (benchmarks/results/monitor.md).

    Parameters
    ----------
    operator : TensorOperator
    start : tensor (size,), optional
        A vector near the eigenvector, to which a little noise is added; by default random from `seed`, from a
        generator of its own.
    tolerance : float
        Of the residual, relative to max(|value|, least_scale).
    max_products : int
        At least 2: the last one is kept for the true residual.
    least_scale : float
        For values near 0, such as the smallest eigenvalue of a Hessian beside its largest.
    kept : int
        Number of Ritz vectors to return, fewer if there are fewer.
    rows : int
        Length of the basis before a restart, at least 4; it holds rows·size numbers.

    Raises
    ------
    InputError
        For a number outside its range, and a start that is zero or not finite.
    Unmeasured
        If products fail or are not finite.
    """
    require_operator("operator", operator)
    share("tolerance", tolerance)
    nonnegative("least_scale", least_scale)
    for name, value, least in (
        ("max_products", max_products, 2),
        ("kept", kept, 1),
        ("rows", rows, 4),
        ("seed", seed, 0),
    ):
        whole(name, value, least)
    krylov = Krylov(operator, _begin(operator, start, seed), rows, LOST * tolerance)
    rounding = require_torch().finfo(operator.dtype).eps
    look, ahead = (LEAST, COLD) if start is None else (0, WARM)
    spent, values = 0, [-math.inf] * STEADY
    previous: RitzPair | None = None
    while True:
        krylov.extend()
        spent += 1
        ritz, columns = krylov.ritz()
        values.append(float(ritz[0]))
        limit = tolerance * max(abs(values[-1]), least_scale)
        floor = rounding * abs(values[-1])
        estimate = krylov.beside * abs(float(columns[-1, 0]))
        steady = values[-1] - values[-1 - STEADY] <= max(STILL * limit, floor)
        last = krylov.closed or spent + 1 >= max_products
        if last or (spent + 1 >= look and steady and estimate <= max(ahead * limit, floor)):
            pair = _verified(operator, krylov, ritz, columns[:, :kept], spent + 1)
            spent += 1
            limit = tolerance * max(abs(pair.value), least_scale)
            noisy = previous is not None and pair.residual > max(2.0 * estimate, 0.5 * previous.residual)
            status = (
                "converged" if pair.residual <= limit else "noise_floor" if noisy or krylov.closed else ""
            )
            if status or last:
                return _with_status(pair, status or "budget")
            previous, look = pair, spent + AGAIN
        if krylov.done == krylov.most:
            krylov.restart(krylov.most // 2)


def _verified(
    operator: TensorOperator, krylov: Krylov, ritz: Array, columns: Array, products: int
) -> RitzPair:
    """Take the product that gives the true residual of the first Ritz vector."""
    vectors = krylov.combine(columns)
    vector = vectors[0] = vectors[0] / norm(vectors[0])
    image = product(operator, vector)
    value = dot(vector, image)
    residual = norm(require_torch().sub(image, vector, alpha=value))
    gap = float(ritz[0] - ritz[1]) if len(ritz) > 1 else math.inf
    estimate = min(residual, residual**2 / (gap - residual)) if gap > residual else residual
    return RitzPair(value, residual, estimate, "", products, vectors)


def _with_status(pair: RitzPair, status: str) -> RitzPair:
    return RitzPair(pair.value, pair.residual, pair.error_estimate, status, pair.products, pair.vectors)


def _begin(operator: TensorOperator, start: Any, seed: int) -> Any:
    torch = require_torch()
    draw = torch.Generator(operator.device).manual_seed(seed)
    kind = {"dtype": operator.dtype, "device": operator.device}
    noise = torch.randn(operator.size, generator=draw, **kind)
    if start is None:
        return noise
    if not isinstance(start, torch.Tensor) or start.shape != (operator.size,):
        raise bad("start", f"be a tensor of shape ({operator.size},)", shown(start))
    size = norm(start.detach())
    if not (math.isfinite(size) and size > 0.0):
        raise bad("start", "be finite and not zero", f"norm {size}")
    return start.detach().to(**kind) / size + (NOISE / norm(noise)) * noise


@dataclass(frozen=True, eq=False)
class Negated:
    """-A: its largest eigenvalue is the smallest of A, with the sign changed."""

    operator: TensorOperator

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return self.operator.size

    @property
    def device(self) -> Any:
        """Where the vectors lie."""
        return self.operator.device

    @property
    def dtype(self) -> Any:
        """Type of the vectors."""
        return self.operator.dtype

    def product(self, vector: Any) -> Any:
        """Minus the matrix times vector (size,)."""
        return -self.operator.product(vector)
