"""One valid call of everything public about recovery, training of factors, and products of layers."""

from __future__ import annotations

from typing import Any

import stepscape as ss
from stepscape.recovery import Training

READ_ONLY = {"recovery.NullSpace", "recovery.Paths", "recovery.Recovered", "recovery.RecoveredProduct"}
READ_ONLY |= {"recovery.Trial", "recovery.Uniqueness"}
# Called by the loop of `train_factors`, the solvers and the Hessian, with arrays that they have checked.
INNER = {
    *(f"recovery.Training.{name}" for name in ("step_sizes", "weight")),
    *(
        f"objectives.LinearNetwork.{name}"
        for name in ("loss", "gradient", "hessian", "census", "pull", "back")
    ),
}


def calls(quiet: Any, text: type) -> dict[str, dict[str, Any]]:
    """Arguments by name; `quiet` is a function that takes progress, `text` marks any text."""
    p = ss.problems.matrix_sensing(d1=3, d2=3, rank=1, m=8)
    h, f = ss.problems.hadamard(d=4, nonzero=1, m=3), ss.Factorization.random((3, 3), 2)
    network, product = ss.objectives.linear_network(h), h.truth
    solver = {"problem": p, "penalty": 0.1, "tolerance": 1e-6, "iterations": 100, "progress": lambda *_: None}
    deep = {"problem": h, "depth": 3, "tolerance": 1e-8, "iterations": 100}
    theta = network.parameters(ss.recovery.flat_product_layers(h, product))
    return {
        "objectives.LinearNetwork": {"problem": h},
        "objectives.LinearNetwork.layers": {"self": network, "theta": theta},
        "objectives.LinearNetwork.parameters": {"self": network, "layers": network.layers(theta)},
        "objectives.LinearNetwork.product": {"self": network, "theta": theta},
        "objectives.LinearNetwork.trace": {"self": network, "theta": theta},
        "objectives.linear_network": {"problem": h},
        "problems.ProductMeasurements": {
            "design": h.design, "labels": h.labels, "depth": 3, "truth": product, "noise": 0.1,
            "name": text("product"),
        },
        **{
            f"problems.ProductMeasurements.{name}": {"self": h, "product": product}
            for name in ("apply", "loss", "error")
        },
        "problems.ProductMeasurements.adjoint": {"self": h, "values": h.labels},
        "problems.block_network": {
            "blocks": 2, "size": 2, "nonzero": 1, "rank": 1, "m": 6, "depth": 2, "noise": 0.1, "seed": 0,
        },
        "problems.hadamard": {"d": 4, "nonzero": 1, "m": 3, "depth": 3, "noise": 0.1, "seed": 0},
        "recovery.Training": {
            "step_size": 0.01, "steps": 3, "batch": 4, "replacement": False, "label_noise": 0.1,
            "trace_penalty": 0.01, "trace": "exact", "weight_decay": 0.01, "ascent": 0.01, "anneal": 0.3,
            "settle": 0.1,
        },
        "recovery.flat_product_layers": {"problem": h, "product": product, "depth": 3},
        "recovery.flat_product_trace": {"problem": h, "product": product, "depth": 3},
        "recovery.flattest": solver,
        "recovery.flattest_product": deep,
        "recovery.flattest_trace": {"measurements": p, "matrix": p.truth, "scaled": True},
        "recovery.hessian_trace": {"measurements": p, "factors": f},
        "recovery.minimum_decay_product": {**deep, "starts": 2, "seed": 0},
        "recovery.minimum_frobenius_norm": solver,
        "recovery.minimum_nuclear_norm": solver,
        "recovery.scaled_trace": {"measurements": p, "factors": f},
        "recovery.settled_step_size": {"problem": p, "start": f, "share": 0.5, "steps": 20_000},
        "recovery.stable_step_size": {"problem": p, "start": f},
        "recovery.trace_penalty_limit": {"problem": p},
        "recovery.train_factors": {
            "problem": p, "starts": [f], "training": Training(0.01, 3), "record_every": 2, "seed": 0,
            "progress": quiet, "observe": lambda *_: None, "flattest": 1.0, "measure_sharpness": True,
            "measure_frobenius": False,
        },
        "recovery.trial": {"problem": p, "objective": "flattest", "iterations": 50},
        "recovery.weight_decay_limit": {"problem": p},
    }  # fmt: skip
