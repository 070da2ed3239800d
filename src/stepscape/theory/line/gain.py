"""How much closer to the truth a flat function is than the mean label: a bound that needs no truth.

Labels y_i = f0(x_i) + ε_i at fixed inputs, with independent Gaussian ε_i of deviations σ_i; v weights of sum
1, ȳ = Σ v_i y_i, and T(h) = Σ v_i (h_i − y_i)² the training error. For every function h, exactly,

    Σ v (ȳ − f0)² − Σ v (h − f0)² = T(ȳ) − T(h) − 2 Σ v_i ε_i (h_i − ȳ).

The left side is the gain of h over the mean label. If ∫|h''|g ≤ C and |h_i − ȳ| ≤ M, then h − ȳ lies in the
class F(C, M) around 0, and the noise term is at most Z(C, M) = sup over F(C, M) of 2 Σ v_i ε_i u_i.

Z is a maximum of linear forms of independent Gaussians with deviations at most L = 2M (Σ v_i² σ_i²)^½, so
that P(Z > E Z + L√(2 ln 1/p)) ≤ p. C and M depend on the labels: they are rounded up to powers C_j = 2^(j/2),
M_k = 2^(k/2), and each pair gets the share p = δ q_j q_k, q_j = 1/(3.2 (1 + j²)), of the allowed probability.
As Σ_j 1/(1 + j²) = π coth π < 3.2, with probability 1 − δ all pairs hold at once:

    gain ≥ T(ȳ) − T(h) − E Z(C_j, M_k) − L_k √(2 ln 1/p).

Source: derived here; concentration of Gaussian maxima: Borell (1975), Tsirelson, Ibragimov, Sudakov (1976);
the class is that of Qiao et al. (2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import share
from stepscape.arguments import vector as one_each
from stepscape.errors import expect
from stepscape.theory.line.distribution import vector as finite
from stepscape.theory.line.flat_class import FlatClass
from stepscape.theory.line.worst_case import deviations, expected_gap, noise_words

SOURCE = "derived here; class of Qiao et al. (2024)"
_ALL = 3.2  # > π coth π = Σ 1/(1 + j²) over the whole numbers j
_ERRORS = 3.0  # standard errors that are added to a mean over draws


@dataclass(frozen=True)
class Gain:
    """What a table of labels proves about a flat function.

    Attributes
    ----------
    value : with probability 1 − δ the function is closer to the truth than the mean label by at least this
        much, in mean squared error at the inputs; vacuous if it is not positive.
    fitted : T(ȳ) − T(h), by how much it is closer to the labels.
    supremum, standard_error : mean over the noise of the largest noise term in the class as it is, without
        the rounding of C and M, and the error of that mean.
    deviation : what is added to the mean so that it holds with probability 1 − δ, whatever class the labels
        led to.
    assumptions : premises, one sentence each.
    """

    value: float
    fitted: float
    supremum: float
    standard_error: float
    deviation: float
    assumptions: tuple[str, ...]
    source: str = SOURCE

    @property
    def vacuous(self) -> bool:
        """Whether nothing is proved: the mean label, which ignores the inputs, may be as close."""
        return not self.value > 0.0

    @property
    def in_the_mean(self) -> float:
        """The gain if the class had been fixed before the labels were drawn, in the mean over them."""
        return self.fitted - self.supremum


def certified_gain(
    flat: FlatClass,
    labels: ArrayLike,
    predictions: ArrayLike,
    noise: ArrayLike,
    delta: float = 0.05,
    draws: int = 32,
    seed: int = 0,
) -> Gain:
    """Bound from below how much closer to the truth a function of the class is than the mean label.

    Parameters
    ----------
    flat : the class around the mean label (its `center`), with C and M of the function.
    labels, predictions : (n,), y_i and h(x_i).
    noise : standard deviation of the labels around the truth, one number or one per example.
    delta : allowed probability of failure.
    draws : of the noise, whose mean supremum is measured; 3 standard errors are added to it.
    """
    expect("flat", flat, FlatClass)
    probability = share("delta", delta)
    y, h = (
        finite(name, one_each(name, values, flat.inside.size))[flat.inside]
        for name, values in (("labels", labels), ("predictions", predictions))
    )
    v, sigma = flat.averaging, deviations(flat, noise)
    mean = float(v @ y)
    fitted = float(v @ (mean - y) ** 2 - v @ (h - y) ** 2)
    around = replace(flat, center=0.0)
    found = expected_gap(around, noise, draws, seed)
    rounded, logarithm = _rounded(around, probability)
    wider = expected_gap(rounded, noise, draws, seed)
    length = 2.0 * rounded.height * float(np.sqrt(np.sum((v * sigma) ** 2)))
    reach = wider.value + _ERRORS * wider.standard_error + length * math.sqrt(2.0 * logarithm)
    return Gain(
        value=fitted - reach,
        fitted=fitted,
        supremum=found.value,
        standard_error=found.standard_error,
        deviation=reach - found.value,
        assumptions=(
            noise_words(sigma),
            f"∫|h''|g ≤ {flat.variation:.4g} and |h − ȳ| ≤ {flat.height:.4g} at the inputs",
            f"the labels are not among the {probability:.3g} of all labels that mislead most",
        ),
    )


def _rounded(flat: FlatClass, delta: float) -> tuple[FlatClass, float]:
    """Round C and M up to powers of √2, and return log 1/p of that pair."""
    j, k = (math.ceil(2.0 * math.log2(max(size, 2.0**-60))) for size in (flat.variation, flat.height))
    chances = [1.0 / (_ALL * (1.0 + i * i)) for i in (j, k)]
    wider = replace(flat, variation=2.0 ** (j / 2), height=2.0 ** (k / 2))
    return wider, -math.log(delta * chances[0] * chances[1])
