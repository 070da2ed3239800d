"""The rules of `dimension-sweep` on rows that come out each way."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.plane.dimension_sweep import CLAIM

SIZES = (32, 64, 128, 256, 512)


def result(plain=(-1.0, -0.7, -0.4), decayed=-0.9, published=-0.2, level=1.0, line=0.01, train=0.8):
    """Power laws in n, with slopes by dimension without decay, and the same ones with it."""
    rng, runs = np.random.default_rng(3), []
    for j, d in enumerate((1, 2, 5)):
        for decay, slope in ((0.0, plain[j]), (0.02, decayed), (0.1, published)):
            for n in SIZES:
                for seed in range(20):
                    spread = np.exp(0.05 * rng.standard_normal())
                    error = (level if decay == 0.02 else 1.0) * (n / 32.0) ** slope * spread
                    runs.append(Run({
                        "kind": "plane/1", "dimension": d, "weight_decay": decay, "n": n, "seed": seed,
                        "outcome": "finished", "live_neurons": 9, "noise": 1.0, "population_error": error,
                        "train_error": train, "linear_population": line, "null_population": 1.0,
                    }))  # fmt: skip
    return Result(CLAIM.name, CLAIM.full, tuple(runs))


def words(**changes):
    return {name: found.word(CLAIM.kind) for name, found in CLAIM.judge(result(**changes)).items()}


def test_as_claimed():
    assert words() == {
        "flattens": "reproduced", "no_saturation": "reproduced", "decay_steep": "reproduced",
        "published_steep": "not_reproduced", "decay_wins": "reproduced", "beats_line": "no",
    }  # fmt: skip


def test_each_part_can_fail():
    found = words(plain=(-0.7,) * 3, decayed=-0.3, published=-0.8, level=3.0, line=9.0)
    assert found == {
        "flattens": "not_reproduced", "no_saturation": "not_reproduced", "decay_steep": "not_reproduced",
        "published_steep": "reproduced", "decay_wins": "not_reproduced", "beats_line": "yes",
    }  # fmt: skip


def test_steeper_ends_alone_do_not_make_a_trend():
    assert words(plain=(-1.0, -0.3, -0.8))["flattens"] == "partly"


def test_memorized_labels_cannot_tell_a_flat_rate_from_saturation():
    assert words(train=0.01)["no_saturation"] == "premise_not_met"
    assert words(train=0.01)["flattens"] == "reproduced"


def test_the_grid_makes_the_truth_equally_large_in_every_dimension():
    runs = CLAIM.grid(CLAIM.quick)
    assert {run.weight_decay for run in runs} == {0.0, 0.02, 0.1}
    for run in runs:
        assert run.amplitude**2 / (run.dimension + 2) == pytest.approx(1.0)
        assert run.weight_decay == 0.0 or run.step_size * run.weight_decay * run.steps >= 2.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": (0, 4)}, "sizes must be at least 1"),
        ({"dimensions": (0,)}, "dimensions must be at least 1"),
        ({"decay": 0.1}, "decay and published_decay must be positive and different"),
        ({"decay": 0.0}, "decay and published_decay must be positive and different"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        CLAIM.specs({**CLAIM.quick, **changes})
