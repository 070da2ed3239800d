"""What became of neurons, and the rules of `feature-learning` on rows that come out each way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.common.tangent import tangent_kernel
from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.square.feature_learning import CLAIM
from stepscape.experiments.square.neuron_runs import (
    METHODS,
    begin,
    beyond,
    beyond_points,
    dead,
    fates,
    grid,
    part,
    work,
)
from stepscape.measures.features import active_sets
from stepscape.problems import curve

PROBLEM = curve("tent", n=9, noise=0.5, seed=1, half_width=2.0)


def bends_at(*knots: float, facing: float = 1.0) -> ss.TwoLayerReLU:
    """One neuron for each knot, active right of it."""
    w1 = np.full(len(knots), facing)
    return ss.TwoLayerReLU(w1, -w1 * np.array(knots), np.ones(len(knots)), 0.0)


class TestFates:
    def test_dead_is_active_on_no_input(self) -> None:
        network = ss.TwoLayerReLU.random(300, scale=3.0, init="mean_field", seed=0)
        np.testing.assert_array_equal(dead(PROBLEM, network), ~active_sets(PROBLEM, network).any(axis=0))
        assert 0 < dead(PROBLEM, network).sum() < 300

    def test_a_neuron_that_dies_and_one_that_comes_back(self) -> None:
        """Of three neurons the first stays, the second dies for good, and the third dies and comes back."""
        found = fates(PROBLEM, [bends_at(0.0, 0.0, 0.0), bends_at(0.0, 5.0, 5.0), bends_at(0.0, 5.0, 1.0)])
        third = pytest.approx(1 / 3)
        assert (found["dead_at_start"], found["dead_at_end"], found["died"]) == (0.0, third, third)
        assert (found["ever_dead"], found["revived"], found["revived_for_good"]) == (
            pytest.approx(2 / 3), third, third
        )  # fmt: skip
        assert found["rearranged"] == pytest.approx(2 / 3)

    def test_one_that_comes_back_and_dies_again_is_not_back_for_good(self) -> None:
        found = fates(PROBLEM, [bends_at(5.0), bends_at(0.0), bends_at(5.0)])
        assert (found["revived"], found["revived_for_good"], found["died"]) == (1.0, 0.0, 0.0)

    def test_the_tangent_kernel_is_that_of_differences(self) -> None:
        """f is quadratic in the parameters where no neuron changes sides: central differences are exact."""
        network = ss.TwoLayerReLU.random(6, scale=2.0, init="mean_field", seed=4)
        theta, step = network.parameters, 1e-4
        jacobian = np.array([
            (network.with_parameters(theta + step * e).predict(PROBLEM.inputs)
             - network.with_parameters(theta - step * e).predict(PROBLEM.inputs)) / (2 * step)
            for e in np.eye(theta.size)
        ])  # fmt: skip
        found = tangent_kernel(network, PROBLEM.inputs, PROBLEM.inputs[:4])
        np.testing.assert_allclose(found, (jacobian.T @ jacobian)[:, :4], rtol=0, atol=1e-9)


class TestBeyond:
    def test_points_lie_outside_the_data_up_to_twice_the_range(self) -> None:
        x = beyond_points(PROBLEM, 2.0)
        low, high = PROBLEM.line.hull
        assert not ((x > low) & (x < high)).any()
        assert (x.min(), x.max()) == (-4.0, 4.0)

    def test_dead_neurons_change_nothing_at_the_inputs_and_all_of_a_tail(self) -> None:
        """f = 0 but for a dead neuron with slope 3 right of x = 3."""
        tail = ss.TwoLayerReLU(np.ones(1), np.array([-3.0]), np.array([3.0]), -0.5)
        found = beyond(PROBLEM, 2.0, tail, tail)
        x = beyond_points(PROBLEM, 2.0)
        assert found["risk_beyond"] == pytest.approx(np.mean((3.0 * np.maximum(x - 3.0, 0.0)) ** 2))
        assert found["risk_beyond_without_dead"] == 0.0
        assert found["risk_beyond_without_died"] == found["risk_beyond"]  # it was dead before
        assert found["alive_beyond"] == 1.0
        alive = beyond(PROBLEM, 2.0, bends_at(0.0), tail)
        assert alive["risk_beyond_without_died"] == 0.0
        kept = part(tail, np.array([False]))
        np.testing.assert_array_equal(kept.predict(PROBLEM.inputs), tail.predict(PROBLEM.inputs))

    def test_a_dead_neuron_that_faces_the_data_from_far_is_not_alive_beyond(self) -> None:
        far = bends_at(9.0)
        assert beyond(PROBLEM, 2.0, far, far)["alive_beyond"] == 0.0


def test_momentum_carries_a_neuron_back_and_plain_descent_does_not() -> None:
    settings = {**CLAIM.quick, "arms": ("as_printed",), "step_sizes": (0.05,), "seeds": 2,
                "first_seed": 1000, "steps": 300, "watched": 300}  # fmt: skip
    runs = [run for run in grid(settings) if run.method in ("descent", "nesterov", "weight_decay")]
    found = {run.method: 0.0 for run in runs}
    for run in runs:
        record = work(run, lambda _: None)
        found[run.method] = max(found[run.method], record.numbers.get("revived", 0.0))
    assert found["descent"] == found["weight_decay"] == 0.0
    assert found["nesterov"] > 0.0


def test_methods_are_those_of_their_names() -> None:
    by_method = {run.method: begin(run)[2] for run in grid({**CLAIM.full, "seeds": 1, "width": 5})}
    assert set(by_method) == set(METHODS)
    assert (by_method["heavy_ball"].momentum, by_method["heavy_ball"].nesterov) == (0.9, False)
    assert by_method["nesterov"].nesterov
    assert (by_method["weight_decay"].weight_decay, by_method["weight_decay"].decay_biases) == (1e-3, True)
    assert by_method["descent"] == ss.GradientDescent(0.2, 30_000, warmup_steps=3000)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match="unknown method 'sam'"):
        CLAIM.specs({**CLAIM.quick, "methods": ("sam",)})


def rows(seeds: int = 8, **changes: Any) -> list[Run]:
    """Plain descent that learns a basis, loses neurons and errs by them; momentum that revives some."""
    rng = np.random.default_rng(0)
    base = {
        "outcome": "finished", "bent_neurons": 30, "width": 100, "rearranged": 0.8, "kernel_change": 0.9,
        "died": 0.1, "ever_dead": 0.2, "alive_beyond": 0.1, "risk_beyond": 2.0,
        "risk_beyond_without_dead": 1.0,
    }  # fmt: skip
    given = {**base, **changes}
    revived = given.pop("revived", 0.05)
    return [
        Run({
            "arm": "warm_up", "half_width": 3.0, "method": method, "seed": seed, "step_size": eta,
            **{name: x * (1 + 0.01 * rng.standard_normal()) if isinstance(x, float) else x
               for name, x in given.items()},
            "revived": revived if method not in ("descent", "weight_decay") else 0.0,
            **({"risk_beyond": given["risk_beyond"] * (2.0 if eta < 0.1 else 1.0)}),
        })
        for method in METHODS for seed in range(seeds) for eta in (0.05, 0.2)
    ]  # fmt: skip


def judged(runs: list[Run]) -> dict[str, Judged]:
    return CLAIM.judge(Result("feature-learning", CLAIM.full, tuple(runs)))


def words(**changes: Any) -> dict[str, str]:
    return {name: found.word(CLAIM.kind) for name, found in judged(rows(**changes)).items()}


def test_as_the_tutorial_says() -> None:
    assert words() == {
        "learned": "reproduced", "leave": "reproduced", "stay_dead": "holds", "come_back": "yes",
        "culprits": "yes", "larger_steps": "yes",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "part_", "word"),
    [
        ({"rearranged": 0.4}, "learned", "partly"),
        ({"rearranged": 0.4, "kernel_change": 0.1}, "learned", "not_reproduced"),
        ({"died": 0.0}, "leave", "not_reproduced"),
        ({"risk_beyond_without_dead": 2.0}, "culprits", "it_depends"),  # at one step size
        ({"risk_beyond_without_dead": 5.0}, "culprits", "no"),
        ({"ever_dead": 0.0}, "stay_dead", "premise_not_met"),
        ({"ever_dead": 0.0}, "come_back", "premise_not_met"),
        ({"bent_neurons": 0}, "learned", "premise_not_met"),
        ({"outcome": "diverged"}, "larger_steps", "premise_not_met"),
    ],
)
def test_each_way(changes: dict[str, Any], part_: str, word: str) -> None:
    assert words(**changes)[part_] == word


def test_one_neuron_that_comes_back_contradicts_the_identity() -> None:
    runs = rows()
    runs[0] = Run({**runs[0].row, "revived": 0.01})
    assert judged(runs)["stay_dead"].word(CLAIM.kind) == "false_as_stated"


@pytest.mark.parametrize(("seeds", "word"), [(20, "no"), (8, "undecided")])
def test_that_none_comes_back_needs_many_seeds(seeds: int, word: str) -> None:
    """Wilson's upper end of 0 of 20 is 0.16, of 0 of 8 it is 0.32."""
    assert words(seeds=seeds, revived=0.0)["come_back"] == word


def test_a_method_apart() -> None:
    runs = [
        Run({**run.row, "revived": 0.0}) if run["method"] == "nesterov" else run for run in rows(seeds=20)
    ]
    found = judged(runs)["come_back"]
    assert found.word(CLAIM.kind) == "it_depends"
    text = "Nesterov: none of 20 seeds with a dead neuron has a run in which one comes back"
    assert text in found.finding.sentence


def changed(when: Callable[[Run], bool], **changes: Any) -> dict[str, Judged]:
    """Judge 20 seeds with changes in some runs."""
    return judged([Run({**run.row, **changes}) if when(run) else run for run in rows(seeds=20)])


def test_seeds_without_a_dead_neuron_do_not_say_that_none_comes_back() -> None:
    runs = [
        Run({**run.row, "revived": 0.0, "ever_dead": 0.2 if run["seed"] == 0 else 0.0})
        for run in rows(seeds=20)
    ]
    found = judged(runs)["come_back"]
    assert found.word(CLAIM.kind) == "undecided"
    assert "none of 1 seeds with a dead neuron" in found.finding.sentence


@pytest.mark.parametrize(("dead", "word"), [(15, "premise_not_met"), (10, "yes")])
@pytest.mark.parametrize("eta", [0.05, 0.2])
def test_a_few_survivors_of_one_step_size_compare_with_nothing(dead: int, word: str, eta: float) -> None:
    found = changed(lambda run: run["step_size"] == eta and run["seed"] < dead, bent_neurons=0)
    assert found["larger_steps"].word(CLAIM.kind) == word


def test_a_step_size_between_does_not_matter_to_the_ends() -> None:
    between = [
        Run({**run.row, "step_size": 0.1, "bent_neurons": 0}) for run in rows() if run["step_size"] < 0.1
    ]
    assert judged([*rows(), *between])["larger_steps"].word(CLAIM.kind) == "yes"


def test_without_dead_neurons_beyond_the_data_there_is_no_suspect() -> None:
    runs = [Run({**run.row, "alive_beyond": 0.0, "risk_beyond_without_dead": run["risk_beyond"]})
            for run in rows(seeds=20)]  # fmt: skip
    found = judged(runs)["culprits"]
    assert found.word(CLAIM.kind) == "premise_not_met"
    assert found.finding.sentence == "In most runs no dead neuron is active beyond the data."


def test_a_setting_without_suspects_leaves_a_yes_open() -> None:
    found = changed(lambda run: run["step_size"] < 0.1, alive_beyond=0.0)["culprits"]
    assert found.word(CLAIM.kind) == "it_depends"
    assert found.finding.sentence.endswith("no dead neuron is active beyond the data in 1 other setting.")


def test_only_runs_with_suspects_answer() -> None:
    """Nine of 20 seeds have none, and removing nothing saves nothing; the mean is over the others."""
    runs = [
        Run({**run.row, "risk_beyond_without_dead": 0.1 * run["risk_beyond"]} if run["seed"] >= 9
            else {**run.row, "alive_beyond": 0.0, "risk_beyond_without_dead": run["risk_beyond"]})
        for run in rows(seeds=20)
    ]  # fmt: skip
    effect = judged(runs)["culprits"].finding.effect
    assert effect is not None
    assert effect.interval.mean == pytest.approx(1.0)
