"""What a user's own table proves about a trained network, where nobody knows the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import nonnegative, positive
from stepscape.errors import bad
from stepscape.measures.certification import facts
from stepscape.measures.noise_differences import difference_noise
from stepscape.network import TwoLayerReLU
from stepscape.problems.one_variable import require_line
from stepscape.problems.problem import Problem
from stepscape.theory import FlatClass, sharpness
from stepscape.theory.line.gain import Gain, certified_gain

Array = NDArray[np.float64]
WORDS = {
    "certified": "closer to the truth than the mean label",
    "vacuous": "nothing is proved: as far as the certificate knows, the mean label may be as close",
    "inapplicable": "no certificate applies",
}
_FLAT = 1e-9  # M is at least that: it must be positive, and a network may be constant


@dataclass(frozen=True)
class PredictionGain:
    """How much closer to the truth the network is than the mean label, as far as its flatness proves it.

    Attributes
    ----------
    gain : the parts of the bound; None where no certificate applies.
    noise : standard deviation of one measurement that was used, and whether it was `estimated`.
    variation, height : C and M of the class that the network was certified to lie in.
    failed_premises : those of the certificate that are not met.
    """

    gain: Gain | None
    noise: float
    estimated: bool
    variation: float = math.nan
    height: float = math.nan
    failed_premises: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Say "certified", "vacuous" or "inapplicable"."""
        if self.gain is None:
            return "inapplicable"
        return "vacuous" if self.gain.vacuous else "certified"

    def record(self) -> dict[str, Any]:
        """Return everything as plain values."""
        numbers = ("value", "fitted", "supremum", "standard_error", "deviation", "in_the_mean")
        return {
            "verdict": self.verdict,
            **{name: getattr(self.gain, name, None) for name in numbers},
            "noise": self.noise,
            "noise_estimated": self.estimated,
            "variation": self.variation,
            "height": self.height,
            "assumptions": getattr(self.gain, "assumptions", ()),
            "failed_premises": self.failed_premises,
        }


def prediction_gain(
    problem: Problem,
    network: TwoLayerReLU,
    noise: float | None = None,
    rows: float | None = None,
    delta: float = 0.05,
    draws: int = 32,
    seed: int = 0,
) -> PredictionGain:
    """Prove how much closer to the truth a network is than the mean label, without knowing the truth.

        Σ v (ȳ − f0)² − Σ v (f − f0)² ≥ T(ȳ) − T(f) − largest noise term of the certified class,

    with probability 1 − δ over the labels (`stepscape.theory.certified_gain`). The class is {∫|h''|g ≤ C,
    |h − ȳ| ≤ M}: C is the right side of the certificate "sharpness", M the largest |f(x_i) − ȳ|.

    Parameters
    ----------
    problem : square loss; no truth is needed.
    noise : standard deviation σ of one measurement; by default the problem's, or else it is estimated from
        differences of neighboring labels. An estimate is a premise, too.
    rows : number of measurements in the table. Example i is the mean of its share v_i of them, so that its
        noise is σ/√(rows·v_i); by default one measurement for each example.
    delta, draws, seed : as in `stepscape.theory.certified_gain`.

    Raises
    ------
    InputError
        For the logistic loss; with fewer than three distinct inputs, from which no noise can be estimated.
    """
    require_line(problem, network)
    if problem.loss != "square":
        raise bad("problem", "have the square loss", problem.loss)
    count = float(problem.size) if rows is None else positive("rows", rows)
    known, v = facts(problem, network), problem.averaging
    given = problem.noise if noise is None else nonnegative("noise", noise)
    sigma = difference_noise(problem.inputs, problem.labels, count * v) if given is None else given
    bound = sharpness(known)
    if bound.failed_premises or not math.isfinite(bound.right):
        failed = bound.failed_premises or ("the right side is finite",)
        return PredictionGain(None, sigma, given is None, failed_premises=failed)
    fitted, mean = network.predict(problem.inputs), float(v @ problem.labels)
    flat = FlatClass(
        problem.inputs,
        variation=max(bound.left, bound.right, 0.0),
        height=max(float(np.abs(fitted - mean)[v > 0.0].max()) * (1.0 + 1e-15), _FLAT),
        weights=None if problem.weights is None else v,
        trainable=network.trainable,
        center=mean,
    )
    with np.errstate(divide="ignore"):
        each = np.where(v > 0.0, sigma / np.sqrt(count * v), 0.0)
    gain = certified_gain(flat, problem.labels, fitted, each, delta, draws, seed)
    return PredictionGain(gain, sigma, given is None, flat.variation, flat.height)
