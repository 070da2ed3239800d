"""One random truth that is measured and recovered with k layers: a sparse vector, or blocks of rank one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, unknown
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.objectives import linear_network
from stepscape.problems import ProductMeasurements, block_network, hadamard
from stepscape.recovery import (
    RecoveredProduct,
    flat_product_layers,
    flat_product_trace,
    flattest_product,
    minimum_decay_product,
)
from stepscape.tables.records import Record

Array = NDArray[np.float64]
# Active blocks of the truth, all of rank one, for (side, block size).
TRUTHS = {
    "one block": lambda side, size: 1,  # noqa: ARG005
    # A block of rank one has 2s − 1 degrees of freedom, and the full matrix 2·side − 1.
    "equal freedom": lambda side, size: max(1, round((2 * side - 1) / (2 * size - 1))),
}
TOLERANCE = 1e-8  # relative duality gap of the products of blocks


class VectorRun(Spec, frozen=True, tag="depth-vector/1"):
    """A vector with a few nonzero numbers, and a diagonal network of k layers."""

    length: int
    measurements: int
    nonzero: int
    depth: int
    decays: bool
    starts: int
    seed: int
    drawn: bool


class BlockRun(Spec, frozen=True, tag="depth-blocks/1"):
    """(side/s)² blocks s×s, of which a few are not 0, and a network of k layers with such blocks."""

    truth: str
    side: int
    size: int
    measurements: int
    depth: int
    seed: int


def grid(settings: Settings) -> list[VectorRun | BlockRun]:
    """Every sparsity and depth; every truth, block size and depth; the full matrix with few measurements."""
    _check(settings)
    vectors = sweep(
        VectorRun,
        settings,
        nonzero=(*settings["nonzeros"], *settings["many_nonzeros"]),
        seed=seeds(settings),
        depth=settings["depths"],
        decays=lambda run: run.depth in settings["decay_depths"],
        drawn=lambda run: (run.seed, run.nonzero) == (settings["first_seed"], settings["nonzeros"][-1]),
    )
    blocks: dict[str, Any] = {"seed": seeds(settings), "depth": settings["block_depths"]}
    many = sweep(
        BlockRun, settings, truth=settings["block_truths"], size=settings["block_sizes"], **blocks,
        measurements=settings["block_measurements"],
    )  # fmt: skip
    few = sweep(
        BlockRun, settings, truth=settings["block_truths"][:1], size=(settings["side"],), **blocks,
        measurements=settings["few_measurements"],
    )  # fmt: skip
    return [*vectors, *many, *few]


def _check(settings: Settings) -> None:
    at_least(
        settings, seeds=1, length=1, measurements=1, starts=1, side=1, block_measurements=1,
        few_measurements=1,
    )  # fmt: skip
    for name in ("depths", "decay_depths", "block_depths"):
        if min(settings[name]) < 2:
            raise bad(name, "be at least 2", min(settings[name]))
    for name in ("nonzeros", "many_nonzeros"):
        if not 1 <= min(settings[name]) <= max(settings[name]) <= settings["length"]:
            raise bad(name, f"lie between 1 and the length {settings['length']}", settings[name])
    for size in settings["block_sizes"]:
        if size < 1 or settings["side"] % size:
            raise bad("block_sizes", f"divide the side {settings['side']}", size)
    for truth in settings["block_truths"]:
        if truth not in TRUTHS:
            raise unknown("truth of blocks", truth, TRUTHS)


def begin(run: VectorRun | BlockRun) -> ProductMeasurements:
    """Return the problem of a run."""
    if isinstance(run, VectorRun):
        return hadamard(run.length, run.nonzero, run.measurements, run.depth, seed=run.seed)
    active = TRUTHS[run.truth](run.side, run.size)
    return block_network(
        (run.side // run.size) ** 2, run.size, active, 1, run.measurements, run.depth, seed=run.seed
    )


def work(run: VectorRun | BlockRun, tick: Tick) -> Record:
    """Find the flattest product of k layers, what it is compared with, and that of least weight decay."""
    tick(0.1)
    problem = begin(run)
    if isinstance(run, BlockRun):
        return Record("finished", _blocks(problem))
    found = flattest_product(problem)
    numbers = _flattest(problem, found) | _limits(problem, found)
    arrays = {"truth": _of(problem), "flattest": found.solution}
    if run.decays:
        decay = minimum_decay_product(problem, starts=run.starts)
        numbers |= {
            "decay_error": problem.error(decay.solution),
            "decay_status": decay.status,
            "decay_effective": effective_number(decay.solution),
        }
        arrays["decay"] = decay.solution
    return Record("finished", numbers, arrays if run.drawn else {})


def _flattest(problem: ProductMeasurements, found: RecoveredProduct) -> dict[str, Any]:
    return {
        "error": problem.error(found.solution),
        "gap": found.gap,
        "status": found.status,
        "iterations": found.iterations,
        "effective": effective_number(found.solution),
        "truth_effective": effective_number(_of(problem)),
    }


def _limits(problem: ProductMeasurements, found: RecoveredProduct) -> dict[str, Any]:
    """Compare with the flattest product of infinitely many layers, and with the least ‖x‖₂."""
    limit = flattest_product(problem, math.inf).solution
    shortest = np.asarray(np.linalg.lstsq(problem.design, problem.labels, rcond=None)[0], np.float64)
    return {
        "limit_error": problem.error(limit),
        "limit_distance": _distance(found.solution, limit),
        "shortest_error": problem.error(shortest),
        "shortest_effective": effective_number(shortest),
    }


def _blocks(problem: ProductMeasurements) -> dict[str, Any]:
    """Measure the flattest product; ``trace_ratio``: tr ∇²L of its layers over the formula.

    ``trace_saved``: 1 minus tr ∇²L of its layers over that of the truth's layers.
    """
    found, two = (flattest_product(problem, k, TOLERANCE) for k in (problem.depth, 2))
    trace, least = _exact_trace(problem, found.solution), flat_product_trace(problem, found.solution)
    return _flattest(problem, found) | {
        "two_layer_error": problem.error(two.solution),
        "two_layer_distance": _distance(found.solution, two.solution),
        "trace_ratio": trace / least,
        "trace_saved": 1.0 - trace / _exact_trace(problem, _of(problem)),
    }


def _exact_trace(problem: ProductMeasurements, product: Array) -> float:
    """Return tr ∇²L at the layers that `flat_product_layers` gives a product."""
    network = linear_network(problem)
    return network.trace(network.parameters(flat_product_layers(problem, product)))


def effective_number(product: Array) -> float:
    """‖x‖₁²/‖x‖₂², x the numbers of a vector or the nuclear norms of blocks: n if n of them are equal.

    >>> effective_number(np.array([2.0, 0.0, -2.0]))
    2.0
    """
    sizes = np.abs(product) if product.ndim == 1 else np.linalg.svd(product, compute_uv=False).sum(axis=-1)
    return float(sizes.sum() ** 2 / (sizes @ sizes))


def _distance(one: Array, other: Array) -> float:
    """‖one − other‖/‖other‖."""
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def _of(problem: ProductMeasurements) -> Array:
    assert problem.truth is not None
    return problem.truth
