"""Data with repeated or many inputs → data with weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad

Array = NDArray[np.float64]


class Grouped(NamedTuple):
    """Data with weights: inputs (m,) strictly increasing, labels (m,), weights (m,) summing to n."""

    x: Array
    y: Array
    weights: Array


def merge_repeated(x: Array, y: Array, weights: Array | None = None) -> Grouped:
    """Merge repeated inputs: distinct inputs sorted, the mean label of each, and how many it stands for.

    Nothing is lost for square loss. With w_g the weight and ȳ_g the weighted mean label of input x_g,

        Σ_i w_i (f(x_i) − y_i)² = Σ_g w_g (f(x_g) − ȳ_g)² + Σ_i w_i (y_i − ȳ_{g(i)})²   for every f,

    because the cross term Σ_{i in g} w_i (ȳ_g − y_i) vanishes. The last sum is free of f, so gradients and
    Hessians in the parameters are those of the unmerged data. Labels that agree within an input, and inputs
    that stand alone, come back bit for bit; other means to a few eps times the largest |y| merged.

    Parameters
    ----------
    x, y
        Inputs and labels, shape (n,), finite.
    weights
        Positive weights, shape (n,); 1 when absent.
    """
    distinct, group = np.unique(x, return_inverse=True)
    w = np.ones(len(x)) if weights is None else weights
    totals, means = _group_means(group, y, w)
    return Grouped(distinct, means, totals)


def bin_inputs(x: Array, y: Array, bins: int, weights: Array | None = None) -> Grouped:
    """Average sorted data into at most ``bins`` bins of equal count: mean input, mean label, weight of each.

    Repeated inputs are merged first, and never split: input g, with W_g the weight before it, goes to bin
    ⌊bins · (W_g + w_g/2) / W⌋. Data with no more distinct inputs than bins are only merged, exactly.

    What is lost: write δ_i = x_i − x̄_b and ε_i = y_i − ȳ_b in bin b. For an f affine on every bin, slope s_b,

        Σ_i w_i (f(x_i) − y_i)² = Σ_b w_b (f(x̄_b) − ȳ_b)² + Σ_i w_i (s_b δ_i − ε_i)²,

    so binning omits the last sum: how the labels slope *within* a bin. The loss on bins is therefore exact up
    to a constant for functions constant on each bin, differs by O(s_b · bin width) otherwise, and cannot
    place a knot more finely than a bin.

    Parameters
    ----------
    x, y, weights
        As in ``merge_repeated``.
    bins
        At least 1.
    """
    if bins < 1:
        raise bad("bins", "be at least 1", bins)
    merged = merge_repeated(x, y, weights)
    if len(merged.x) <= bins:
        return merged
    end = np.cumsum(merged.weights)
    middle = end - merged.weights / 2
    bin_of = np.minimum((bins * (middle / end[-1])).astype(np.int64), bins - 1)
    _, bin_of = np.unique(bin_of, return_inverse=True)
    totals, inputs = _group_means(bin_of, merged.x, merged.weights)
    _, labels = _group_means(bin_of, merged.y, merged.weights)
    # Rounding must not carry a mean out of its bin: bins are disjoint, so means stay strictly increasing.
    first = np.flatnonzero(np.diff(bin_of, prepend=-1))
    last = np.append(first[1:], len(bin_of)) - 1
    return Grouped(np.clip(inputs, merged.x[first], merged.x[last]), labels, totals)


def _group_means(group: NDArray[np.intp], values: Array, weights: Array) -> tuple[Array, Array]:
    totals = np.bincount(group, weights=weights).astype(np.float64)
    # Deviations from one member of the group: exact where all agree, and no cancellation of a common offset.
    anchor = np.empty(len(totals))
    anchor[group[::-1]] = values[::-1]
    shift = np.bincount(group, weights=weights * (values - anchor[group]))
    return totals, anchor + shift / totals
