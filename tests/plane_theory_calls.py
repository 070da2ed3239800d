"""One valid call of everything public about inputs in R^d."""

from __future__ import annotations

from typing import Any

import numpy as np

READ_ONLY = {
    "theory.DepthBound", "theory.EmptyCaps", "theory.PlaneTheorem", "theory.ProjectedInterpolator",
    "theory.SphereClassifier", "theory.SphereInterpolator",
}  # fmt: skip
INNER = {"theory.PlaneFacts.variation"}


def calls(landscape: Any) -> dict[str, dict[str, Any]]:
    """Arguments by name; `landscape` is one of a network with 8 predictions."""
    angle = 2.0 * np.pi * np.arange(8.0) / 8.0
    circle, values = np.column_stack([np.cos(angle), np.sin(angle)]), np.cos(3.0 * angle)
    signs, weights = np.where(values > 0.0, 1.0, -1.0), np.linspace(1.0, 2.0, 8)
    law, seeded = {"dimension": 3, "law": "sphere"}, {"directions": 3, "seed": 0}
    data = {"inputs": circle, "labels": values}
    return {
        "theory.PlaneFacts": {
            **data, "w1": np.eye(2), "b1": np.array([0.3, 0.1]), "w2": np.array([0.5, -0.6]), "b2": 0.1,
            "landscape": landscape, "weights": weights, "trainable": ("w1", "b1", "w2", "b2"),
            "loss": "square", "gamma": 1.0,
        },
        "theory.depth_bound": {"at": 0.5 * circle[:2], "inputs": circle, "weights": weights, **seeded},
        "theory.edge_law": law,
        "theory.empty_caps": {
            "inputs": 0.5 * circle, "seed": 0, "width": 0.4, "height": 1.0, "candidates": 20,
        },
        "theory.exposure": {"inputs": circle},
        "theory.half_space_mass": {"t": np.array([0.1, 0.5]), **law},
        "theory.half_space_weight": {"t": np.array([0.1, 0.5]), **law},
        "theory.plane_theorems": {"loss": "logistic"},
        "theory.projected_interpolator": {"inputs": circle, "labels": signs, "margin": 2.0, **seeded},
        "theory.projection_density": {"t": np.array([0.1, 0.5]), **law},
        "theory.sphere_classifier": {
            "inputs": circle, "logits": values, "labels": signs, "weights": weights,
        },
        "theory.sphere_interpolator": {**data, "scale": "best", "weights": weights},
    }  # fmt: skip
