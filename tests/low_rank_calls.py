"""One valid call of everything public about matrices of low rank."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

import stepscape as ss

# What calls these are solvers and objectives, with arrays that they have checked.
INNER = {
    f"problems.{kind}.{method}"
    for kind in ("Dense", "Entries", "RankOne", "Sparse")
    for method in ("apply", "apply_product", "adjoint", "between")
}
READ_ONLY = {"objectives.FactorsHessian"}


def calls(folder: Any, file: type, text: type) -> dict[str, dict[str, Any]]:
    """Arguments by name; `file` and `text` mark a path and any text."""
    p, pca = ss.problems.matrix_sensing(d1=4, d2=3, m=7), ss.problems.robust_pca(d1=4, d2=3)
    f = ss.Factorization.random((4, 3), 2)
    o, c, theta = ss.objectives.factors(p, 2), ss.objectives.factors(pca, 2), f.parameters
    ss.problems.write_measurements(str(folder / "measured.npz"), p)
    shape, square = {"d1": 4, "d2": 3, "rank": 2}, {"d": 4, "m": 7}
    seeded = {"noise": 0.5, "seed": 0}
    at = {"theta": theta}
    return {
        "Factorization": {"left": f.left, "right": f.right, "structure": "any"},
        "Factorization.random": {"shape": (4, 3), "width": 2, "scale": 1.0, "structure": "any", "seed": 0},
        "Factorization.with_parameters": {"self": f, **at},
        "objectives.CorruptedFactors": {"matrix": pca, "width": 2},
        "objectives.Factors": {"measurements": p, "widths": (2, 2)},
        "objectives.FactorsHessian.product": {"self": o.hessian(theta), "vector": theta},
        "objectives.factors": {"measurements": p, "width": 2},
        "objectives.factors:own": {"measurements": p, "factors": f},
        "objectives.Factors.pull_back": {"self": o, **at, "values": p.labels},
        **{f"objectives.Factors.{name}": {"self": o, **at} for name in (*BOTH, *MEASURED)},
        **{f"objectives.CorruptedFactors.{name}": {"self": c, **at} for name in BOTH},
        "problems.CorruptedMatrix": {
            "observed": pca.observed, "budget": 3.0, "truth": pca.truth, "noise": 0.5, "name": text("data"),
        },
        **{
            f"problems.CorruptedMatrix.{name}": {"self": pca, "matrix": pca.truth}
            for name in ("errors", "residuals", "loss", "error")
        },
        "problems.Dense": {"matrices": p.linear_map.matrices},
        "problems.Entries": {
            "rows": np.array([0, 1]), "columns": np.array([2, 0]), "shape": (2, 3),
            "scales": np.array([1.0, 2.0]),
        },
        "problems.Measurements": {
            "linear_map": p.linear_map, "labels": p.labels, "structure": "any", "truth": p.truth,
            "noise": 0.5, "name": text("data"),
        },
        "problems.Measurements.adjoint": {"self": p, "values": p.labels},
        "problems.Measurements.degrees_of_freedom": {"self": p, "rank": 2},
        **{
            f"problems.Measurements.{name}": {"self": p, "matrix": p.truth}
            for name in ("apply", "loss", "error")
        },
        "problems.RankOne": {"left": p.truth, "right": p.truth},
        "problems.Sparse": {"rows": sparse.csr_array(np.eye(3, 6)), "shape": (2, 3)},
        "problems.bilinear_sensing": {**shape, "m": 7, **seeded},
        "problems.covariance_sensing": {**square, "rank": 2, **seeded},
        "problems.matrix_completion": {**shape, "m": 7, **seeded},
        "problems.matrix_completion:mask": {**shape, "mask": np.eye(4, 3), **seeded},
        "problems.matrix_factorization": {**shape, **seeded},
        "problems.matrix_sensing": {**shape, "m": 7, **seeded, "ensemble": "sparse", "density": 0.3},
        "problems.phase_retrieval": {**square, **seeded},
        "problems.quadratic_network": {**square, "positive": 1, "negative": 1, **seeded},
        "problems.read_measurements": {"path": file(str(folder / "measured.npz"))},
        "problems.robust_pca": {**shape, "corrupted": 0.1, **seeded, "magnitude": 2.0},
        "problems.write_measurements": {"path": file(str(folder / "written.npz")), "measurements": p},
    }  # fmt: skip


BOTH = (
    "factorization", "residuals", "loss", "gradient", "hessian", "census", "trace", "block_traces",
)  # fmt: skip
MEASURED = ("gauss_newton", "gauss_newton_trace", "gauss_newton_trace_gradient")
