"""The rules of `bias` on rows that come out each way, and its grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from plane_rows import row
from stepscape.experiments.frame import Result
from stepscape.experiments.plane.bias import CLAIM

SHIFTS = (0.0, 0.5, 1.0)


def result(gain: float = 0.3, drop: float = 0.3, error: float = 0.7, **changes: Any) -> Result:
    """Rates that rise by `gain` without biases and fall by `drop` with the shift; errors times `error`."""
    runs, rng = [], np.random.default_rng(4)
    for d in (2, 10, 20):
        for biases, shift in (("both", 0.0), *(("none", shift) for shift in SHIFTS)):
            for seed in range(8):
                free, noise = biases == "none", 0.004 * rng.standard_normal()
                spread = float(np.exp(0.01 * rng.standard_normal()))
                line = {
                    "dimension": d, "biases": biases, "shift": shift, "seed": seed,
                    "live_path_rate": 0.2 + (gain if free else 0.0) - drop * shift + noise,
                    "live_rate": 0.5 + noise, "smallest_live_rate": 0.3 + noise,
                    "population_error": (error if free else 1.0) * spread,
                    "population_error_held_out": (error if free else 1.0) * spread,
                    **changes,
                }  # fmt: skip
                runs.append(row(**line))
    return Result("bias", CLAIM.quick, tuple(runs))


def words(found: Result) -> dict[str, str]:
    return {name: judged.word(CLAIM.kind) for name, judged in CLAIM.judge(found).items()}


def test_as_claimed() -> None:
    assert words(result()) == {
        "cured": "reproduced", "half": "reproduced", "shift_restores": "reproduced", "error": "yes",
        "memorizes": "yes",
    }  # fmt: skip


def test_each_part_can_fail() -> None:
    found = result(gain=0.0, drop=0.0, error=1.5, live_rate=0.3, smallest_live_rate=0.01)
    assert words(found) == {
        "cured": "not_reproduced", "half": "not_reproduced", "shift_restores": "not_reproduced",
        "error": "no", "memorizes": "yes",
    }  # fmt: skip


def test_a_dimension_in_which_it_is_the_other_way_round() -> None:
    found = result()
    for run in found.runs:
        if run["dimension"] == 20 and run["biases"] == "none":
            for name in ("population_error", "population_error_held_out"):
                run.row[name] *= 4.0  # type: ignore[index]
    assert words(found)["error"] == "it_depends"


def test_what_networks_with_biases_do_not_memorize_is_not_asked_of_the_others() -> None:
    assert words(result(train_error=0.9))["memorizes"] == "premise_not_met"
    found = result()
    for run in found.runs:
        if run["biases"] == "none":
            run.row["train_error"] = 0.9  # type: ignore[index]
    assert words(found)["memorizes"] == "no"


def test_a_run_that_has_not_arrived_decides_nothing() -> None:
    found = words(result(arrived=False))
    assert {found[name] for name in ("cured", "half", "shift_restores", "error")} == {"premise_not_met"}


def test_only_networks_without_biases_see_shifted_data() -> None:
    specs = CLAIM.grid(CLAIM.full)
    assert {run.shift for run in specs if run.biases == "both"} == {0.0}
    assert {run.shift for run in specs if run.biases == "none"} == set(CLAIM.full["shifts"])
    assert {run.dimension for run in specs} == set(CLAIM.full["dimensions"])
