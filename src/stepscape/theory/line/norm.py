"""The norm of a network bounds its loss on new labels: weak generalization, without flatness.

For every network, whatever was trained and how,

    ∫|f''| ≤ Σ|w1 w2| ≤ ½ Σ (w1² + w2²) ≤ ½ ‖θ‖².

The gap. Let the labels be independent, b_i = (1 + y_i)/2 Bernoulli(s(f0(x_i))), and redraw them at the same
inputs: because the logistic loss is log(1 + e^f) − b f, the expected loss of the new labels minus the
training loss is exactly Σ v_i (b_i − s(f0(x_i))) f(x_i). With V = √(Σ v_i²), V_x = √(Σ v_i² x_i²) and m
distinct inputs, with probability at least 1 − δ, for all networks at once, however they depend on the labels,

    gap ≤ √(½ log(8m/δ)) (Σ_j |w2_j| (|w1_j| V_x + |b1_j| V) + |b2| V)
        ≤ √(½ log(8m/δ)) (½ (‖θ‖² − b2²) √(V_x² + V²) + |b2| V).

Proof. ξ_i = b_i − s(f0(x_i)) are independent, centered, and lie in intervals of length 1. A neuron is
active on a half-line of inputs: at most 2m − 1 such sets that are not empty. Over each, |Σ v_i ξ_i x_i| ≤
V_x √(½ log(8m/δ)) and |Σ v_i ξ_i| ≤ V √(½ log(8m/δ)) by Hoeffding's inequality, all of them together with
probability 1 − δ (fewer than 4m sums, two tails each). The output bias is the set of all inputs. Both sides
are linear in the neurons, so no norm has to be fixed before the labels are seen and no contraction is lost.
The second line is Cauchy-Schwarz and the inequality of the means.

With equal weights this is O(‖θ‖² x_max √(log(n)/n)): it vanishes if ‖θ‖ = o((n/log n)^{1/4}).

Source: derived here; after the norm-based Theorem 3.3 of Qiao and Wang (2025), of which only a summary was
read.
"""

from __future__ import annotations

import math

import numpy as np

from stepscape.errors import expect
from stepscape.losses import innovation
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.line.facts import Facts
from stepscape.theory.line.logistic_curvature import INDEPENDENT, KNOWN, magnitude
from stepscape.theory.line.weight import total_variation


def norm_generalization(facts: Facts) -> Certificate:
    """Bound the loss of redrawn labels minus the training loss by the weights of the network.

    Without the truth only the right side is of use. ``details``: ``variation`` ∫|f''|, ``path`` Σ|w1 w2| and
    ``half_norm`` ½‖θ‖², in increasing order; ``norm_right``, the bound by the norm alone.
    """
    expect("facts", facts, Facts)
    delta, f, v = facts.delta, facts.landscape.predictions, facts.averaging
    tail = math.sqrt(0.5 * math.log(8.0 * facts.distribution.points.size / delta))
    w, b, u = (np.abs(block) for block in facts.neurons)
    by_path, by_norm, half_norm = _sizes(w, b, u, abs(facts.network.b2), facts.inputs, v)
    right = tail * by_path
    chain = {"variation": total_variation(*facts.neurons), "path": float(w @ u), "half_norm": half_norm}
    return Certificate(
        left=_gap(facts),
        right=right,
        assumptions=(
            INDEPENDENT,
            f"with probability at least {1.0 - delta:g}, for all networks at once",
            KNOWN,
        ),
        source="derived here; after Qiao and Wang (2025), Theorem 3.3",
        name="norm",
        statement="E L(new labels) − L ≤ √(½ log(8m/δ)) (Σ |w2|(|w1| √Σv²x² + |b1| √Σv²) + |b2| √Σv²)",
        failed_premises=() if facts.truth is not None else (KNOWN,),
        scale=right + float(v @ np.abs(f)) + magnitude(facts),
        details={**chain, "norm_right": tail * by_norm, "delta": delta},
    )


def _sizes(
    w: FloatArray, b: FloatArray, u: FloatArray, bias: float, x: FloatArray, v: FloatArray
) -> tuple[float, float, float]:
    """Both right sides over √(½ log(8m/δ)), and ½‖θ‖²; from the magnitudes of the weights."""
    plain, moment = float(np.linalg.norm(v)), float(np.linalg.norm(v * x))
    half = 0.5 * float(w @ w + b @ b + u @ u)
    return (
        float(u @ (w * moment + b * plain)) + bias * plain,
        half * math.hypot(moment, plain) + bias * plain,
        half + 0.5 * bias * bias,
    )


def _gap(facts: Facts) -> float:
    """Σ v_i (b_i − s(f0_i)) f_i; nan where the truth is not known."""
    if facts.truth is None:
        return math.nan
    noise = facts.averaging * innovation(facts.truth, facts.labels)
    return float(noise @ facts.landscape.predictions)
