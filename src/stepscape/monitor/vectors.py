"""Numbers of many parameters as one vector, with sums in float64 whatever the precision of the numbers.

A sum of 6·10⁵ squares in float32 is wrong by 1e-5, more than the error that is promised for an eigenvalue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stepscape.errors import bad, shown
from stepscape.objectives.require_torch import require_torch

CHUNK = 1 << 16  # numbers that are converted to float64 at once: they stay in a cache


def flatten(parts: Sequence[Any], dtype: Any) -> Any:
    """Return tensors as one vector (size,)."""
    return require_torch().cat([part.detach().reshape(-1).to(dtype) for part in parts])


def split(vector: Any, like: Sequence[Any]) -> list[Any]:
    """Cut a vector (size,) into tensors with the shapes and types of others."""
    pieces = vector.split([one.numel() for one in like])
    return [piece.reshape(one.shape).to(one.dtype) for piece, one in zip(pieces, like, strict=True)]


def matching(name: str, given: object, like: Sequence[Any]) -> list[Any]:
    """Read tensors with the shapes of others."""
    found = list(given) if isinstance(given, list | tuple) else []
    tensors = all(isinstance(one, require_torch().Tensor) for one in found)
    if not tensors or [one.shape for one in found] != [one.shape for one in like]:
        raise bad(name, "hold one tensor of the same shape for each chosen parameter", shown(given))
    return found


def dot(a: Any, b: Any) -> float:
    """Inner product of two vectors (size,), summed in float64."""
    return float(coefficients(a[None], b)[0])


def coefficients(rows: Any, vector: Any) -> Any:
    """Inner products (m,) of each row (m, size) with a vector (size,), in float64."""
    torch = require_torch()
    total = torch.zeros(len(rows), dtype=torch.float64, device=vector.device)
    for part, piece in zip(rows.split(CHUNK, dim=1), vector.split(CHUNK), strict=True):
        total += part.double() @ piece.double()
    return total


def norm(a: Any) -> float:
    """Euclidean norm of a vector (size,), summed in float64."""
    torch = require_torch()
    return float(torch.linalg.vector_norm(a, dtype=torch.float64))


def inner(a: Sequence[Any], b: Sequence[Any]) -> float:
    """Inner product of two lists of tensors, summed in float64."""
    return sum(dot(x.detach().reshape(-1), y.detach().reshape(-1)) for x, y in zip(a, b, strict=True))
