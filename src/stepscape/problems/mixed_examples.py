"""Mixup as a problem: the fixed set of mixed examples on which its empirical risk is an ordinary loss.

With pairs (i, j) and shares λ of `stepscape.problems.geometry.mixup`, x̃ = λ x_i + (1 − λ) x_j.

Square loss: the label is ỹ = λ y_i + (1 − λ) y_j, and (f − ỹ)² differs from λ (f − y_i)² + (1 − λ)(f − y_j)²
by a number that does not depend on f.

Logistic loss: a label between the classes is what the loss of `Problem` cannot have, but λ ℓ(f, y_i) +
(1 − λ) ℓ(f, y_j) is the loss of two examples at x̃ with the weights λ and 1 − λ. This is the cross-entropy
with soft labels, exactly.

Source: Zhang, Cisse, Dauphin and Lopez-Paz (2018); the weights of weighted problems are chosen here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import expect
from stepscape.lab.spec import stream
from stepscape.problems import geometry
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]


def mixup(problem: Problem, alpha: float = 1.0, copies: int = 4, seed: int = 0) -> Problem:
    """Mix the examples of a problem in pairs, λ ~ Beta(α, α): a problem with the loss on a fixed mixed set.

    In each copy every example comes first once, and the partners are a random permutation of them. Another
    seed gives other pairs: one step of descent on each of many is mixup with fresh pairs.

    The weight of a pair is the product of the weights of its two examples, as for two independent draws from
    the weighted sample; examples of weight 0 are left out. Equal weights stay equal for the square loss. For
    the logistic loss a pair of different classes makes two examples at one input, of weights λ and 1 − λ
    times that of the pair.

    The mixed problem has no truth and no noise. Mixed labels are centered at λ f0(x_i) + (1 − λ) f0(x_j),
    which is f0(x̃) for affine f0 only, and pairs share their noise, so that no theorem about independent
    labels applies to them. Measure errors on the problem that was mixed.

    As α → 0 the set becomes a sample of the examples themselves, with replacement.

    Parameters
    ----------
    problem : Problem
        Either loss, inputs of any dimension.
    alpha : float
        α > 0; with 1 the share λ is uniform.
    copies : int
        Size of the mixed set over that of the problem.
    seed : int

    Examples
    --------
    >>> import stepscape as ss
    >>> ss.problems.mixup(ss.problems.ball(n=20, dimension=3), copies=4)
    Problem(ball, mixed: n=80, 3 input variables, square loss)
    """
    expect("problem", problem, Problem)
    kept = problem.averaging > 0.0
    y, v = problem.labels[kept], problem.averaging[kept]
    pairs = geometry.mixup(problem.inputs[kept], y, alpha, copies, stream(seed, "mixup"))
    weights = None if problem.weights is None else _product(v, pairs)
    name = f"{problem.name}, mixed"
    if problem.loss == "square":
        return Problem(pairs.inputs, pairs.labels, weights=weights, name=name)
    return _two_labels(pairs, y, weights, name)


def _product(v: Array, pairs: geometry.MixedPairs) -> Array:
    """Products of two weights; those with the largest one do not vanish."""
    unit = v / v.max()
    return np.asarray(unit[pairs.first] * unit[pairs.second])


def _two_labels(pairs: geometry.MixedPairs, y: Array, weights: Array | None, name: str) -> Problem:
    """Each pair once for each of its classes, with the share of that class as weight."""
    apart = y[pairs.first] != y[pairs.second]
    whole = np.ones(apart.size) if weights is None else weights
    own = whole * np.where(apart, pairs.share, 1.0)
    other = whole[apart] * (1.0 - pairs.share[apart])
    inputs = np.concatenate([pairs.inputs, pairs.inputs[apart]])
    labels = np.concatenate([y[pairs.first], y[pairs.second][apart]])
    return Problem(inputs, labels, loss="logistic", weights=np.concatenate([own, other]), name=name)
