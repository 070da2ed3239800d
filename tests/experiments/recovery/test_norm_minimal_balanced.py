"""The flat factors of `norm-minimal-balanced`, and its rules on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.recovery.factor_runs import FactorRun, begin, norm_minimal_factors, work
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.experiments.recovery.norm_minimal_balanced import CLAIM
from stepscape.factorization import Factorization

RATIOS = (2.0, 5.0, 10.0, 20.0)


def factor_run(problem: str, ratio: float) -> FactorRun:
    m = PROBLEMS[problem].measurements(8, 2, ratio)
    return FactorRun(problem=problem, d=8, rank=2, ratio=ratio, m=m, iterations=4000, seed=1000)


def measured(problem: str, ratio: float) -> dict[str, Any]:
    return dict(work(factor_run(problem, ratio), lambda _: None).numbers)


@pytest.mark.parametrize("ratio", [2.2, 20.0])
def test_gaps_of_flat_factors_from_the_weights_themselves(ratio: float) -> None:
    """L = D1⁻¹ P Σ^½ and R = D2⁻¹ Q Σ^½ of D1 M D2 = P Σ Qᵀ, with the weights from the A_i."""
    problem = begin(factor_run("gaussian", ratio))
    A = problem.linear_map.matrices  # type: ignore[attr-defined]
    roots = []
    for moment in (np.einsum("iab,icb->ac", A, A), np.einsum("iba,ibc->ac", A, A)):
        values, V = np.linalg.eigh(moment / (8.0 * len(A)))
        roots.append((V * np.sqrt(values)) @ V.T)
    D1, D2 = roots
    truth = problem.truth
    assert isinstance(truth, np.ndarray)
    P, s, Qt = np.linalg.svd(D1 @ truth @ D2)
    L, R = (np.linalg.solve(D, U * np.sqrt(s)) for D, U in ((D1, P), (D2, Qt.T)))
    norm = np.linalg.norm(truth, "nuc")
    found = measured("gaussian", ratio)
    assert found["error"] <= 1e-7
    assert found["excess"] == pytest.approx(0.5 * (np.sum(L**2) + np.sum(R**2)) / norm - 1.0, abs=1e-7)
    assert found["imbalance"] == pytest.approx(np.linalg.norm(L.T @ L - R.T @ R, "nuc") / norm, abs=1e-7)
    values = np.concatenate([np.linalg.eigvalsh(D) for D in roots])
    assert found["kappa"] == pytest.approx(values.max() / values.min(), rel=1e-10)
    assert found["printed_left"] == pytest.approx(2.0 * found["norm_minimal_left"], rel=1e-12)


def test_the_deviation_is_the_least_distance_of_the_squared_weights_to_a_multiple_of_the_identity() -> None:
    kappa = measured("bilinear", 6.0)["kappa"]
    scale = np.linspace(0.0, 2.0, 20001)
    least = np.maximum(np.abs(1.0 - scale), np.abs(1.0 - scale * kappa**2)).min()
    assert measured("bilinear", 6.0)["deviation"] == pytest.approx(least, abs=1e-4)


@pytest.mark.parametrize("problem", ["gaussian", "network"])
def test_norm_minimal_factors_are_factors_and_no_flatter_than_flat_ones(problem: str) -> None:
    made = begin(factor_run(problem, 2.2))
    truth = made.truth
    assert isinstance(truth, np.ndarray)
    factors = norm_minimal_factors(made, truth)
    assert isinstance(factors, Factorization)
    np.testing.assert_allclose(factors.matrix, truth, atol=1e-12 * np.abs(truth).max())
    share = 0.5 if problem == "gaussian" else 1.0
    assert share * factors.squared_norm == pytest.approx(np.linalg.norm(truth, "nuc"), rel=1e-12)
    assert measured(problem, 2.2)["trace_excess"] > 0.0


def test_completion_with_an_empty_row_is_not_identifiable() -> None:
    run = FactorRun(problem="completion", d=8, rank=1, ratio=0.4, m=6, iterations=500, seed=1000)
    assert work(run, lambda _: None).numbers["status"] == "not identifiable"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problems": ("robust_pca",)}, "problems must have factors with two weights"),
        ({"problems": ("gausian",)}, "unknown problem 'gausian'"),
        ({"rank": 9}, "rank must lie between 1 and d = 8"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CLAIM.specs({**CLAIM.quick, **changes})


def result(
    imbalance: float = 1.0,
    excess: float = 2.0,
    verdict: str = "holds",
    error: float = 1e-9,
    share: float = 0.2,
) -> Result:
    """Rows whose gaps are powers of the deviation; m goes with the ratio."""
    runs, rng = [], np.random.default_rng(3)
    for problem in ("gaussian", "network"):
        for seed in range(10):
            for ratio in RATIOS:
                q = 0.5 * ratio**-0.5 * np.exp(0.02 * rng.standard_normal())
                delta = 0.3 * q**imbalance
                e = share * delta**excess
                runs.append(Run({
                    "kind": "recovery-factors/1", "problem": problem, "d": 8, "rank": 2, "ratio": ratio,
                    "m": int(28 * ratio), "seed": seed, "outcome": "finished", "error": error,
                    "kappa": np.sqrt((1 + q) / (1 - q)), "deviation": q, "excess": e, "imbalance": delta,
                    "trace_excess": e, "norm_minimal_left": 1.0 + e, "norm_minimal_right": (1 + q) / (1 - q),
                    "norm_minimal_verdict": verdict, "balanced_left": delta, "balanced_right": 2.0 * q,
                    "balanced_verdict": verdict, "printed_left": 2.0 * (1.0 + e),
                    "printed_right": (1 + q) / (1 - q), "printed_verdict": "violated",
                }))  # fmt: skip
    return Result("norm-minimal-balanced", CLAIM.quick, tuple(runs))


def words(**changes: Any) -> dict[str, str]:
    judged = CLAIM.judge(result(**changes))
    return {name: found.word(CLAIM.kind) for name, found in judged.items()}


def test_as_claimed_but_not_as_printed() -> None:
    assert words() == {
        "norm_minimal": "holds", "balanced": "holds", "as_printed": "false_as_stated",
        "imbalance_order": "reproduced", "excess_order": "reproduced", "either_way": "holds",
    }  # fmt: skip


def test_other_orders_are_told_apart() -> None:
    found = words(imbalance=2.0, excess=1.0)
    assert (found["imbalance_order"], found["excess_order"]) == ("not_reproduced", "not_reproduced")


def test_a_violated_bound() -> None:
    assert words(verdict="violated")["norm_minimal"] == "false_as_stated"
    assert words(verdict="inapplicable")["norm_minimal"] == "premise_not_met"


def test_an_excess_that_is_too_large_or_too_small_for_the_imbalance() -> None:
    assert words(excess=0.5)["either_way"] == "false_as_stated"
    assert words(share=1.0 / 12.0)["either_way"] == "false_as_stated"  # δ² = 12 e


def test_nothing_recovered_nothing_said() -> None:
    assert set(words(error=0.1).values()) == {"premise_not_met"}


def test_the_orders_of_several_problems_have_simultaneous_intervals() -> None:
    alone = Result("norm-minimal-balanced", {**CLAIM.quick, "problems": ("gaussian",)}, result().runs)
    widths = []
    for some in (alone, result()):
        effect = CLAIM.judge(some)["excess_order"].rows["gaussian"].effect
        assert effect is not None
        widths.append(effect.interval.high - effect.interval.low)
    assert widths[1] > 1.3 * widths[0]
