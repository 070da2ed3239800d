"""Small problems of recovery of every kind and structure, and what CVXPY says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from stepscape.problems import Measurements
from stepscape.problems.linear_maps import Dense, Entries, LinearMap, RankOne, Sparse

EPS = float(np.finfo(np.float64).eps)
ANY = ("dense", "rank one", "entries", "sparse")
SYMMETRIC = ("dense", "rank one", "sparse")


def linear_map(kind: str, shape: tuple[int, int], m: int, rng: Any, symmetric: bool = False) -> LinearMap:
    if kind == "entries":
        seen = rng.permutation(shape[0] * shape[1])[:m]
        return Entries(seen // shape[1], seen % shape[1], shape, rng.uniform(0.5, 2.0, m))
    if kind == "rank one":
        left = rng.standard_normal((m, shape[0]))
        return RankOne(left, left if symmetric else rng.standard_normal((m, shape[1])))
    A = rng.standard_normal((m, *shape)) * (kind == "dense" or rng.random((m, *shape)) < 0.4)
    if symmetric:
        A = A + A.transpose(0, 2, 1)
    return Dense(A) if kind == "dense" else Sparse(sparse.csr_array(A.reshape(m, -1)), shape)


def truth(shape: tuple[int, int], rank: int, structure: str, rng: Any) -> np.ndarray:
    left = rng.standard_normal((shape[0], rank))
    if structure == "any":
        return left @ rng.standard_normal((rank, shape[1]))
    signs = np.where(np.arange(rank) % 2 == 1, -1.0, 1.0) if structure == "symmetric" else np.ones(rank)
    return (left * signs) @ left.T


def problem(
    kind: str, shape: tuple[int, int], m: int, seed: int, structure: str = "any", rank: int = 1
) -> Measurements:
    rng = np.random.default_rng(seed)
    X = truth(shape, rank, structure, rng)
    A = linear_map(kind, shape, m, rng, structure != "any")
    return Measurements(A, A.apply(X), structure, X)  # type: ignore[arg-type]


def matrices(p: Measurements) -> np.ndarray:
    """Every A_i in full (m, d1, d2)."""
    return np.array([p.adjoint(unit) for unit in np.eye(p.size)])


def roots(p: Measurements, objective: str) -> tuple[np.ndarray, np.ndarray]:
    """D1 and D2 by the definition; I for the other objectives."""
    if objective != "flattest":
        return np.eye(p.shape[0]), np.eye(p.shape[1])
    A = matrices(p)
    squares = (np.einsum("ijk,ilk->jl", A, A) / p.size, np.einsum("ikj,ikl->jl", A, A) / p.size)
    return tuple(root(square) for square in squares)  # type: ignore[return-value]


def root(square: np.ndarray, power: float = 0.5) -> np.ndarray:
    values, vectors = np.linalg.eigh(square)
    seen = values > 1e-12 * values[-1]
    return (vectors[:, seen] * values[seen] ** power) @ vectors[:, seen].T


def oracle(p: Measurements, objective: str, penalty: float = 0.0) -> float:
    """Return the least value by CVXPY and Clarabel, in Z = D1 X D2/s and with labels b/t.

    Clarabel's tolerances are absolute: s and t are such that all numbers are near 1.
    """
    import cvxpy as cp

    keywords = {"any": {}, "symmetric": {"symmetric": True}, "psd": {"PSD": True}}[p.structure]
    Z = cp.Variable(p.shape, **keywords)
    D1, D2 = roots(p, objective)
    size, unit = float(np.linalg.norm(D1, 2) * np.linalg.norm(D2, 2)), float(np.abs(p.labels).max())
    norm = cp.norm(Z, "fro") if objective == "frobenius norm" else cp.normNuc(Z)
    if p.structure == "psd" and objective != "frobenius norm":
        norm = cp.trace(Z)
    A = size * np.linalg.pinv(D1) @ matrices(p) @ np.linalg.pinv(D2)
    rest = A.reshape(p.size, -1) @ cp.vec(Z, order="C") - p.labels / unit
    if penalty == 0.0:
        return unit * size * float(cp.Problem(cp.Minimize(norm), [rest == 0.0]).solve(solver=cp.CLARABEL))
    soft = cp.sum_squares(rest) / p.size + penalty * size / unit * norm
    return unit**2 * float(cp.Problem(cp.Minimize(soft)).solve(solver=cp.CLARABEL))


def value_of(p: Measurements, X: np.ndarray, objective: str, penalty: float = 0.0) -> float:
    """Return what is minimized at X, by the definition."""
    D1, D2 = roots(p, objective)
    seen = D1 @ X @ D2
    norm = np.linalg.norm(X) if objective == "frobenius norm" else np.linalg.norm(seen, "nuc")
    return float(norm if penalty == 0.0 else p.loss(X) + penalty * norm)
