"""One valid call of everything public in `stepscape.dynamics`."""

from __future__ import annotations

from typing import Any

import numpy as np

import stepscape as ss

READ_ONLY = {"dynamics.Curve", "dynamics.Gap", "dynamics.Separation"}


def calls() -> dict[str, dict[str, Any]]:
    """Arguments by name."""
    place = {"objective": ss.objectives.scalar_product(), "theta": np.array([1.5, 0.4])}
    descent = {**place, "method": ss.GradientDescent(0.1, 20)}
    curve = ss.dynamics.iterates(**descent, every=5)
    return {
        "dynamics.chaos_floor": {**descent, "size": 1e-6, "seed": 0, "every": 10},
        "dynamics.compare": {"flow": curve, "run": curve, "values": np.cumsum},
        "dynamics.Gap.parts": {"self": ss.dynamics.compare(curve, curve), "share": 0.5},
        "dynamics.gradient_flow": {
            **place, "time": 1.0, "points": 5, "method": "steps", "tolerance": 0.1,
        },
        "dynamics.iterates": {**descent, "every": 5},
        "dynamics.lyapunov": {**descent, "seed": 0, "skip": 3},
        "dynamics.separation": {**descent, "size": 1e-9, "seed": 0, "every": 5},
    }  # fmt: skip
