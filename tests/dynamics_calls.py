"""One valid call of everything public in `stepscape.dynamics`."""

from __future__ import annotations

from typing import Any

import numpy as np

import stepscape as ss

READ_ONLY = {"dynamics.Complementary", "dynamics.Curve", "dynamics.Gap", "dynamics.Separation"}


def calls() -> dict[str, dict[str, Any]]:
    """Arguments by name."""
    place = {"objective": ss.objectives.scalar_product(), "theta": np.array([1.5, 0.4])}
    descent = {**place, "method": ss.GradientDescent(0.1, 20)}
    curve = ss.dynamics.iterates(**descent, every=5)
    return {
        "dynamics.central_flow": {**descent, "time": 0.3, "substeps": 2, "every": 1, "skip": 1,
                                  "measure_error": True},
        "dynamics.chaos_floor": {**descent, "size": 1e-6, "seed": 0, "every": 10},
        "dynamics.compare": {"flow": curve, "run": curve, "values": np.cumsum, "window": 2},
        "dynamics.complementary": {"a": -np.eye(2), "b": np.eye(3)},
        "dynamics.Curve.smoothed": {"self": curve, "window": 2},
        "dynamics.Gap.parts": {"self": ss.dynamics.compare(curve, curve), "share": 0.5},
        "dynamics.gradient_flow": {
            **place, "time": 1.0, "points": 5, "method": "steps", "tolerance": 0.1,
        },
        "dynamics.iterates": {**descent, "every": 5},
        "dynamics.lyapunov": {**descent, "seed": 0, "skip": 3},
        "dynamics.mirror_flow": {**descent, "time": 0.3, "substeps": 2, "every": 1, "skip": 1, "floor": 1e-9,
                                 "measure_error": True},
        "dynamics.orbit": {**descent, "skip": 1, "every": 5},
        "dynamics.relative_progress": {**place, "step_size": 0.1},
        "dynamics.rod_flow": {**descent, "time": 0.3, "substeps": 2, "rods": 1, "every": 1, "skip": 1,
                              "measure_error": True},
        "dynamics.separation": {**descent, "size": 1e-9, "seed": 0, "every": 5},
        "dynamics.step_curvature": {**place, "after": np.array([1.4, 0.5]), "nodes": 8, "tolerance": 1e-6},
    }  # fmt: skip
