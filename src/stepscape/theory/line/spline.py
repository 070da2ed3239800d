"""A two-layer ReLU network that connects the dots, as flat as balance makes it."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import number
from stepscape.errors import bad
from stepscape.memory import require_memory
from stepscape.theory.line.cells import distinct
from stepscape.theory.line.distribution import FloatArray


class Neurons(NamedTuple):
    """Parameters of Σ_j w2_j max(w1_j x + b1_j, 0) + b2, in the order that `TwoLayerReLU` takes them."""

    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: float


def spline_interpolator(inputs: ArrayLike, labels: ArrayLike, shift: float = 0.05) -> Neurons:
    """Interpolate n distinct inputs with n neurons, each facing the nearer end of the data.

    The line through the two inputs in the middle is the difference of two neurons with one knot halfway
    between them. From there outward each next input gets one neuron: its knot lies `shift` gap widths beyond
    the input before, and it faces outward, so that it is active on few inputs. Each neuron is balanced so
    that w2² Σ (1 + x²) = Σ (w1 x + b1)² over its active inputs, which minimizes the trace of the Hessian.

    Parameters
    ----------
    shift : in [0, ½). 0 puts the knots on the inputs: the line that connects the dots, where the loss has no
        Hessian. The closer to ½, the more the slopes of neighbors amplify each other, by shift/(1 − shift).

    Notes
    -----
    Interpolates up to a multiple of eps·Σ_j |w2_j| (|w1_j x| + |b1_j|).
    """
    x, y = distinct(inputs, labels)
    if not 0.0 <= number("shift", shift, "lie in [0, 0.5)") < 0.5:
        raise bad("shift", "lie in [0, 0.5)", shift)
    if x.size == 1:
        return constant(float(y[0]))
    middle = (x.size - 1) // 2
    slope = float((y[middle + 1] - y[middle]) / (x[middle + 1] - x[middle]))
    center = 0.5 * (x[middle] + x[middle + 1])
    kinks = [(center, 1.0, slope), (center, -1.0, -slope)]
    for side in (range(middle + 1, x.size), range(middle, -1, -1)):
        kinks += _outward(x, y, list(side), slope, shift)
    knot, facing, jump = np.array(kinks).T
    return balanced(x, facing, -facing * knot, jump, 0.5 * float(y[middle] + y[middle + 1]))


def constant(value: float) -> Neurons:
    """Return a constant: one neuron that is never active."""
    return Neurons(np.zeros(1), -np.ones(1), np.zeros(1), value)


def _outward(
    x: FloatArray, y: FloatArray, path: list[int], slope: float, shift: float
) -> list[tuple[float, float, float]]:
    """Return knot, direction and slope change of the neurons that bend the line at the inputs of the path."""
    kinks, facing = [], float(np.sign(path[-1] - path[0])) if len(path) > 1 else 1.0
    for here, there in pairwise(path):
        knot = x[here] + shift * (x[there] - x[here])
        turned = (y[there] - y[here] - slope * (knot - x[here])) / (x[there] - knot)
        kinks.append((float(knot), facing, facing * float(turned - slope)))
        slope = turned
    return kinks


def balanced(x: FloatArray, w1: FloatArray, b1: FloatArray, w2: FloatArray, b2: float) -> Neurons:
    """Rescale each neuron, without changing the function, so that its share of the Hessian's trace is least.

    (w1, b1) → c·(w1, b1), w2 → w2/c with c⁴ = w2² Σ_active (1 + x²) / Σ_active (w1 x + b1)²; neurons that are
    0 or active on no input get c = √|w2|/‖(w1, b1)‖^½, equal norms.
    """
    require_memory("inputs", f"{x.size} of them", 40 * x.size * w1.size, "give fewer of them")
    z = np.maximum(np.multiply.outer(x, w1) + b1, 0.0)
    inner = (z * z).sum(axis=0)
    outer = w2 * w2 * ((z > 0.0) * (1.0 + x * x)[:, None]).sum(axis=0)
    idle = (inner == 0.0) | (outer == 0.0)
    inner, outer = np.where(idle, w1 * w1 + b1 * b1, inner), np.where(idle, w2 * w2, outer)
    c = np.where(outer > 0.0, outer / inner, 1.0) ** 0.25
    return Neurons(c * w1, c * b1, w2 / c, b2)
