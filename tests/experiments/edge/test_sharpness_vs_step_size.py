"""The rule of sharpness-vs-step-size on rows that come out each way, and how a run is followed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.edge import runs
from stepscape.experiments.edge.sharpness_vs_step_size import CLAIM
from stepscape.experiments.frame import Result, Run, run

ETAS = (0.01, 0.1, 0.4, 0.8)
SMALL = {"width": 40, "steps": 300, "records": 6, "step_sizes": (0.02, 0.2, 0.6), "n": 12, "seeds": 1}


def result(ratio: float = 1.0, power: float = -1.0, seeds: int = 4, **changes: Any) -> Result:
    """Runs of one arm that reach the edge early; the sharpness goes with a power of the step size."""
    rng = np.random.default_rng(0)
    return Result("sharpness-vs-step-size", CLAIM.quick, tuple(
        Run({
            "arm": "small_init", "seed": seed, "step_size": eta, "outcome": "finished", "bent_neurons": 5,
            "steps": 1000, "median_edge_ratio": ratio,
            "median_sharpness": 2.0 * ratio * eta**power * np.exp(0.002 * rng.standard_normal()),
            "mean_smoothness_ratio": 1.0, "swing": 0.0, "reached_at_step": 100.0, "started_inside": True,
            "share_outside": 0.0, **changes,
        })
        for seed in range(seeds) for eta in ETAS
    ))  # fmt: skip


def some(found: Result, count: int, **changes: Any) -> Result:
    """Change the first runs."""
    changed = [Run({**each.row, **changes}) for each in found.runs[:count]]
    return replace(found, runs=(*changed, *found.runs[count:]))


def words(found: Result) -> dict[str, str]:
    return {name: judged.word(CLAIM.kind) for name, judged in CLAIM.judge(found).items()}


def test_reproduced() -> None:
    judged = CLAIM.judge(result())
    assert set(words(result()).values()) == {"reproduced"}
    line = judged["on_the_line"].rows["small_init"]
    assert line.sentence == "All 16 runs that reach the edge stay on it: 100 % [81, 100]."
    assert line.numbers["edge ratio, median"] == 1.0


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        (0.951, "reproduced"),
        (1.099, "reproduced"),
        (0.949, "not_reproduced"),
        (1.101, "not_reproduced"),
    ],
)
def test_the_line_has_two_sides(ratio: float, word: str) -> None:
    assert words(result(ratio))["on_the_line"] == word


@pytest.mark.parametrize(("off", "word"), [(1, "reproduced"), (2, "partly"), (8, "undecided")])
def test_some_are_off_the_line(off: int, word: str) -> None:
    assert words(some(result(), off, median_edge_ratio=1.4))["on_the_line"] == word


@pytest.mark.parametrize(
    ("power", "word"),
    [(-0.96, "reproduced"), (-1.04, "reproduced"), (-0.94, "not_reproduced"), (-1.06, "not_reproduced")],
)
def test_scaling_has_two_sides(power: float, word: str) -> None:
    assert words(result(power=power))["scaling"] == word


def test_a_slope_needs_three_seeds() -> None:
    assert words(result(seeds=2))["scaling"] == "undecided"


@pytest.mark.parametrize("lost", [{"reached_at_step": None}, {"reached_at_step": 501.0}, {"bent_neurons": 0}])
def test_runs_that_do_not_get_there_in_time_are_no_counterexample(lost: dict[str, Any]) -> None:
    found = some(result(), 4, median_edge_ratio=0.3, median_sharpness=1.0, **lost)
    assert words(found)["on_the_line"] == words(found)["scaling"] == "reproduced"
    assert CLAIM.judge(found)["on_the_line"].finding.sentence.startswith("All 12 runs")


@pytest.mark.parametrize(
    "lost",
    [
        {"reached_at_step": None},
        {"reached_at_step": 501.0},
        {"bent_neurons": 0},
        {"outcome": "diverged"},
    ],
)
def test_most_must_get_there(lost: dict[str, Any]) -> None:
    found = words(result(**lost))
    assert found["on_the_line"] == found["scaling"] == "premise_not_met"


def test_the_edge_must_be_reached_at_three_step_sizes_that_span_ten() -> None:
    def only(*etas: float) -> str:
        every = result()
        return words(replace(every, runs=tuple(one for one in every.runs if one["step_size"] in etas)))[
            "on_the_line"
        ]

    assert only(0.01, 0.1, 0.4) == "reproduced"
    assert only(0.01, 0.8) == "premise_not_met"
    assert only(0.1, 0.4, 0.8) == "premise_not_met"


@pytest.mark.parametrize(("share", "word"), [(0.05, "reproduced"), (0.06, "not_reproduced")])
def test_the_whole_trajectory(share: float, word: str) -> None:
    assert words(result(share_outside=share))["stays_inside"] == word


def test_only_a_start_inside_can_stay_inside() -> None:
    outside = {"started_inside": False, "share_outside": 1.0}
    assert words(result(**outside))["stays_inside"] == "premise_not_met"
    assert words(result(arm="warm_up"))["stays_inside"] == "premise_not_met"
    assert words(some(result(), 8, **outside))["stays_inside"] == "reproduced"


def test_the_table_counts_what_reached_the_edge() -> None:
    table = CLAIM.numbers(some(result(), 1, reached_at_step=None))  # type: ignore[misc]
    assert table["at_the_edge"].tolist() == [3, 4, 4, 4]
    assert table["runs"].tolist() == [4] * 4


def followed(step_size: float, steps: int, width: int = 100, arm: str = "small_init") -> dict[str, Any]:
    settings = {**CLAIM.quick, "step_sizes": (step_size,), "steps": steps, "width": width, "arms": (arm,)}
    (one,) = run(CLAIM, {**settings, "seeds": 1}, workers=1).runs
    return dict(one.row)


def test_the_middle_of_the_oscillation_is_judged() -> None:
    """At a large step size λ_max of the midpoint is nearer to 2/η than that of an iterate."""
    row = followed(0.8, 3000)
    assert row["swing"] > 0.05
    assert abs(row["median_edge_ratio"] - 1.0) < 0.5 * row["swing"]
    assert row["median_sharpness"] == pytest.approx(row["median_edge_ratio"] * 2.0 / 0.8, rel=1e-12)


def trajectory(ratios: list[float], warmup: int = 0, last: list[float] | None = None) -> Any:
    """A path of 100 steps at step size 0.5, with records at these multiples of 2/η = 4."""
    size = len(ratios)
    problem = ss.problems.tent(n=5)
    path = ss.train(problem, ss.TwoLayerReLU.random(3), ss.GradientDescent(0.5, 100, warmup_steps=warmup))
    return replace(
        path,
        at_steps=np.linspace(0, 100, size).astype(int),
        time=np.linspace(0, 50, size),
        sharpness=4.0 * np.array(ratios),
        sharpness_last=4.0 * np.array(ratios if last is None else last),
        smoothness=np.full(size, 4.0),
    )


def test_edge_columns_are_those_of_the_midpoint() -> None:
    found = runs.edge(trajectory([0.1, 0.5, 0.96, 1.12, 1.0], last=[0.1, 0.5, 1.02, 1.02, 1.0]))
    assert found["median_edge_ratio"] == pytest.approx(1.0)  # of 0.96, 1.12, 1.0
    assert found["median_sharpness"] == pytest.approx(4.0)
    assert found["swing"] == pytest.approx(0.06)  # of 0.06, 0.1, 0
    assert (found["reached_at_step"], found["reached_at_time"]) == (50, 25.0)
    assert found["started_inside"]
    assert found["share_outside"] == pytest.approx(0.2)  # the one with 1.12
    assert found["mean_smoothness_ratio"] == pytest.approx(1.0)


def test_records_of_the_warm_up_do_not_count() -> None:
    found = runs.edge(trajectory([3.0, 2.0, 1.0, 1.0, 1.0], warmup=50))
    assert (found["reached_at_step"], found["share_outside"]) == (50, 0.0)
    assert not found["started_inside"]


def test_every_record_is_measured_and_diverged_runs_too() -> None:
    found = run(CLAIM, {**CLAIM.quick, **SMALL}, workers=1)
    for one in found.runs:
        assert one.arrays["sharpness"].shape == one.arrays["steps"].shape
        assert one.row["threshold"] == 2.0 / one["step_size"]
    fates = found.table["outcome"].tolist()
    assert "diverged" in fates
    assert np.isfinite(found.table["initial_sharpness"]).all()


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
        ({"noise": "-1"}, "noise must be finite and not negative, got -1.0"),
        ({"n": "1"}, "n must be at least 2, got 1"),
        ({"arms": "as_prnted"}, "unknown arm 'as_prnted'; did you mean 'as_printed'"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
