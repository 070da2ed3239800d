"""The cost of a margin: the least variation, and so the least norm, of a classifier that has it everywhere.

Let x_1 < … < x_m be the distinct inputs and y_i = ±1. Consecutive equal labels form R runs; h_r is the gap
between run r and run r + 1. Over all f with y_i f(x_i) ≥ γ

    min ∫|f''| = γ · Σ_r 2 c_r/h_r  if R ≥ 3, else 0,    c_1 = c_{R−1} = 1, the other c_r = 2.

Proof. Connect-the-dots has the least ∫|f''| among the functions with given values, so f may be taken
piecewise linear with kinks at the inputs. ≤: let f be γ y_i on the inner runs and continue as a straight line
over the outer ones, where it only gains; its slopes are ±2γ/h_r across the gaps and 0 between. ≥: let p be
±1 on the inner runs, y_i there with the opposite sign, 0 on the outer ones, linear in the gaps. p is
continuous, |p| ≤ 1, 0 outside the gaps, and its slope changes have the sign of y_i at every x_i, so ∫|f''| ≥
∫ p f'' = Σ_i f(x_i)·(slope change of p at x_i) ≥ γ Σ_i |slope change of p at x_i|, which is the sum above.

For every network 2∫|f''| ≤ 2 Σ|w1 w2| ≤ ‖θ‖²: a margin on labels that change often needs a large norm.

Source: derived here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import InputError, expect
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import FloatArray, vector
from stepscape.theory.line.facts import Facts
from stepscape.theory.line.logistic_curvature import labels_of, magnitude
from stepscape.theory.line.weight import total_variation

_RIGHT = "the network gives every input the sign of its label"


@dataclass(frozen=True)
class MarginCost:
    """The least ∫|f''| of a function with y_i f(x_i) ≥ 1.

    Attributes
    ----------
    exact : the minimum, in closed form.
    hats : the weaker bound by disjoint hat functions: an input whose two neighbors have the other label costs
        2/h + 2/h', its two gaps; the largest sum over such inputs of which no two are neighbors.
    changes : how often the label changes along the line.
    """

    exact: float
    hats: float
    changes: int


def margin_cost(inputs: ArrayLike, labels: ArrayLike) -> MarginCost:
    """Compute the cost of a margin of 1 in ∫|f''|; the cost is proportional to the margin.

    Parameters as in `stepscape.theory.flat_interpolator`.
    """
    x, y = labeled_points(inputs, labels)
    with np.errstate(over="ignore"):
        steepness = np.abs(np.diff(y)) / np.diff(x)
        across = steepness[steepness > 0.0]
        exact = across[0] + 2.0 * across[1:-1].sum() + across[-1] if across.size > 1 else 0.0
        # An input is isolated where both its gaps are steep.
        alone = np.minimum(steepness[:-1], steepness[1:]) > 0.0
        hats = _apart(np.where(alone, steepness[:-1] + steepness[1:], 0.0))
    return MarginCost(float(exact), hats, int(across.size))


def interpolation_margin(facts: Facts) -> Certificate:
    """2γ·cost ≤ 2∫|f''| ≤ ‖θ‖² with γ = min y_i f(x_i) > 0: a margin on noisy labels needs a large norm.

    Examples of weight 0 do not count. ``details``: γ, the cost per unit of margin, the middle of the chain
    ``twice_variation``, and ``hats``, the left side by hat functions.
    """
    expect("facts", facts, Facts)
    some = facts.averaging > 0.0
    x, y, f = facts.inputs[some], facts.labels[some], facts.landscape.predictions[some]
    (w, b, u), b2 = facts.neurons, facts.network.b2
    margin, norm = float((y * f).min()), float(w @ w + b @ b + u @ u + b2 * b2)
    fits = margin > 0.0
    cost = margin_cost(x, y) if fits else MarginCost(math.nan, math.nan, 0)
    left = 2.0 * margin * cost.exact
    return Certificate(
        left=left,
        right=norm,
        assumptions=("two-layer ReLU network on the line", _RIGHT),
        source="derived here",
        name="interpolation_margin",
        statement="2γ·min{∫|h''|: y_i h(x_i) ≥ 1} ≤ ‖θ‖²",
        failed_premises=() if fits else (_RIGHT,),
        scale=norm + 2.0 * magnitude(facts) * cost.exact,
        details={
            "margin": margin,
            "cost": cost.exact,
            "twice_variation": 2.0 * total_variation(w, b, u),
            "hats": 2.0 * margin * cost.hats,
        },
    )


def labeled_points(inputs: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Distinct inputs, sorted, and their labels ±1."""
    given = vector("inputs", inputs)
    y = labels_of(labels, given)
    x, first, where = np.unique(given, return_index=True, return_inverse=True)
    torn = given[y != y[first][where]]
    if torn.size:
        raise InputError(f"no function fits both labels of the input {torn[0]:g}; equal inputs must agree")
    return x, y[first]


def _apart(worth: FloatArray) -> float:
    """Largest sum of entries no two of which are neighbors."""
    before, best = 0.0, 0.0
    for value in worth.tolist():
        before, best = best, max(best, before + value)
    return best
