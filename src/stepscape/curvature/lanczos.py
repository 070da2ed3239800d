"""Largest algebraic eigenvalue by Lanczos, with its true residual."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import finite, number, whole
from stepscape.arguments import vector as one_each
from stepscape.curvature.operator import KrylovOperator, KrylovSteps, Operator, require_operator
from stepscape.errors import NotConverged, bad
from stepscape.kernels import vectors
from stepscape.memory import require_memory

Array = NDArray[np.float64]

CAPACITY = 64  # rows of the Krylov basis before a restart
PATIENCE = (
    4  # restarts after which the basis may grow to twice as many rows: close eigenvalues need long bases
)
LONGEST = 256  # rows of a basis that has grown
MOST_NUMBERS = 20_000_000  # numbers in it: 160 MB
FIRST_LOOK, LOOK_EVERY = 8, 2  # products before the first convergence check, and between checks
WARM_LOOK = 2  # products before the first check from a vector that is close; one more before each next


@dataclass(frozen=True, eq=False)
class Eigenpair:
    """An approximate largest eigenvalue.

    Attributes
    ----------
    value : float
        Rayleigh quotient of `vector`; a lower bound on the largest eigenvalue.
    residual : float
        ‖A·vector - value·vector‖, computed, not estimated: some eigenvalue lies within it of `value`. For the
        Hessian of a network a bound on the rounding of that product is part of it.
    vector : ndarray
        Unit vector.
    products : int
        Matrix-vector products spent, those of the check included.
    lower : float
        The largest eigenvalue is at least this, by default value - residual. For the Hessian of a network it
        is the Rayleigh quotient, less what rounding may have added to it.
    upper : float
        The largest eigenvalue is at most this; infinite if products are all that is known of the operator: no
        number of them excludes an eigenvalue whose vector all starts happen to be orthogonal to.
    upper_by : str
        How `upper` was found: "inertia count" (σ - A is positive definite, proved with the rounding), "trace"
        (a crude bound), or "not computed".
    """

    value: float
    residual: float
    vector: Array
    products: int
    lower: float = math.nan
    upper: float = math.inf
    upper_by: str = "not computed"

    def __post_init__(self) -> None:
        if math.isnan(self.lower):
            object.__setattr__(self, "lower", self.value - self.residual)

    @property
    def status(self) -> str:
        """Return "two-sided", or "lower bound" if there is no upper bound."""
        return "two-sided" if math.isfinite(self.upper) else "lower bound"

    @property
    def error(self) -> float:
        """How far the largest eigenvalue is from `value` at most; the residual if there is no upper bound."""
        if not math.isfinite(self.upper):
            return self.residual
        return max(self.upper - self.value, self.value - self.lower, 0.0)

    def exceeds(self, limit: float) -> bool | None:
        """Whether the largest eigenvalue exceeds a limit; None where its two sides do not decide it."""
        least = finite("limit", limit)
        if self.lower > least:
            return True
        return False if self.upper <= least else None

    def __repr__(self) -> str:
        above = f", at most {self.upper:.10g} ({self.upper_by})" if math.isfinite(self.upper) else ""
        return f"Eigenpair(value={self.value:.10g} ± {self.residual:.1e}{above}, products={self.products})"


def largest_eigenpair(
    operator: Operator, start: Array | None = None, tolerance: float = 1e-8, max_products: int = 5000
) -> Eigenpair:
    """Find the largest (algebraic) eigenvalue of a symmetric operator, from two starts.

    Lanczos begins at `start` (size,), which saves products if it is close to the eigenvector, or at a
    generic vector; and once more at a second generic vector that depends neither on the operator nor on the
    first. A start in the wrong eigenspace does not hide the largest eigenvalue, but it does not prove that
    none is larger: the result is a lower bound, and its `status` says so.

    A `KrylovOperator` makes the Lanczos steps itself; any other operator gives only products. Stops when the
    true residual is at most tolerance times the largest |Ritz value|, restarting from the best vector when
    the basis is full.

    Raises
    ------
    NotConverged
        If `max_products` are spent first from either start, or the products are so large or small that their
        squares overflow or vanish.
    """
    first = settle(operator, start, tolerance, max_products)
    krylov = _with_steps(operator)
    second = np.random.default_rng(19_520_711).standard_normal(operator.size) * (
        krylov.random_vector() != 0.0
    )
    other = settle(operator, second, tolerance, max_products)
    best = max(first, other, key=lambda pair: pair.value)
    return replace(best, products=first.products + other.products)


def settle(
    operator: Operator, start: Array | None = None, tolerance: float = 1e-8, max_products: int = 5000
) -> Eigenpair:
    """Like `largest_eigenpair`, from one start alone; a small generic part is mixed into it."""
    require_operator("operator", operator)
    if not 0.0 < number("tolerance", tolerance, "lie between 0 and 1") < 1.0:
        raise bad("tolerance", "lie between 0 and 1", tolerance)
    whole("max_products", max_products, 1)
    start = None if start is None else one_each("start", start, operator.size)
    krylov = _with_steps(operator)
    rows = min(CAPACITY, operator.size)
    basis, diagonal, beside = _space(rows, operator.size)
    _begin(krylov, start, basis[0])
    spent, done, restarts = 0, 0, 0
    look = FIRST_LOOK if start is None else WARM_LOOK
    while spent < max_products:
        want = min(done + look, rows)
        look = 1 if want < FIRST_LOOK else max(LOOK_EVERY, done // 32)
        reached = krylov.lanczos(basis, diagonal, beside, done, want)
        spent += reached - done
        done = reached
        if not all(map(math.isfinite, beside[:done].tolist())):
            raise _out_of_range()
        top, scale, weights = _top_of_tridiagonal(diagonal[:done], beside[: done - 1])
        closed = done < want or done == operator.size
        if closed or done == rows or abs(beside[done - 1] * weights[-1]) <= tolerance * scale:
            vector = np.empty(operator.size)
            vectors.combine(weights, basis, vector)
            image = operator.product(vector)
            spent += 1
            top, residual = vectors.rayleigh(vector, image)
            if not 1e-140 < residual < 1e140:
                residual = norm(image - top * vector)
            if residual <= 2.0 * tolerance * scale:
                return Eigenpair(top, residual, vector, spent)
            if done < want:
                raise _out_of_range()  # the space seemed invariant because squares vanished
            if done == rows or closed:
                restarts += 1
                if restarts % PATIENCE == 0 and 2 * rows * operator.size <= MOST_NUMBERS:
                    rows = min(2 * rows, operator.size, LONGEST)
                    basis, diagonal, beside = _space(rows, operator.size)
                basis[0], done, look = vector, 0, FIRST_LOOK
    raise NotConverged(
        f"the largest eigenvalue did not settle within {max_products} products (last value {top:.6g}, "
        f"estimated residual {abs(beside[done - 1] * weights[-1]):.1e}); "
        "raise the tolerance, or max_products of largest_eigenpair"
    )


def _with_steps(operator: Operator) -> KrylovOperator:
    return cast(KrylovOperator, operator) if _has_steps(type(operator)) else _Products(operator)


@lru_cache(maxsize=32)
def _has_steps(kind: type) -> bool:
    """Whether operators of this class have their own Lanczos steps; the answer costs ten products."""
    return issubclass(kind, KrylovSteps)


@dataclass(frozen=True, eq=False)
class _Products:
    """A `KrylovOperator` made of products alone."""

    operator: Operator

    @property
    def size(self) -> int:
        return self.operator.size

    def product(self, vector: Array) -> Array:
        return self.operator.product(vector)

    def random_vector(self) -> Array:
        vector = np.random.default_rng(20_251_201).standard_normal(self.size)
        return np.asarray(vector / np.linalg.norm(vector))

    def lanczos(self, basis: Array, diagonal: Array, beside: Array, first: int, last: int) -> int:
        return lanczos_steps(self.operator, basis, diagonal, beside, first, last)


def _space(rows: int, size: int) -> tuple[Array, Array, Array]:
    require_memory("size", size, 8 * (rows + 1) * size, "give fewer parameters")
    return np.empty((rows + 1, size)), np.empty(rows), np.empty(rows)


def _out_of_range() -> NotConverged:
    return NotConverged("the squares of the operator's products overflow or vanish; rescale the problem")


def norm(vector: Array) -> float:
    """Euclidean norm of numbers whose squares overflow or vanish."""
    largest = float(np.abs(vector).max())
    return largest * float(np.linalg.norm(vector / largest)) if largest > 0 else largest


def _begin(operator: KrylovOperator, start: Array | None, out: Array) -> None:
    noise = operator.random_vector()
    if start is None:
        out[:] = noise
        return
    size = vectors.mix(np.ascontiguousarray(start, dtype=np.float64), noise, 0.01, out)
    if not (math.isfinite(size) and size > 0):
        raise bad("start", "be a finite vector that is not zero", f"norm {size}")


def _top_of_tridiagonal(diagonal: Array, beside: Array) -> tuple[float, float, Array]:
    """Largest eigenvalue, largest |eigenvalue|, and the eigenvector of the largest."""
    from scipy.linalg.lapack import dstev

    if diagonal.size == 1:
        return float(diagonal[0]), float(abs(diagonal[0])), np.ones(1)
    values, columns, _ = dstev(diagonal, beside)
    return float(values[-1]), float(max(abs(values[0]), abs(values[-1]))), columns[:, -1]


def lanczos_steps(
    operator: Operator, basis: Array, diagonal: Array, beside: Array, first: int, last: int
) -> int:
    """Lanczos with full reorthogonalization for any operator, by its products alone.

    Rows of basis (m + 1, size) are the Krylov vectors; diagonal and beside (m,) the tridiagonal matrix.
    Returns the number of rows whose product was taken: less than `last` when the space is invariant.
    """

    def set_product(vector: Array, out: Array) -> None:
        out[:] = operator.product(vector)

    return extend(set_product, basis, diagonal, beside, first, last)


def extend(
    set_product: Callable[[Array, Array], None],
    basis: Array, diagonal: Array, beside: Array, first: int, last: int,
) -> int:  # fmt: skip
    """Like `lanczos_steps`, with products that `set_product` writes into its second argument."""
    inner = np.empty(last)
    for m in range(first, last):
        set_product(basis[m], basis[m + 1])
        diagonal[m], beside[m] = vectors.next_row(basis, m, inner)
        if beside[m] == 0.0:
            return m + 1
    return last
