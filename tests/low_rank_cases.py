"""Small random measurements of each kind and structure, and what PyTorch says of their losses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import sparse

from stepscape.problems.linear_maps import Dense, Entries, LinearMap, RankOne, Sparse

KINDS = ("dense", "sparse", "rank one", "entries")
STRUCTURES = ("any", "symmetric", "psd")


def linear_map(
    kind: str, d1: int, d2: int, m: int, rng: np.random.Generator, symmetric: bool = False
) -> LinearMap:
    """Draw measurements; symmetric ones need d1 = d2."""
    if kind == "entries":
        rows = rng.integers(0, d1, m)
        return Entries(
            rows, rows if symmetric else rng.integers(0, d2, m), (d1, d2), rng.uniform(0.5, 2.0, m)
        )
    if kind == "rank one":
        left = rng.standard_normal((m, d1))
        return RankOne(left, left if symmetric else rng.standard_normal((m, d2)))
    matrices = rng.standard_normal((m, d1, d2)) * (kind == "dense" or rng.random((m, d1, d2)) < 0.4)
    if symmetric:
        matrices = matrices + matrices.transpose(0, 2, 1)
    return Dense(matrices) if kind == "dense" else Sparse(sparse.csr_array(matrices.reshape(m, -1)), (d1, d2))


def dense(given: LinearMap) -> np.ndarray:
    """Return the A_i (m, d1, d2), read off the definitions of the kinds."""
    if isinstance(given, Dense):
        return np.array(given.matrices)
    if isinstance(given, Sparse):
        return given.rows.toarray().reshape(-1, *given.shape)
    if isinstance(given, RankOne):
        return np.einsum("ij,ik->ijk", given.left, given.right)
    out = np.zeros((given.size, *given.shape))
    out[np.arange(given.size), given.rows, given.columns] = given.scales
    return out


def torch_matrix(
    theta: torch.Tensor, shape: tuple[int, int], widths: tuple[int, int], structure: str
) -> torch.Tensor:
    """X(θ)."""
    cut = shape[0] * widths[0]
    left, right = theta[:cut].reshape(shape[0], widths[0]), theta[cut:].reshape(shape[1], widths[1])
    return left @ right.T if structure == "any" else left @ left.T - right @ right.T


def torch_loss(
    given: LinearMap, labels: np.ndarray, widths: tuple[int, int], structure: str
) -> Callable[[torch.Tensor], torch.Tensor]:
    """(1/m) Σ (⟨A_i, X(θ)⟩ − b_i)²."""
    matrices, b = torch.tensor(dense(given)), torch.tensor(np.array(labels))

    def loss(theta: torch.Tensor) -> torch.Tensor:
        x = torch_matrix(theta, given.shape, widths, structure)
        return ((torch.einsum("ijk,jk->i", matrices, x) - b) ** 2).mean()

    return loss
