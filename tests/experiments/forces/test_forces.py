"""The rules of `forces` on rows that come out each way, and the runs of each force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.forces.forces import CLAIM, contrasts
from stepscape.experiments.forces.runs import FORCES, ForceRun, begin, method_of, work
from stepscape.experiments.frame import Result, Run
from stepscape.network import BLOCKS
from stepscape.tables.records import Table

SEEDS, ETAS = 8, (0.1, 0.4)
SPEC: dict[str, Any] = {
    "truth": "tent", "n": 12, "noise": 0.5, "half_width": 3.0, "width": 30, "steps": 600, "records": 3,
    "force": "none", "step_size": 0.2, "smallest_step_size": 0.1, "largest_step_size": 0.4, "seed": 0,
    "drawn": False,
}  # fmt: skip


def rows(force: str = "decay", **changes: Any) -> list[dict[str, Any]]:
    """Runs of plain descent and of a force whose rows differ by `changes`, functions of the seed."""
    plain = {
        "pieces": lambda s: 8.0 + s % 3, "weighted_tv": lambda s: 1.0 + s % 2,
        "risk": lambda s: 0.1 + 0.01 * s,
        "risk_held_out": lambda s: 0.1 + 0.01 * s, "edge_ratio": lambda _: 1.0, "bent_neurons": lambda _: 50,
        "knots": lambda _: 9, "start_ratio": lambda _: 0.5,
    }  # fmt: skip
    return [
        {
            "kind": "force/1", "half_width": 3.0, "width": 100, "noise": 0.5, "force": name, "step_size": eta,
            "seed": seed, "outcome": "finished",
            **{key: value(seed) for key, value in (plain if name == "none" else plain | changes).items()},
        }
        for name in ("none", force)
        for eta in ETAS
        for seed in range(SEEDS)
    ]  # fmt: skip


def words(found: list[dict[str, Any]]) -> dict[str, str]:
    judged = CLAIM.judge(Result("forces", CLAIM.quick, tuple(map(Run, found))))
    return {name: each.word(CLAIM.kind) for name, each in judged.items()}


def test_a_force_that_changes_nothing() -> None:
    found = words(rows())
    assert {found[name] for name in ("pieces", "weighted_tv", "risk", "risk_held_out")} == {"no"}
    assert found["edge"] == "yes"
    assert found["one_knot"] == "premise_not_met"


def test_a_force_that_changes_everything() -> None:
    found = words(rows(
        pieces=lambda s: 5.0 + s % 3, weighted_tv=lambda s: 0.5 + 0.5 * (s % 2),
        risk=lambda s: 0.2 + 0.01 * s,
        risk_held_out=lambda s: 0.05 + 0.01 * s, edge_ratio=lambda _: 0.5,
    ))  # fmt: skip
    assert {found[name] for name in ("pieces", "weighted_tv", "risk", "risk_held_out")} == {"yes"}
    assert found["edge"] == "it_depends"  # plain descent is there, the force is not


def test_a_force_without_a_settled_effect() -> None:
    assert words(rows(pieces=lambda s: 8.0 + s % 3 + 4.0 * (-1) ** s))["pieces"] == "undecided"


def test_one_force_without_effect_does_not_settle_the_others() -> None:
    open_ = rows("heavy_ball", pieces=lambda s: 8.0 + s % 3 + 4.0 * (-1) ** s)
    assert words([*rows(), *(row for row in open_ if row["force"] != "none")])["pieces"] == "undecided"


def test_forces_that_differ_make_it_depend() -> None:
    both = [
        *rows(),
        *(row for row in rows("heavy_ball", pieces=lambda s: 2.0 + s % 3) if row["force"] != "none"),
    ]
    assert words(both)["pieces"] == "it_depends"


def hurt(change: Any, force: str = "decay", **changes: Any) -> dict[str, str]:
    """Words where the rows of the force are overwritten by what `change` makes of them."""
    return words([row | (change(row) if row["force"] == force else {}) for row in rows(force, **changes)])


def test_opposite_effects_at_two_step_sizes_do_not_cancel() -> None:
    found = hurt(lambda row: {"pieces": row["pieces"] + (4.0 if row["step_size"] == ETAS[0] else -4.0)})
    assert found["pieces"] == "it_depends"


def test_opposite_effects_that_no_step_size_settles_are_not_none() -> None:
    """+2 and −2 with so much spread that each cell is open, though their mean is exactly 0."""

    def change(row: dict[str, Any]) -> dict[str, Any]:
        way = 1.0 if row["step_size"] == ETAS[0] else -1.0
        return {"pieces": row["pieces"] + way * (2.0 + 4.0 * (-1) ** row["seed"])}

    found = hurt(change)
    assert found["pieces"] == "undecided"


def dead_at_the_large_step(row: dict[str, Any]) -> dict[str, Any]:
    return {"bent_neurons": 0} if row["step_size"] == ETAS[1] else {}


def test_a_force_that_dies_at_the_large_step_is_not_like_descent() -> None:
    found = hurt(dead_at_the_large_step)
    assert found["edge"] == "it_depends"  # for plain descent it is so
    assert {found[name] for name in ("pieces", "weighted_tv", "risk")} == {"undecided"}


def test_a_force_that_differs_where_it_lives_does_so_in_part() -> None:
    assert hurt(dead_at_the_large_step, pieces=lambda s: 2.0 + s % 3)["pieces"] == "it_depends"


def test_the_edge_counts_the_runs_that_die() -> None:
    judged = CLAIM.judge(Result("forces", CLAIM.quick, tuple(
        Run(row | (dead_at_the_large_step(row) if row["force"] == "decay" else {})) for row in rows()
    )))["edge"]  # fmt: skip
    assert judged.word(CLAIM.kind, "none") == "yes"
    assert judged.word(CLAIM.kind, "decay") == "undecided"  # half of its runs


def test_a_step_size_at_which_plain_descent_dies_too_is_not_asked() -> None:
    gone = [row | dead_at_the_large_step(row) for row in rows()]
    assert words(gone)["pieces"] == "no"


def test_a_difference_too_small_to_count_is_none() -> None:
    """Its interval lies above 0 and below the bound; none comes first."""
    assert words(rows(pieces=lambda s: 8.5 + s % 3 + 0.01 * (s % 2)))["pieces"] == "no"


def test_a_curve_without_variation_has_no_logarithm() -> None:
    found = contrasts(
        Table.from_records(rows(weighted_tv=lambda s: 0.0 if s == 3 else 1.0 + s % 2)), "weighted_tv"
    )
    assert np.isnan(found["decay"][3])
    assert (np.delete(found["decay"], 3) == 0.0).all()


def test_what_happens_to_the_curve_is_primary() -> None:
    assert CLAIM.primary.name == "weighted_tv"


def test_effects_have_their_units() -> None:
    table = Table.from_records(
        rows(weighted_tv=lambda s: 10.0 * (1.0 + s % 2), risk=lambda s: 0.35 + 0.01 * s)
    )
    np.testing.assert_allclose(contrasts(table, "weighted_tv")["decay"], 1.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(contrasts(table, "risk")["decay"], 1.0, rtol=0, atol=1e-12)  # of 0.25


def test_a_pair_with_a_lost_run_does_not_count() -> None:
    table = Table.from_records(rows(
        pieces=lambda s: 8.0 + s % 3 + (100.0 if s == 2 else 1.0), bent_neurons=lambda s: 0 if s == 2 else 50,
    ))  # fmt: skip
    found = contrasts(table, "pieces")["decay"]
    assert np.isnan(found[2])
    assert (np.delete(found, 2) == 1.0).all()


@pytest.mark.parametrize(("knots", "word"), [(1, "holds"), (2, "false_as_stated")])
def test_one_knot(knots: int, word: str) -> None:
    assert words(rows("no_input_biases", knots=lambda _: knots))["one_knot"] == word


@pytest.mark.parametrize("force", FORCES)
def test_every_method_has_the_same_threshold_and_the_same_time(force: str) -> None:
    run = ForceRun(**{**SPEC, "force": force, "steps": 60_000})
    method = method_of(run)
    assert method.threshold() == pytest.approx(2.0 / run.step_size, rel=1e-14)
    time = method.steps * method.step_size / (1.0 - method.momentum)
    one = method.step_size / (1.0 - method.momentum)
    assert abs(time - run.steps * run.smallest_step_size) <= 0.5 * one * (1.0 + 1e-9)


@pytest.mark.parametrize("force", FORCES)
def test_blocks_are_trained_frozen_or_absent(force: str) -> None:
    run = ForceRun(**{**SPEC, "force": force})
    _, network, _ = begin(run)
    plain = begin(ForceRun(**SPEC))[1]
    assert network.trainable == FORCES[force].trainable
    for name in BLOCKS:
        block, given = getattr(network, name), getattr(plain, name)
        assert np.array_equal(block, 0.0 * given if name in FORCES[force].absent else given)


def test_runs_start_inside_and_bend_at_zero_alone_without_input_biases() -> None:
    run = ForceRun(**{**SPEC, "force": "no_input_biases"})
    found = work(run, lambda _: None).numbers
    assert found["knots"] == 1
    assert found["start_ratio"] <= 0.8
    assert found["time"] == pytest.approx(60.0)


def test_an_unknown_force_is_refused() -> None:
    with pytest.raises(InputError, match="unknown force 'gravity'"):
        begin(ForceRun(**{**SPEC, "force": "gravity"}))
