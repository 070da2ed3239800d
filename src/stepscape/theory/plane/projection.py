"""Arbitrarily flat interpolators of the logistic loss in R^d: those of the line, along one direction.

Distinct inputs have distinct projections u·x_i on almost every unit vector u. The network of
`stepscape.theory.line.flat_network` on these projections has w1_j u for w1_j, gives every label the margin γ,
and with A the sum of its bends per unit of margin and R = max‖x_i‖, for any averaging weights,

    λ_max(H) ≤ e^{−γ} (1 + γ A (1 + 5 R²) + √(1 + R²)) → 0      as γ → ∞.

Proof. As on the line: the gradient of neuron j now has ‖x‖² in place of (u·x)², and |u·x − t_j| ≤ 2R.

Source: Theorem 3.1 of Qiao and Wang (2025), of which only a summary was read; inputs in R^d derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import whole
from stepscape.errors import InputError
from stepscape.losses import signs
from stepscape.network import TwoLayerReLU, generator
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.line.flat_network import flat_interpolator, flat_interpolator_bound, sharpness_bound
from stepscape.theory.plane.half_space import lengths, one_per_input, points


@dataclass(frozen=True, eq=False)
class ProjectedInterpolator:
    """A network with f(x_i) = γ y_i that varies along one direction.

    Attributes
    ----------
    w1, b1, w2, b2 : of the network, (k, d), (k,), (k,) and a number.
    direction : (d,), u.
    size : A.
    bound : upper bound on λ_max(H) of the logistic loss.
    """

    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: float
    direction: FloatArray
    size: float
    bound: float

    @property
    def network(self) -> TwoLayerReLU:
        """The network itself, for every function that takes one."""
        return TwoLayerReLU(self.w1, self.b1, self.w2, self.b2)

    def __repr__(self) -> str:
        where = f"{self.b1.size} neurons in R^{self.direction.size}"
        return f"ProjectedInterpolator({where}, size {self.size:.3g}, bound {self.bound:.3g})"


def projected_interpolator(
    inputs: ArrayLike, labels: ArrayLike, margin: float, directions: int = 16, seed: int = 0
) -> ProjectedInterpolator:
    """Build it along the one of some random directions that needs the least bending.

    Parameters
    ----------
    inputs : (n, d); equal ones must carry equal labels.
    labels : (n,), ±1 or 0/1.
    margin : γ > 0.
    directions, seed : how many directions are drawn, and from which random numbers.

    Raises
    ------
    InputError
        Equal inputs with opposite labels; inputs that no direction drawn tells apart.
    """
    x = points("inputs", inputs)
    signs(one_per_input("labels", labels, x))
    drawn = generator(seed).standard_normal((whole("directions", directions, 1), x.shape[1]))
    units = drawn / np.linalg.norm(drawn, axis=1)[:, None]
    sizes = [_size(x @ u, labels, margin) for u in units]
    unit = units[int(np.argmin(sizes))]
    net = flat_interpolator(x @ unit, labels, margin)  # says what is wrong if no direction works
    size = flat_interpolator_bound(x @ unit, labels, margin).size
    radius = float(lengths(x).max())
    bound = sharpness_bound(margin, size, radius)
    return ProjectedInterpolator(net.w1[:, None] * unit, net.b1, net.w2, net.b2, unit, size, bound)


def _size(at: FloatArray, labels: ArrayLike, margin: float) -> float:
    try:
        flat_interpolator(at, labels, margin)
        return flat_interpolator_bound(at, labels, margin).size
    except InputError:
        return float("inf")
