"""The rules of `union-of-subspaces` on rows that come out each way, and its places."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.plane.union_of_subspaces import CLAIM

SIZES = (60, 120, 240, 480)
PLACES = [
    ("subspaces", 1, 10), ("subspaces", 1, 100), ("subspaces", 1, 1000), ("subspaces", 5, 100),
    ("ball", 1, 10),
]  # fmt: skip


def result(lines=(-1.2, -1.2, -1.2), inner=-0.5, ball=-0.2, level=1.0, rises=0.1):
    rng, runs = np.random.default_rng(4), []
    slopes = [*lines, inner, ball]
    for (law, m, d), slope in zip(PLACES, slopes, strict=True):
        for n in SIZES:
            for seed in range(20):
                gap = (n / 60.0) ** slope * np.exp(0.05 * rng.standard_normal())
                sign = -1.0 if law == "ball" else 1.0
                runs.append(Run({
                    "kind": "plane/1", "geometry": law, "inner": m, "dimension": d, "n": n, "seed": seed,
                    "outcome": "finished", "live_neurons": 9, "gap": gap * (level if d == 1000 else 1.0),
                    "path_rate": 0.3 + sign * rises * np.log2(n / 60.0) / 3.0 + 0.01 * rng.standard_normal(),
                }))  # fmt: skip
    return Result(CLAIM.name, CLAIM.full, tuple(runs))


def words(**changes):
    return {name: found.word(CLAIM.kind) for name, found in CLAIM.judge(result(**changes)).items()}


def test_as_claimed():
    assert words() == {
        "same_rate": "reproduced", "same_level": "reproduced", "faster_than_ball": "reproduced",
        "intrinsic": "reproduced", "mechanism": "reproduced", "bound": "consistent",
    }  # fmt: skip


def test_each_part_can_fail():
    found = words(lines=(-1.2, -0.6, -0.1), inner=-0.6, ball=-1.2, level=3.0, rises=-0.1)
    assert found == {
        "same_rate": "not_reproduced", "same_level": "not_reproduced", "faster_than_ball": "not_reproduced",
        "intrinsic": "not_reproduced", "mechanism": "not_reproduced", "bound": "contradicted",
    }  # fmt: skip


def test_all_subspaces_have_one_rank_and_balls_are_among_the_places():
    runs = CLAIM.grid(CLAIM.full)
    places = dict.fromkeys((run.geometry, run.inner, run.dimension) for run in runs)
    assert list(places) == PLACES
    assert {run.count * run.inner for run in runs if run.geometry == "subspaces"} == {10}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inner_dimensions": (1, 3)}, "inner_dimensions must divide the rank 4"),
        ({"ambient_dimensions": (3, 10)}, "ambient_dimensions must be at least the rank 4"),
        ({"ball_dimensions": (0,)}, "ball_dimensions must be at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        CLAIM.specs({**CLAIM.quick, **changes})
