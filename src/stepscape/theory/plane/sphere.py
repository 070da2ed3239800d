"""A flat network that interpolates any labels on a sphere: flatness alone says nothing there.

With one neuron per example (`stepscape.theory.plane.exposed`) the Gram matrix is Φ Φᵀ = 1 1ᵀ + diag(d), and
H = G because the residuals are 0. So for the square loss with averaging weights v, Σ v_i = 1,

    λ_max is the largest λ with Σ_i v_i/(λ − v_i d_i) = 1,     1 + Σ v_i² d_i ≤ λ_max ≤ 1 + max_i v_i d_i.

On the unit sphere with equal weights and |y_i| ≤ D:

    scale "unit"   λ_max ≤ 1 + (D² + 2)/n        (published)
    scale "best"   λ_max ≤ 1 + 2√2 D/n           (never larger, since 2√2 D ≤ D² + 2)

for every dimension and every n: whatever the labels, every step size below 2 is stable once n is large. The
weights are large, ‖w1_i‖ of the order 1/δ_i.

Proof. λ is an eigenvalue of √v √vᵀ + diag(v d) above max v_i d_i exactly if Σ v_i/(λ − v_i d_i) = 1; the
bounds are its Rayleigh quotient at √v and the triangle inequality.

Source: Liang, Cloninger, Parhi and Wang (2025), as summarized, for the scale "unit"; the rest derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.network import TwoLayerReLU
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.plane.exposed import Scale, exposed_neurons
from stepscape.theory.plane.half_space import averages, lengths, one_per_input, points


@dataclass(frozen=True, eq=False)
class SphereInterpolator:
    """A network with f(x_i) = y_i, each neuron active on one input.

    Attributes
    ----------
    w1, b1, w2, b2 : of the network, (k, d), (k,), (k,) and 0; k labels are not 0.
    sharpness : λ_max of the square loss with all blocks trained, to rounding.
    bound : 1 + max_i v_i d_i.
    label_bound : what is known of it from D = max|y_i| alone: 1 + v (D² + 1 + R²) for the scale "unit", 1 +
        2 v D √(1 + R²) for "best", with v = max v_i and R = max‖x_i‖.
    """

    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: float
    sharpness: float
    bound: float
    label_bound: float

    @property
    def network(self) -> TwoLayerReLU:
        """The network itself, for every function that takes one."""
        return TwoLayerReLU(self.w1, self.b1, self.w2, self.b2)

    def __repr__(self) -> str:
        found = f"sharpness {self.sharpness:.6g}, bound {self.bound:.6g}, label_bound {self.label_bound:.6g}"
        return f"SphereInterpolator({self.b1.size} neurons in R^{self.w1.shape[1]}, {found})"


def sphere_interpolator(
    inputs: ArrayLike, labels: ArrayLike, scale: Scale = "best", weights: ArrayLike | None = None
) -> SphereInterpolator:
    """Interpolate labels at inputs that are singled out by their own directions, such as those on a sphere.

    Parameters
    ----------
    inputs, labels : (n, d) and (n,), the inputs distinct.
    scale : "best", the flattest scaling of each neuron, or "unit", output weights ±1.
    weights : (n,), averaging weights; None means 1/n each.

    Raises
    ------
    InputError
        For an input that its direction does not single out.
    """
    x = points("inputs", inputs)
    y, v = one_per_input("labels", labels, x), averages(weights, x)
    net = exposed_neurons(x, y, scale)
    radius, largest = float(lengths(x).max()), float(np.abs(y).max())
    reach = float(np.hypot(1.0, radius))
    each = reach * reach + largest * largest if scale == "unit" else 2.0 * largest * reach
    return SphereInterpolator(
        w1=net.w1,
        b1=net.b1,
        w2=net.w2,
        b2=net.b2,
        sharpness=_largest(v, v * net.squares),
        bound=1.0 + float((v * net.squares).max()),
        label_bound=1.0 + float(v.max()) * each,
    )


def _largest(v: FloatArray, diagonal: FloatArray) -> float:
    """λ_max of √v √vᵀ + diag(diagonal)."""
    from scipy.optimize import brentq

    top = int(np.argmax(diagonal))
    low = max(float(diagonal[top] + v[top]), 1.0 + float(v @ diagonal))
    high = 1.0 + float(diagonal[top])

    def excess(value: float) -> float:
        return float((v / (value - diagonal)).sum()) - 1.0

    if not low < high or excess(low) <= 0.0:
        return low
    if excess(high) >= 0.0:
        return high
    return float(brentq(excess, low, high, xtol=1e-15 * high, rtol=8.9e-16))
