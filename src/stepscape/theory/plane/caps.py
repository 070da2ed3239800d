"""A function that is invisible on the data: neurons in caps of the ball that hold no input.

The cap of the unit vector u is {x: ‖x‖ ≤ 1, u·x > 1 − ε²}. It lies in the cone of angle θ = arccos(1 − ε²)
around u, so caps whose directions are more than 2θ apart are disjoint. One neuron on each cap without inputs,

    f(x) = a Σ_j σ_j ε^{−2} max(u_j·x − (1 − ε²), 0),     σ_j = ±1,

rises to a at u_j and vanishes at every input. All neurons are dead on the data and b2 = 0, so that for labels
y = 0, and any averaging weights, both losses are exactly as at the network that is 0 everywhere: L = 0 and
λ_max(H) = 1 for the square loss, λ_max(H) = ¼ for the logistic one. Under the uniform law on the ball

    ∫ f² = a² N ε^{−4} ∫_{1−ε²}^1 (s − 1 + ε²)² p_d(s) ds,

N the number of neurons and p_d the density of u·X: of the order a² N ε^{d+1}. With ε = κ n^{−1/(d+1)}, κ
about 1, a constant share of about ε^{−(d−1)} caps is empty, and no bound of flatness on the population error
can be better than n^{−2/(d+1)}.

Source: Liang, Qiao, Wang and Parhi (2025), appendices H and I; random packing and constants derived here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import positive, share, whole
from stepscape.errors import bad
from stepscape.network import TwoLayerReLU, generator
from stepscape.theory.certificate import EPS
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.plane.half_space import lengths, points
from stepscape.theory.plane.population import log_beta, power


@dataclass(frozen=True, eq=False)
class EmptyCaps:
    """A network that vanishes at all inputs, each neuron on a cap of its own.

    Attributes
    ----------
    w1, b1, w2, b2 : of the network, (k, d), (k,), (k,) and 0; k empty caps.
    caps : number of disjoint caps that were tried, those with inputs included.
    width : ε, the root of the depth of a cap.
    sharpness, logistic_sharpness : λ_max(H) for labels 0 (the logistic loss: any labels), 1 and ¼.
    mean_square : E f(X)² for X uniform on the unit ball.
    """

    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: float
    caps: int
    width: float
    mean_square: float
    sharpness: float = 1.0
    logistic_sharpness: float = 0.25

    @property
    def network(self) -> TwoLayerReLU:
        """The network itself, for every function that takes one."""
        return TwoLayerReLU(self.w1, self.b1, self.w2, self.b2)

    def __repr__(self) -> str:
        found = f"width {self.width:.3g}, mean square {self.mean_square:.3g}, sharpness {self.sharpness:.6g}"
        return f"EmptyCaps({self.b1.size} of {self.caps} caps empty in R^{self.w1.shape[1]}, {found})"


def empty_caps(
    inputs: ArrayLike,
    seed: int = 0,
    width: float | None = None,
    height: float = 1.0,
    candidates: int = 2000,
) -> EmptyCaps:
    """Pack disjoint caps at random and place a neuron on each one that holds no input.

    Parameters
    ----------
    inputs : (n, d) in the unit ball, d at least 2.
    seed : of the directions and of the signs of the neurons.
    width : ε in (0, 1); 0.75 n^{−1/(d+1)} by default.
    height : a, the largest value of |f|.
    candidates : directions that are drawn; each one joins unless its cap meets an earlier one.

    Raises
    ------
    InputError
        For inputs outside the unit ball, and if every cap holds an input.
    """
    x = points("inputs", inputs)
    n, d = x.shape
    if d < 2:
        raise bad("inputs", "have at least 2 variables", d)
    farthest = float(lengths(x).max())
    if farthest > 1.0 + 4.0 * d * EPS:
        raise bad("inputs", "lie in the unit ball", f"a norm of {farthest:.6g}", "divide by the largest norm")
    epsilon = 0.75 * n ** (-1.0 / (d + 1.0)) if width is None else share("width", width)
    tall, rng = positive("height", height), generator(seed)
    units = _packing(rng, whole("candidates", candidates, 1), d, 1.0 - epsilon * epsilon)
    free = (units @ x.T).max(axis=1) < 1.0 - epsilon * epsilon - 8.0 * d * EPS
    if not free.any():
        then = "give a smaller width, or more candidates"
        raise bad("inputs", f"leave one of the {len(units)} caps empty", "inputs in each", then)
    kept = units[free]
    slope = tall / (epsilon * epsilon)
    root = math.sqrt(slope)
    signs = np.where(rng.random(len(kept)) < 0.5, -1.0, 1.0)
    return EmptyCaps(
        w1=root * kept,
        b1=np.full(len(kept), -root * (1.0 - epsilon * epsilon)),
        w2=root * signs,
        b2=0.0,
        caps=len(units),
        width=epsilon,
        mean_square=len(kept) * tall * tall * _mean_square(epsilon * epsilon, d),
    )


def _packing(rng: np.random.Generator, count: int, dimension: int, cosine: float) -> FloatArray:
    """Directions drawn one after the other, each kept if it is more than twice the angle from those kept."""
    drawn = rng.standard_normal((count, dimension))
    drawn /= lengths(drawn)[:, None]
    farthest = 2.0 * cosine * cosine - 1.0  # cos 2θ
    kept = np.empty_like(drawn)
    number = 0
    for unit in drawn:
        if number == 0 or (kept[:number] @ unit).max() < farthest:
            kept[number] = unit
            number += 1
    return kept[:number]


def _mean_square(depth: float, dimension: int) -> float:
    """∫ ((s − 1 + δ)/δ)² p_d(s) ds over the cap of depth δ; s = 1 − δ w."""
    from scipy.special import roots_jacobi

    p = power(dimension, "ball")
    nodes, masses = roots_jacobi(24 + int(p / 2.0), 2.0, p - 1.0)
    w = 0.5 * (1.0 + nodes)
    # roots_jacobi integrates (1 − w)² w^{p−1} up to a factor, which is B(3, p).
    beta = math.exp(math.lgamma(3.0) + math.lgamma(p) - math.lgamma(p + 3.0))
    inside = float(np.exp((p - 1.0) * np.log1p(-0.5 * depth * w)) @ masses / masses.sum())
    return beta * inside * math.exp(p * math.log(depth) + (p - 1.0) * math.log(2.0) - log_beta(p))
