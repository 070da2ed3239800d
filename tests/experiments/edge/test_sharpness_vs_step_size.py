"""The rules of sharpness-vs-step-size on rows that come out each way, and how a run is followed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.edge import runs
from stepscape.experiments.edge.crossing import crossing
from stepscape.experiments.edge.sharpness_vs_step_size import CLAIM
from stepscape.experiments.frame import Result, Run, run
from stepscape.experiments.frame.follow import follow

ETAS = (0.01, 0.1, 0.4, 0.8)
ARMED = ("on_the_line", "at_every_step_size", "scaling", "single_iterates")
SMALL = {
    "width": 40, "steps": 300, "records": 6, "step_sizes": (0.02, 0.2, 0.6), "n": 12, "seeds": 1,
    "logistic_steps": 100, "logistic_step_sizes": (0.6,), "crossing_steps": 20,
}  # fmt: skip


def result(ratio: float = 1.0, power: float = -1.0, seeds: int = 6, **changes: Any) -> Result:
    """Settled runs of one arm; the sharpness goes with a power of the step size."""
    rng = np.random.default_rng(0)
    found = []
    for seed in range(seeds):
        for eta in ETAS:
            noise = 0.001 * rng.standard_normal()
            found.append(Run({
                "arm": "small_init", "seed": seed, "step_size": eta, "outcome": "finished", "bent_neurons": 5,
                "diverged": False, "steps": 1000, "median_edge_ratio": ratio + noise,
                "last_edge_ratio": 1.3 + noise,
                "median_sharpness": 2.0 * ratio * eta**power * np.exp(noise), "smoothness_ratio": 1.0,
                "drift": 0.0, "crossed_at_step": 10, "crossing_largest": 2.0, "crossing_outside": 0.0,
                "crossing_largest_midpoint": 1.02, "crossing_outside_midpoint": 0.0, **changes,
            }))  # fmt: skip
    return Result("sharpness-vs-step-size", CLAIM.quick, tuple(found))


def some(found: Result, count: int, **changes: Any) -> Result:
    """Change the first runs."""
    changed = [Run({**each.row, **changes}) for each in found.runs[:count]]
    return replace(found, runs=(*changed, *found.runs[count:]))


def words(found: Result) -> dict[str, str]:
    return {name: judged.word(CLAIM.kind) for name, judged in CLAIM.judge(found).items()}


def test_reproduced_but_for_single_iterates() -> None:
    found = words(result())
    assert found.pop("single_iterates") == "not_reproduced"
    assert set(found.values()) == {"reproduced"}
    line = CLAIM.judge(result())["on_the_line"].rows["small_init"]
    assert line.numbers["settled"] == line.numbers["runs"] == 24
    assert line.effect is not None
    assert line.effect.interval.count == 6


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        (0.991, "reproduced"),
        (1.009, "reproduced"),
        (0.989, "not_reproduced"),
        (1.011, "not_reproduced"),
    ],
)
def test_the_line_has_two_sides_of_one_percent(ratio: float, word: str) -> None:
    assert words(result(ratio))["on_the_line"] == word
    assert words(result(last_edge_ratio=ratio))["single_iterates"] == "reproduced" or word == "not_reproduced"


def test_an_interval_over_the_margin_is_undecided() -> None:
    ratios = iter(np.linspace(0.97, 1.03, 6).repeat(4))
    found = result()
    spread = tuple(Run({**each.row, "median_edge_ratio": next(ratios)}) for each in found.runs)
    assert words(replace(found, runs=spread))["on_the_line"] == "undecided"


@pytest.mark.parametrize(("scatter", "word"), [(0.005, "reproduced"), (0.1, "partly")])
def test_single_runs_must_lie_on_the_line_too(scatter: float, word: str) -> None:
    """Every run is off by the scatter, one way or the other; the mean of each seed is exact."""
    found = result()
    signs = {eta: (-1) ** i for i, eta in enumerate(ETAS)}
    bent = tuple(
        Run({**each.row, "median_edge_ratio": 1.0 + scatter * signs[each["step_size"]]})
        for each in found.runs
    )
    judged = CLAIM.judge(replace(found, runs=bent))["on_the_line"]
    assert judged.word(CLAIM.kind) == word
    assert judged.finding.sentence.startswith("The mean sharpness of the midpoint is 2/η: ")


def test_opposite_deviations_do_not_cancel_at_every_step_size() -> None:
    off = {0.01: 1.03, 0.1: 1.0, 0.4: 1.0, 0.8: 0.97}
    found = result()
    rng = np.random.default_rng(1)
    bent = tuple(
        Run({**each.row, "median_edge_ratio": off[each["step_size"]] + 1e-3 * rng.standard_normal()})
        for each in found.runs
    )
    assert words(replace(found, runs=bent))["on_the_line"] == "partly"
    judged = CLAIM.judge(replace(found, runs=bent))["at_every_step_size"]
    assert judged.word(CLAIM.kind) == "partly"
    assert abs(judged.finding.effect.interval.mean) == pytest.approx(0.03, abs=2e-3)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("power", "word"),
    [(-0.991, "reproduced"), (-1.009, "reproduced"), (-0.989, "not_reproduced"), (-1.011, "not_reproduced")],
)
def test_scaling_has_two_sides(power: float, word: str) -> None:
    assert words(result(power=power))["scaling"] == word


UNSETTLED = [
    {"smoothness_ratio": 0.89},
    {"smoothness_ratio": 1.11},
    {"smoothness_ratio": None},
    {"drift": 0.021},
    {"drift": -0.021},
    {"drift": None},
    {"bent_neurons": 0},
    {"bent_neurons": 2},
    {"bent_neurons": 9, "width": 1000},
    {"outcome": "diverged"},
]


@pytest.mark.parametrize("lost", UNSETTLED)
def test_runs_that_have_not_settled_are_no_counterexample(lost: dict[str, Any]) -> None:
    found = some(result(), 4, median_edge_ratio=0.3, median_sharpness=1.0, **lost)
    assert {words(found)[name] for name in ("on_the_line", "at_every_step_size", "scaling")} == {"reproduced"}
    assert CLAIM.judge(found)["on_the_line"].rows["small_init"].numbers["settled"] == 20


@pytest.mark.parametrize("lost", UNSETTLED)
def test_most_must_settle(lost: dict[str, Any]) -> None:
    found = words(result(**lost))
    assert {found[name] for name in ARMED} == {"premise_not_met"}


def test_a_settled_run_off_the_line_is_a_counterexample() -> None:
    assert words(some(result(), 8, median_edge_ratio=1.4))["on_the_line"] == "undecided"
    assert words(result(1.4))["on_the_line"] == "not_reproduced"


def test_runs_must_settle_at_three_step_sizes_that_span_four() -> None:
    def only(*etas: float) -> str:
        every = result()
        return words(replace(every, runs=tuple(one for one in every.runs if one["step_size"] in etas)))[
            "on_the_line"
        ]

    assert only(0.1, 0.4, 0.8) == "reproduced"
    assert only(0.01, 0.8) == "premise_not_met"


@pytest.mark.parametrize(("share", "word"), [(0.05, "reproduced"), (0.06, "not_reproduced")])
def test_every_step_of_the_crossing(share: float, word: str) -> None:
    assert words(result(crossing_outside=share))["stays_inside"] == word
    assert words(result(crossing_outside_midpoint=share))["midpoint_stays_inside"] == word


def test_only_a_start_inside_can_stay_inside() -> None:
    assert words(result(crossing_outside=None))["stays_inside"] == "premise_not_met"
    assert words(result(arm="warm_up"))["stays_inside"] == "premise_not_met"
    assert words(some(result(), 8, crossing_outside=None))["stays_inside"] == "reproduced"


@pytest.mark.parametrize(
    ("count", "sharpness", "word"),
    [(60, 0.9, "not_reproduced"), (12, 0.9, "partly"), (12, 1.0, "reproduced")],
)
def test_a_run_that_begins_inside_and_diverges_has_not_stayed(
    count: int, sharpness: float, word: str
) -> None:
    """All 64 runs begin at `sharpness`·2/η, and the first ones diverge."""
    found = result(seeds=16)
    started = [
        Run({**each.row, "initial_sharpness": 2.0 * sharpness / each["step_size"]}) for each in found.runs
    ]
    crossing = [name for name in found.runs[0].row if "crossing" in name]
    lost = {"outcome": "diverged", **dict.fromkeys(crossing)}
    judged = CLAIM.judge(some(replace(found, runs=tuple(started)), count, **lost))
    for part in ("stays_inside", "midpoint_stays_inside"):
        assert judged[part].word(CLAIM.kind) == word
        assert "at 95 % of the steps" in judged[part].finding.sentence


def test_if_all_runs_diverge_from_inside_none_has_stayed() -> None:
    found = result(outcome="diverged", initial_sharpness=1.0)
    bare = [Run({key: each.row[key] for key in each.row if "crossing" not in key}) for each in found.runs]
    judged = CLAIM.judge(replace(found, runs=tuple(bare)))["stays_inside"]
    assert judged.word(CLAIM.kind) == "not_reproduced"
    assert judged.finding.sentence.startswith("None of 24 runs that cross stays below 1.1·2/η at 95 % of")


def test_the_table_counts_what_settled() -> None:
    table = CLAIM.numbers(some(result(), 1, drift=None))  # type: ignore[misc]
    np.testing.assert_allclose(table["settled"], [5 / 6, 1, 1, 1])
    assert table["runs"].tolist() == [6] * 4


def trajectory(ratios: list[float], last: list[float] | None = None) -> Any:
    """A path of 100 steps at step size 0.5, with records at these multiples of 2/η = 4."""
    size = len(ratios)
    path = ss.train(ss.problems.tent(n=5), ss.TwoLayerReLU.random(3), ss.GradientDescent(0.5, 100))
    return replace(
        path,
        at_steps=np.linspace(0, 100, size).astype(int),
        time=np.linspace(0, 50, size),
        sharpness=4.0 * np.array(ratios),
        sharpness_last=4.0 * np.array(ratios if last is None else last),
        smoothness=np.full(size, 4.4),
    )


def test_columns_are_those_of_the_last_half() -> None:
    ratios = [0.1, 9.0, 0.96, 0.98, 1.0, 1.1, 1.2]
    found = runs.edge(trajectory(ratios, last=[0.1, 9.0, 0.5, 0.6, 0.7, 0.8, 0.9]))
    assert found["median_edge_ratio"] == pytest.approx(np.median(ratios[3:]))
    assert found["median_sharpness"] == pytest.approx(4.0 * np.median(ratios[3:]))
    assert found["last_edge_ratio"] == pytest.approx(0.75)
    assert found["smoothness_ratio"] == pytest.approx(1.1)
    assert found["drift"] == pytest.approx(np.median(ratios[5:]) / np.median(ratios[3:5]) - 1.0)
    assert found["started_inside"]


def test_the_crossing_is_followed_step_by_step() -> None:
    """Against descent made one step at a time from the very start, and dense eigenvalues of its iterates."""
    problem = ss.problems.tent(n=12, noise=0.5, seed=1001, half_width=3.0)
    net, method = ss.TwoLayerReLU.random(20, 0.2, seed=3), ss.GradientDescent(0.5, 400)
    seen = follow(problem, net, method, range(25, 400, 25), lambda _: None)
    numbers, arrays = crossing(seen, 60, lambda _: None)
    last, middle, state = [], [], net
    for _ in range(numbers["crossed_at_step"] + 60):
        one = ss.train(problem, state, ss.GradientDescent(0.5, 1), measure_sharpness=False)
        for found, network in ((last, one.network), (middle, one.midpoint)):
            found.append(ss.sharpness(problem, network).value / 4.0)
        state = one.network
    first = numbers["crossed_at_step"] - 1
    assert last[first] >= 1.0 > max(last[:first])
    np.testing.assert_allclose(arrays["crossing_last"][:40], last[first : first + 40], rtol=1e-6)
    np.testing.assert_allclose(arrays["crossing_midpoint"][:40], middle[first : first + 40], rtol=1e-6)
    assert numbers["crossing_outside"] == pytest.approx(np.mean(arrays["crossing_last"] > 1.1))
    assert numbers["crossing_largest"] >= max(last[first : first + 40]) * (1 - 1e-6)
    assert arrays["crossing_last"].size == 60


@pytest.mark.parametrize("lost", ["begins outside", "warms up", "never gets there"])
def test_other_runs_have_no_crossing(lost: str) -> None:
    problem = ss.problems.tent(n=12, noise=0.5, seed=1001, half_width=3.0)
    net = ss.TwoLayerReLU.random(20, 2.0 if lost == "begins outside" else 0.2, seed=3)
    eta = {"begins outside": 0.5, "warms up": 0.5, "never gets there": 0.001}[lost]
    method = ss.GradientDescent(eta, 200, warmup_steps=20 if lost == "warms up" else 0)
    seen = follow(problem, net, method, range(25, 200, 25), lambda _: None)
    assert (seen.trajectory.edge_ratio[0] >= 0.95) == (lost == "begins outside")
    assert crossing(seen, 60, lambda _: None) == ({}, {})


def test_both_losses_are_followed_and_diverged_runs_too() -> None:
    found = run(CLAIM, {**CLAIM.quick, **SMALL}, workers=1)
    for one in found.runs:
        assert one.arrays["sharpness"].shape == one.arrays["steps"].shape
        assert one.row["threshold"] == 2.0 / one["step_size"]
    assert "diverged" in found.table["outcome"].tolist()
    assert set(found.table["arm"]) == {"as_printed", "small_init", "warm_up", "logistic"}
    assert np.isfinite(found.table["initial_sharpness"]).all()


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
        ({"noise": "-1"}, "noise must be finite and not negative, got -1.0"),
        ({"n": "1"}, "n must be at least 2, got 1"),
        ({"logistic_n": "1"}, "logistic_n must be at least 2, got 1"),
        ({"crossing_steps": "0"}, "crossing_steps must be at least 1, got 0"),
        ({"arms": "as_prnted"}, "unknown arm 'as_prnted'; did you mean 'as_printed'"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
