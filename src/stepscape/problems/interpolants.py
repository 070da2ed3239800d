"""Functions through every label, one for each way of overfitting: benign, tempered, catastrophic.

    nadaraya_watson   Σ w_i y_i / Σ w_i with the singular weights w_i = |x − x_i|^(−β), a spike at each
                      label; with β = 1 on the line its excess risk vanishes, slowly, like 1/log n
    connect_the_dots  piecewise linear: the labels' noise adds (2/3)σ² to its risk at every n
    nearest           the label of the nearest input: it adds σ²
    polynomial        of degree n − 1: between equispaced inputs it swings like 2^n

Values at the inputs themselves are the labels. Inputs must differ.

Source: Mallinar et al. (2022), "Benign, tempered, or catastrophic"; the singular kernel: Belkin, Rakhlin and
Tsybakov (2019); the formula of the polynomial: Higham (2004).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad

Array = NDArray[np.float64]


def nadaraya_watson(at: Array, x: Array, y: Array, power: float = 1.0) -> Array:
    """Singular-kernel average at points (m,) of labels y (n,) at inputs x (n,); `power` is β.

    Weights are formed in logarithms, relative to the largest.
    """
    distance = np.abs(np.subtract.outer(at, _distinct(x)))
    with np.errstate(divide="ignore"):
        log = -power * np.log(distance)
    top = log.max(axis=1, keepdims=True)
    known = np.isfinite(top)
    weights = np.exp(log - np.where(known, top, 0.0))
    average = (weights @ y) / np.where(known[:, 0], weights.sum(axis=1), 1.0)
    return np.where(known[:, 0], average, y[distance.argmin(axis=1)])


def connect_the_dots(at: Array, x: Array, y: Array) -> Array:
    """Piecewise linear interpolation; constant beyond the ends."""
    order = np.argsort(_distinct(x))
    return np.asarray(np.interp(at, x[order], y[order]))


def nearest(at: Array, x: Array, y: Array) -> Array:
    """Return the label of the nearest input, the first of two that are equally near."""
    return np.asarray(y[np.abs(np.subtract.outer(at, _distinct(x))).argmin(axis=1)])


def polynomial(at: Array, x: Array, y: Array) -> Array:
    """Interpolate by the polynomial of degree n − 1, in the first barycentric form.

        p(x) = ℓ(x) Σ_j w_j y_j / (x − x_j),   ℓ(x) = Π (x − x_j),   w_j = 1/Π_{k≠j} (x_j − x_k),

    with each factor in logarithms: the form is backward stable for any inputs.
    """
    gaps = np.subtract.outer(_distinct(x), x)
    np.fill_diagonal(gaps, 1.0)
    log_weights, signs = -np.log(np.abs(gaps)).sum(axis=1), np.sign(gaps).prod(axis=1)
    away = np.subtract.outer(at, x)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.abs(away))
        terms = np.exp(logs.sum(axis=1, keepdims=True) - logs + log_weights)
        value = (np.sign(away).prod(axis=1, keepdims=True) * np.sign(away) * signs * terms) @ y
    return np.asarray(np.where((away == 0.0).any(axis=1), y[np.abs(away).argmin(axis=1)], value))


INTERPOLANTS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "singular_kernel": nadaraya_watson,
    "steep_kernel": partial(nadaraya_watson, power=3.0),
    "dots": connect_the_dots,
    "nearest": nearest,
    "polynomial": polynomial,
}


def _distinct(x: Array) -> Array:
    """Return inputs that differ, or refuse them."""
    if np.unique(x).size < x.size:
        raise bad("inputs", "differ from each other to interpolate", "repeats", "merge them")
    return x
