"""At which step sizes runs work: a network of which a catapult left one or two neurons does not."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES, WORKS
from stepscape.experiments.frame.limits import COMMON
from stepscape.tables.records import Table


def table(bent: int, width: int | None = None) -> Table:
    """Two seeds at three step sizes; at the largest, so many neurons are left."""
    rows = [
        {"seed": seed, "step_size": eta, "outcome": "finished", "bent_neurons": bent if eta == 1.0 else 50}
        for seed in range(2)
        for eta in (0.1, 0.3, 1.0)
    ]
    return Table.from_records({**row, "width": width} if width else row for row in rows)


@pytest.mark.parametrize(
    ("bent", "width", "works"),
    [(0, 60, False), (2, 60, False), (3, 60, True), (9, 1000, False), (10, 1000, True), (2, None, False),
     (3, None, True)],
)  # fmt: skip
def test_three_neurons_and_a_hundredth_of_the_width_must_bend(
    bent: int, width: int | None, works: bool
) -> None:
    found = table(bent, width)
    assert np.array_equal(STEP_SIZES.working(found), [0.1, 0.3, 1.0] if works else [0.1, 0.3])
    assert bool(STEP_SIZES.lacks(found)) == (not works)


def test_the_sentence_says_that_few_neurons_are_left() -> None:
    expected = "descent learns a curve at 0.1, 0.3; all neurons die, or nearly all, at 1"
    assert STEP_SIZES.lacks(table(2)) == f"runs work at too few step sizes: {expected}"


def test_the_rule_names_the_limits_and_every_fingerprint_has_them() -> None:
    assert BENT in WORKS
    assert "3 neurons or more" in WORKS
    assert (COMMON["fewest_bent"], COMMON["least_bent"]) == (3, 0.01)
