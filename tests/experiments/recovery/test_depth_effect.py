"""The rules of depth-effect on rows that come out each way, and what its runs leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from stepscape.errors import InputError
from stepscape.experiments.frame import Finding, Result, Run, run
from stepscape.experiments.recovery.depth_effect import CLAIM
from stepscape.experiments.recovery.depth_runs import TRUTHS, BlockRun, VectorRun, effective_number
from stepscape.objectives import linear_network
from stepscape.problems import block_network, hadamard
from stepscape.recovery import flat_product_layers, flattest_product

Row = dict[str, Any]
Change = Callable[[Row], Row]
DEPTHS = (2, 3, 10)
SETTINGS = {
    "nonzeros": (1, 5), "many_nonzeros": (20,), "measurements": 50, "length": 100, "depths": DEPTHS,
    "decay_depths": DEPTHS, "block_truths": ("one block", "equal freedom"), "block_sizes": (1, 2, 3, 6),
    "block_depths": DEPTHS, "block_measurements": 28, "seeds": 6, "first_seed": 0,
}  # fmt: skip
TINY = {
    **CLAIM.quick, "length": 20, "measurements": 14, "nonzeros": (1, 2), "many_nonzeros": (6,),
    "depths": (2, 3, 10), "decay_depths": (2, 3), "starts": 2, "side": 4, "block_sizes": (1, 2, 4),
    "block_measurements": 14, "few_measurements": 6, "seeds": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny() -> Result:
    return run(CLAIM, TINY, workers=1)


def result(change: Change = dict) -> Result:
    """The error grows with depth and falls with the block size; weight decay recovers more with depth."""
    rng = np.random.default_rng(0)
    rows = [
        vector(seed, r, k, rng) for seed in range(SETTINGS["seeds"]) for r in (1, 5, 20) for k in DEPTHS
    ] + [
        block(seed, truth, s, k, m, rng)
        for seed in range(SETTINGS["seeds"])
        for truth in SETTINGS["block_truths"]
        for s, m in ((1, 28), (2, 28), (3, 28), (6, 28), (6, 12))
        for k in DEPTHS
    ]
    runs = tuple(Run({"outcome": "finished", "status": "optimal", **row}) for row in map(change, rows))
    return Result(CLAIM.name, SETTINGS, runs)


def vector(seed: int, r: int, k: int, rng: np.random.Generator) -> Row:
    wrong = 0.5 * (1.0 - 2.0 / k) + 0.02 * rng.standard_normal() if k > 2 else 0.0
    hard = r == 20
    return {
        "kind": "depth-vector/1", "seed": seed, "nonzero": r, "depth": k, "error": wrong + 0.3 * hard,
        "effective": r * k / 2.0, "limit_distance": 2.0 / k,
        "shortest_error": 0.41 + 0.01 * rng.standard_normal(),
        "decay_error": 0.4 if hard and k == 2 else 1e-15,
        "decay_status": "optimal" if k == 2 else "not proved",
    }  # fmt: skip


def block(seed: int, truth: str, s: int, k: int, m: int, rng: np.random.Generator) -> Row:
    full = s == 6
    wrong = 0.0 if k == 2 or full else (1.0 - 2.0 / k) / s + 0.01 * rng.random()
    few = 0.2 if m == 12 else 0.0
    return {
        "kind": "depth-blocks/1", "seed": seed, "truth": truth, "size": s, "side": 6, "measurements": m,
        "depth": k, "error": wrong + few, "two_layer_error": few + 1e-10,
        "two_layer_distance": 1e-9 if full else wrong, "trace_ratio": 1.0 if k == 2 else 1.02,
        "trace_saved": 0.0 if k == 2 else 0.1,
    }  # fmt: skip


def finding(part: str, change: Change = dict) -> Finding:
    return CLAIM.judge(result(change))[part].finding


def word(part: str, change: Change = dict) -> str:
    return CLAIM.judge(result(change))[part].word(CLAIM.kind)


def vectors(**values: object) -> Change:
    """Change the rows of vectors with more than two layers."""
    return lambda row: {**row, **values} if "nonzero" in row and row["depth"] > 2 else row


def test_as_claimed() -> None:
    words = {name: each.word(CLAIM.kind) for name, each in CLAIM.judge(result()).items()}
    assert words == {
        "depth": "reproduced", "decay": "reproduced", "limit": "reproduced", "blocks": "yes",
        "block_size": "yes", "one_block": "holds",
    }  # fmt: skip


def test_depth_must_be_worse_denser_and_exact_with_two_layers() -> None:
    assert word("depth", vectors(error=0.0)) == "partly"
    assert word("depth", vectors(effective=0.5)) == "partly"
    missed = finding("depth", lambda row: {**row, "error": row["error"] + 2e-6} if row["depth"] == 2 else row)
    assert missed.answer == "mixed"
    assert "none of 12 vectors is recovered by two layers" in missed.sentence
    assert word("depth", lambda row: {**row, "error": 0.0, "effective": 1.0}) == "partly"  # exact alone
    reverse = {2: (0.9, 9.0), 3: (0.5, 5.0), 10: (0.1, 1.0)}
    falls = lambda row: {**row, **dict(zip(("error", "effective"), reverse[row["depth"]], strict=True))}  # noqa: E731
    assert word("depth", falls) == "not_reproduced"


def test_many_nonzeros_say_nothing_about_flat_products() -> None:
    hard = lambda row: {**row, "error": 0.9} if row.get("nonzero") == 20 else row  # noqa: E731
    assert finding("depth", hard) == finding("depth")


def test_undecided_products_are_left_out() -> None:
    lost = lambda row: {**row, "status": "undecided", "error": 9.0} if row["seed"] == 0 else row  # noqa: E731
    assert word("limit", lost) == "reproduced"
    assert "5 seeds" in finding("depth", lost).sentence
    assert "5 seeds" in finding("blocks", lost).sentence
    assert word("one_block", lost) == "holds"
    assert word("depth", lambda row: {**row, "status": "undecided"}) == "premise_not_met"


def test_a_depth_whose_products_stay_undecided_is_not_replaced_by_another() -> None:
    deepest = lambda row: {**row, "status": "undecided"} if row["depth"] == DEPTHS[-1] else row  # noqa: E731
    for part in ("depth", "limit", "blocks", "block_size"):
        assert word(part, deepest) == "premise_not_met"
    assert "most products with 10 layers stayed undecided" in finding("blocks", deepest).sentence.lower()


def test_undecided_vectors_of_two_layers_are_not_left_out_of_the_share() -> None:
    some = lambda row: {**row, "status": "undecided"} if (row["depth"], row["seed"]) in (  # noqa: E731
        (2, 0), (2, 1)) else row  # fmt: skip
    assert word("depth", some) == "partly"
    assert "4 trials stayed undecided" in finding("depth", some).sentence


def test_a_local_minimum_is_no_failure_of_weight_decay() -> None:
    def local(row: Row) -> Row:
        missed = row.get("nonzero") == 20 and row["depth"] == 10 and row["seed"] < 2
        return {**row, "decay_error": 0.8, "decay_status": "local minimum"} if missed else row

    found = finding("decay", local)
    assert found.answer == "yes"
    assert found.numbers["searches that ended in a local minimum"] == 2
    assert "4 seeds" in found.sentence
    failed = lambda row: {**local(row), "decay_status": "not proved"}  # noqa: E731
    assert finding("decay", failed).answer != "yes"
    every = vectors(decay_status="local minimum", decay_error=0.8)
    assert word("decay", every) == "premise_not_met"


def test_weight_decay_must_keep_and_gain() -> None:
    worse = lambda row: {**row, "decay_error": 0.4} if row.get("nonzero") == 20 else row  # noqa: E731
    assert word("decay", worse) == "partly"  # what is recovered stays so, and nothing is gained
    assert word("decay", vectors(decay_error=0.9)) == "not_reproduced"


def test_the_limit_is_an_equivalence() -> None:
    away = lambda row: {**row, "shortest_error": 0.55}  # noqa: E731
    assert word("limit", away) == "not_reproduced"
    assert finding("limit").numbers["k times the distance to the limit k = ∞, largest"] == pytest.approx(2.0)


def harmless(row: Row) -> Row:
    return {**row, "error": row["two_layer_error"]} if "truth" in row else row


def test_blocks_that_depth_does_not_harm() -> None:
    assert word("blocks", harmless) == "no"
    half = lambda row: harmless(row) if row.get("size") == 3 else row  # noqa: E731
    assert word("blocks", half) == "yes"  # the mean over the sizes decides, and no size says the opposite
    better = lambda row: {**row, "error": -0.1} if row.get("size") == 3 and row["depth"] == 10 else row  # noqa: E731
    assert word("blocks", better) == "it_depends"
    assert finding("blocks").numbers["runs whose layers have less exact trace than the truth's"] == 1.0


def test_the_ends_are_not_between() -> None:
    sizes = {name.split(":")[0].rpartition(" ")[2] for name in finding("blocks").numbers if "s = " in name}
    assert sizes == {"2", "3"}


def test_truths_of_equal_freedom_have_about_that_of_one_full_matrix() -> None:
    active = [TRUTHS["equal freedom"](12, size) for size in (1, 2, 3, 4, 6, 12)]
    assert active == [23, 8, 5, 3, 2, 1]  # times 2s − 1: 23, 24, 25, 21, 22, 23


def test_only_truths_that_two_layers_recover_show_a_harm() -> None:
    missed = lambda row: {**row, "two_layer_error": 0.1} if row.get("seed") == 1 else row  # noqa: E731
    assert "5 seeds" in finding("blocks", missed).sentence
    assert word("blocks", lambda row: {**row, "two_layer_error": 0.1}) == "premise_not_met"
    assert word("block_size", lambda row: {**row, "two_layer_error": 0.1}) == "premise_not_met"


def test_the_harm_may_grow_with_the_blocks() -> None:
    grows = lambda row: {**row, "error": 0.1 * row["size"]} if "truth" in row else row  # noqa: E731
    assert word("block_size", grows) == "no"
    one = lambda row: grows(row) if row.get("truth") == "one block" else row  # noqa: E731
    assert word("block_size", one) == "it_depends"


def test_one_full_matrix_that_moves_is_a_counterexample() -> None:
    def moved(row: Row) -> Row:
        chosen = (row.get("size"), row.get("measurements"), row["seed"], row["depth"]) == (6, 12, 3, 10)
        return {**row, "two_layer_distance": 2e-6} if chosen else row

    assert word("one_block", moved) == "false_as_stated"
    assert finding("one_block").numbers["share that two layers do not recover"] == pytest.approx(0.5)


def test_what_tiny_runs_leave_behind(tiny: Result) -> None:
    vector_rows, blocks = tiny.of(VectorRun).table, tiny.of(BlockRun).table
    assert len(vector_rows) == 3 * 3 * 3  # sparsities × seeds × depths
    assert len(blocks) == 2 * 3 * 3 * 2 + 3 * 2  # truths × sizes × seeds × depths, and few measurements
    assert np.isfinite(vector_rows["decay_error"].astype(float)).sum() == 3 * 3 * 2
    assert len(tiny.drawn("truth", "flattest")) == 3
    judged = CLAIM.judge(tiny)
    assert judged["one_block"].word(CLAIM.kind) == "holds"
    assert "could not decide" in judged["depth"].finding.sentence  # three seeds never do


def test_rows_are_what_the_library_finds(tiny: Result) -> None:
    row = tiny.of(VectorRun).where(depth=3, nonzero=2).runs[0]
    problem = hadamard(20, 2, 14, 3, seed=row["seed"])
    found = flattest_product(problem)
    assert row["error"] == problem.error(found.solution)
    row = tiny.of(BlockRun).where(truth="equal freedom", size=2, depth=10, measurements=14).runs[0]
    problem = block_network(4, 2, 2, 1, 14, 10, seed=row["seed"])  # 2·3 of 7 degrees of freedom
    assert row["error"] == problem.error(flattest_product(problem, tolerance=1e-8).solution)


def test_two_layers_have_the_exact_trace_and_others_nearly(tiny: Result) -> None:
    table = tiny.of(BlockRun).table
    exact = (table["depth"] == 2) | (table["size"] == 1)
    np.testing.assert_allclose(table["trace_ratio"][exact], 1.0, rtol=1e-9)
    assert np.abs(table["trace_ratio"][~exact] - 1.0).max() > 1e-3
    assert (table["trace_saved"][table["size"] == 1] >= -1e-9).all()


@pytest.mark.parametrize(("depth", "seed"), [(3, 1000), (5, 1001)])
def test_a_search_with_the_exact_trace_leaves_the_truth_about_as_far(depth: int, seed: int) -> None:
    """For blocks the program is approximate; here all layers are searched, with the trace of the Hessian."""
    problem = block_network(4, 2, 1, 1, 12, depth, seed=seed)
    found, network = flattest_product(problem), linear_network(problem)
    truth = network.trace(network.parameters(flat_product_layers(problem, problem.truth)))
    start = network.parameters(flat_product_layers(problem, found.solution))
    start += 0.05 * np.abs(start).max() * np.random.default_rng(0).standard_normal(start.size)
    fits = {"type": "eq", "fun": lambda theta: problem.apply(network.product(theta)) - problem.labels}
    options = {"maxiter": 60, "ftol": 1e-9}
    end = minimize(network.trace, start, method="SLSQP", constraints=fits, options=options)
    assert problem.loss(network.product(end.x)) <= 1e-8
    assert end.fun < truth
    formula, exact = (problem.error(x) for x in (found.solution, network.product(end.x)))
    assert 0.5 < exact / formula < 2.0


def test_the_effective_number_counts_equal_numbers() -> None:
    assert effective_number(np.array([0.0, 3.0, -3.0, 3.0])) == pytest.approx(3.0)
    blocks = np.zeros((4, 2, 2))
    blocks[1], blocks[2] = 2.0 * np.eye(2), [[0.0, 4.0], [0.0, 0.0]]
    assert effective_number(blocks) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"depths": "1,2"}, "depths must be at least 2, got 1"),
        ({"decay_depths": "1"}, "decay_depths must be at least 2, got 1"),
        ({"block_depths": "0"}, "block_depths must be at least 2, got 0"),
        ({"nonzeros": "0"}, "nonzeros must lie between 1 and the length 40, got"),
        ({"many_nonzeros": "41"}, "many_nonzeros must lie between 1 and the length 40, got"),
        ({"block_sizes": "4"}, "block_sizes must divide the side 6, got 4"),
        ({"block_truths": "one blok"}, "unknown truth of blocks 'one blok'; did you mean 'one block'"),
        ({"seeds": "0"}, "seeds must be at least 1, got 0"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
