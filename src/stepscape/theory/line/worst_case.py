"""The largest error of a function of small weighted variation: a supremum over the whole class, in numbers.

On a set I of inputs, weights v of sum 1 on I, every function h satisfies exactly

    logistic loss   Ex_I(h) = L_I(h) − L_I(f0) + Σ v_i ξ_i (h_i − f0_i),           ξ_i = b_i − s(f0_i),
    square loss     Σ v_i (h_i − f0_i)² = 2 (L_I(h) − L_I(f0)) + 2 Σ v_i ξ_i (h_i − f0_i),  ξ_i = y_i − f0_i.

So whatever a training method returns: if it lies in the class {∫|h''|g ≤ C, |h_i| ≤ M} and fits the labels in
I at least as well as the truth does, its error is at most the supremum of the noise term over the class
(`stepscape.theory.line.flat_class`). No rate and no hidden constant is left.

The truth unknown (`expected_excess`). Let the class be fixed before the labels are drawn. With b' an
independent copy of b, E sup Σ v ξ (h − f0) = E sup Σ v ξ h ≤ E sup Σ v (b − b') h by Jensen's inequality. b_i
− b'_i is symmetric and not 0 with probability 2 s(f0_i) s(−f0_i) ≤ ½; the supremum is convex in each
multiplier, so its mean grows with that probability and is largest for the difference of two fair coins.

Source: derived here; the class is that of Qiao et al. (2024) and of Qiao and Wang (2025).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import nonnegative, reals, whole, word
from stepscape.errors import bad, expect
from stepscape.losses import best_constant, divergence, innovation, probability
from stepscape.theory.line.distribution import FloatArray, vector
from stepscape.theory.line.flat_class import FlatClass, supremum
from stepscape.theory.line.logistic_curvature import labels_of

SOURCE = "derived here; class of Qiao et al. (2024) and Qiao and Wang (2025)"


@dataclass(frozen=True, eq=False)
class WorstCase:
    """A supremum over a class, and the numbers to compare it with.

    Attributes
    ----------
    value : proved upper bound on the supremum: on the error of every function of the class that fits the
        labels in I as well as the truth does. If it is negative, there is no such function.
    attained : the value that some function of the class attains; the supremum lies between the two.
    constant : the same error of the best constant predictor.
    points, function : (m,), the distinct inputs in I and the values of the function.
    share : weight of I among all examples.
    status : the solver's message.
    """

    value: float
    attained: float
    constant: float
    points: FloatArray
    function: FloatArray
    share: float
    status: str
    assumptions: tuple[str, ...]
    source: str = SOURCE

    @property
    def gap(self) -> float:
        """Upper minus lower bound."""
        return self.value - self.attained

    @property
    def vacuous(self) -> bool:
        """Whether the bound shows no learning: a constant, which ignores the inputs, has no larger error."""
        return self.value >= self.constant


@dataclass(frozen=True)
class ExpectedWorstCase:
    """Mean over random signs of a supremum, an upper bound on its mean over the labels.

    Attributes
    ----------
    value, standard_error : of the mean of the proved upper bounds.
    gap : mean of upper minus lower bound of the linear programs.
    draws : the number of draws.
    """

    value: float
    standard_error: float
    gap: float
    draws: int
    assumptions: tuple[str, ...]
    source: str = SOURCE


def worst_case_excess(flat: FlatClass, labels: ArrayLike, truth: ArrayLike) -> WorstCase:
    """Bound Ex_I(h), logistic loss, over all h of the class with L_I(h) ≤ L_I(f0).

    Parameters
    ----------
    labels, truth : (n,), ±1 or 0/1, and the logits f0 of P(y_i = 1).
    """
    expect("flat", flat, FlatClass)
    y, f0 = _both(flat, labels_of(labels, flat.inside), truth)
    v = flat.averaging
    best = best_constant(float(v @ probability(f0)), float(v @ probability(-f0)))
    constant = float(v @ divergence(f0, best))
    return _worst_case(flat, v * innovation(f0, y), f0, constant, "P(y_i = 1) = s(f0(x_i))")


def worst_case_gap(flat: FlatClass, labels: ArrayLike, truth: ArrayLike) -> WorstCase:
    """Bound Σ_I v_i (h_i − f0_i)², square loss, over all h of the class with L_I(h) ≤ L_I(f0).

    It is the supremum of 2 Σ_I v_i (y_i − f0_i)(h_i − f0_i): up to a term free of h, the generalization gap
    of 2L_I on the fixed design.
    """
    expect("flat", flat, FlatClass)
    y, f0 = _both(flat, labels, truth)
    v = flat.averaging
    constant = float(v @ (f0 - v @ f0) ** 2)
    return _worst_case(flat, 2.0 * v * (y - f0), f0, constant, "E y_i = f0(x_i)")


def expected_excess(flat: FlatClass, draws: int = 16, seed: int = 0) -> ExpectedWorstCase:
    """Bound the mean over the labels of what `worst_case_excess` bounds, without knowing the truth."""

    def coins(rng: np.random.Generator, n: int) -> FloatArray:
        first, second = rng.integers(0, 2, (2, n)).astype(np.float64)
        return np.asarray(first - second)

    return _expected(flat, coins, draws, seed, "labels independent given the inputs")


def expected_gap(
    flat: FlatClass, noise: ArrayLike, draws: int = 16, seed: int = 0, law: str = "gaussian"
) -> ExpectedWorstCase:
    """Bound the mean over the labels of what `worst_case_gap` bounds, without knowing the truth.

    Parameters
    ----------
    noise : standard deviation σ of the labels around the truth, one number or one per example (n,).
    law : "gaussian", or "signs": ±σ with equal chance. With |ε_i| ≤ σ and symmetric ε_i the mean for signs is
        the largest of all laws, because the supremum is convex in each multiplier.
    """
    expect("flat", flat, FlatClass)
    sigma, draw = deviations(flat, noise), _draw_of(law)

    def scaled(rng: np.random.Generator, n: int) -> FloatArray:
        return np.asarray(2.0 * sigma * draw(rng, n))

    return _expected(flat, scaled, draws, seed, noise_words(sigma, law))


def deviations(flat: FlatClass, noise: ArrayLike) -> FloatArray:
    """Return the standard deviation of each example in I."""
    if reals("noise", noise).ndim == 0:
        size = nonnegative("noise", noise, "be finite and nonnegative")
        return np.full(int(flat.inside.sum()), size)
    sigma = vector("noise", noise)
    if sigma.shape != flat.inside.shape:
        raise bad("noise", f"be one number or one per input ({flat.inside.size})", sigma.size)
    if sigma.min() < 0.0:
        raise bad("noise", "be finite and nonnegative", float(sigma.min()))
    return np.asarray(sigma[flat.inside])


def _signs(rng: np.random.Generator, n: int) -> FloatArray:
    return 2.0 * rng.integers(0, 2, n).astype(np.float64) - 1.0


def _gaussian(rng: np.random.Generator, n: int) -> FloatArray:
    return np.asarray(rng.standard_normal(n))


_LAWS: dict[str, tuple[str, Callable[[np.random.Generator, int], FloatArray]]] = {
    "gaussian": ("independent Gaussian noise of standard deviation", _gaussian),
    "signs": ("independent symmetric noise of at most", _signs),
}


def _draw_of(law: str) -> Callable[[np.random.Generator, int], FloatArray]:
    return _LAWS[word("law", law, _LAWS)][1]


def noise_words(sigma: FloatArray, law: str = "gaussian") -> str:
    """Say the premise on the noise, a clause."""
    low, high = float(sigma.min()), float(sigma.max())
    return f"{_LAWS[law][0]} {low:g}" if low == high else f"{_LAWS[law][0]} {low:.4g} to {high:.4g}"


def _both(flat: FlatClass, labels: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Labels and truth of the examples in I."""
    y, f0 = vector("labels", labels), vector("truth", truth)
    for name, values in (("labels", y), ("truth", f0)):
        if values.shape != flat.inside.shape:
            raise bad(name, f"have one entry per input ({flat.inside.size})", values.size)
    return y[flat.inside], f0[flat.inside]


def _worst_case(flat: FlatClass, noise: FloatArray, f0: FloatArray, constant: float, model: str) -> WorstCase:
    found = supremum(flat, flat.merge(noise))
    at_truth = float(noise @ f0)
    return WorstCase(
        value=found.upper - at_truth,
        attained=found.lower - at_truth,
        constant=constant,
        points=flat.points,
        function=found.function,
        share=flat.share,
        status=found.status,
        assumptions=(
            model,
            f"∫|h''|g ≤ {flat.variation:.4g} and {_height(flat)} at the inputs of I",
            "L_I(h) ≤ L_I(f0)",
        ),
    )


def _height(flat: FlatClass) -> str:
    about = f" − {flat.center:.4g}" if flat.center else ""
    return f"|h{about}| ≤ {flat.height:.4g}"


def _expected(
    flat: FlatClass,
    draw: Callable[[np.random.Generator, int], FloatArray],
    draws: int,
    seed: int,
    model: str,
) -> ExpectedWorstCase:
    from stepscape.network import generator

    expect("flat", flat, FlatClass)
    whole("draws", draws, 2, 1_000_000)
    rng, v = generator(seed), flat.averaging
    found = [supremum(flat, flat.merge(v * draw(rng, v.size))) for _ in range(draws)]
    upper = np.array([one.upper for one in found])
    return ExpectedWorstCase(
        value=float(upper.mean()),
        standard_error=float(upper.std(ddof=1) / math.sqrt(draws)),
        gap=float(np.mean([one.upper - one.lower for one in found])),
        draws=draws,
        assumptions=(
            model,
            f"∫|h''|g ≤ {flat.variation:.4g} and {_height(flat)}, fixed before the labels are drawn",
            "L_I(h) ≤ L_I(f0)",
        ),
    )
