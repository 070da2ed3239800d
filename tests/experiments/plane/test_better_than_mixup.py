"""The rules of `better-than-mixup`: strengths are chosen on some seeds and judged on the others."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.plane.better_than_mixup import ARMS, CLAIM, at_best, chosen

LEVELS = {
    "plain": [(0.0, 0.0)], "mixup": [(0.0, 0.3), (0.0, 1.0)], "depth": [(0.0, 2.0), (0.0, 4.0)],
    "noise": [(0.0, 0.2), (0.0, 0.4)], "decay": [(0.01, 0.0), (0.02, 0.0)],
    "both": [(0.01, 1.0), (0.02, 1.0)],
}  # fmt: skip


def result(early=0.5, **errors):
    """Errors of the arms at their second strength; the first is worse by half."""
    level = {"plain": 1.0, "mixup": 0.5, "depth": 0.4, "noise": 0.6, "decay": 0.2, "both": 0.1, **errors}
    rng, runs = np.random.default_rng(7), []
    for truth in ("first", "bend"):
        for arm, levels in LEVELS.items():
            for i, (decay, strength) in enumerate(levels):
                for seed in range(20):
                    worse = 1.5 if i + 1 < len(levels) else 1.0
                    error = level[arm] * worse * np.exp(0.05 * rng.standard_normal())
                    runs.append(Run({
                        "kind": "plane-mixed/1", "geometry": "ball", "target": truth, "arm": arm,
                        "seed": seed,
                        "weight_decay": decay, "strength": strength, "outcome": "finished", "live_neurons": 9,
                        "population_error": error, "population_error_held_out": early * error,
                    }))  # fmt: skip
    return Result(CLAIM.name, CLAIM.full, tuple(runs))


def words(**changes):
    return {name: found.word(CLAIM.kind) for name, found in CLAIM.judge(result(**changes)).items()}


def test_what_is_better_is_found():
    assert words(early=0.3) == {
        "decay": "yes", "depth": "yes", "noise": "no", "early": "yes", "both": "yes", "mixup": "yes",
    }  # fmt: skip


def test_what_is_worse_is_found():
    assert words(early=0.9, decay=0.8, depth=0.7, noise=0.3, both=1.0, plain=0.3, mixup=0.5) == {
        "decay": "no", "depth": "no", "noise": "yes", "early": "yes", "both": "no", "mixup": "no",
    }  # fmt: skip


def test_strengths_are_chosen_by_every_fourth_seed_and_judged_on_the_others():
    cell, every = result().where(target="first"), np.arange(20)
    best = at_best(cell, "decay", every)
    assert np.isnan(best).tolist() == [seed % 4 == 0 for seed in every]
    assert chosen(cell, "decay") == 0.02
    assert chosen(cell, "depth") == 4.0
    expected = cell.where(arm="decay", weight_decay=0.02).table
    np.testing.assert_array_equal(best[1:4], expected["population_error"][1:4])


def test_all_arms_take_equally_many_steps_and_examples():
    runs = CLAIM.grid(CLAIM.full)
    assert {run.steps for run in runs} == {CLAIM.full["steps"]}
    assert {run.arm for run in runs} == set(ARMS)
    assert {run.augmentation for run in runs if run.arm == "both"} == {"mixup"}
    assert all((run.weight_decay > 0.0) == (run.arm in ("decay", "both")) for run in runs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": ("ball",)}, "data must be pairs of a law and a truth"),
        ({"data": ("ball norm",)}, "unknown target 'norm'"),
        ({"decays": (0.0,)}, "decays must be positive"),
        ({"deepest_of": (0,)}, "deepest_of must be positive"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        CLAIM.specs({**CLAIM.quick, **changes})
