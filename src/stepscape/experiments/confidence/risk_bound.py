"""What flatness certifies about the risk of one network: the worst case of its class at its best γ.

Every γ gives a class {∫|h''|g_A ≤ C, |h| ≤ M} in which the network lies: A = {i: |f(x_i)| ≤ γ}, C the right
side of `stepscape.theory.uncertain`, M the largest |f(x_i)| among the inputs I that are judged. Each bound
holds for certain, so that the best of them does: no probability is spent on the search. The best is the one
that is smallest as a share of what a constant answer has on the same inputs.

`stepscape.measures.certified.tightest_worst_case` keeps I fixed and takes M over all inputs. Here I moves
with A, and M is that of I: the few inputs of largest |f| lie at the ends of the range, outside of the
interior.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.curvature import Eigenpair
from stepscape.errors import bad
from stepscape.losses import divergence, loss_of
from stepscape.measures import facts
from stepscape.objectives.relu_line_hessian import Hessian

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
LEVELS = np.linspace(0.1, 1.0, 10)  # quantiles of |f| that are tried as γ
LEAST = 5  # fewer uncertain inputs say nothing


def risk_bound(operator: Hessian, eigen: Eigenpair) -> dict[str, Any]:
    """Bound the excess risk of a network on equally weighted examples of a known truth; {} if nothing does.

    ``worst_case`` bounds ``worst_case_left``, the excess risk over the inputs I, if the network fits the
    labels there at least as well as the truth; ``worst_case_constant`` is that of the best constant there,
    and ``worst_case_ratio`` bound over constant: from 1 on the bound is vacuous. ``worst_case_gamma`` is the
    γ, ``worst_case_share`` the share of the inputs in I.
    """
    truth = operator.problem.truth
    if truth is None:
        raise bad("truth", "be given to bound an error to it", None)
    x, labels, _ = operator.problem.line.arrays
    data = Data(x, labels, operator.predictions, np.asarray(truth(x), np.float64))
    return min(_bounds(operator, eigen, data), key=lambda each: each["worst_case_ratio"], default={})


class Data(NamedTuple):
    """Inputs in order, labels, logits of the network and of the truth, (n,) each."""

    x: Array
    labels: Array
    f: Array
    truth: Array

    def fits(self, here: Mask) -> bool:
        """Whether the network fits the labels of some inputs at least as well as the truth."""
        value = loss_of("logistic").value
        ahead = value(self.f[here], self.labels[here]) - value(self.truth[here], self.labels[here])
        return float(ahead.sum()) <= 0.0


def _bounds(operator: Hessian, eigen: Eigenpair, data: Data) -> Iterator[dict[str, Any]]:
    size = np.abs(data.f)
    known = facts(operator.problem, operator.network, sharpness=eigen)
    for gamma in np.unique(np.quantile(size[size > 0.0], LEVELS)) if (size > 0.0).any() else ():
        bound = theory.uncertain(replace(known, gamma=float(gamma)))
        if bound.failed_premises or not np.isfinite(bound.right):
            continue
        some = size <= gamma
        for here in _places(data.x, some):
            if here.sum() >= LEAST and data.fits(here):
                yield _bound(data, some, here, max(bound.right, 0.0)) | {"worst_case_gamma": float(gamma)}


def _places(x: Array, some: Mask) -> Iterator[Mask]:
    """Yield the hull of the uncertain inputs, and the interior of their g, where bends are dear."""
    yield (x >= x[some].min()) & (x <= x[some].max())
    inside = theory.interior(x, x[some])
    if inside.any():
        yield (x >= x[inside].min()) & (x <= x[inside].max())


def _bound(data: Data, some: Mask, here: Mask, variation: float) -> dict[str, Any]:
    limits = float(data.x[here].min()), float(data.x[here].max())
    height = float(np.abs(data.f[here]).max())
    flat = theory.FlatClass(data.x, variation, height, counted=some.astype(float), interval=limits)
    found = theory.worst_case_excess(flat, data.labels, data.truth)
    return {
        "worst_case": found.value,
        "worst_case_left": float(divergence(data.truth[here], data.f[here]).mean()),
        "worst_case_constant": found.constant,
        "worst_case_ratio": found.value / found.constant if found.constant > 0.0 else np.inf,
        "worst_case_share": found.share,
    }
