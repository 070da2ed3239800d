"""The rules of `truth-complexity` on rows that come out each way, and the zigzag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape import problems, theory
from stepscape.errors import InputError
from stepscape.experiments.forces.truth_complexity import CLAIM, losses
from stepscape.experiments.forces.truth_runs import TruthRun, Zigzag, problem_of, variation, work
from stepscape.experiments.frame import Result, Run
from stepscape.tables.records import Table

ETAS = (0.01, 0.03, 0.1, 0.3, 1.0)
SPEC: dict[str, Any] = {
    "teeth": 2, "n": 14, "noise": 0.25, "half_width": 3.0, "width": 30, "steps": 200, "records": 3,
    "step_size": 0.2, "largest_step_size": 0.4, "seed": 0, "drawn": True,
}  # fmt: skip
Risk = Callable[[int, float], float]  # teeth, η·(1 + 2∫|f0''|g)/2


def rows(risk: Risk, seeds: int = 9, **changes: Any) -> list[Run]:
    """Runs whose truths have ∫|f0''|g = teeth²; a little of the risk depends on the seed."""
    return [
        Run({
            "kind": "truth/1", "half_width": 3.0, "noise": 0.25, "width": 100, "teeth": teeth, "seed": seed,
            "step_size": eta, "truth_weighted_variation": float(teeth**2),
            "largest_stable": 2.0 / (1.0 + 2.0 * teeth**2), "outcome": "finished", "bent_neurons": 50,
            "risk_held_out": risk(teeth, eta * (1.0 + 2.0 * teeth**2) / 2.0) * (1.0 + 0.01 * (seed % 3)),
            "edge_reached": True, "bound_checks": 2, "bound_violations": 0, **changes,
        })
        for teeth in (1, 2, 4)
        for seed in range(seeds)
        for eta in ETAS
    ]  # fmt: skip


def words(*args: Any, **changes: Any) -> dict[str, str]:
    judged = CLAIM.judge(Result("truth-complexity", CLAIM.quick, tuple(rows(*args, **changes))))
    return {name: each.word(CLAIM.kind) for name, each in judged.items()}


def test_as_the_theory_says() -> None:
    """The fit is lost beyond the limit, by more the further beyond it the largest step size lies."""
    found = words(lambda _, over: 0.01 * max(1.0, over**4))
    assert found == dict.fromkeys(("missed", "grows", "where"), "reproduced") | {"bound": "holds"}


def test_step_sizes_that_change_nothing() -> None:
    found = words(lambda *_: 0.01)
    assert (found["missed"], found["grows"]) == ("not_reproduced", "not_reproduced")
    assert found["where"] == "not_reproduced"  # the fit is kept at 16 times the limit


def test_every_truth_missed_alike() -> None:
    found = words(lambda teeth, over: 0.5 if over > 0.4 * (1.0 + 2.0 * teeth**2) else 0.01)
    assert (found["missed"], found["grows"]) == ("reproduced", "not_reproduced")


def test_a_limit_elsewhere() -> None:
    assert words(lambda _, over: 0.01 * max(1.0, 100.0 * over**2))["where"] == "not_reproduced"


def test_only_complex_truths_missed() -> None:
    assert words(lambda teeth, over: 0.5 if teeth > 1 and over > 0.5 else 0.01)["missed"] == "partly"


def test_too_few_step_sizes_work() -> None:
    assert words(lambda *_: 0.01, bent_neurons=0)["missed"] == "premise_not_met"


def changed(risk: Risk, change: Callable[[dict[str, Any]], dict[str, Any]], seeds: int = 9) -> dict[str, str]:
    """Words where each row is overwritten by what `change` makes of it."""
    runs = tuple(Run({**run.row, **change(dict(run.row))}) for run in rows(risk, seeds))
    judged = CLAIM.judge(Result("truth-complexity", CLAIM.quick, runs))
    return {name: each.word(CLAIM.kind) for name, each in judged.items()}


def late(_: int, over: float) -> float:
    """Risk that grows beyond the limit."""
    return 0.01 * max(1.0, over**2)


def test_teeth_at_which_runs_die_make_it_partly() -> None:
    dies = changed(
        late, lambda row: {"bent_neurons": 0} if row["teeth"] == 4 and row["step_size"] > 0.02 else {}
    )
    assert dies["missed"] == "partly"
    assert dies["grows"] == "premise_not_met"


def test_runs_that_die_at_the_largest_step_size_do_not_hand_it_to_a_smaller_one() -> None:
    dies = changed(late, lambda row: {"bent_neurons": 0} if row["step_size"] == ETAS[-1] else {})
    assert (dies["missed"], dies["grows"]) == ("premise_not_met", "premise_not_met")


def test_late_at_one_truth_and_early_at_another_do_not_cancel() -> None:
    place = {1: 0.99, 2: 0.25, 4: 0.02}
    limit = {1: 0.15, 2: 0.17, 4: 0.05}  # lost 3.6 times late, in time, and 3 times early
    found = changed(
        lambda teeth, over: 0.5 if over * 2.0 / (1.0 + 2.0 * teeth**2) > place[teeth] else 0.01,
        lambda row: {"largest_stable": limit[row["teeth"]]},
    )
    assert found["where"] == "partly"


def test_a_fit_lost_at_few_seeds_is_not_lost() -> None:
    kept = changed(late, lambda row: {"risk_held_out": 0.01} if row["seed"] > 2 else {}, seeds=20)
    assert kept["where"] == "not_reproduced"


@pytest.mark.parametrize(
    "hides",
    [
        {"largest_stable": 0.9},  # the grid ends too early
        {"largest_stable": 0.005},  # it begins too late
        {"risk_held_out": 0.07},  # nothing fits
    ],
)
def test_a_grid_that_cannot_show_where_the_fit_is_lost(hides: dict[str, Any]) -> None:
    assert changed(lambda *_: 0.01, lambda _: hides)["where"] == "premise_not_met"


def test_a_violated_bound() -> None:
    assert words(lambda *_: 0.01, bound_violations=1)["bound"] == "false_as_stated"


class TestWhereTheFitIsLost:
    def seed(self, risks: tuple[float, ...]) -> Table:
        return Table.from_records([
            {"teeth": 1, "seed": 0, "step_size": eta, "risk_held_out": risk, "noise": 0.5,
             "outcome": "finished", "bent_neurons": 9, "width": 10, "largest_stable": 0.1}
            for eta, risk in zip(ETAS, risks, strict=True)
        ])  # fmt: skip

    def test_between_the_first_that_exceeds_and_the_one_below(self) -> None:
        risks = (0.02, 0.01, 0.07, 0.073, 0.5)  # 0.01 + 0.0625 is the level
        found = losses(self.seed(risks), noises=0.25, factor=2.0)
        assert found == pytest.approx([np.log10(np.sqrt(0.1 * 0.3) / 0.1)])

    def test_step_sizes_below_the_best_do_not_count(self) -> None:
        found = losses(self.seed((0.9, 0.9, 0.01, 0.02, 0.02)), noises=0.25, factor=2.0)
        assert found == pytest.approx([1.0])  # kept up to 1.0, which is 10 times the limit

    def test_a_seed_without_runs_that_count_is_unknown(self) -> None:
        table = self.seed((0.01, 0.01, 0.01, 0.01, 0.01))
        dead = Table({**table.columns, "bent_neurons": np.zeros(len(table))})
        assert np.isnan(losses(dead, noises=0.25, factor=2.0)).all()


class TestZigzag:
    @pytest.mark.parametrize("teeth", [1, 2, 3, 5])
    def test_its_kinks_are_those_of_a_grid(self, teeth: int) -> None:
        truth = Zigzag(teeth, 3.0)
        places, changes = truth.kinks
        for place, change in zip(places, changes, strict=True):
            second = truth(np.array([place - 0.01, place, place + 0.01])) @ np.array([1.0, -2.0, 1.0])
            assert second / 0.01 == pytest.approx(change, abs=1e-9)
        x = np.linspace(-3.0, 3.0, 6001)
        bends = np.abs(np.diff(truth(x), 2)).sum() / (x[1] - x[0])
        assert np.abs(changes).sum() == pytest.approx(bends, rel=1e-6)

    def test_a_tip_at_the_center_and_values_between_one_and_minus_one(self) -> None:
        x = np.linspace(-2.0, 2.0, 801)
        for teeth in (1, 2, 3):
            values = Zigzag(teeth, 2.0)(x)
            assert (values[400], values.max(), values.min()) == pytest.approx((1.0, 1.0, -1.0))

    def test_its_weighted_variation_is_the_sum_over_its_kinks(self) -> None:
        run = TruthRun(**SPEC)
        problem = problem_of(run, 0)
        places, changes = Zigzag(2, 3.0).kinks
        weights = theory.weight(places, problem.inputs)
        assert variation(run, problem) == pytest.approx((np.abs(changes).sum(), np.abs(changes) @ weights))


def test_a_run_says_where_theory_puts_it() -> None:
    found = work(TruthRun(**SPEC), lambda _: None).numbers
    assert found["over_stable"] == pytest.approx(0.2 / found["largest_stable"])
    limit = found["largest_stable"]
    assert 1.0 / limit - 0.5 == pytest.approx(found["truth_weighted_variation"])  # 1/η − ½ = ∫|f0''|g


def test_labels_of_a_seed_are_those_of_the_truth_and_noise() -> None:
    run = TruthRun(**SPEC)
    noisy, zero = problem_of(run, 4), problems.curve("zero", n=14, noise=0.25, seed=4, half_width=3.0)
    np.testing.assert_allclose(noisy.labels - Zigzag(2, 3.0)(noisy.inputs), zero.labels, rtol=0, atol=1e-14)


def test_a_zigzag_has_a_tooth() -> None:
    with pytest.raises(InputError, match="teeth must be at least 1"):
        CLAIM.specs({**CLAIM.quick, "teeth": (0, 1)})
