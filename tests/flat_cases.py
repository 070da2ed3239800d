"""Small low-rank problems of every kind, and their loss once more in torch, entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.factorization import Factorization
from stepscape.problems import Measurements
from stepscape.problems.linear_maps import Dense, Entries, RankOne, Sparse

EPS = float(np.finfo(np.float64).eps)
SYMMETRIC = ("dense", "rank one")


def linear_map(kind: str, shape: tuple[int, int], m: int, seed: int, symmetric: bool = False) -> Any:
    rng = np.random.default_rng(seed)
    if kind == "dense":
        A = rng.standard_normal((m, *shape))
        return Dense(A + A.transpose(0, 2, 1) if symmetric else A)
    if kind == "rank one":
        left = rng.standard_normal((m, shape[0]))
        return RankOne(left, left if symmetric else rng.standard_normal((m, shape[1])))
    places = np.concatenate([np.arange(max(shape)) * k for k in (1, 2)])  # every row and column is seen
    rows = np.concatenate([places % shape[0], rng.integers(0, shape[0], m)])
    columns = np.concatenate([places % shape[1], rng.integers(0, shape[1], m)])
    if kind == "entries":
        return Entries(rows, columns, shape, rng.uniform(0.5, 2.0, rows.size))
    from scipy import sparse

    kept = rng.random((m, shape[0] * shape[1])) < 0.4
    return Sparse(sparse.csr_array(np.where(kept, rng.standard_normal(kept.shape), 0.0)), shape)


KINDS = ("dense", "rank one", "entries", "sparse")


def problem(
    kind: str, shape: tuple[int, int], m: int, seed: int, structure: str = "any", rank: int = 2
) -> Measurements:
    """Make a problem with noiseless labels of a random truth of the structure."""
    A = linear_map(kind, shape, m, seed, structure != "any")
    truth = factors(shape, rank, seed + 1, structure).matrix
    return Measurements(A, A.apply(truth), structure, truth, 0.0)  # type: ignore[arg-type]


def factors(shape: tuple[int, int], width: int, seed: int, structure: str = "any") -> Factorization:
    rng = np.random.default_rng(seed)
    second = {"any": width, "symmetric": max(width - 1, 1), "psd": 0}[structure]
    left, right = rng.standard_normal((shape[0], width)), rng.standard_normal((shape[1], second))
    return Factorization(left, right, structure)  # type: ignore[arg-type]


def matrices(measurements: Measurements) -> np.ndarray:
    """Every A_i in full (m, d1, d2)."""
    return np.array([measurements.adjoint(unit) for unit in np.eye(measurements.size)])


def torch_hessian(measurements: Measurements, at: Factorization) -> np.ndarray:
    """Hessian of the loss in the parameters of the factors, by automatic differentiation."""
    import torch

    A, b = torch.tensor(matrices(measurements)), torch.tensor(measurements.labels)
    cut, first, second = at.left.size, at.left.shape, at.right.shape  # type: ignore[union-attr]

    def loss(theta: Any) -> Any:
        left, right = theta[:cut].reshape(first), theta[cut:].reshape(second)
        X = left @ right.T if at.structure == "any" else left @ left.T - right @ right.T
        return torch.mean((torch.sum(A * X, dim=(1, 2)) - b) ** 2)

    theta = torch.tensor(at.parameters)
    return torch.autograd.functional.hessian(loss, theta).numpy()


def nuclear(matrix: np.ndarray) -> float:
    return float(np.linalg.svd(matrix, compute_uv=False).sum())
