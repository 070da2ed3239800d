"""Half-space depth (Tukey depth): how much of a data set the emptiest half-space through a point holds.

    depth(x) = min over directions u of P(u·(X − x) ≥ 0),

with X the (weighted) distribution of the inputs. A point of large depth cannot be cut off: every half-space
that reaches it is held by many inputs, its weight g is not small, and flatness controls a network there. A
point outside the hull has depth 0, an input on a sphere only its own mass.

In one and two dimensions the minimum is over finitely many sets and is found. In more it is hard to find, and
every direction gives an upper bound. Besides random directions and those from the inputs' mean and from 0 to
the point, hyperplanes through the point and d − 1 inputs are tried, turned a little so that these inputs fall
out: for inputs in general position one of them is the best there is.

Source: Tukey (1975); Liang, Cloninger, Parhi and Wang (2025), as summarized, for what depth has to do with
flatness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import whole
from stepscape.errors import bad
from stepscape.network import generator
from stepscape.theory.certificate import EPS
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.plane.half_space import averages, lengths, points

_NUMBERS = 2**20  # directions times inputs that are held at the same time


@dataclass(frozen=True, eq=False)
class DepthBound:
    """Upper bounds on the half-space depth of m points.

    Attributes
    ----------
    value : (m,), P(u·(X − x) ≥ 0), the depth itself if `exact`.
    direction : (m, d), u.
    exact : whether the inputs have one or two variables.
    """

    value: FloatArray
    direction: FloatArray
    exact: bool

    def __repr__(self) -> str:
        kind = "exact" if self.exact else "upper bounds"
        return f"DepthBound({self.value.size} points, depth at most {self.value.max():.3g}, {kind})"


def depth_bound(
    at: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None = None,
    directions: int = 500,
    seed: int = 0,
) -> DepthBound:
    """Bound the half-space depth of points in a data set from above.

    Parameters
    ----------
    at : (m, d), the points; an input counts itself.
    inputs, weights : (n, d) and (n,); the weights are normalized, None means 1/n each.
    directions : number of random directions, and of random sets of d − 1 inputs, tried at each point; with
        more of them the bound is never larger. Not used in one and two dimensions.
    seed : of the random numbers.
    """
    x = points("inputs", inputs)
    where, v = points("at", at), averages(weights, x)
    if where.shape[1] != x.shape[1]:
        raise bad("at", f"have {x.shape[1]} columns, like the inputs", where.shape[1])
    count, d = whole("directions", directions, 1), x.shape[1]
    common = _common(x, count, seed)
    value, direction = np.empty(len(where)), np.empty_like(where)
    for i, point in enumerate(where):
        away = _away(x, point)
        tried = _exact(away) if d <= 2 else np.concatenate([common, _own(away, point, v, count, seed)])
        value[i], direction[i] = _emptiest(away, v, tried)
    return DepthBound(value, direction, d <= 2)


def _away(x: FloatArray, point: FloatArray) -> FloatArray:
    """x_i − x, each divided by its length (or 0): which side it is on is all that counts."""
    away = x - point
    size = lengths(away)
    return np.asarray(away / np.where(size > 0.0, size, 1.0)[:, None])


def _emptiest(away: FloatArray, v: FloatArray, tried: FloatArray) -> tuple[float, FloatArray]:
    """Return the least mass of a closed half-space {u·(x_i − x) ≥ 0}, and u.

    What is 0 up to rounding counts as inside: rounding never makes the bound smaller than the mass.
    """
    best, which, step = np.inf, 0, max(1, _NUMBERS // len(away))
    for start in range(0, len(tried), step):
        masses = (tried[start : start + step] @ away.T >= -2.0 * (away.shape[1] + 2) * EPS) @ v
        if masses.min() < best:
            best, which = float(masses.min()), start + int(np.argmin(masses))
    return min(best, 1.0), tried[which]


def _exact(away: FloatArray) -> FloatArray:
    """Directions of which one is best: all two on the line; in the plane, between the critical ones.

    The set {i: u·a_i ≥ 0} changes only where u is orthogonal to some a_i, and at these u it is larger.
    """
    if away.shape[1] == 1:
        return np.array([[1.0], [-1.0]])
    off = away[away.any(axis=1)]
    if not len(off):
        return np.array([[1.0, 0.0]])
    angles = np.arctan2(off[:, 1], off[:, 0])
    critical = np.unique(np.mod(np.concatenate([angles + np.pi / 2.0, angles - np.pi / 2.0]), 2.0 * np.pi))
    following = np.append(critical[1:], critical[0] + 2.0 * np.pi)
    middle = 0.5 * (critical + following)
    return np.column_stack([np.cos(middle), np.sin(middle)])


def _common(x: FloatArray, count: int, seed: int) -> FloatArray:
    """Directions that every point tries."""
    d = x.shape[1]
    drawn = generator(seed).standard_normal((count, d))
    return np.concatenate([drawn / lengths(drawn)[:, None], np.eye(d), -np.eye(d)])


def _own(away: FloatArray, point: FloatArray, v: FloatArray, count: int, seed: int) -> FloatArray:
    """Directions of one point: from 0 and from the mean to it, and hyperplanes through d − 1 inputs."""
    outward = np.stack([point, -(v @ away)])
    size = lengths(outward)
    outward = outward[size > 0.0] / size[size > 0.0][:, None]
    off = np.flatnonzero(away.any(axis=1) & (v > 0.0))
    d = away.shape[1]
    if off.size < d - 1:
        return np.asarray(outward)
    rng = np.random.default_rng([seed, 1])
    chosen = np.stack([rng.choice(off, d - 1, replace=False) for _ in range(count)])
    sets = away[chosen]
    _, _, rows = np.linalg.svd(sets)
    normal = rows[:, -1, :]
    # (A⁺ 1)·a_i = 1 for the d − 1 inputs: taking a little of it away turns them all out of the half-space.
    turn = np.linalg.pinv(sets).sum(axis=2)
    turn *= (1e-7 / np.maximum(lengths(turn), 1e-300))[:, None]
    return np.concatenate([outward, normal - turn, -normal - turn])
