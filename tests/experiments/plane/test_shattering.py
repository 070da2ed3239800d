"""The rules of `shattering` on rows that come out each way, and its grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plane_rows import row
from stepscape.errors import InputError
from stepscape.experiments.frame import Result
from stepscape.experiments.plane.pairs import alive, counted, decades, fewer, of_seeds
from stepscape.experiments.plane.shattering import CLAIM, CLIP
from stepscape.tables.records import Table

ETAS, DECAYS, STARTS = (0.2, 0.5, 0.9), (0.0, 0.03), ("matched", "torch", "he")


def result(
    falls: float = 0.3, kept: float = 0.3, learned: float = 0.2, train: float = 1e-9, **changes: Any
) -> Result:
    """Rates that fall by `falls` over η, by `kept` less with decay, which has the error `learned`."""
    runs, rng = [], np.random.default_rng(1)
    cells = [(start, 0.0) for start in STARTS] + [("matched", decay) for decay in DECAYS[1:]]
    for start, decay in cells:
        for seed in range(8):
            for i, eta in enumerate(ETAS):
                rate = 0.5 - falls * i / 2 + (kept if decay else 0.0) + 0.005 * rng.standard_normal()
                spread = float(np.exp(0.02 * rng.standard_normal()))
                line = {
                    "start": start, "weight_decay": decay, "step_size": eta, "seed": seed,
                    "live_path_rate": rate, "population_error": (learned if decay else 1.0) * spread,
                    "train_error": train * spread, "dead_share": 0.0 if start == "matched" else 0.5,
                    **changes,
                }  # fmt: skip
                runs.append(row(**line))
    return Result("shattering", CLAIM.quick, tuple(runs))


def words(found: Result) -> dict[str, str]:
    return {name: judged.word(CLAIM.kind) for name, judged in CLAIM.judge(found).items()}


def test_as_claimed() -> None:
    assert words(result()) == {
        "shattered": "reproduced", "memorized": "reproduced", "large_steps_help": "no",
        "decay_keeps_rates": "reproduced", "decay_learns": "reproduced", "catapult": "reproduced",
    }  # fmt: skip


def test_each_part_can_fail() -> None:
    found = result(falls=-0.1, kept=0.0, learned=3.0, train=0.5, dead_share=0.2)
    assert words(found) == {
        "shattered": "not_reproduced", "memorized": "not_reproduced", "large_steps_help": "no",
        "decay_keeps_rates": "not_reproduced", "decay_learns": "not_reproduced", "catapult": "not_reproduced",
    }  # fmt: skip


def test_a_rate_that_falls_at_the_ends_only_is_not_enough() -> None:
    """The trend must agree with the ends: here the rate goes up and down, and ends lower."""
    zigzag, rng = {0.1: 0.5, 0.2: 0.2, 0.5: 0.6, 0.9: 0.4}, np.random.default_rng(2)
    runs = [
        row(
            start="matched", weight_decay=0.0, step_size=eta, seed=seed,
            live_path_rate=rate + 0.01 * rng.standard_normal(),
        )
        for seed in range(8)
        for eta, rate in zigzag.items()
    ]  # fmt: skip
    assert words(Result("shattering", CLAIM.quick, tuple(runs)))["shattered"] == "partly"


def test_networks_that_are_not_at_the_edge_are_not_called_flat() -> None:
    assert words(result(edge_ratio=0.6))["memorized"] == "premise_not_met"


def test_large_steps_help_where_their_error_is_smaller() -> None:
    found = result()
    for run in found.runs:
        for suffix in ("", "_equal_time", "_held_out"):
            run.row[f"population_error{suffix}"] /= 1.0 + run["step_size"]  # type: ignore[index]
    assert words(found)["large_steps_help"] == "yes"


@pytest.mark.parametrize("change", [{"arrived": False}, {"live_neurons": 2}, {"outcome": "diverged"}])
def test_runs_that_do_not_count_decide_nothing(change: dict[str, Any]) -> None:
    found = words(result(**change))
    assert {found[name] for name in ("shattered", "memorized", "large_steps_help")} == {"premise_not_met"}


def test_which_runs_count() -> None:
    lines = [
        {"seed": 0}, {"seed": 1, "arrived": False}, {"seed": 2, "live_neurons": 2},
        {"seed": 3, "outcome": "diverged"}, {"seed": 4, "live_neurons": 14, "width": 1500},
    ]  # fmt: skip
    table = Table.from_records(row(**line).row for line in lines)
    assert alive(table).tolist() == [True, True, False, False, False]
    assert counted(table).tolist() == [True, False, False, False, False]
    values = of_seeds(table, "path_rate", {})
    assert np.isfinite(values).tolist() == [True, False, False, False, False]
    assert fewer(values, "here") == "only 1 of 5 seeds have runs that count here"
    assert fewer(np.array([1.0, 2.0, np.nan]), "here") == ""
    assert np.isnan(of_seeds(table, "path_rate", {"seed": 9})).all()


def test_decades() -> None:
    found = decades(np.array([10.0, 1.0, 0.0]), np.array([1.0, 100.0, 1.0]))
    np.testing.assert_allclose(found, [1.0, -2.0, np.nan])


def test_starts_above_the_edge_are_clipped_and_decay_has_the_matched_one() -> None:
    specs = CLAIM.grid(CLAIM.quick)
    assert {(run.start, run.clip) for run in specs} == {("matched", 0.0), ("torch", CLIP), ("he", CLIP)}
    assert {run.start for run in specs if run.weight_decay} == {"matched"}
    assert {run.common_time for run in specs} == {0.2 * CLAIM.quick["steps"]}
    with pytest.raises(InputError, match="start"):
        CLAIM.specs({**CLAIM.quick, "starts": ("zero",)})
