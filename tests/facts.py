"""`Facts` of a case of `oracles`, with measured numbers that a test gives: nothing is measured here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import stepscape as ss
from oracles import ALL, Case
from stepscape.theory import Facts


@dataclass(frozen=True)
class GivenLandscape:
    """Numbers as given; those that are not are nan, which no certificate survives."""

    predictions: np.ndarray
    error: float = 0.0
    top: float = math.nan
    linear: float = math.nan
    residual_norm: float = math.nan
    loss: float = math.nan
    residual_norm_error: float = 0.0
    loss_error: float = 0.0

    @property
    def sharpness(self) -> ss.Eigenpair:
        return self._at_most_off(self.top)

    @property
    def gauss_newton(self) -> ss.Eigenpair:
        return self._at_most_off(self.linear)

    def _at_most_off(self, value: float) -> ss.Eigenpair:
        """Both sides at the upper end of the error: what a dense eigenvalue is off refutes no theorem."""
        most = value + self.error
        return ss.Eigenpair(value, self.error, np.empty(0), 0, lower=most, upper=most)


def case_of(w1, b1, w2, x, y=None, v=None, b2=0.0) -> Case:
    """Lists as arrays; labels 1 and equal weights where none are given."""
    w1, b1, w2, x = (np.asarray(values, float) for values in (w1, b1, w2, x))
    y, v = (np.ones(x.size) if values is None else np.asarray(values, float) for values in (y, v))
    return Case(w1, b1, w2, b2, x, y, v)


def facts_of(
    case: Case,
    kind: str = "square",
    trainable=ALL,
    *,
    predictions=None,
    residual: float = 0.0,
    sharpness: float = math.nan,
    gauss_newton: float = math.nan,
    residual_norm: float = math.nan,
    loss: float = math.nan,
    truth=None,
    noise=None,
    delta: float = 0.05,
    gamma: float = 1.0,
) -> Facts:
    """Both eigenvalues have the same residual; predictions come in the order of the inputs."""
    f = case.predict() if predictions is None else np.asarray(predictions, float)
    f = f[np.argsort(case.x, kind="stable")]
    problem = ss.Problem(case.x, case.y, kind, truth, noise, case.v)
    network = ss.TwoLayerReLU(case.w1, case.b1, case.w2, case.b2, trainable)
    measured = GivenLandscape(f, residual, sharpness, gauss_newton, residual_norm, loss)
    return Facts(problem, network, measured, delta, gamma)
