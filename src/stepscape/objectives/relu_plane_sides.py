"""An upper side for the sharpness of networks with inputs in R^d: σ − H is positive definite, by n numbers.

H = ΦᵀDΦ + R + Λ on the trained coordinates, Λ the weight decay of each block. R couples w2_j with
w̃_j = (w1_j, b1_j) through P_j, neuron by neuron. With T the diagonal of σ − Λ on w̃ and τ = σ − Λ on w2,
M = σ − Λ − R is positive definite where these are and every t_j = ⟨P_j, T⁻¹P_j⟩/τ is less than 1, and its
inverse has a closed form. By the Schur complements of [[M, ΦᵀD½], [D½Φ, 1]] then

    σ − H ≻ 0   ⇔   1 − N ≻ 0,    N = D½ Φ M⁻¹ Φᵀ D½   (n, n).

With e_ij = s_ij (z_ij + w2_j ⟨P_j, T⁻¹x̃_i⟩), the rows of Φ being (w2_j s_ij x̃_i, s_ij z_ij)_j and 1,

    N_ii' = √(D_i D_i') { Σ_j w2_j² s_ij s_i'j ⟨x̃_i, T⁻¹x̃_i'⟩ + Σ_j e_ij e_i'j/(τ (1 − t_j)) + 1/σ };

terms of frozen blocks drop out. A Cholesky factor of 1 − N less the rounding of N proves the left side.

Source: Haynsworth (1968), inertia additivity; Rump (2006) for positive definiteness by Cholesky.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stepscape.kernels import relu_plane
from stepscape.objectives.relu_plane_hessian import PlaneHessian

Array = NDArray[np.float64]
COUNTED = "inertia count"
MOST_INPUTS = 512  # beyond, a count costs more than a hundred products with the Hessian


def stays_below(operator: PlaneHessian, sigma: float) -> bool:
    """Whether it is proved that λ_max of an operator in unit 1 is at most σ + `operator.lost`."""
    with np.errstate(all="ignore"):
        found = _reduced(operator, sigma)
        if found is None:
            return False
        reduced, off = found
        left = (1.0 - off) * np.eye(len(reduced)) - reduced
    if not np.isfinite(left).all():
        return False
    try:
        np.linalg.cholesky(left)
    except np.linalg.LinAlgError:
        return False
    return True


def vector_beyond(operator: PlaneHessian, sigma: float) -> Array | None:
    """Return Φᵀ D½ u ((d + 2)k + 1,), u the top eigenvector of N: where λ_max > σ it is not blind to it."""
    with np.errstate(all="ignore"):
        found = _reduced(operator, sigma)
    if found is None or not np.isfinite(found[0]).all():
        return None
    at, out = operator.linear, np.empty(operator.size)
    g = np.sqrt(operator.curvature) * np.linalg.eigh(found[0])[1][:, -1]
    pulled = (g[:, None] * operator.points).T @ at.active
    relu_plane.unpack(at.outer[:, None, :] * pulled, np.einsum("mcb,mcb->mb", at.inner, pulled), out)
    out[-1] = g.sum()
    out *= operator.network.trained
    size = float(np.abs(out).max())
    return out / size if math.isfinite(size) and size > 0.0 else None


def _reduced(operator: PlaneHessian, sigma: float) -> tuple[Array, float] | None:
    """N (n, n), and how far it and a Cholesky factor of 1 − N are off at most, in norm; None unless M ≻ 0.

    A sum of m terms errs by m u of their sizes, which add up to the trace T of N with |z| ≤ ‖w̃‖ ‖x̃‖; a
    Cholesky factor by (n + 1) u times the trace of 1 − N.
    """
    at, points, rates = operator.linear, operator.points, operator.rates
    n, rests = len(points), sigma - rates * operator.decays  # operator in unit 1
    if not rests.min() > 0.0:
        return None
    rows = np.append(np.full(operator.network.dimension, rests[0]), rests[1])[:, None]
    trained = np.append(np.full(operator.network.dimension, rates[0]), rates[1])
    lengths = np.sqrt(np.sum(operator.coupling**2 / (rows * rests[2]), axis=1))
    if not lengths.max() * (1.0 + 2.0**-30) < 1.0:
        return None
    near, bent = np.zeros((n, n)), np.zeros((n, n))
    squares = reach = 0.0
    for active, inner, outer, p, t in zip(
        at.active, at.inner, at.outer, operator.coupling, lengths, strict=True
    ):
        share = np.sqrt(1.0 - t**2)
        e = active * (rates[2] * (points @ inner) + outer * (points @ (p / rows))) / share
        left = active * outer
        near += left @ left.T
        bent += e @ e.T
        pull = np.sqrt(np.sum((p / rows) ** 2, axis=0))
        sizes = rates[2] * np.sqrt(np.sum(inner * inner, axis=0)) + np.abs(outer) * pull
        squares += float(np.sum(outer**2))
        reach += float(np.sum((sizes / share) ** 2))
    root = np.sqrt(operator.curvature)
    total = near * ((points * (trained / rows[:, 0])) @ points.T) + bent / rests[2] + rates[3] / sigma
    far = np.sum(points * points, axis=1) * (trained.any() * squares + reach) / rests.min()
    most = float(operator.curvature @ (far + rates[3] / sigma))
    terms = 4.0 * n + operator.network.width + 4.0 * operator.network.dimension + 32.0
    off = 2.0**-51 * terms * most + 2.0**-52 * (n + 2.0) * (n + most)
    return root[:, None] * total * root, off
