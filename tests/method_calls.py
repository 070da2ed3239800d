"""One valid call of every method beyond descent, and of what trains and measures with it."""

from __future__ import annotations

from typing import Any

import numpy as np

import stepscape as ss

# Called by the loop, with arrays that it has checked.
INNER = {"objectives.OwnSteps.descend"}


def calls(problem: ss.Problem, net: ss.TwoLayerReLU) -> dict[str, dict[str, Any]]:
    """Return the arguments of each, by its name."""
    batches = ss.methods.StochasticGradientDescent(0.1, 5, batch_size=2, seed=1)
    noise, aware = ss.methods.LabelNoise(0.1, 5), ss.methods.SharpnessAware(0.1, 5)
    penalty, clock = ss.methods.TracePenalty(0.1, 5), {"step_size": 0.1, "steps": 5}
    stepped = ss.objectives.with_method(problem, net, aware)
    theta = net.parameters
    of = "objectives.OwnSteps"
    adam = ss.methods.Adam(0.1, 5, weight_decay=0.1)
    map_ = ss.training.OptimizerMap(ss.objectives.scalar_product(), adam)
    z = map_.step(map_.start(np.array([1.5, 0.4])))
    return {
        "methods.StochasticGradientDescent": {
            **clock, "batch_size": 2, "replacement": True, "seed": 0, "momentum": 0.5,
        },
        "methods.StochasticGradientDescent.threshold": {"self": batches, "step_size": 0.1},
        "methods.StochasticGradientDescent.batches": {"self": batches, "first": 0, "count": 3, "examples": 6},
        "methods.LabelNoise": {**clock, "noise": 0.5, "seed": 0},
        "methods.LabelNoise.threshold": {"self": noise, "step_size": 0.1},
        "methods.LabelNoise.noises": {"self": noise, "first": 0, "count": 3, "examples": 6},
        "methods.SharpnessAware": {**clock, "radius": 0.1},
        "methods.SharpnessAware.threshold": {"self": aware, "step_size": 0.1, "gradient_norm": 0.5},
        "methods.TracePenalty": {**clock, "weight": 0.1},
        "methods.TracePenalty.threshold": {"self": penalty, "step_size": 0.1},
        "methods.RMSProp": {**clock, "beta2": 0.9, "epsilon": 1e-3, "scalar": True, "weight_decay": 0.1},
        "methods.RMSProp.threshold": {"self": ss.methods.RMSProp(0.1, 5), "step_size": 0.1},
        **{
            f"methods.{name}": {**clock, "beta1": 0.9, "beta2": 0.9, "epsilon": 1e-3, "weight_decay": 0.1}
            for name in ("Adam", "AdamW")
        },
        "methods.Adam.threshold": {"self": adam, "step_size": 0.1},
        "methods.AdamW.threshold": {"self": ss.methods.AdamW(0.1, 5), "step_size": 0.1},
        "training.OptimizerMap": {
            "objective": map_.objective, "method": adam, "decayed": np.array([1.0, 0.0]),
        },
        "training.OptimizerMap.start": {"self": map_, "theta": np.array([1.5, 0.4])},
        **{
            f"training.OptimizerMap.{name}": {"self": map_, "z": z}
            for name in ("step", "weights", "preconditioner")
        },
        "training.OptimizerMap.stabilized": {"self": map_, "z": z, "theta": np.array([1.0, 0.4])},
        "objectives.with_method": {"problem": problem, "network": net, "method": batches},
        of: {"measured": stepped.measured, "steps": stepped.steps},
        **{
            f"{of}.{name}": {"self": stepped, "theta": theta}
            for name in ("loss", "gradient", "hessian", "census", "largest_loss")
        },
        f"{of}.rough_sharpness": {"self": stepped, "theta": theta, "decay": 0.1, "decay_biases": True},
        f"{of}.sharpness": {
            "self": stepped, "theta": theta, "decay": 0.1, "start": np.ones(theta.size), "tolerance": 1e-6,
            "decay_biases": True,
        },
        f"{of}.smoothness": {"self": stepped, "theta": theta, "before": np.ones(theta.size)},
        "objectives.batch_sharpness": {
            "problem": problem, "network": net, "batch_size": 2, "draws": 4, "replacement": True, "seed": 0,
            "average": "mean of ratios",
        },
    }  # fmt: skip
