"""`PlaneFacts` of a case of `plane_oracles`, with measured numbers that a test gives."""

from __future__ import annotations

import math

from facts import GivenLandscape
from plane_oracles import ALL, PlaneCase, accuracy, measure
from stepscape.theory.plane import PlaneFacts


def plane_facts(
    case: PlaneCase,
    loss="square",
    trainable=ALL,
    *,
    gamma=1.0,
    sharpness=math.nan,
    gauss_newton=math.nan,
    residual_norm=math.nan,
    value=math.nan,
    error=0.0,
) -> PlaneFacts:
    f = case.predict()
    landscape = GivenLandscape(f, error, sharpness, gauss_newton, residual_norm, value)
    return PlaneFacts(
        case.x, case.y, case.w1, case.b1, case.w2, case.b2, landscape, case.v, trainable, loss, gamma
    )


def measured_facts(case: PlaneCase, loss="square", trainable=ALL, gamma=1.0) -> PlaneFacts:
    """Facts with the eigenvalues of dense matrices."""
    m = measure(case, loss, trainable)
    return plane_facts(
        case,
        loss,
        trainable,
        gamma=gamma,
        sharpness=m.sharpness,
        gauss_newton=m.gauss_newton,
        residual_norm=m.residual_norm,
        value=m.loss,
        error=accuracy(case, m),
    )
