"""Logistic loss on a sphere: every prediction is that of a flat network, so uncertainty does not protect.

Give the network of `stepscape.theory.plane.exposed` (scale "best") any values z_i at the inputs. With D_i =
s(z_i) s(−z_i) and r_i = −y_i s(−y_i z_i), for any labels and averaging weights v,

    λ_max(H) ≤ Σ v_i D_i + max_i v_i (D_i d_i + |r_i| √(1 + ‖x_i‖²)),     d_i = 2 |z_i| √(1 + ‖x_i‖²),
             ≤ ¼ + (2 m + 1) √(1 + R²) max_i v_i,                         m = max_z z s(z) s(−z) = 0.22387…

On the unit sphere with equal weights this is ¼ + 2.05/n, however large the values are.

Proof. λ_max(G) is that of √c √cᵀ + diag(c d) with c = v D, at most Σ c_i + max c_i d_i. Neuron i is active on
input i alone, so its block of R has the norm v_i |r_i| √(1 + ‖x_i‖²). D_i ≤ ¼, D_i |z_i| ≤ m, |r_i| ≤ 1.

Consequence: on a sphere a small excess risk of a flat network does not become a smaller one. Let f0 be a
bounded truth, |f0| ≤ B, y_i = ±1 independent with P(y_i = 1) = s(f0(x_i)), r_i the slope at f0, and z_i =
f0(x_i) − ε r_i with ε ≤ 8. The network with these values
  - is flat, λ_max(H) ≤ ¼ + 2.05/n;
  - is better than the truth on the training set, L(f) ≤ L(f0) − (ε − ε²/8) Σ v_i r_i² ≤ L(f0), as ℓ'' ≤ ¼;
  - has an excess risk on the inputs of at least ½ ε² s(B + ε) s(−B − ε) Σ v_i r_i², because the divergence of
    two logits has at least this curvature between them, and of at most ε²/8.
So with ε_n → 0 as slowly as one likes the excess risk tends to 0 as slowly as one likes, with all inputs
uncertain. On the line Theorem 3.7 of Qiao and Wang (2025) excludes this.

Source: derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.losses import loss_of, signs
from stepscape.network import TwoLayerReLU
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.plane.exposed import exposed_neurons
from stepscape.theory.plane.half_space import averages, lengths, one_per_input, points

MOST = 0.22387161  # of z s(z) s(−z), rounded up; at z tanh(z/2) = 1


@dataclass(frozen=True, eq=False)
class SphereClassifier:
    """A network with given logits at the inputs, each neuron active on one input.

    Attributes
    ----------
    w1, b1, w2, b2 : of the network, (k, d), (k,), (k,) and 0.
    bound : upper bound on λ_max(H) of the logistic loss, all blocks trained.
    uniform_bound : ¼ + (2 m + 1) √(1 + R²) max v_i, whatever the logits and the labels.
    """

    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: float
    bound: float
    uniform_bound: float

    @property
    def network(self) -> TwoLayerReLU:
        """The network itself, for every function that takes one."""
        return TwoLayerReLU(self.w1, self.b1, self.w2, self.b2)

    def __repr__(self) -> str:
        where = f"{self.b1.size} neurons in R^{self.w1.shape[1]}"
        return f"SphereClassifier({where}, bound {self.bound:.6g}, uniform_bound {self.uniform_bound:.6g})"


def sphere_classifier(
    inputs: ArrayLike, logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> SphereClassifier:
    """Build a flat network with any logits at inputs that are singled out by their own directions.

    Parameters
    ----------
    inputs, logits : (n, d) and (n,).
    labels : (n,), ±1 or 0/1; the network does not depend on them, its bound does.
    weights : (n,), averaging weights; None means 1/n each.

    Raises
    ------
    InputError
        For an input that its direction does not single out.
    """
    x = points("inputs", inputs)
    z, v = one_per_input("logits", logits, x), averages(weights, x)
    y = signs(one_per_input("labels", labels, x))
    net, logistic, reach = exposed_neurons(x, z), loss_of("logistic"), np.hypot(1.0, lengths(x))
    curved = logistic.curvature(z)
    each = v * (curved * net.squares + np.abs(logistic.slope(z, y)) * reach)
    bound = float(v @ curved) + float(each.max())
    uniform = 0.25 + (2.0 * MOST + 1.0) * float(reach.max()) * float(v.max())
    return SphereClassifier(net.w1, net.b1, net.w2, net.b2, bound, uniform)
