"""Ways to the largest eigenvalue of a model's Hessian, for benchmarks/monitor.py.

Each takes a situation, a copy of its model that it may spoil and the seed of its start, and returns the
eigenvalue and the Hessian products spent. A peer that is not installed has no methods.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn

from monitor_models import Situation, kept_graph
from stepscape.monitor import Probe, largest

Answer = tuple[float, int]
Method = Callable[[Situation, nn.Module, int], Answer]
OURS = "stepscape, residual 1e-3"


class Counted:
    """A function that counts its calls."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call, self.count = call, 0

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Call, and count."""
        self.count += 1
        return self.call(*given, **named)


def ours(tolerance: float) -> Method:
    """`stepscape.monitor.sharpness`, with a seed for the start."""

    def find(situation: Situation, model: nn.Module, seed: int) -> Answer:
        probe = Probe(model, situation.loss, situation.batch)
        with probe.measuring():
            probe.require_deterministic()
            pair = largest(probe.operator(), tolerance=tolerance, seed=seed)
        return pair.value, pair.products

    return find


def arpack(product: Callable[[np.ndarray], np.ndarray], size: int, tolerance: float, seed: int) -> Answer:
    counted = Counted(product)
    start = np.random.default_rng(seed).standard_normal(size).astype(np.float32)
    matrix = LinearOperator((size, size), counted, dtype=np.float32)
    value = eigsh(matrix, k=1, which="LA", v0=start, tol=tolerance, return_eigenvectors=False)[0]
    return float(value), counted.count


def graph_and_arpack(tolerance: float) -> Method:
    def find(situation: Situation, model: nn.Module, seed: int) -> Answer:
        product = kept_graph(situation, model, situation.batch)
        return arpack(lambda v: product(torch.from_numpy(v.ravel())).numpy(), situation.size, tolerance, seed)

    return find


def power_iteration(products: int) -> Method:
    """Power iteration as it is usually written, with one graph of the gradient."""

    def find(situation: Situation, model: nn.Module, seed: int) -> Answer:
        product = kept_graph(situation, model, situation.batch)
        vector = torch.randn(situation.size, generator=torch.Generator().manual_seed(seed))
        value = 0.0
        for _ in range(products):
            vector = vector / vector.norm()
            image = product(vector)
            value, vector = float(vector @ image), image
        return value, products

    return find


def pyhessian(most: int, tolerance: float) -> Method:
    def find(situation: Situation, model: nn.Module, seed: int) -> Answer:
        from pyhessian import hessian

        torch.manual_seed(seed)
        home = hessian.eigenvalues.__globals__
        kept = home["hessian_vector_product"]
        counted = home["hessian_vector_product"] = Counted(kept)
        try:
            made = hessian(model, situation.criterion, data=situation.batch, cuda=False)
            values, _ = made.eigenvalues(maxIter=most, tol=tolerance, top_n=1)
        finally:
            home["hessian_vector_product"] = kept
        return float(values[0]), counted.count

    return find


def eigenthings(**settings: Any) -> Method:
    def find(situation: Situation, model: nn.Module, seed: int) -> Answer:
        from hessian_eigenthings import lanczos
        from hessian_eigenthings.operators import HessianOperator

        operator = HessianOperator(model, [situation.batch], situation.loss)
        counted = operator.matvec = Counted(operator.matvec)
        found = lanczos(operator, seed=seed, **settings)
        return float(found.eigenvalues.max()), counted.count

    return find


def curvlinops(tolerance: float) -> Method:
    def find(situation: Situation, model: nn.Module, seed: int) -> Answer:
        from curvlinops import HessianLinearOperator

        operator = HessianLinearOperator(
            model, situation.criterion, list(model.parameters()), [situation.batch], check_deterministic=False
        ).to_scipy()
        return arpack(operator.matvec, situation.size, tolerance, seed)

    return find


OWN: dict[str, Method] = {
    "stepscape, residual 1e-2": ours(1e-2),
    OURS: ours(1e-3),
}
PLAIN: dict[str, Method] = {
    "one graph, eigsh, tol 1e-3": graph_and_arpack(1e-3),
    "one graph, power iteration, 50": power_iteration(50),
}
PEERS: dict[str, tuple[str, dict[str, Method]]] = {
    "pyhessian": ("PyHessian", {
        "PyHessian, default": pyhessian(100, 1e-3),
        "PyHessian, maxIter 300, tol 1e-6": pyhessian(300, 1e-6),
    }),
    "hessian_eigenthings": ("hessian-eigenthings", {
        "hessian-eigenthings, lanczos, default": eigenthings(),
        "hessian-eigenthings, lanczos k=1, LA, 30": eigenthings(k=1, which="LA", max_iter=30),
    }),
    "curvlinops": ("curvlinops-for-pytorch", {
        "curvlinops, eigsh LA, tol 1e-3": curvlinops(1e-3),
    }),
}  # fmt: skip


def methods() -> dict[str, Method]:
    """Return all that can be run here."""
    found = OWN | PLAIN
    for module, (_, each) in PEERS.items():
        if find_spec(module) is not None:
            found |= each
    return found


def versions() -> dict[str, str]:
    """Return versions of what takes part, or "missing"."""
    packages = ("torch", "numpy", "scipy", *(package for package, _ in PEERS.values()))
    return {name: _version(name) for name in packages}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
