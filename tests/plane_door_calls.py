"""One valid call of every public door to problems with inputs in R^d, and of what is measured there."""

from __future__ import annotations

from typing import Any

import numpy as np

import stepscape as ss

READ_ONLY = {"measures.Activity"}


def own(x: Any) -> Any:
    """A truth of one's own."""
    return np.sin(x).sum(axis=-1)


def calls() -> dict[str, dict[str, Any]]:
    """Arguments by name."""
    cloud = {
        "n": 8, "dimension": 2, "noise": 0.5, "seed": 0, "truth": "norm", "scale": 2.0, "radius": 1.5,
    }  # fmt: skip
    problem, net = ss.problems.ball(n=8, dimension=2), ss.TwoLayerReLU.random(3, dimension=2)
    line = ss.problems.tent(n=8)
    return {
        "measures.activity": {"problem": problem, "network": net},
        "measures.plane_facts": {
            "problem": problem, "network": net, "gamma": 1.0, "sharpness": None,
        },
        "certify:plane": {"problem": problem, "network": net, "delta": 0.05, "gamma": 1.0},
        "measures.activity:line": {"problem": line, "network": ss.TwoLayerReLU.random(3)},
        "problems.ball": cloud,
        "problems.ball:own": {**cloud, "truth": own},
        "problems.bernoulli_labels": {
            "problem": problem, "amplitude": 2.0, "flip_rate": 0.1, "seed": 0,
        },
        "problems.mixup": {"problem": problem, "alpha": 1.0, "copies": 2, "seed": 0},
        "problems.radial": {**cloud, "alpha": 2.0},
        "problems.sphere": cloud,
        "problems.subspaces": {**cloud, "count": 2, "inner": 1},
    }  # fmt: skip
