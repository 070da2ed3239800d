"""Layers of a product with the least Hessian trace, and that trace."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.errors import bad, expect
from stepscape.problems.product_measurements import ProductMeasurements
from stepscape.recovery.depth.program import inverse_roots, moments_trace, nuclear_norms, read_depth

Array = NDArray[np.float64]


def flat_product_trace(problem: ProductMeasurements, product: ArrayLike, depth: int | None = None) -> float:
    """2k Σ_b t_b^{2/k−1} ‖M_b^½ X_b N_b^½‖_*^{2−2/k}; for vectors 2k Σ_i D_ii |x_i|^{2−2/k}.

    M_b = (1/m) Σ A_i A_iᵀ, N_b = (1/m) Σ A_iᵀ A_i, t_b = tr M_b. It is the least tr ∇²L of all layers with
    the product X, exactly: for vectors at every depth; for k = 2; and for blocks of any depth if the second
    moment of the design is a product, (1/m) Σ_i ⟨A_i, S A_i R⟩ = tr(M S) tr(N R)/t in each block for
    symmetric S and R, as for A_i with independent entries of one variance and m → ∞. For another design of
    blocks, and k ≥ 3, it is an approximation.

    Proof for such a design: with P_j = W_k⋯W_{j+1}, Q_j = W_{j−1}⋯W_1 the trace of a block is twice
    ‖Q_k N^½‖² + ‖M^½ P_1‖² + Σ_{1<j<k} ‖M^½ P_j‖² ‖Q_j N^½‖²/t, which is at least k times the geometric mean
    of its k terms; their product is t^{2−k} Π_{j<k} ‖M^½ P_j‖² ‖Q_{j+1} N^½‖², and each of the k − 1
    factors is at least ‖M^½ X N^½‖_*², because P_j Q_{j+1} = X. `flat_product_layers` has equality.

    Source: Ding et al. (2024) for vectors, Gatmiry et al. (2023) for one block and isotropic measurements.
    """
    expect("problem", problem, ProductMeasurements)
    k = _finite_depth(problem, depth)
    norms = nuclear_norms(_moment_roots(problem)[0] @ _blocks(problem, product) @ _moment_roots(problem)[1])
    t = moments_trace(problem)
    weights = np.where(t > 0.0, t, 1.0) ** (2.0 / k - 1.0)
    return 2.0 * k * float(weights @ norms ** (2.0 - 2.0 / k))


def flat_product_layers(problem: ProductMeasurements, product: ArrayLike, depth: int | None = None) -> Array:
    """Return layers W_1, …, W_k with W_k⋯W_1 = X and the trace `flat_product_trace`.

    With the singular value decomposition M_b^½ X_b N_b^½ = U Σ Vᵀ of a block

        W_1 = a Σ^½ Vᵀ N_b^{−½},  W_k = a M_b^{−½} U Σ^½,  the others c I,

    c = (tr Σ/t_b)^{1/k}, a = c^{1−k/2}. For vectors |v_{j,i}| = |x_i|^{1/k}, and the first
    layer has the signs.

    Returns
    -------
    Array (k, d) or (k, B, s, s)

    Raises
    ------
    InputError
        If X is not 0 where no measurement sees it: no layers are flattest there.
    """
    expect("problem", problem, ProductMeasurements)
    k, blocks = _finite_depth(problem, depth), _blocks(problem, product)
    row_root, column_root = _moment_roots(problem)
    row_back, column_back = inverse_roots(problem.row_moments)[0], inverse_roots(problem.column_moments)[0]
    seen = row_back @ row_root @ blocks @ column_root @ column_back
    if np.linalg.norm(seen - blocks) > 1e-9 * np.linalg.norm(blocks):
        raise bad("product", "be 0 where no measurement sees it", "other numbers there", "set them to 0")
    # The first factor of LAPACK has the sign of a 1×1 matrix: here that is V.
    V, sizes, outer = np.linalg.svd((row_root @ blocks @ column_root).transpose(0, 2, 1))
    t = moments_trace(problem)
    ratio = sizes.sum(axis=1) / np.where(t > 0.0, t, 1.0)
    middle = ratio ** (1.0 / k)
    end = np.where(ratio > 0.0, ratio, 1.0) ** ((2.0 - k) / (2.0 * k))
    half = end[:, None] * np.sqrt(sizes)
    layers = np.empty((k, *blocks.shape))
    layers[1:-1] = middle[:, None, None] * np.eye(problem.block_size)
    layers[0] = half[:, :, None] * (V.transpose(0, 2, 1) @ column_back)
    layers[-1] = (row_back @ outer.transpose(0, 2, 1)) * half[:, None, :]
    return layers.reshape(k, *problem.shape)


def _finite_depth(problem: ProductMeasurements, depth: float | None) -> int:
    k = read_depth(problem, depth)
    if k == math.inf:
        raise bad("depth", "be finite", k)
    return int(k)


def _blocks(problem: ProductMeasurements, product: ArrayLike) -> Array:
    array = reals("product", product)
    if array.shape != problem.shape:
        raise bad("product", f"have shape {problem.shape}", array.shape)
    if not np.isfinite(array).all():
        raise bad("product", "be finite", f"{array[~np.isfinite(array)][0]} in it")
    return array.reshape(problem.block_design.shape[1:])


def _moment_roots(problem: ProductMeasurements) -> tuple[Array, Array]:
    return _roots(problem.row_moments), _roots(problem.column_moments)


def _roots(moments: Array) -> Array:
    values, vectors = np.linalg.eigh(moments)
    sizes = np.sqrt(np.maximum(values, 0.0))
    return np.asarray((vectors * sizes[:, None, :]) @ vectors.transpose(0, 2, 1))
