"""An orthonormal basis of a Krylov space that restarts from its best vectors."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, shown
from stepscape.monitor.failure import Unmeasured
from stepscape.monitor.orthogonality import Orthogonality
from stepscape.monitor.vectors import CHUNK, coefficients, dot, norm
from stepscape.objectives.require_torch import require_torch

Array = NDArray[np.float64]


class TensorOperator(Protocol):
    """A symmetric matrix known through its products with flat tensors."""

    @property
    def size(self) -> int:
        """Length of the vectors."""
        ...

    @property
    def device(self) -> Any:
        """Where the vectors lie."""
        ...

    @property
    def dtype(self) -> Any:
        """float32 or float64, of the vectors."""
        ...

    def product(self, vector: Any) -> Any:
        """Matrix times vector (size,)."""
        ...


class Krylov:
    """Lanczos with partial orthogonalization and thick restarts.

    Rows 0, …, done of `rows` are orthonormal up to inner products of about `lost`; `projection` is the matrix
    in the first `done` of them: tridiagonal, and after a restart an arrow before. With A the operator, V the
    rows and T the projection, A V = V T + beside · rows[done] e_doneᵀ. Vectors have the precision of the
    operator; inner products, norms and T are float64. A row is orthogonalized against those that T couples
    with it, and against all others where `Orthogonality` says so; once more where that leaves less than 0.7
    of the norm.

    Parameters
    ----------
    operator : TensorOperator
    start : tensor (size,), not zero
    most : int
        Length of the basis before a restart.
    lost : float
        Inner products of rows that are allowed, estimated; 0 for orthogonality up to rounding.

    References
    ----------
    Daniel, Gragg, Kaufman and Stewart (1976), Mathematics of Computation 30; Wu and Simon (2000), SIAM J.
    Matrix Anal. Appl. 22.
    """

    def __init__(self, operator: TensorOperator, start: Any, most: int, lost: float = 0.0) -> None:
        torch = require_torch()
        self._operator = operator
        self.most = min(most, operator.size)
        shape = (self.most + 1, operator.size)
        self.rows = torch.empty(shape, dtype=operator.dtype, device=operator.device)
        self.rows[0] = start / norm(start)
        self.projection = np.zeros((self.most + 1, self.most + 1))
        rounding = torch.finfo(operator.dtype).eps
        self._orthogonality = Orthogonality(self.most, lost, rounding)
        self.done, self.beside, self.closed = 0, 0.0, False

    def extend(self) -> None:
        """Take one more product; `closed` says that the space is invariant."""
        j = self.done
        image = self._operator.product(self.rows[j])
        diagonal = dot(self.rows[j], image)
        new = require_torch().sub(image, self.rows[j], alpha=diagonal, out=self.rows[j + 1])
        coupled = self.projection[:j, j]
        for i in coupled.nonzero()[0]:
            new.sub_(self.rows[i], alpha=float(coupled[i]))
        after = norm(new)
        scale = math.hypot(diagonal, after, *coupled)
        if not math.isfinite(scale * scale):
            raise _not_finite(image)
        self.projection[j, j] = diagonal
        if self._orthogonality.lost(self.projection[: j + 1, : j + 1], after, scale):
            after = self._orthogonalize(new, after)
        self.beside, self.done = after, j + 1
        rounding = 16.0 * require_torch().finfo(self.rows.dtype).eps
        self.closed = self.done == self._operator.size or after <= rounding * scale
        if not self.closed:
            new /= after
            self.projection[j, j + 1] = self.projection[j + 1, j] = after

    def _orthogonalize(self, new: Any, before: float) -> float:
        """Orthogonalize the next row, of norm `before`, against all others, and return its norm."""
        j = self.done
        for _ in range(2):
            inner = coefficients(self.rows[: j + 1], new).to(new)
            new.addmv_(self.rows[: j + 1].T, inner, alpha=-1.0)
            self.projection[j, j] += float(inner[j])
            after = norm(new)
            if after >= 0.7 * before:
                break
            before = after
        return after

    def restart(self, kept: int) -> None:
        """Keep the Ritz vectors of the largest Ritz values, and the next row."""
        values, columns = self.ritz()
        values, columns = values[:kept], columns[:, :kept]
        for part in self.rows.split(CHUNK, dim=1):
            part[:kept] = _like(columns.T, part) @ part[: self.done]
        self.rows[kept] = self.rows[self.done]
        self.projection[:] = 0.0
        self.projection[range(kept), range(kept)] = values
        arrow = self.beside * columns[-1]
        self.projection[:kept, kept] = self.projection[kept, :kept] = arrow
        self.done = kept
        self._orthogonality.restart(kept)

    def ritz(self) -> tuple[Array, Array]:
        """Ritz values, the largest first, and their coefficients in the rows (done, done) as columns."""
        values, columns = np.linalg.eigh(self.projection[: self.done, : self.done])
        return values[::-1], columns[:, ::-1]

    def combine(self, columns: Array) -> Any:
        """Vectors (k, size) with these coefficients (done, k) in the rows."""
        return _like(columns.T, self.rows) @ self.rows[: self.done]


def _like(numbers: Array, rows: Any) -> Any:
    return require_torch().from_numpy(numbers.copy()).to(rows)


def require_operator(name: str, value: object) -> None:
    """Refuse what has no size, device and type, and no product with a tensor."""
    known = isinstance(getattr(value, "size", None), int) and isinstance(
        getattr(value, "dtype", None), require_torch().dtype
    )
    if not known or not callable(getattr(value, "product", None)):
        must = "be an operator, with size, device, dtype and a method product"
        raise bad(name, must, shown(value), "a Probe makes one")


def product(operator: TensorOperator, vector: Any) -> Any:
    """Take a product, and refuse one that is not finite."""
    image = operator.product(vector)
    if not math.isfinite(norm(image)):
        raise _not_finite(image)
    return image


def _not_finite(image: Any) -> Unmeasured:
    overflow = bool(require_torch().isfinite(image).all())
    return Unmeasured(
        "nonfinite",
        "the square of a Hessian product overflows; rescale the loss"
        if overflow
        else "a Hessian product is not finite; the loss overflows or is undefined here",
    )
