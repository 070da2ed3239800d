"""The twin of a run, and the rules of `same-tv` on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.square.same_tv import CLAIM, mean_known
from stepscape.experiments.square.twin_runs import begin, compared, distances, grid, twin_of, work
from stepscape.problems import curve

ETAS = (0.05, 0.2, 0.8)
PROBLEM = curve("tent", n=12, noise=0.5, seed=3, half_width=2.0)


def random_network(seed: int, width: int = 20) -> ss.TwoLayerReLU:
    return ss.TwoLayerReLU.random(width, scale=2.0, init="mean_field", seed=seed)


class TestTwin:
    def test_of_a_network_without_bends_it_is_the_line_of_least_squares(self) -> None:
        flat = ss.TwoLayerReLU(np.ones(2), -np.full(2, 9.0), np.ones(2), 0.3)
        twin, numbers = twin_of(PROBLEM, flat), compared(PROBLEM, flat, twin_of(PROBLEM, flat))
        line = np.polyval(np.polyfit(PROBLEM.inputs, PROBLEM.labels, 1), PROBLEM.inputs)
        np.testing.assert_allclose(twin.predict(PROBLEM.inputs), line, rtol=0, atol=1e-9)
        assert (numbers["kinks_twin"], numbers["pieces_twin"]) == (0, 1)
        assert numbers["loss_twin"] == pytest.approx(0.5 * np.mean((line - PROBLEM.labels) ** 2))

    @pytest.mark.parametrize("seed", range(8))
    def test_it_has_the_same_variation_and_no_more_loss(self, seed: int) -> None:
        network = random_network(seed)
        numbers = compared(PROBLEM, network, twin_of(PROBLEM, network))
        own = ss.theory.weighted_tv(network.w1, network.b1, network.w2, PROBLEM.inputs)
        dots = ss.theory.interpolation_bound(PROBLEM.inputs, PROBLEM.labels).variation
        assert numbers["weighted_tv_twin"] == pytest.approx(min(own, dots), rel=1e-6)
        residual = network.predict(PROBLEM.inputs) - PROBLEM.labels
        assert numbers["loss_midpoint"] == pytest.approx(0.5 * np.mean(residual**2))
        assert numbers["loss_twin"] <= numbers["loss_midpoint"] + 1e-9
        assert numbers["best_left"] <= numbers["best_right"]
        assert numbers["best_right"] == pytest.approx(
            0.5 * np.mean(residual**2) + numbers["penalty_twin"] * own
        )

    def test_a_multiplier_that_is_not_its_own_would_violate_the_inequality(self) -> None:
        """The bound of a smaller variation exceeds what the larger one, priced by its multiplier, attains."""
        tight = ss.theory.weighted_spline(PROBLEM.inputs, PROBLEM.labels, variation=0.2)
        wide = ss.theory.weighted_spline(PROBLEM.inputs, PROBLEM.labels, variation=0.4)
        assert tight.bound <= wide.loss + tight.penalty * wide.variation + 1e-12
        assert tight.bound > wide.loss + wide.penalty * wide.variation

    def test_distances_are_root_mean_squares_on_the_grid(self) -> None:
        network, other = random_network(0), random_network(1)
        lifted = ss.TwoLayerReLU(network.w1, network.b1, network.w2, float(network.b2) + 0.25)
        twin = twin_of(PROBLEM, network)
        found = distances(PROBLEM, network, twin, lifted, other)
        x = np.linspace(PROBLEM.inputs.min(), PROBLEM.inputs.max(), 401)
        assert found["distance_drift"] == pytest.approx(0.25)
        assert found["distance_drift_interior"] == pytest.approx(0.25)
        by_hand = np.sqrt(np.mean((network.predict(x) - other.predict(x)) ** 2))
        assert found["distance_starts"] == pytest.approx(by_hand)
        inside = ss.theory.interior(x, PROBLEM.inputs)
        by_hand = np.sqrt(np.mean((network.predict(x) - twin.predict(x))[inside] ** 2))
        assert found["distance_twin_interior"] == pytest.approx(by_hand)
        truth = PROBLEM.truth(x)  # type: ignore[misc]
        assert found["distance_truth"] == pytest.approx(np.sqrt(np.mean((network.predict(x) - truth) ** 2)))

    def test_without_a_second_start_its_distance_is_unknown(self) -> None:
        network = random_network(0)
        found = distances(PROBLEM, network, twin_of(PROBLEM, network), network, None)
        assert np.isnan(found["distance_starts"])
        assert found["distance_drift"] == 0.0


def test_a_run_has_two_starts_on_the_same_labels() -> None:
    spec = grid({**CLAIM.quick, "arms": ("small_init",), "width": 30, "steps": 40})[0]
    problem, first, second = begin(spec)
    assert not np.array_equal(first.network.w1, second.network.w1)
    row = work(spec, lambda _: None).numbers
    assert row["distance_starts"] > 0.0
    mean = np.mean((problem.labels - problem.truth(problem.inputs)) ** 2)  # type: ignore[misc]
    assert row["training_error_truth"] == pytest.approx(mean)


def rows(seeds: int = 8, **changes: Any) -> list[Run]:
    """Runs whose twin is five times as far as another start, a quarter as far as the truth, and worse."""
    rng = np.random.default_rng(5)
    base = {
        "outcome": "finished", "bent_neurons": 20, "width": 100, "edge_reached": True, "training_error": 0.1,
        "training_error_truth": 0.25, "risk_grid": 0.1, "risk_twin": 0.12, "risk_interior_grid": 0.1,
        "risk_twin_interior": 0.12, "pieces": 8.0, "pieces_twin": 11.0, "distance_drift": 0.01,
        "best_left": 0.9, "best_right": 1.0,
        **{f"distance_{name}{place}": size for place in ("", "_interior")
           for name, size in (("twin", 0.1), ("starts", 0.02), ("truth", 0.4))},
    }  # fmt: skip
    given = {**base, **changes}
    return [
        Run({
            "arm": "warm_up", "half_width": half_width, "seed": seed, "step_size": eta,
            **{name: x * (1.0 + 0.02 * rng.standard_normal()) if name in WAVERS else x
               for name, x in given.items()},
        })
        for half_width in (3.0, 1.0)
        for seed in range(seeds)
        for eta in ETAS
    ]  # fmt: skip


WAVERS = ("distance_twin", "distance_twin_interior", "risk_twin", "risk_twin_interior", "pieces_twin")
TWICE: dict[str, Any] = {"distance_twin": 0.03, "distance_twin_interior": 0.03}


def judged(**changes: Any) -> dict[str, Judged]:
    return CLAIM.judge(Result("same-tv", CLAIM.quick, tuple(rows(**changes))))


def words(**changes: Any) -> dict[str, str]:
    return {name: found.word(CLAIM.kind) for name, found in judged(**changes).items()}


def test_a_twin_that_is_another_function() -> None:
    assert words() == {
        "coincide": "no", "close": "yes", "risk": "yes", "risk_interior": "yes", "pieces": "yes",
        "least_loss": "holds",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "part", "word"),
    [
        (TWICE, "coincide", "yes"),
        ({"distance_twin": 0.03}, "coincide", "it_depends"),  # everywhere, but not in the interior
        ({"distance_twin": 0.3, "distance_twin_interior": 0.3}, "close", "no"),
        ({"risk_twin": 0.1}, "risk", "no"),
        ({"risk_twin": 0.1}, "risk_interior", "yes"),
        ({"risk_twin_interior": 0.08}, "risk_interior", "no"),
        ({"pieces_twin": 8.0}, "pieces", "no"),
        ({"best_left": 1.01}, "least_loss", "false_as_stated"),
    ],
)
def test_each_way(changes: dict[str, Any], part: str, word: str) -> None:
    assert words(**changes)[part] == word


def test_a_distance_to_the_twin_is_a_mean_of_logarithms() -> None:
    """0.1 against twice 0.02: the limit is missed by log10 2.5."""
    effect = judged()["coincide"].rows["warm_up"].effect
    assert effect is not None
    assert effect.interval.mean == pytest.approx(-np.log10(2.5), abs=0.01)


@pytest.mark.parametrize(
    "changes",
    [
        {"edge_reached": False, "training_error": 0.3},  # not arrived
        {"distance_drift": 0.05},  # an eighth of the distance to the truth
        {"bent_neurons": 0},
        {"outcome": "diverged"},
    ],
)
def test_runs_that_have_not_settled_compare_with_nothing(changes: dict[str, Any]) -> None:
    found = words(**changes)
    assert {found[name] for name in found if name != "least_loss"} == {"premise_not_met"}


def test_a_seed_enters_with_what_it_has() -> None:
    values = mean_known(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]))
    assert values[0] == 2.0
    assert np.isnan(values[1])


def test_the_inequality_is_tested_only_where_there_is_a_bound() -> None:
    assert words(best_left=None)["least_loss"] == "premise_not_met"
    some = [Run({**run.row, "best_left": None}) if run["seed"] == 0 else run for run in rows()]
    found = CLAIM.judge(Result("same-tv", CLAIM.quick, tuple(some)))["least_loss"]
    assert found.word(CLAIM.kind) == "undecided"
    assert found.finding.sentence.endswith("the bound is missing in 6 runs.")
    some[-1] = Run({**some[-1].row, "best_left": 1.1})
    found = CLAIM.judge(Result("same-tv", CLAIM.quick, tuple(some)))["least_loss"]
    assert found.word(CLAIM.kind) == "false_as_stated"


@pytest.mark.parametrize("far", ETAS)
def test_a_twin_that_is_far_at_one_step_size_does_not_coincide(far: float) -> None:
    """A hundredth of the limit elsewhere: the mean of the logarithm alone says that the twin is near."""
    runs = []
    for run in rows():
        twin = 0.9 if run["step_size"] == far else 0.002
        runs.append(
            Run({**run.row, **{f"distance_{name}{place}": size for place in ("", "_interior")
                               for name, size in (("twin", twin), ("starts", 0.1))}})
        )  # fmt: skip
    found = CLAIM.judge(Result("same-tv", CLAIM.quick, tuple(runs)))
    assert found["coincide"].word(CLAIM.kind) == "it_depends"
    assert found["close"].word(CLAIM.kind) == "it_depends"


APART: dict[str, Any] = {
    f"distance_{name}{place}": 0.4 for name in ("starts", "twin") for place in ("", "_interior")
}


def test_where_two_starts_are_far_apart_nothing_is_near() -> None:
    found = judged(**APART)
    assert found["coincide"].word(CLAIM.kind) == "premise_not_met"
    assert "two starts end too far apart, or have not settled, at 0.05" in found["coincide"].finding.sentence
    assert found["close"].word(CLAIM.kind) == "no"


@pytest.mark.parametrize("place", ["", "_interior"])
def test_two_starts_must_be_near_in_both_places(place: str) -> None:
    assert words(**dict[str, Any]({f"distance_starts{place}": 0.21}))["coincide"] == "premise_not_met"


def test_a_step_size_at_which_two_starts_part_is_left_out_aloud() -> None:
    runs = [
        Run({**run.row, **APART, "step_size": 0.1}) for run in rows() if run["step_size"] == 0.2
    ]  # fmt: skip
    found = CLAIM.judge(Result("same-tv", CLAIM.quick, (*rows(**TWICE), *runs)))["coincide"]
    assert found.word(CLAIM.kind) == "yes"
    assert "or their two starts end too far apart: η = 0.1" in found.finding.sentence
