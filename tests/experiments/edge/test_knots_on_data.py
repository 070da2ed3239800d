"""The rules of `knots-on-data` on rows that come out each way, and its measurements on small networks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import oracles
from stepscape import Problem, TwoLayerReLU
from stepscape.experiments.edge.knot_runs import (
    REACHES,
    finite_differences,
    followed,
    grid,
    places,
    work,
)
from stepscape.experiments.edge.knots_on_data import CLAIM
from stepscape.experiments.frame import Result, Run

SHARES = (0.7, 0.4, 0.1)


def rows(seeds: int = 7, shares: tuple[float, ...] = SHARES, **more: Any) -> list[Run]:
    return [
        Run({
            "arm": "warm_up", "seed": seed, "step_size": eta, "width": 50, "outcome": "finished",
            "bent_neurons": 20, "edge_reached": True, "edge_ratio": 1.0, "stuck_share": share + 0.001 * seed,
            "stay_share": 0.9, "attracted_share": 0.97, "weights_moved": 0.01, "local_ratio": 1.0,
            "wide_ratio": 1.01, "largest_ratio": 1.05 + 0.001 * seed, "smoothness_ratio": 1.0,
            **more,
        })
        for seed in range(seeds)
        for eta, share in zip((0.05, 0.2, 0.4), shares, strict=True)
    ]  # fmt: skip


def word(part: str, **more: Any) -> str:
    result = Result("knots-on-data", CLAIM.quick, tuple(rows(**more)))
    return CLAIM.judge(result)[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("omitted", {}, "reproduced"),
        ("omitted", {"largest_ratio": 1.009}, "not_reproduced"),
        ("omitted", {"bent_neurons": 0}, "premise_not_met"),
        ("local", {}, "reproduced"),
        ("local", {"local_ratio": 1.0002}, "not_reproduced"),
        ("stay", {}, "reproduced"),
        ("stay", {"stay_share": 0.4}, "not_reproduced"),
        ("stay", {"stay_share": np.nan}, "premise_not_met"),
        ("attracted", {}, "reproduced"),
        ("attracted", {"attracted_share": 0.5}, "not_reproduced"),
        ("fewer_with_large_steps", {}, "reproduced"),
        ("fewer_with_large_steps", {"shares": SHARES[::-1]}, "not_reproduced"),
        ("smoothness", {}, "reproduced"),
        ("smoothness", {"smoothness_ratio": 0.94}, "not_reproduced"),
        ("smoothness", {"edge_reached": False}, "premise_not_met"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, **change) == expected


def judged(part: str, change: Any, **more: Any) -> str:
    """Change the rows: row → what is other in it."""
    runs = [Run({**run.row, **change(run.row)}) for run in rows(seeds=12, **more)]
    return CLAIM.judge(Result("knots-on-data", CLAIM.quick, tuple(runs)))[part].word(CLAIM.kind)


def test_without_knots_on_inputs_a_larger_difference_is_not_what_they_omit() -> None:
    assert judged("omitted", lambda _: {"stuck_share": 0.0}) == "premise_not_met"
    assert judged("fewer_with_large_steps", lambda _: {"stuck_share": 0.0}) == "premise_not_met"


@pytest.mark.parametrize(
    ("part", "column", "high", "low"),
    [("omitted", "largest_ratio", 1.5, 1.0), ("stay", "stay_share", 1.0, 0.2),
     ("attracted", "attracted_share", 1.0, 0.6)],
)  # fmt: skip
def test_one_step_size_does_not_speak_for_all(part: str, column: str, high: float, low: float) -> None:
    """The mean over the step sizes says one thing, and one of them the opposite."""
    yes = judged(part, lambda row: {column: low if row["step_size"] == 0.4 else high})
    no = judged(part, lambda row: {column: high if row["step_size"] == 0.4 and high < 1.5 else low})
    assert yes == "partly"
    assert no in ("partly", "not_reproduced")


@pytest.mark.parametrize(
    "part", ["omitted", "local", "stay", "attracted", "fewer_with_large_steps", "smoothness"]
)
@pytest.mark.parametrize("lost", [{"bent_neurons": 0}, {"outcome": "diverged"}])
def test_a_lost_step_size_makes_a_yes_partial_and_two_leave_nothing(part: str, lost: dict[str, Any]) -> None:
    one = judged(part, lambda row: lost if row["step_size"] == 0.4 else {})
    assert one == ("premise_not_met" if part == "fewer_with_large_steps" else "partly")
    assert judged(part, lambda row: lost if row["step_size"] > 0.1 else {}) == "premise_not_met"


def test_the_ends_must_agree_with_the_trend() -> None:
    shares = {0.05: 0.40, 0.1: 0.9, 0.2: 0.7, 0.3: 0.6, 0.4: 0.45}
    runs = [
        Run({**run.row, "step_size": eta, "stuck_share": share})
        for run in rows() if run["step_size"] == 0.2 for eta, share in shares.items()
    ]  # fmt: skip
    found = CLAIM.judge(Result("knots-on-data", CLAIM.quick, tuple(runs)))["fewer_with_large_steps"]
    assert found.word(CLAIM.kind) == "not_reproduced"


def test_a_smoothness_that_was_not_measured_is_not_a_wrong_one() -> None:
    assert judged("smoothness", lambda _: {"smoothness_ratio": np.nan}) == "premise_not_met"
    some = judged("smoothness", lambda row: {"smoothness_ratio": np.nan} if row["seed"] % 3 == 0 else {})
    assert some == "reproduced"


def test_a_knot_is_on_an_input_within_a_thousandth_of_the_range() -> None:
    problem = Problem(np.array([4.0, 0.0, 10.0]), np.zeros(3))
    knots = np.array([4.009, 4.011, -0.001, 9.991, 3.0, 20.0])
    network = TwoLayerReLU(np.ones(6), -knots, np.ones(6))
    assert places(problem, network).tolist() == [1, -1, -1, 2, -1, -1]
    still = TwoLayerReLU(np.zeros(1), np.ones(1), np.ones(1))
    assert places(problem, still).tolist() == [-1]


def test_differences_are_the_hessian_nearby_and_see_the_kink_beyond() -> None:
    """One knot 1e-4 left of an input: where a difference crosses it, the oracle's gradient changes branch."""
    x, y = np.array([-1.0, 0.0, 1.0]), np.array([0.0, 2.0, 0.5])
    network, problem = TwoLayerReLU([1.0], [-1e-4], [1.5]), Problem(x, y)
    data, theta = oracles.data(x, y), network.parameters
    direction = np.array([0.3, -0.7, 0.2, 0.4])
    direction /= np.linalg.norm(direction)
    found = finite_differences(problem, network, direction)
    hessian = oracles.hessian(theta, data)
    assert found[0] == pytest.approx(direction @ hessian @ direction, rel=1e-6)
    for reach, value in zip(REACHES, found, strict=True):
        ahead, back = (oracles.gradient(theta + s * reach * direction, data) for s in (1.0, -1.0))
        assert value == pytest.approx(direction @ (ahead - back) / (2.0 * reach), rel=1e-6)
    assert abs(found[-1] - found[0]) > 0.1 * abs(found[0])


def test_an_input_attracts_a_knot_if_and_only_if_w2_times_the_residual_is_positive() -> None:
    """ż = w1' x + b1' of gradient flow is smaller by v r w2 (1 + x²) on the active side of an input."""
    rng = np.random.default_rng(5)
    x, y = np.sort(rng.uniform(-2.0, 2.0, 6)), rng.standard_normal(6)
    data, at = oracles.data(x, y), 3
    w1, w2, b2 = 0.8, 1.3, 0.1
    speeds = []
    for side in (1e-9, -1e-9):  # active, inactive on input number 3
        theta = np.array([w1, side - w1 * x[at], w2, b2])
        flow = -oracles.gradient(theta, data)
        speeds.append(flow[0] * x[at] + flow[1])
    residual = oracles.forward(np.array([w1, -w1 * x[at], w2, b2]), x)[at] - y[at]
    assert speeds[1] - speeds[0] == pytest.approx(residual * w2 * (1.0 + x[at] ** 2) / 6.0, rel=1e-6)


def test_a_run_measures_what_the_claim_reads() -> None:
    spec = grid({**CLAIM.quick, "width": 20, "steps": 400})[0]
    record = work(spec, lambda _: None)
    assert record.numbers["local_ratio"] == pytest.approx(1.0, abs=1e-3)
    assert 0.0 <= record.numbers["stuck_share"] <= 1.0
    assert record.numbers["largest_ratio"] >= record.numbers["local_ratio"]
    assert record.arrays["ratios"].size == len(REACHES)


def test_stuck_knots_are_followed_and_their_signs_counted() -> None:
    """Four knots on inputs: one leaves, three stay; of those at the end, two have w2 (f − y) > 0."""
    problem = Problem(np.arange(5.0), np.array([0.0, 9.0, -9.0, 9.0, -9.0]))
    before, after = (
        TwoLayerReLU(np.full(4, size), -size * np.array(knots), np.array([-0.1, 0.1, 0.1, 0.1]))
        for size, knots in ((1.0, [1.0, 2.0, 3.0, 2.0]), (2.0, [1.0, 2.0, 3.0, 2.5]))
    )
    seen: Any = SimpleNamespace(
        at=lambda step: {8: 0, 10: 1}[step],
        trajectory=SimpleNamespace(at_steps=np.array([8, 10])),
        snapshots=[SimpleNamespace(midpoint=before), SimpleNamespace(midpoint=after)],
    )
    found = followed(problem, seen)
    assert (found["stuck"], found["stay_share"]) == (4, 0.75)
    assert found["attracted_share"] == pytest.approx(2 / 3)
    assert found["weights_moved"] == pytest.approx(1.0)
