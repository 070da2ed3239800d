"""Flat minima of deeper diagonal networks are denser and recover worse; blocks between diagonal and full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    decide,
    lacking,
    together,
)
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.levels import Levels
from stepscape.experiments.frame.limits import NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.recovery.depth_rows import (
    LOCAL,
    at_an_end,
    block_cells,
    finished,
    lacks_blocks,
    lacks_decay,
    lacks_vectors,
    nonzeros,
    recoverable,
    searched,
)
from stepscape.experiments.recovery.depth_runs import BlockRun, VectorRun, begin, grid, work
from stepscape.experiments.recovery.undecided import Tried, agreed_share
from stepscape.tables.records import Table

Array = NDArray[np.float64]
DEPTH = Levels("depth", "depths", "k")
SIZE = Levels("size", "block sizes", "s")
EXACT = {"exact": 1e-6}


def is_exact_and_worse_with_depth(
    result: Result, exact: float, least: float, least_correlation: float, least_decades: float
) -> Finding:
    """Whether two layers recover, and more layers recover worse and worse and are denser."""
    table = finished(result, VectorRun)
    few = table.rows(np.isin(table["nonzero"], result.settings["nonzeros"]))
    two = result.of(VectorRun).where(outcome="finished", depth=2).table
    two = two.rows(np.isin(two["nonzero"], result.settings["nonzeros"])) if len(two) else two
    if not len(two) or np.unique(few["depth"]).size < 2:
        return lacking("no vector was recovered with two layers and with more")
    cells = {nonzeros(r): few.where(nonzero=r) for r in np.unique(few["nonzero"])}
    exactly = Says("vectors", "be", "recovered by two layers", plural=True)
    return together({
        "worse": _over(cells, _harm, Says("the error", "grow", "with the layers"),
                       "error of the most layers minus that of two", least),
        "trend": _over(cells, _trend, Says("the error", "rise", "along the depths"),
                       "rank correlation of the error with the depth", least_correlation),
        "denser": _over(cells, _denser, Says("the solution", "become", "denser"),
                        "decades of effective nonzeros from two to the most layers", least_decades),
        "exact": agreed_share(
            Tried.of(two["error"] <= exact, two["status"] != "optimal"), exactly, NEARLY_ALL, two["seed"]
        ),
    }, named=False)  # fmt: skip


def _over(
    cells: dict[str, Table], contrast: Callable[[Table], Array], says: Says, what: str, least: float
) -> Finding:
    seeds = np.unique(np.concatenate([rows["seed"] for rows in cells.values()]))
    values = {}
    for name, rows in cells.items():
        values[name] = np.full(seeds.size, np.nan)
        values[name][np.searchsorted(seeds, np.unique(rows["seed"]))] = contrast(rows)
    return decide.signs(values, says, what, least)


def _harm(rows: Table, column: str = "error") -> Array:
    """Error with the most layers minus that with the fewest, for each seed."""
    ends = DEPTH.values(rows, column, np.unique(rows["depth"])[[0, -1]])
    return np.asarray(ends[:, 1] - ends[:, 0])


def _trend(rows: Table) -> Array:
    at = np.unique(rows["depth"])
    return rank_correlations(DEPTH.values(rows, "error", at), at)


def _denser(rows: Table) -> Array:
    ends = DEPTH.values(rows, "effective", np.unique(rows["depth"])[[0, -1]])
    return np.asarray(np.log10(ends[:, 1] / ends[:, 0]))


def goes_the_other_way(result: Result, exact: float, least: float) -> Finding:
    """Whether weight decay keeps what two layers recover, and recovers more with more layers."""
    table = searched(result)
    searches = table.rows(table["depth"] > 2)
    lost = searches["decay_status"] == LOCAL if len(searches) else np.zeros(0, bool)
    deep = searches.rows(~lost)
    if not len(deep) or not len(table.where(depth=2)):
        return lacking("no search for the least weight decay ended below the truth")
    few = deep.rows(np.isin(deep["nonzero"], result.settings["nonzeros"]))
    keeps = Says("sparse vectors", "be", "recovered by more than two layers", plural=True)
    gains = Says("more layers", "recover", "more than two", plural=True)
    hard = table.rows(np.isin(table["nonzero"], result.settings["many_nonzeros"]))
    return together({
        "keeps": decide.share(few["decay_error"] <= exact, keeps, groups=few["seed"]),
        "gains": decide.sign(gained(hard), gains, "error of two layers minus that of the most", least),
    }, named=False).with_numbers({
        "searches": len(searches), "searches that ended in a local minimum": int(lost.sum()),
    })  # fmt: skip


def gained(hard: Table) -> Array:
    """Error of weight decay with two layers minus that with the most; nan where a search missed the truth.

    For each seed, the mean over the sparsities that were searched with success.
    """
    seeds = np.unique(hard["seed"])
    sums, counts = np.zeros(seeds.size), np.zeros(seeds.size)
    if not len(hard):
        return sums
    deepest = hard["depth"].max()
    for r in np.unique(hard["nonzero"]):
        rows = hard.where(nonzero=r)
        rows = rows.rows(rows["decay_status"] != LOCAL)
        values = np.full(seeds.size, np.nan)
        ends = DEPTH.values(rows, "decay_error", [2, deepest])
        values[np.searchsorted(seeds, np.unique(rows["seed"]))] = ends[:, 0] - ends[:, 1]
        known = np.isfinite(values)
        sums, counts = sums + np.where(known, values, 0.0), counts + known
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def tends_to_the_shortest(result: Result, within: float) -> Finding:
    """Whether the error of the deepest product is that of the vector with the least ‖x‖₂."""
    table = finished(result, VectorRun)
    few = table.rows(np.isin(table["nonzero"], result.settings["nonzeros"]))
    if not len(few):
        return lacking("no vector was recovered")
    deepest = few.where(depth=few["depth"].max())
    seeds, away = np.unique(deepest["seed"]), deepest["error"] - deepest["shortest_error"]
    says = Says("the deepest products", "have", "the error of the least ‖x‖₂", plural=True)
    found = decide.equivalent(
        [float(np.mean(away[deepest["seed"] == seed])) for seed in seeds], within, says,
        "difference of the errors, mean over the sparsities",
    )  # fmt: skip
    slow = float(np.max(deepest["limit_distance"] * deepest["depth"]))
    return found.with_numbers({"k times the distance to the limit k = ∞, largest": slow})


def harms_blocks(result: Result, exact: float, least: float) -> Finding:
    """Whether depth harms blocks that are neither single numbers nor the full matrix."""
    cells = {name: rows for name, rows in block_cells(result, exact).items() if not at_an_end(rows)}
    if not cells:
        return lacking("no network between the diagonal and the full one has a truth that two layers recover")
    says = Says("depth", "harm", "networks between the diagonal and the full one")
    found = _over(cells, _harm, says, "error of the most layers minus that of two", least)
    deep = [rows.rows(rows["depth"] > 2) for rows in cells.values()]
    ratios = np.concatenate([rows["trace_ratio"] for rows in deep])
    saved = np.concatenate([rows["trace_saved"] for rows in deep])
    return found.with_numbers({
        "exact trace over the formula, smallest": float(ratios.min()),
        "exact trace over the formula, largest": float(ratios.max()),
        "runs whose layers have less exact trace than the truth's": float(np.mean(saved > 0.0)),
    })  # fmt: skip


def shrinks_with_blocks(result: Result, exact: float, least_correlation: float) -> Finding:
    """Whether the harm shrinks as the blocks grow, for every truth and depth."""
    rows = recoverable(result, exact)
    rows = rows.rows((rows["size"] < rows["side"]) & (rows["depth"] > 2))
    cells = {
        f"{truth}, k = {k:g}": rows.where(truth=truth, depth=k)
        for truth in dict.fromkeys(rows["truth"].tolist())
        for k in np.unique(rows["depth"])
    }
    cells = {name: each for name, each in cells.items() if np.unique(each["size"]).size > 2}
    if not cells:
        return lacking("fewer than three block sizes have truths that two layers recover")
    says = Says("the harm", "shrink", "as the blocks grow")
    return _over(cells, _shrinks, says, "minus the rank correlation of the error with s", least_correlation)


def _shrinks(rows: Table) -> Array:
    at = np.unique(rows["size"])
    return -rank_correlations(SIZE.values(rows, "error", at), at)


def is_the_same_at_every_depth(result: Result, tolerance: float) -> Finding:
    """Whether the flattest full matrix is that of two layers, recovered or not."""
    table = finished(result, BlockRun)
    full = table.rows((table["size"] == table["side"]) & (table["depth"] > 2)) if len(table) else table
    if not len(full):
        return lacking("no full matrix was recovered")
    missed = float(np.mean(full["two_layer_error"] > tolerance))
    found = decide.identity(full["two_layer_distance"], tolerance, "full matrices")
    return found.with_numbers({"share that two layers do not recover": missed})


def numbers(result: Result) -> Table:
    """Medians over the seeds, one row per sparsity and depth, then per truth, block size and depth."""
    vectors = medians(
        result.of(VectorRun).table, ("nonzero", "depth"),
        ("error", "effective", "decay_error", "decay_effective", "limit_error", "shortest_error"),
    )  # fmt: skip
    blocks = medians(
        result.of(BlockRun).table, ("truth", "size", "measurements", "depth"),
        ("error", "two_layer_error", "effective", "trace_ratio", "trace_saved"),
    )  # fmt: skip
    return Table.from_records([*vectors.records(), *blocks.records()])


def draw(result: Result) -> dict[str, Drawn]:
    """Error against depth, what the solutions look like, and the error against the block size."""
    from stepscape.experiments.recovery import depth_effect_figures as figures

    return {
        "depth": figures.depth(result),
        "density": figures.density(result),
        "blocks": figures.blocks(result),
    }


_QUICK: dict[str, Any] = {
    "length": 40,
    "measurements": 24,
    "nonzeros": (1, 2, 4),
    "many_nonzeros": (10, 12),
    "depths": (2, 3, 5, 10, 200),
    "decay_depths": (2, 5),
    "starts": 4,
    "side": 6,
    "block_sizes": (1, 2, 3, 6),
    "block_truths": ("one block", "equal freedom"),
    "block_depths": (2, 10),
    "block_measurements": 28,
    "few_measurements": 12,
    "seeds": 4,
    "first_seed": 200,
}

CLAIM = Claim(
    name="depth-effect",
    title="Depth: flat diagonal networks get denser and recover worse",
    claim=(
        "Flat minima of diagonal linear networks with two layers recover a sparse vector exactly; with more "
        "layers they are denser and recover worse, while weight decay becomes sparser."
    ),
    kind="figure",
    source=(
        "Ding, Drusvyatskiy, Fazel and Harchaoui (2024), arXiv:2203.03756, the supplementary figure on the "
        "effect of depth; Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'Block-diagonal "
        "weights?'"
    ),
    setup=(
        "Nothing is trained: flattest products come from convex programs, with a duality gap. Vectors have "
        "100 numbers, 50 measurements and 1 to 25 nonzeros. Blocks always have 144 numbers and 100 "
        "measurements; one of them is not 0 and of rank one, or as many as have about 23 degrees of freedom. "
        "For blocks and three or more layers the trace is approximate. Sizes were chosen on seed 1000."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "length": 100,
        "measurements": 50,
        "nonzeros": (1, 3, 5, 10),
        "many_nonzeros": (20, 25),
        "depths": (2, 3, 4, 5, 7, 10, 20, 50, 200),
        "decay_depths": (2, 3, 5, 10),
        "starts": 20,
        "side": 12,
        "block_sizes": (1, 2, 3, 4, 6, 12),
        "block_depths": (2, 3, 5, 10),
        "block_measurements": 100,
        "few_measurements": 40,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "depth",
            "Two layers recover exactly; more are denser and recover worse",
            "At every sparsity below the limit of ℓ1 three numbers are asked for: the error of the flattest "
            "vector with the most layers minus that with two, of which {least:g} counts; the rank "
            "correlation of the error with the depth, of which {least_correlation:g} counts; and the decades "
            "by which the effective number of nonzeros ‖x‖₁²/‖x‖₂² grows, of which {least_decades:g} count. "
            "The mean over the sparsities decides, and none may show the opposite by simultaneous intervals. "
            "And nearly all vectors must be recovered by two layers, with a relative error of at most "
            "{exact:g}; undecided ones must not change that, whichever way they count. At no depth may most "
            "products be undecided.",
            is_exact_and_worse_with_depth,
            {**EXACT, "least": 0.05, "least_correlation": 0.2, "least_decades": 0.05},
            primary=True,
            needs=lacks_vectors,
        ),
        Part(
            "decay",
            "Weight decay goes the other way: more layers recover more",
            "The least weight decay with three layers or more has a relative error of at most {exact:g} for "
            "nearly all of the sparse vectors, and where there are many nonzeros its error with the most "
            "layers, mean over the sparsities of a seed, is below that with two, of which {least:g} counts. "
            "A search that ends in a local minimum, where the truth has less weight decay, says nothing "
            "about the claim: it is counted and left out.",
            goes_the_other_way,
            {**EXACT, "least": 0.05},
            needs=lacks_decay,
        ),
        Part(
            "limit",
            "The deepest networks have the error of the least ‖x‖₂",
            "The error of the flattest vector with the most layers minus that of the vector with the least "
            "‖x‖₂, mean over the sparsities below the limit of ℓ1, lies within {within:g} of 0 with its "
            "interval.",
            tends_to_the_shortest,
            {"within": 0.05},
            needs=lacks_vectors,
        ),
        Part(
            "blocks",
            "Does depth harm networks that are neither diagonal nor full?",
            "For every block size between 1 and the full matrix, and both truths, the error with the most "
            "layers minus that with two is asked for, of which {least:g} counts, on the data sets whose "
            "truth two layers recover with a relative error of at most {exact:g}. The mean over sizes and "
            "truths decides, and none may show the opposite by simultaneous intervals. For blocks and three "
            "or more layers the formula of the trace is approximate.",
            harms_blocks,
            {**EXACT, "least": 0.01},
            kind="open question",
            needs=lacks_blocks,
        ),
        Part(
            "block_size",
            "Does the harm shrink as the blocks grow?",
            "For both truths and every depth above two, minus the rank correlation of the error with the "
            "block size is asked for, of which {least_correlation:g} counts, over the block sizes below the "
            "full matrix, on data sets whose truth two layers recover with a relative error of at most "
            "{exact:g}. The mean over truths and depths decides, and none may show the opposite by "
            "simultaneous intervals.",
            shrinks_with_blocks,
            {**EXACT, "least_correlation": 0.2},
            kind="open question",
            needs=lacks_blocks,
        ),
        Part(
            "one_block",
            "Depth changes nothing about a full matrix",
            "The flattest full matrix of every depth differs from that of two layers by at most "
            "{tolerance:g} of its norm, whether or not it is the truth.",
            is_the_same_at_every_depth,
            {"tolerance": 1e-6},
            kind="identity",
            needs=lacks_blocks,
        ),
    ),
    draw=draw,
    premises={
        "status": "the duality gap proves the flattest product: undecided ones are left out",
        "decay_status": (
            "the search for the least weight decay did not end in a local minimum: where the truth has less "
            "weight decay, the search has failed and not the claim"
        ),
        "two_layer_error": "two layers recover the blocks: elsewhere depth has nothing to spoil",
    },
    numbers=numbers,
)
