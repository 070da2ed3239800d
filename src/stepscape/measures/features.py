"""How many neurons carry the bends of a network, and what training did to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.memory import require_memory
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
CELLS = 100
LEAST_SHARE = 0.01
CARRIED = 0.9


def features(problem: Problem, network: TwoLayerReLU) -> dict[str, float]:
    """Count bends by size: neighboring knots that cancel are not a feature, and many small ones count as few.

    The hull of the data is cut into 100 cells; Δ_c is the net slope change in cell c. ``features``: cells
    with |Δ_c| above 1 % of Σ|Δ|. ``participation``: (Σ|Δ|)²/ΣΔ², between 1 (one bend) and 100 (all equal).
    ``carriers``: the fewest neurons with a knot inside the hull that hold 90 % of Σ_j |w1_j w2_j| over all
    such neurons. All 0 for a network that bends nowhere.
    """
    low, high = problem.line.hull
    knots, jumps = network.knots, network.jumps
    inside = (knots > low) & (knots < high)
    cells = ((knots[inside] - low) * (CELLS / (high - low))).astype(int)
    change = np.abs(np.bincount(cells, jumps[inside], CELLS))
    total = float(change.sum())
    sizes = np.sort(np.abs(network.w1 * network.w2)[bent_mask(problem, network)])[::-1]
    needed = int(np.searchsorted(np.cumsum(sizes), CARRIED * sizes.sum())) + 1
    return {
        "features": int(np.sum(change > LEAST_SHARE * total)),
        "participation": total**2 / float(change @ change) if total > 0.0 else 0.0,
        "carriers": needed if sizes.sum() > 0.0 else 0,
    }


def bent_mask(problem: Problem, network: TwoLayerReLU) -> NDArray[np.bool_]:
    """Mask of the neurons whose knot lies strictly inside the hull of the data."""
    low, high = problem.line.hull
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        knots = -network.b1 / network.w1
    return np.asarray((knots > low) & (knots < high))


def active_sets(problem: Problem, network: TwoLayerReLU) -> NDArray[np.bool_]:
    """Return whether neuron j is active on input i, (n, k)."""
    require_memory("width", network.width, 17 * problem.size * network.width)
    return np.asarray(np.multiply.outer(problem.inputs, network.w1) + network.b1 > 0.0)


@dataclass(frozen=True)
class Census:
    """How the neurons changed between the first and the last of several networks.

    Attributes
    ----------
    pushed_out, pulled_in : neurons with a knot inside the hull of the data first and not last, and the
    reverse. rearranged : neurons that end active on other inputs than they started.
    dead_at_start : neurons active on no input of the first network.
    revived : neurons active in some network after one in which they were dead.
    dead_gradient : largest |∂L/∂(w1_j, b1_j, w2_j)| of a dead neuron in any of the networks; the gradient
        of a neuron that is active on no input is a sum over no input, so 0.
    dead_checked : dead neurons whose gradient was looked at, over all networks.
    """

    pushed_out: int
    pulled_in: int
    rearranged: int
    dead_at_start: int
    revived: int
    dead_gradient: float
    dead_checked: int


def census(problem: Problem, networks: Sequence[TwoLayerReLU]) -> Census:
    """Follow the neurons through the networks of one run."""
    active = [active_sets(problem, network) for network in networks]
    dead = np.array([~sets.any(axis=0) for sets in active])
    was_dead = np.logical_or.accumulate(dead, axis=0)
    first, last = bent_mask(problem, networks[0]), bent_mask(problem, networks[-1])
    slopes = [_neuron_gradient(problem, network)[gone] for network, gone in zip(networks, dead, strict=True)]
    return Census(
        pushed_out=int(np.sum(first & ~last)),
        pulled_in=int(np.sum(last & ~first)),
        rearranged=int(np.sum((active[0] != active[-1]).any(axis=0))),
        dead_at_start=int(dead[0].sum()),
        revived=int(np.any(was_dead & ~dead, axis=0).sum()),
        dead_gradient=float(np.max(np.concatenate(slopes), initial=0.0)),
        dead_checked=int(dead.sum()),
    )


def _neuron_gradient(problem: Problem, network: TwoLayerReLU) -> Array:
    """Largest magnitude of the three partial derivatives of each neuron, (k,)."""
    blocks = Hessian(problem, network).gradient[:-1].reshape(3, network.width)
    return np.asarray(np.abs(blocks).max(axis=0))
