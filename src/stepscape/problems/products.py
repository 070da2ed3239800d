"""Random products of layers with a sparse truth: a vector, or blocks of low rank.

One seed gives the same truth at every m and depth, and a larger m adds measurements to those of a smaller
one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import nonnegative, whole
from stepscape.memory import require_memory
from stepscape.network import generator
from stepscape.problems.product_measurements import ProductMeasurements

Array = NDArray[np.float64]
BYTES = 26  # that one number of the design takes at most: itself, the copies that are checked, masks


def hadamard(
    d: int = 100, nonzero: int = 3, m: int = 50, depth: int = 2, noise: float = 0.0, seed: int = 0
) -> ProductMeasurements:
    """Return m measurements of a vector x = v_k ⊙ … ⊙ v_1 with few nonzero numbers.

    Parameters
    ----------
    d, nonzero : int
        Length of the truth, and how many of its numbers are not 0: N(0, 1), at random places.
    m : int
        Number of measurements: rows of N(0, 1).
    depth : int
        Number k of layers, at least 2.
    noise : float
        Standard deviation of the labels.
    seed : int

    Source: Ding et al. (2024), the figure on the effect of depth.
    """
    d = whole("d", d, 1)
    r, m, sigma = whole("nonzero", nonzero, 0, d), whole("m", m, 1), nonnegative("noise", noise)
    require_memory("m", m, BYTES * m * d, "take fewer measurements, or a smaller d")
    rng, rows, errors = generator(seed).spawn(3)
    truth = np.zeros(d)
    truth[rng.choice(d, r, replace=False)] = rng.standard_normal(r)
    return _measured(rows.standard_normal((m, d)), truth, depth, sigma, errors, "hadamard")


def block_network(
    blocks: int = 4,
    size: int = 5,
    nonzero: int = 1,
    rank: int = 1,
    m: int = 60,
    depth: int = 2,
    noise: float = 0.0,
    seed: int = 0,
) -> ProductMeasurements:
    """Return m measurements of a product W_k⋯W_1 of layers with `blocks` diagonal blocks `size`×`size`.

    Parameters
    ----------
    blocks, size : int
        B and s: size 1 is the vector of `hadamard` (X of shape (B, 1, 1)), blocks 1 is a full matrix.
    nonzero, rank : int
        How many blocks of the truth are not 0, at random places, and the rank of each: G Hᵀ with entries
        N(0, 1).
    m, depth, noise, seed
        As in `hadamard`; every A_i has entries N(0, 1).
    """
    B, s = whole("blocks", blocks, 1), whole("size", size, 1)
    active, r = whole("nonzero", nonzero, 0, B), whole("rank", rank, 1, s)
    m, sigma = whole("m", m, 1), nonnegative("noise", noise)
    require_memory("m", m, BYTES * m * B * s * s, "take fewer measurements, or smaller or fewer blocks")
    rng, rows, errors = generator(seed).spawn(3)
    truth = np.zeros((B, s, s))
    left, right = rng.standard_normal((2, active, s, r))
    truth[rng.choice(B, active, replace=False)] = left @ right.transpose(0, 2, 1)
    return _measured(rows.standard_normal((m, B, s, s)), truth, depth, sigma, errors, "block network")


def _measured(
    design: Array, truth: Array, depth: int, noise: float, rng: np.random.Generator, name: str
) -> ProductMeasurements:
    m = len(design)
    labels = design.reshape(m, -1) @ truth.ravel() + noise * rng.standard_normal(m)
    return ProductMeasurements(design, labels, depth, truth, noise, name)
