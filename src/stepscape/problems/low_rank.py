"""Matrices of low rank that are to be recovered from random measurements.

The factors of every truth have independent entries N(0, 1), so that an entry of a truth of rank r has the
variance r. `noise` is the standard deviation of each label, in the units of the labels. One seed gives the
same truth whatever is measured, and a larger m adds measurements to those of a smaller one.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import nonnegative, reals, share, whole, word
from stepscape.errors import bad, shown
from stepscape.factorization import Structure
from stepscape.memory import require_memory
from stepscape.network import generator
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.linear_maps import Dense, Entries, LinearMap, RankOne, Sparse
from stepscape.problems.measurements import Measurements

Array = NDArray[np.float64]
Ensemble = Literal["gaussian", "rademacher", "sparse"]
ENSEMBLES = ("gaussian", "rademacher", "sparse")
DENSE_BYTES = 20  # that an entry of a dense A_i takes while it is drawn, copied and checked
SPARSE_BYTES = 64  # that a stored entry of a sparse A_i takes
VECTOR_BYTES = 40  # that an entry of a measurement vector takes
MATRIX_BYTES = 64  # that an entry of the truth takes, with its copies and the permutation of the entries


class _Draw(NamedTuple):
    """A truth M = L Rᵀ, and the streams of what is drawn next."""

    left: Array
    right: Array
    maps: np.random.Generator
    noise: np.random.Generator

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.left), len(self.right)


def matrix_sensing(
    d1: int = 20,
    d2: int = 20,
    rank: int = 2,
    m: int = 300,
    noise: float = 0.0,
    seed: int = 0,
    ensemble: Ensemble = "gaussian",
    density: float = 0.05,
) -> Measurements:
    """Labels ⟨A_i, M⟩ + noise·N(0, 1) of a matrix M (d1, d2) of low rank.

    Parameters
    ----------
    d1, d2, rank, m : int
        Shape and rank of M; number of measurements.
    noise : float
        Standard deviation of each label.
    seed : int
    ensemble : "gaussian" | "rademacher" | "sparse"
        Entries of the A_i: N(0, 1); ±1 with probability ½; or round(density·d1·d2) of them, at least one, at
        random places, with the values N(0, 1)·√(d1·d2/their number), and 0 elsewhere. In each case an
        entry has the mean square 1.
    density : float
        Share of the entries that are not 0 if the ensemble is "sparse"; those A_i are never held in full.
    """
    word("ensemble", ensemble, ENSEMBLES)
    draw, count = _any(d1, d2, rank, seed), whole("m", m, 1)
    shape = draw.shape
    linear_map: LinearMap
    if ensemble == "sparse":
        linear_map = _sparse(draw.maps, count, shape, share("density", density))
    else:
        require_memory("m", count, DENSE_BYTES * count * shape[0] * shape[1], "take fewer measurements")
        matrices = draw.maps.standard_normal((count, *shape))
        linear_map = Dense(matrices if ensemble == "gaussian" else np.copysign(1.0, matrices))
    return _measured(linear_map, draw, noise, "any", f"{ensemble} matrix sensing")


def bilinear_sensing(
    d1: int = 20, d2: int = 20, rank: int = 2, m: int = 300, noise: float = 0.0, seed: int = 0
) -> Measurements:
    """Labels a_iᵀ M b_i + noise·N(0, 1), the entries of a_i (d1,) and b_i (d2,) independent N(0, 1)."""
    draw = _any(d1, d2, rank, seed)
    vectors = _vectors(draw.maps, m, sum(draw.shape))
    return _measured(RankOne(vectors[:, :d1], vectors[:, d1:]), draw, noise, "any", "bilinear sensing")


def matrix_completion(
    d1: int = 20,
    d2: int = 20,
    rank: int = 2,
    m: int | None = None,
    noise: float = 0.0,
    seed: int = 0,
    mask: ArrayLike | None = None,
) -> Measurements:
    """Labels M_jk + noise·N(0, 1) of some entries of a matrix of low rank, each seen once.

    Parameters
    ----------
    m : int, optional
        Number of entries, which are chosen uniformly; a row or a column may be missed. By default three
        quarters of all entries.
    mask : array_like (d1, d2) of bool, optional
        Which entries are seen, instead of m.
    """
    draw = _any(d1, d2, rank, seed)
    if mask is None:
        entries = draw.shape[0] * draw.shape[1]
        count = whole("m", -(-3 * entries // 4) if m is None else m, 1, entries)
        seen = draw.maps.permutation(entries)[:count]
    elif m is None:
        seen = np.flatnonzero(_mask(mask, draw.shape))
    else:
        raise bad("m and mask", "not be given both", f"m={shown(m)} and a mask")
    rows, columns = np.divmod(seen, draw.shape[1])
    return _measured(Entries(rows, columns, draw.shape), draw, noise, "any", "matrix completion")


def matrix_factorization(
    d1: int = 20, d2: int = 20, rank: int = 2, noise: float = 0.0, seed: int = 0
) -> Measurements:
    """Labels M_jk + noise·N(0, 1) of every entry: nothing is missing, and X = M is the one zero of the loss.

    The loss is a mean over the m = d1·d2 entries, ‖L Rᵀ − M‖_F²/(d1·d2). The literature writes
    ‖L Rᵀ − M‖_F², whose gradients, Hessians and traces are d1·d2 times as large, and whose step sizes are
    d1·d2 times as small. With d1 = d2 = 1 it is (xy − M)².
    """
    draw = _any(d1, d2, rank, seed)
    rows, columns = (places.ravel() for places in np.indices(draw.shape))
    return _measured(Entries(rows, columns, draw.shape), draw, noise, "any", "matrix factorization")


def phase_retrieval(d: int = 20, m: int = 80, noise: float = 0.0, seed: int = 0) -> Measurements:
    """Labels ⟨x_i, u⟩² + noise·N(0, 1) of a vector u (d,), x_i ~ N(0, I): M = u uᵀ, u up to its sign."""
    return _quadratic(d, 1, 0, m, noise, seed, "psd", "phase retrieval")


def covariance_sensing(
    d: int = 20, rank: int = 2, m: int = 150, noise: float = 0.0, seed: int = 0
) -> Measurements:
    """Labels x_iᵀ M x_i + noise·N(0, 1) of a positive semidefinite matrix M (d, d), x_i ~ N(0, I)."""
    return _quadratic(
        d, whole("rank", rank, 1, whole("d", d, 1)), 0, m, noise, seed, "psd", "covariance sensing"
    )


def quadratic_network(
    d: int = 20, positive: int = 1, negative: int = 1, m: int = 150, noise: float = 0.0, seed: int = 0
) -> Measurements:
    """Labels Σ_j s_j ⟨x_i, u_j⟩² + noise·N(0, 1) of a two-layer network with quadratic activations.

    The teacher has `positive` neurons with the output weight s_j = 1 and `negative` ones with −1; the entries
    of its u_j and of the inputs x_i (d,) are N(0, 1). M = Σ_j s_j u_j u_jᵀ is all that labels can tell of it.
    """
    return _quadratic(d, positive, negative, m, noise, seed, "symmetric", "quadratic network")


def robust_pca(
    d1: int = 20,
    d2: int = 20,
    rank: int = 2,
    corrupted: float = 0.05,
    noise: float = 0.0,
    seed: int = 0,
    magnitude: float = 10.0,
) -> CorruptedMatrix:
    """Y = M + S + noise·N(0, 1): a matrix of low rank with errors S in some entries.

    Parameters
    ----------
    corrupted : float
        Share of the entries with an error, from 0 to 1: round(corrupted·d1·d2) of them, chosen uniformly.
    noise : float
        Standard deviation of every entry of Y around M + S.
    magnitude : float
        The errors are magnitude·N(0, 1). The budget of the problem is the sum of their magnitudes.
    """
    draw, wrong = _any(d1, d2, rank, seed), nonnegative("corrupted", corrupted)
    if wrong > 1.0:
        raise bad("corrupted", "be a share from 0 to 1", wrong)
    sigma, size = nonnegative("noise", noise), nonnegative("magnitude", magnitude)
    truth = draw.left @ draw.right.T
    places = draw.maps.permutation(truth.size)[: round(wrong * truth.size)]
    errors = np.zeros(truth.size)
    with np.errstate(over="ignore"):  # the problem refuses what is not finite
        errors[places] = size * draw.maps.standard_normal(places.size)
        observed = truth + errors.reshape(truth.shape) + sigma * draw.noise.standard_normal(truth.shape)
        budget = float(np.abs(errors).sum())
    return CorruptedMatrix(observed, budget, truth, sigma, "robust PCA")


def _any(d1: int, d2: int, rank: int, seed: int) -> _Draw:
    """Draw M = L Rᵀ."""
    rows, columns = whole("d1", d1, 1), whole("d2", d2, 1)
    size = whole("rank", rank, 1, min(rows, columns))
    require_memory(
        "d1 and d2", f"{rows} and {columns}", MATRIX_BYTES * rows * columns, "take a smaller matrix"
    )
    truth, maps, noise = _streams(seed)
    return _Draw(truth.standard_normal((rows, size)), truth.standard_normal((columns, size)), maps, noise)


def _quadratic(
    d: int, positive: int, negative: int, m: int, noise: float, seed: int, structure: Structure, name: str
) -> Measurements:
    """Labels of M = U diag(s) Uᵀ by x_i x_iᵀ."""
    rows, ones, minus = whole("d", d, 1), whole("positive", positive), whole("negative", negative)
    if not 1 <= ones + minus <= rows:
        raise bad("positive + negative", f"lie between 1 and d = {rows}", ones + minus)
    require_memory("d", rows, MATRIX_BYTES * rows**2, "take a smaller matrix")
    truth, maps, stream = _streams(seed)
    neurons = truth.standard_normal((rows, ones + minus))
    signs = np.repeat([1.0, -1.0], [ones, minus])
    inputs = _vectors(maps, m, rows)
    draw = _Draw(neurons * signs, neurons, maps, stream)
    return _measured(RankOne(inputs, inputs), draw, noise, structure, name)


def _streams(seed: int) -> list[np.random.Generator]:
    """Return random numbers for the truth, for what is measured, and for the noise of the labels."""
    # One stream for each: what is measured changes neither the truth nor the noise of a label.
    return generator(seed).spawn(3)


def _vectors(rng: np.random.Generator, m: int, size: int) -> Array:
    """Draw one measurement vector per row."""
    require_memory("m", m, VECTOR_BYTES * whole("m", m, 1) * size, "take fewer measurements")
    return rng.standard_normal((m, size))


def _measured(
    linear_map: LinearMap, draw: _Draw, noise: float, structure: Structure, name: str
) -> Measurements:
    """Label the truth."""
    sigma = nonnegative("noise", noise)
    truth = draw.left @ draw.right.T
    if structure != "any":
        truth = (truth + truth.T) / 2.0  # of a difference of squares it is symmetric only up to rounding
    with np.errstate(over="ignore"):  # the problem refuses labels that are not finite
        labels = linear_map.apply(truth) + sigma * draw.noise.standard_normal(linear_map.size)
    return Measurements(linear_map, labels, structure, truth, sigma, name)


def _sparse(rng: np.random.Generator, m: int, shape: tuple[int, int], density: float) -> Sparse:
    """Draw A_i with the same number of entries each, one after another."""
    from scipy import sparse

    size = shape[0] * shape[1]
    held = max(1, round(density * size))
    require_memory("m", m, SPARSE_BYTES * m * held, "take fewer measurements")
    places, values = np.empty((m, held), dtype=np.int64), np.empty((m, held))
    for i in range(m):
        places[i] = np.sort(rng.choice(size, held, replace=False))
        values[i] = rng.standard_normal(held)
    ends = held * np.arange(m + 1, dtype=np.int64)
    values *= np.sqrt(size / held)
    return Sparse(sparse.csr_array((values.ravel(), places.ravel(), ends), shape=(m, size)), shape)


def _mask(values: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    array = reals("mask", values)
    if array.shape != shape:
        raise bad("mask", f"have shape {shape}", array.shape)
    if not np.isin(array, (0.0, 1.0)).all():
        raise bad("mask", "hold True and False", f"{array[~np.isin(array, (0.0, 1.0))][0]:g} in it")
    if not array.any():
        raise bad("mask", "hold at least one True", "none")
    return np.asarray(array == 1.0)
