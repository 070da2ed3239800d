"""The rules of rates on rows that come out each way, and the three methods against other solvers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.certificates.linear_smoothers import ridge_path, spline_path
from stepscape.experiments.certificates.rate_runs import (
    MOMENTS,
    STEP_SIZES,
    Bump,
    RateRun,
    begin,
    descent_path,
    grid,
    work,
)
from stepscape.experiments.certificates.rates import CLAIM
from stepscape.experiments.common.tangent import tangent_features
from stepscape.experiments.frame import Result, Run
from stepscape.network import TwoLayerReLU
from stepscape.training import train

Row = dict[str, Any]
SIZES = (64, 256, 1024)


def rows(network: Callable[[float], float], kernel: Callable[[float], float], seeds: int = 6) -> list[Row]:
    rng, found = np.random.default_rng(0), []
    for target in ("bump", "tent"):
        for n in SIZES:
            for seed in range(seeds):
                own, others = network(n) * np.exp(0.03 * rng.standard_normal()), kernel(n)
                row: Row = {
                    "target": target, "n": n, "seed": seed, "outcome": "finished",
                    "risk_network": own, "fits": True,
                }  # fmt: skip
                for name in ("ntk", "spline"):
                    risk = others * np.exp(0.03 * rng.standard_normal())
                    row |= {f"risk_{name}": risk, f"ratio_{name}": np.log10(risk / own)}
                    row[f"best_ratio_{name}"] = row[f"ratio_{name}"]
                found.append(row)
    return found


def words(
    network: Callable[[float], float] = lambda n: 2.0 * n**-0.9,
    kernel: Callable[[float], float] = lambda n: 2.5 * n**-0.7,
    change: Callable[[Row], Row] = dict,
    seeds: int = 6,
) -> dict[str, str]:
    made = tuple(Run(change(row)) for row in rows(network, kernel, seeds))
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, made))
    return {part: each.word(CLAIM.kind) for part, each in judged.items()}


def test_as_built() -> None:
    assert words() == {
        "ahead": "reproduced",
        "grows": "reproduced",
        "fixed": "reproduced",
        "hindsight": "yes",
        "kernels": "consistent",
        "network": "consistent",
    }


def test_other_words() -> None:
    behind = words(lambda n: 5.0 * n**-0.5)
    assert behind["ahead"] == behind["grows"] == behind["fixed"] == "not_reproduced"
    assert behind["hindsight"] == "no"
    assert behind["network"] == "contradicted"  # at n = 64 a logarithm may cost 1/ln 64 = 0.24 only
    assert words(lambda n: n**-0.6)["network"] == "consistent"
    assert words(lambda n: n**-0.3)["network"] == "contradicted"
    assert words(kernel=lambda n: 9.0 * n**-0.9)["kernels"] == "contradicted"
    one = words(change=lambda row: {**row, "ratio_ntk": -0.3})
    assert one["ahead"] == "partly"
    unfit = words(change=lambda row: {**row, "fits": False})
    assert unfit["network"] == "premise_not_met"
    assert set(words(seeds=2).values()) == {"undecided"}
    lost = words(change=lambda row: {**row, "outcome": "diverged"})
    assert set(lost.values()) == {"premise_not_met"}


def test_a_network_that_mostly_diverges_at_the_largest_size_is_not_ahead() -> None:
    def lost(row: Row) -> Row:
        gone = row["n"] == 1024 and row["seed"] >= 3
        return {key: row[key] for key in ("target", "n", "seed")} | {"outcome": "diverged"} if gone else row

    found = words(change=lost, seeds=12)
    assert (found["ahead"], found["fixed"], found["hindsight"]) == ("premise_not_met",) * 3


def test_sizes_at_which_networks_do_not_fit_leave_consistent_open() -> None:
    found = words(change=lambda row: {**row, "fits": row["n"] < 1024 or row["seed"] < 3}, seeds=12)
    assert found["network"] == "undecided"


def test_ridge_is_kernel_ridge_regression_and_ridge_in_the_features() -> None:
    rng = np.random.default_rng(0)
    features, at, y = rng.standard_normal((7, 4)), rng.standard_normal((5, 4)), rng.standard_normal(7)
    found = ridge_path(features, y, at, np.array([0.1, 3.0]))
    for values, penalty in zip(found, (0.1, 3.0), strict=True):
        centered = y - y.mean()
        theta = np.linalg.solve(features.T @ features + penalty * np.eye(4), features.T @ centered)
        np.testing.assert_allclose(values, y.mean() + at @ theta, rtol=0, atol=1e-10)


def test_the_spline_interpolates_without_a_penalty_and_is_a_line_with_a_large_one() -> None:
    rng = np.random.default_rng(1)
    x, y = np.sort(rng.uniform(-1, 1, 12)), rng.standard_normal(12)
    rough, stiff = spline_path(x, y, x, np.array([1e-12, 1e5]))
    np.testing.assert_allclose(rough, y, rtol=0, atol=1e-5)
    np.testing.assert_allclose(stiff, np.polyval(np.polyfit(x, y, 1), x), rtol=0, atol=1e-4)


def test_tangent_features_are_derivatives() -> None:
    network, x, step = TwoLayerReLU.random(6, seed=2), np.linspace(-1, 1, 7), 1e-6
    found = tangent_features(network, x)
    theta = network.parameters
    for j in range(theta.size):
        move = step * np.eye(theta.size)[j]
        ends = [network.with_parameters(theta + sign * move).predict(x) for sign in (1, -1)]
        np.testing.assert_allclose(found[:, j], (ends[0] - ends[1]) / (2 * step), rtol=0, atol=1e-7)


def test_the_bump_bends_as_much_at_every_n() -> None:
    for n in (64, 4096):
        settings = {**CLAIM.full, "sizes": (n,), "targets": ("bump",), "seeds": 3}
        centers = set()
        for spec in grid(settings):
            truth = begin(spec)[0].truth.function  # type: ignore[union-attr]
            assert isinstance(truth, Bump)
            assert truth.half_base == pytest.approx(1.5 * n**-0.25)
            assert truth.height / truth.half_base == pytest.approx(8.5 / 3.0)
            x = np.linspace(-3, 3, 600_001)
            bends = np.abs(np.diff(truth(x), 2)).sum() / (x[1] - x[0])
            assert bends == pytest.approx(4 * 8.5 / 3.0, rel=1e-3)
            assert abs(truth.center) <= 0.35 * 3.0
            centers.add(truth.center)
        assert len(centers) == 3


def small() -> RateRun:
    return grid({**CLAIM.quick, "sizes": (40,), "targets": ("tent",), "seeds": 1, "steps": 900})[0]


def test_the_path_of_descent_is_training_stopped_early() -> None:
    problem, start, methods = begin(small())
    at = np.linspace(-1, 1, 5)
    found = descent_path(problem.inputs, problem.labels, at, start, methods, lambda _: None)
    assert found.shape == (STEP_SIZES * MOMENTS, 5)
    end = train(problem, start, methods[1], record_every=900).midpoint.predict(at)
    np.testing.assert_allclose(found[2 * MOMENTS - 1], end, rtol=0, atol=1e-12)


def test_a_run_measures_what_it_says() -> None:
    numbers = work(small(), lambda _: None).numbers
    for name in ("network", "ntk", "spline"):
        assert numbers[f"best_{name}"] <= numbers[f"risk_{name}"] < numbers["zero"]
    for name in ("ntk", "spline"):
        ratio = np.log10(numbers[f"risk_{name}"] / numbers["risk_network"])
        assert numbers[f"ratio_{name}"] == pytest.approx(ratio)
    assert numbers["fits"] == (numbers["training_error"] <= numbers["training_error_truth"])


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"targets": "sine"}, "unknown target 'sine'"),
        ({"sizes": "19"}, "sizes must be at least 20, got 19"),
        ({"folds": "1"}, "folds must be at least 2, got 1"),
        ({"smallest_step_size": "0"}, "smallest_step_size must be finite and positive, got 0"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
