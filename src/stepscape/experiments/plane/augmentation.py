"""Augmentations: the examples that a step of descent sees in place of the data, as many of them.

``mixup``   λ x_i + (1 − λ) x_j with λ ~ Beta(α, α), drawn anew at every step; strength α.
``noise``   x_i plus normal noise, with the label y_i, drawn anew; strength the root mean square of ‖noise‖.
``depth``   of c mixed examples (α = 1) of each x_i the one that lies deepest in the data; strength c.

An augmentation is a function of the number of a step: equal numbers give equal examples. The deepest examples
are chosen once, `KEPT` for each input, and every step takes one of them at random.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.lab.spec import stream
from stepscape.network import generator
from stepscape.problems import Problem, mixup
from stepscape.theory.plane.half_space import lengths

Array = NDArray[np.float64]
Examples = Callable[[int], Problem]
BLOCK = 64  # steps whose pairs are drawn together
KEPT = 16  # deep examples of each input
DIRECTIONS = 60  # from which the depth of an example is seen


def mixed_pairs(problem: Problem, alpha: float, seed: int) -> Examples:
    """Mix every example with a random partner at every step."""

    @lru_cache(maxsize=1)
    def block(number: int) -> Problem:
        return mixup(problem, alpha, BLOCK, stream(seed, f"pairs {number}"))

    def examples(step: int) -> Problem:
        number, place = divmod(step, BLOCK)
        drawn = block(number)
        here = slice(place * problem.size, (place + 1) * problem.size)
        return Problem(drawn.inputs[here], drawn.labels[here])

    return examples


def noisy_inputs(problem: Problem, size: float, seed: int) -> Examples:
    """Move every input by normal noise of root mean square length `size`, at every step."""
    if not size >= 0.0:
        raise bad("strength", "not be negative", size)
    scale = size / problem.dimension**0.5

    def examples(step: int) -> Problem:
        moved = generator(stream(seed, f"noise {step}")).standard_normal(problem.inputs.shape)
        return Problem(problem.inputs + scale * moved, problem.labels)

    return examples


def deep_pairs(problem: Problem, candidates: float, seed: int) -> Examples:
    """Mix every example so that it comes to lie deep: the deepest of some random candidates."""
    count, n = int(candidates), problem.size
    if count != candidates or count < 1:
        raise bad("strength", "be a whole number of candidates", candidates)
    drawn = mixup(problem, 1.0, KEPT * count, stream(seed, "candidates"))
    depth = common_depth(drawn.points, problem.points, stream(seed, "directions"))
    # Row c·n + i of the drawn set is the candidate c of example i.
    best = depth.reshape(KEPT, count, n).argmax(axis=1)
    rows = (np.arange(KEPT)[:, None] * count + best) * n + np.arange(n)

    def examples(step: int) -> Problem:
        which = generator(stream(seed, f"choice {step}")).integers(0, KEPT, n)
        chosen = rows[which, np.arange(n)]
        return Problem(drawn.inputs[chosen], drawn.labels[chosen])

    return examples


def common_depth(at: Array, inputs: Array, seed: int, directions: int = DIRECTIONS) -> Array:
    """Bound the half-space depth of points (m, d) from above by directions that all of them share, (m,).

    min over u of (1/n) #{i: u·x_i ≥ u·x}, as `stepscape.theory.plane.depth.depth_bound`, which looks for
    directions of each point.
    """
    rows = generator(seed).standard_normal((directions, inputs.shape[1]))
    rows /= lengths(rows)[:, None]
    rows = np.concatenate([rows, -rows])
    least = np.full(len(at), len(inputs))
    for heights, sorted_ in zip(rows @ at.T, np.sort(rows @ inputs.T, axis=1), strict=True):
        least = np.minimum(least, len(inputs) - np.searchsorted(sorted_, heights - 1e-12, side="left"))
    return np.asarray(least / len(inputs), np.float64)


AUGMENTATIONS: dict[str, Callable[[Problem, float, int], Examples]] = {
    "mixup": mixed_pairs,
    "noise": noisy_inputs,
    "depth": deep_pairs,
}
