"""Two linear smoothers along a path of penalties: the cubic smoothing spline, and ridge in features.

A smoother is fitted to labels less their mean, which is added again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def spline_path(x: Array, y: Array, at: Array, penalties: Array) -> Array:
    """Minimize Σ (f(x_i) − y_i)² + λ ∫ f''² for every λ; values (penalties, points) at `at`, x increasing."""
    from scipy.interpolate import make_smoothing_spline

    mean = float(y.mean())
    return np.array([mean + make_smoothing_spline(x, y - mean, lam=float(lam))(at) for lam in penalties])


def ridge_path(features: Array, y: Array, at: Array, penalties: Array) -> Array:
    """Minimize |Φθ − y|² + λ|θ|² for every λ; Φ (n, p), `at` (m, p), values (penalties, m).

    It is kernel ridge regression with the kernel ΦΦᵀ: f = A Φᵀ (ΦΦᵀ + λ)⁻¹ y.
    """
    mean = float(y.mean())
    values, vectors = np.linalg.eigh(features @ features.T)
    turned, cross = vectors.T @ (y - mean), at @ (features.T @ vectors)
    return np.array([mean + cross @ (turned / (np.maximum(values, 0.0) + lam)) for lam in penalties])
