"""The rules of risk-constants on rows that come out each way, and the rate that its runs are held against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.certificates.constant_runs import ConstantRun, begin, grid, rate, work
from stepscape.experiments.certificates.risk_constants import CLAIM, counts, levels
from stepscape.experiments.frame import Result, Run
from stepscape.measures.regions import regions
from stepscape.tables.records import Table
from stepscape.training import train

Row = dict[str, Any]
LEVELS = {"step_size": (0.05, 0.1, 0.2), "noise": (0.2, 0.5, 1.0), "half_width": (1.5, 3.0, 6.0)}
BASE = {"step_size": 0.2, "noise": 0.5, "half_width": 3.0}


def spec(**changes: Any) -> ConstantRun:
    fields = {
        "axis": "noise", "truth": "tent", "n": 60, "largest_step_size": 0.2, "width": 20, "arm": "small_init",
        "steps": 500, "seed": 0, **BASE,
    }  # fmt: skip
    return ConstantRun(**{**fields, **changes})


def rows(risk: Callable[[ConstantRun], float], seeds: int = 6) -> list[Row]:
    rng, found = np.random.default_rng(0), []
    for arm in ("small_init", "warm_up"):
        for axis, values in LEVELS.items():
            for value in values:
                one = spec(axis=axis, arm=arm, **{axis: value})
                for seed in range(seeds):
                    size = risk(one) * np.exp(0.02 * rng.standard_normal())
                    found.append({
                        "axis": axis, "arm": arm, **{name: getattr(one, name) for name in BASE}, "seed": seed,
                        "outcome": "finished", "risk": size, "over_rate": size / rate(one), "fits": True,
                        "edge_ratio": 1.0, "bent_neurons": 20, "training_error": 0.2,
                    })  # fmt: skip
    return found


def words(
    risk: Callable[[ConstantRun], float] = lambda run: 0.5 * rate(run),
    change: Callable[[Row], Row] = dict,
    seeds: int = 6,
) -> dict[str, str]:
    made = tuple(Run(change(row)) for row in rows(risk, seeds))
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, made))
    return {part: each.word(CLAIM.kind) for part, each in judged.items()}


def test_as_built() -> None:
    found = words(
        lambda run: 0.5 * rate(run) * run.noise**-0.05 * run.step_size**0.05 * run.half_width**-0.05
    )
    assert found == {
        "step_size": "consistent",
        "noise": "consistent",
        "half_width": "consistent",
        "falls": "yes",
        "steady": "yes",
    }


def test_other_words() -> None:
    assert words(lambda run: rate(run) / run.step_size)["step_size"] == "contradicted"
    assert words(lambda run: rate(run) * run.noise)["noise"] == "contradicted"
    assert words(lambda run: rate(run) * run.half_width)["half_width"] == "contradicted"
    rising = words(lambda run: run.step_size * run.noise**2)
    assert (rising["falls"], rising["step_size"]) == ("no", "consistent")
    assert words(lambda run: rate(run) * run.noise**2)["steady"] == "no"
    assert set(words(seeds=2).values()) <= {"undecided"}


def test_a_bound_up_to_constants_is_not_contradicted_by_a_few_percent() -> None:
    assert words(lambda run: rate(run) * run.noise**0.03)["noise"] == "consistent"


def test_one_setting_is_not_all_settings() -> None:
    one = words(
        lambda run: rate(run) * run.noise**2,
        lambda row: {**row, "fits": row["axis"] == "noise" and row["noise"] == 0.5},
    )
    assert one["steady"] == "premise_not_met"


@pytest.mark.parametrize(
    "change",
    [{"fits": False}, {"edge_ratio": 0.5}, {"edge_ratio": 1.3}, {"bent_neurons": 2}, {"outcome": "diverged"}],
)
def test_runs_of_which_the_theorem_does_not_speak_do_not_count(change: Row) -> None:
    assert set(words(change=lambda row: {**row, **change}).values()) == {"premise_not_met"}
    one = words(change=lambda row: {**row, **change} if row["step_size"] == 0.05 else row)
    assert one["step_size"] == "premise_not_met"  # two levels are too few
    assert one["noise"] == "consistent"


def test_a_level_counts_if_most_of_its_runs_do() -> None:
    table = Table.from_records([
        {"noise": 0.5, "seed": i, "outcome": "finished", "fits": i < 3, "edge_ratio": 1.0, "bent_neurons": 9}
        for i in range(4)
    ] + [
        {"noise": 1.0, "seed": i, "outcome": "finished", "fits": i < 1, "edge_ratio": 1.0, "bent_neurons": 9}
        for i in range(4)
    ])  # fmt: skip
    assert counts(table).tolist() == [True, True, True, False, True, False, False, False]
    assert levels(table, "noise").tolist() == [0.5]


def test_the_rate_has_the_exponents_of_the_theorem() -> None:
    """Where x_max/η is much larger than σ x_max², and where it is much smaller."""
    steep = rate(spec(step_size=1e-9, noise=0.5)) / rate(spec(step_size=2e-9, noise=0.5))
    assert steep == pytest.approx(2**0.4)
    assert rate(spec(n=120)) / rate(spec(n=60)) == pytest.approx(2**-0.8)
    loud, louder = spec(noise=1e9), spec(noise=2e9)
    assert rate(louder) / rate(loud) == pytest.approx(2**2.0)
    quiet, less = spec(noise=2e-9), spec(noise=1e-9)
    assert rate(quiet) / rate(less) == pytest.approx(2**1.6)
    far, farther = spec(half_width=1e9), spec(half_width=2e9)
    assert rate(farther) / rate(far) == pytest.approx(2**0.8)
    assert rate(spec(n=1, noise=1.0, half_width=1.0, step_size=1.0)) == pytest.approx(2**0.4)


def test_a_run_by_hand() -> None:
    run = spec()
    numbers = work(run, lambda _: None).numbers
    problem, origin = begin(run)
    network = train(problem, origin.network, origin.method(0.2, 500), record_every=500).midpoint
    inside = regions(problem, problem.inputs)["interior"]
    f, f0 = network.predict(problem.inputs)[inside], problem.truth(problem.inputs)[inside]  # type: ignore[misc]
    assert numbers["risk"] == pytest.approx(np.mean((f - f0) ** 2), rel=1e-9)
    assert numbers["over_rate"] == pytest.approx(numbers["risk"] / rate(run), rel=1e-12)
    errors = [np.sum((each - problem.labels[inside]) ** 2) for each in (f, f0)]
    assert numbers["fits"] == (errors[0] <= errors[1])


def test_one_thing_is_varied_at_a_time() -> None:
    for each in grid(dict(CLAIM.full)):
        others = [name for name in BASE if name != each.axis]
        assert all(getattr(each, name) == BASE[name] for name in others)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"noises": "0"}, "noises must be finite and positive, got 0"),
        ({"half_widths": "-1"}, "half_widths must be finite and positive, got -1"),
        ({"step_size": "0"}, "step_size must be finite and positive, got 0"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
