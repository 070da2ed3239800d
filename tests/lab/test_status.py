"""How far a sweep is, told by its store."""

from __future__ import annotations

import math
import time

import pytest

import lab_work
from lab_work import carried_out
from stepscape.lab.status import WINDOW, _rate, status


def test_the_rate_is_that_of_the_commits_after_the_first():
    assert math.isnan(_rate([], 10.0))
    assert math.isnan(_rate([(0.0, 5)], 10.0))
    assert _rate([(0.0, 5), (10.0, 20), (20.0, 20)], 20.0) == 2.0
    assert _rate([(0.0, 5), (10.0, 20), (20.0, 20)], 40.0) == 1.0
    assert math.isnan(_rate([(0.0, 5), (10.0, 20)], 10.0 + WINDOW + 1.0))
    assert _rate([(0.0, 1), (1000.0, 1)], 3000.0) == 1 / 3000  # long runs: it may still be at work
    assert math.isnan(_rate([(0.0, 1), (1000.0, 1)], 4001.0))


def test_status_tells_what_is_left_and_how_fast(store):
    specs = lab_work.chores(30)
    assert status(store) == []
    carried_out(store, specs, shard=(1, 2), title="a grid", source="grid.toml")
    before = len(store.outcomes())
    now = time.time()
    (half,) = status(store, now + 5.0)
    assert (half.title, half.source, half.total) == ("a grid", "grid.toml", 30)
    counts = list(store.outcomes().values())
    assert (half.finished, half.diverged, half.failed) == tuple(
        map(counts.count, ("finished", "diverged", "failed"))
    )
    assert half.missing == 30 - before > 0
    assert 4.0 <= half.quiet <= 6.0
    assert 0 < half.rate <= before / 5.0
    assert half.left == pytest.approx(half.missing / half.rate)
    (cold,) = status(store, now + 4000.0)
    assert math.isnan(cold.rate)
    assert math.isnan(cold.left)
    carried_out(store, specs, title="a grid", source="grid.toml")
    (whole,) = status(store)  # the same plan, once
    assert whole.missing == 0
    assert math.isnan(whole.left)
    carried_out(store, specs[:3], source="part")
    assert [standing.total for standing in status(store)] in ([30, 3], [3, 30])
