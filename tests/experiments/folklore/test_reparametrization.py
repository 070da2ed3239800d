"""The rules of `reparametrization` on rows that come out each way, and its columns on one small network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oracles
from stepscape import TwoLayerReLU, problems
from stepscape.experiments.folklore.columns import STRETCH, curves, rescale
from stepscape.experiments.folklore.reparametrization import CLAIM
from stepscape.experiments.folklore.runs import grid, work
from stepscape.experiments.frame import Judged, Result, Run

ETAS = (0.05, 0.1, 0.2, 0.4)


def rows(ratios: tuple[float, ...] = (2.0, 1.8, 1.6, 1.4), seeds: int = 6, **more: Any) -> list[Run]:
    """One run per seed and step size; `ratios` are λ_max over its least value."""
    return [
        Run({
            "half_width": 3.0, "arm": "mean_field", "scale": 1.0, "seed": seed, "step_size": eta,
            "width": 50, "outcome": "finished", "bent_neurons": 20, "drift": 0.0, "residual_norm": 0.01,
            "sharpness": 2.0 / eta, "least_sharpness": 2.0 / eta / ratio * (1.0 + 0.01 * seed),
            "random_sharpness": 900.0 / eta, "stretched_sharpness": 60.0 / eta,
            "rescaled_sharpness": 2.0 / eta / ratio * (1.0 + 0.01 * seed),
            "function_moved": 1e-16, "tv_moved": 1e-15,
            **more,
        })
        for seed in range(seeds)
        for eta, ratio in zip(ETAS, ratios, strict=True)
    ]  # fmt: skip


def judged(*args: Any, **more: Any) -> dict[str, Judged]:
    return CLAIM.judge(Result("reparametrization", CLAIM.quick, tuple(rows(*args, **more))))


def word(part: str, *args: Any, **more: Any) -> str:
    return judged(*args, **more)[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("ratios", "needed", "nearer"),
    [
        ((2.0, 1.8, 1.6, 1.4), "yes", "yes"),
        ((1.4, 1.6, 1.8, 2.0), "yes", "no"),
        ((1.06, 1.05, 1.04, 1.03), "no", "yes"),
        ((1.126, 1.126, 1.126, 1.126), "undecided", "premise_not_met"),
    ],
)
def test_how_far_solutions_are(ratios: tuple[float, ...], needed: str, nearer: str) -> None:
    assert (word("sharper_than_needed", ratios), word("nearer_with_large_steps", ratios)) == (needed, nearer)


def test_a_bound_below_the_flattest_rescaling_is_no_flatter_network() -> None:
    """The flattest rescaling is as sharp as the solution; the least sharpness of G is a fifth lower."""
    same = [
        Run({**run.row, "rescaled_sharpness": run["sharpness"], "least_sharpness": 0.8 * run["sharpness"],
             "residual_norm": 0.3 * run["sharpness"]})
        for run in rows()
    ]  # fmt: skip
    found = CLAIM.judge(Result("reparametrization", CLAIM.quick, tuple(same)))
    assert found["sharper_than_needed"].word("open question") == "undecided"
    assert found["nearer_with_large_steps"].word("open question") == "premise_not_met"


def test_ranges_are_asked_apart_and_a_lost_one_is_named() -> None:
    """Seeds whose two ranges have the mean of twice as sharp; a range whose runs still move."""
    other = [Run({**run.row, "half_width": 1.0}) for run in rows((1.02,) * 4)]
    both = CLAIM.judge(Result("", CLAIM.quick, (*rows((9.0,) * 4), *other)))
    assert both["sharper_than_needed"].word("open question") == "it_depends"
    moving = [Run({**run.row, "half_width": 1.0, "drift": 1.0}) for run in rows()]
    found = CLAIM.judge(Result("", CLAIM.quick, (*rows(), *moving)))["sharper_than_needed"]
    assert found.word("open question") == "it_depends"
    assert "[−1, 1]" in found.finding.sentence


def test_identities_and_the_bound() -> None:
    assert word("same_function") == word("same_variation") == word("least") == "holds"
    assert word("same_function", function_moved=2e-12) == "false_as_stated"
    assert word("same_variation", tv_moved=2e-12) == "false_as_stated"
    assert word("least", random_sharpness=1.0) == "false_as_stated"
    assert word("least", random_sharpness=1.0, residual_norm=1e3) == "holds"


def test_any_sharpness() -> None:
    assert word("any_sharpness") == "reproduced"
    assert word("any_sharpness", stretched_sharpness=6.0) == "not_reproduced"
    spread = [Run({**run.row, "stretched_sharpness": 20.0 * 3.0 ** run["seed"]}) for run in rows()]
    found = CLAIM.judge(Result("reparametrization", CLAIM.quick, tuple(spread)))
    assert found["any_sharpness"].word(CLAIM.kind) == "undecided"
    assert word("any_sharpness", drift=1.0) == "premise_not_met"


def test_columns_are_those_of_dense_matrices() -> None:
    problem = problems.tent(n=9, noise=0.5, seed=3, half_width=2.0)
    network = TwoLayerReLU.random(5, 2.0, "mean_field", seed=4)
    other = rescale(network, STRETCH)
    data = oracles.data(problem.inputs, problem.labels)
    top = float(np.linalg.eigvalsh(oracles.hessian(other.parameters, data))[-1])
    drawn = curves(problem, network)
    assert drawn["stretches"][-1] == pytest.approx(STRETCH)
    assert drawn["sharpness_stretched"][-1] == pytest.approx(top, rel=1e-8)
    assert drawn["trace_stretched"][-1] == pytest.approx(np.trace(oracles.hessian(other.parameters, data)))
    np.testing.assert_allclose(other.predict(drawn["grid"]), drawn["solution"], rtol=0, atol=1e-12)


def test_a_run_measures_its_least_sharpness_and_what_random_scales_leave() -> None:
    spec = grid({**CLAIM.quick, "steps": 400, "width": 20})[0]
    found = work(spec, lambda _: None).numbers
    assert found["least_sharpness"] <= found["sharpness"] + found["residual_norm"]
    assert found["least_sharpness"] <= found["rescaled_sharpness"] + found["residual_norm"]
    assert found["rescaled_sharpness"] <= found["random_sharpness"]
    assert found["least_trace"] <= found["trace"]
    assert found["sharpness"] - found["residual_norm"] <= found["trace"]  # λ_max(G) ≤ tr G = tr H
    assert found["function_moved"] < 1e-14
    assert found["tv_moved"] < 1e-14
