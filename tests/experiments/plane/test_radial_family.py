"""The rules of `radial-family` on rows that come out each way."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.plane.radial_family import CLAIM

LAWS = [("sphere", 1.0), *(("level_radial", alpha) for alpha in (0.1, 1.0, 5.0)), ("level_ball", 1.0)]


def result(falls=0.2, steeper=0.15, rim=0.01, core=0.4, ball=-0.1):
    """Gaps that fall by so many decades from law to law, with slopes that steepen; errors at d = 10."""
    rng, runs = np.random.default_rng(5), []
    for place, (law, alpha) in enumerate(LAWS):
        at = 0 if law == "level_ball" else place
        for dimension, sizes in ((5, (64, 128, 256, 512)), (10, (256,))):
            for n in sizes:
                for seed in range(20):
                    spread = np.exp(0.05 * rng.standard_normal())
                    slope = -0.4 - steeper * at
                    power = -falls * at + (ball if law == "level_ball" else 0.0)
                    gap = 10.0**power * (n / 512.0) ** slope * spread
                    train = rim + (core - rim) * at / 3.0
                    runs.append(Run({
                        "kind": "plane/1", "geometry": law, "alpha": alpha, "dimension": dimension, "n": n,
                        "seed": seed, "outcome": "finished", "live_neurons": 9, "gap": gap,
                        "train_error": train * spread, "realized_noise": 1.0,
                    }))  # fmt: skip
    return Result(CLAIM.name, CLAIM.full, tuple(runs))


def words(**changes):
    return {name: found.word(CLAIM.kind) for name, found in CLAIM.judge(result(**changes)).items()}


def test_as_claimed():
    assert words() == {
        "center": "reproduced", "order": "reproduced", "faster": "reproduced", "memorizes": "reproduced",
        "resists": "reproduced", "ball": "yes",
    }  # fmt: skip


def test_each_part_can_fail():
    assert words(falls=-0.1, steeper=-0.1, rim=0.3, core=0.1, ball=0.1) == {
        "center": "not_reproduced", "order": "not_reproduced", "faster": "not_reproduced",
        "memorizes": "not_reproduced", "resists": "not_reproduced", "ball": "no",
    }  # fmt: skip


def test_all_laws_have_one_mean_square_and_the_truth_one_size():
    runs = CLAIM.grid(CLAIM.full)
    assert sorted({run.amplitude for run in runs}) == pytest.approx([5**0.5, 10**0.5])
    assert list(dict.fromkeys((run.geometry, run.alpha) for run in runs)) == LAWS
    assert {run.n for run in runs if run.dimension == 10} == {256}


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"alphas": (0.0, 1.0)}, "alphas must be positive"), ({"sizes": (0,)}, "sizes must be positive")],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        CLAIM.specs({**CLAIM.quick, **changes})
