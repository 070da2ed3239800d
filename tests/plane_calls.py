"""One valid call of everything public about networks with inputs in R^d."""

from __future__ import annotations

from typing import Any

import numpy as np

import stepscape as ss

# What calls these is a loop, with arrays that it has checked.
INNER = {
    "objectives.PlaneHessian.lanczos", "objectives.ReLUPlane.descend",
}  # fmt: skip


def calls() -> dict[str, dict[str, Any]]:
    """Arguments by name."""
    rng = np.random.default_rng(0)
    problem = ss.Problem(rng.standard_normal((8, 2)), rng.standard_normal(8))
    net = ss.TwoLayerReLU.random(3, dimension=2)
    here, objective, theta = (
        {"problem": problem, "network": net},
        ss.objectives.plane(problem, net),
        net.parameters,
    )
    ones = np.ones(net.size)
    return {
        "TwoLayerReLU.predict:plane": {"self": net, "x": problem.inputs},
        "TwoLayerReLU.with_parameters:plane": {"self": net, "parameters": theta},
        "hessian:plane": {**here, "gauss_newton": True},
        "hessian_trace:plane": here,
        "sharpness:plane": {
            **here, "start": ones, "tolerance": 1e-6, "gauss_newton": False, "weight_decay": 0.1,
            "decay_biases": False,
        },
        "directional_smoothness:plane": {**here, "before": net.with_parameters(0.5 * theta)},
        "train:plane": {**here, "method": ss.GradientDescent(0.05, 6), "record_every": 3},
        "objectives.PlaneHessian": {
            **here, "gauss_newton": False, "decay": 0.1, "unit": 1.0, "decay_biases": False,
        },
        "objectives.PlaneHessian.product": {"self": ss.objectives.PlaneHessian(**here), "vector": ones},
        "objectives.with_examples": {"examples": lambda _: problem, "measured": problem, "network": net},
        "objectives.ReLUPlane": here,
        "objectives.plane": here,
        **{
            f"objectives.ReLUPlane.{name}": {"self": objective, "theta": theta}
            for name in ("loss", "gradient", "hessian", "census", "largest_loss")
        },
        "objectives.ReLUPlane.rough_sharpness": {
            "self": objective, "theta": theta, "decay": 0.1, "decay_biases": False,
        },
        "objectives.ReLUPlane.sharpness": {
            "self": objective, "theta": theta, "decay": 0.1, "start": ones, "tolerance": 1e-6,
            "decay_biases": False,
        },
        "objectives.ReLUPlane.smoothness": {"self": objective, "theta": theta, "before": ones},
    }  # fmt: skip
