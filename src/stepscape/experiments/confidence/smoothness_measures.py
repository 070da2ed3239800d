"""How smooth and how confident a network is at every record of a run, and how the run moves.

The function is that of the midpoint network of a record. Confidence is the size of the logit, |f|.

``confidence``, ``confidence_interior``
    median |f| over the inputs, and over those of the interior (g ≥ sup g/10)
``largest``, ``largest_ends``, ``largest_inside``
    largest |f| at the inputs, at those in the outer tenth of the range on either side, at the others
``smallest_margin``, ``loss_mean``
    least y f, above 0 once every label is fitted; the training loss
``weighted_tv``, ``tv``, ``tv_interior``
    ∫|f''|g, ∫|f''| over the hull of the inputs and over that of the interior
``curvature``, ``curved_tv``
    D̄ = Σ v s(f)(1 − s(f)), and ∫|f''|g_D with g of the inputs weighted by v s(1 − s): flatness trades one
    for the other in D̄ (1 + 2 ∫|f''|g_D) ≤ λ_max + ‖R‖; the second is nan if D̄ is 0 because all |f| are too
    large
``excess_risk``, ``excess_interior``
    divergence from the truth at all inputs and at those of the interior
``margin``, ``margin_share``
    median y f over the inputs, and its share of median |f|, which is 1 if every label is fitted
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.errors import bad
from stepscape.losses import loss_of
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem
from stepscape.training import Snapshot

Array = NDArray[np.float64]
Path = dict[str, Array]
Planes = Mapping[str, tuple[str, str]]
LEVELS = {"half": 0.5, "truth": 1.0, "twice": 2.0}  # multiples of the truth's value
# Plane → its confidence and its roughness.
PLANES: Planes = {
    "weighted": ("confidence", "weighted_tv"),
    "interior": ("confidence_interior", "tv_interior"),
    "whole": ("confidence", "tv"),
    "margin": ("margin", "weighted_tv"),
}
ENDS = 0.8
SMOOTHED = 5
FINE = 4001


def followed(problem: Problem, snapshots: Sequence[Snapshot]) -> Path:
    """Return all the quantities above, as arrays over the records."""
    x = problem.inputs
    inside = theory.interior(x, x, problem.weights)
    rows = [quantities(problem, snapshot, inside) for snapshot in snapshots]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def quantities(problem: Problem, snapshot: Snapshot, inside: NDArray[np.bool_]) -> dict[str, float]:
    """Return all the quantities above at one record; ``inside`` masks the inputs of the interior."""
    x, average = problem.inputs, problem.averaging
    network = snapshot.midpoint
    f = network.predict(x)
    size = np.abs(f)
    ends = np.abs(x - 0.5 * (x.min() + x.max())) >= ENDS * 0.5 * np.ptp(x)
    curvature = average * loss_of("logistic").curvature(f)
    margin = float(np.median(problem.labels * f))
    return {
        "confidence": float(np.median(size)),
        "confidence_interior": float(np.median(size[inside])),
        "largest": float(size.max()),
        "largest_ends": float(size[ends].max()),
        "largest_inside": float(size[~ends].max()),
        "smallest_margin": float((problem.labels * f).min()),
        "loss_mean": problem.training_loss(f),
        "margin": margin,
        "margin_share": margin / float(np.median(size)) if np.median(size) > 0.0 else np.nan,
        "weighted_tv": _weighted(network, x, problem.weights),
        "tv": _variation(network, x),
        "tv_interior": _variation(network, x[inside]),
        "curvature": float(curvature.sum()),
        "curved_tv": _weighted(network, x, curvature) if curvature.any() else np.nan,
        "excess_risk": problem.excess_risk(f),
        "excess_interior": problem.excess_risk(f, inside),
    }


def _weighted(net: TwoLayerReLU, x: Array, weights: Array | None) -> float:
    return theory.weighted_tv(net.w1, net.b1, net.w2, x, weights)


def _variation(net: TwoLayerReLU, x: Array) -> float:
    return theory.total_variation(net.w1, net.b1, net.w2, (float(x.min()), float(x.max())))


def of_truth(problem: Problem) -> dict[str, float]:
    """Return both coordinates of the true logit in every plane; ∫|f0''| comes from a fine grid."""
    if problem.truth is None:
        raise bad("truth", "be given to compare with it", None)
    x, truth = problem.inputs, problem.truth
    inside = theory.interior(x, x, problem.weights)
    size = np.abs(truth(x))
    t = np.linspace(x.min(), x.max(), FINE)
    bends = np.abs(np.diff(truth(t), 2)) / (t[1] - t[0])
    middle = t[1:-1]
    within = (middle > x[inside].min()) & (middle < x[inside].max())
    return {
        "confidence": float(np.median(size)),
        "confidence_interior": float(np.median(size[inside])),
        "margin": float(np.median(problem.labels * truth(x))),
        "weighted_tv": float(bends @ theory.weight(middle, x, problem.weights)),
        "tv": float(bends.sum()),
        "tv_interior": float(bends[within].sum()),
    }


def at_levels(path: Path, truth: dict[str, float], planes: Planes = PLANES) -> dict[str, float]:
    """Roughness where the run rises to a level of confidence, and the other way round.

    Levels are `LEVELS` times the truth's value; nan if the run never rises to one.
    """
    found = {}
    for confidence, roughness in planes.values():
        for one, other in ((roughness, confidence), (confidence, roughness)):
            for word, factor in LEVELS.items():
                found[f"{one}_when_{other}_{word}"] = crossing(path[other], factor * truth[other], path[one])
    return found


def crossing(at: Array, level: float, values: Array) -> float:
    """Value, linear between records, where ``at`` last rises through the level; nan if it never does."""
    rises = np.flatnonzero((at[:-1] < level) & (at[1:] >= level))
    if not rises.size:
        return float("nan")
    i = int(rises[-1])
    share = (level - at[i]) / (at[i + 1] - at[i])
    return float(values[i] + share * (values[i + 1] - values[i]))


def growth(steps: NDArray[np.int64], values: Array, decades_ago: int = 0) -> float:
    """Least-squares slope in log10 of the steps over the last decade, or over an earlier one."""
    end = steps[-1] / 10.0**decades_ago
    here = (steps >= max(1.0, end / 10.0)) & (steps <= end)
    if here.sum() < 2:
        return float("nan")
    return float(np.polyfit(np.log10(steps[here]), values[here], 1)[0])


def turned_around(values: Array) -> float:
    """1 − end/peak of the running median of five records: the share lost since the largest value.

    It is nan without records, and if the value was never above 0.
    """
    if not values.size:
        return float("nan")
    windows = np.lib.stride_tricks.sliding_window_view(values, min(SMOOTHED, values.size))
    smooth = np.median(windows, axis=1)
    return float(1.0 - smooth[-1] / smooth.max()) if smooth.max() > 0.0 else float("nan")
