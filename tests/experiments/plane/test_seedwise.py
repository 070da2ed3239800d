"""Values of each seed, with runs that diverged, died, or are missing."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.experiments.plane.seedwise import aligned, decades, of_each, over_sizes, rates_of, seeds_of
from stepscape.tables.records import Table


def table(seeds=(3, 5, 9), sizes=(10, 20, 40), power=-0.7, lost=(), dead=()):
    rows = [
        {
            "seed": seed, "n": n, "error": (1.0 + seed) * n**power,
            "live_neurons": 0 if (seed, n) in dead else 4,
            "outcome": "diverged" if (seed, n) in lost else "finished",
        }
        for seed in seeds for n in sizes
    ]  # fmt: skip
    return Table.from_records(rows)


def test_slopes_are_those_of_the_power_law_and_lost_runs_leave_none():
    rows = table(lost={(5, 20)}, dead={(9, 40)})
    assert rates_of(rows, "error")[0] == pytest.approx(-0.7)
    assert np.isnan(rates_of(rows, "error")[1:]).all()
    at, seen = over_sizes(rows, "error")
    assert at.tolist() == [10.0, 20.0, 40.0]
    assert np.isnan(seen).tolist() == [[False] * 3, [False, True, False], [False, False, True]]
    assert np.isnan(rates_of(table(), "error", np.array([10.0, 20.0]))).all()  # too few sizes
    assert rates_of(Table({}), "error").size == 0


def test_values_of_each_seed_stand_at_its_place():
    rows = table(sizes=(10,), lost={(5, 10)})
    found = of_each(rows, "error", np.array([1.0, 3.0, 5.0, 9.0]))
    np.testing.assert_allclose(found, [np.nan, 4 * 10**-0.7, np.nan, 10 * 10**-0.7])
    assert np.isnan(of_each(rows, "nothing", seeds_of(rows))).all()


def test_slopes_of_several_tables_stand_side_by_side():
    one, other = aligned([table(seeds=(3, 5)), table(seeds=(5, 9), power=-1.0)], "error")
    np.testing.assert_allclose(one, [-0.7, -0.7, np.nan])
    np.testing.assert_allclose(other, [np.nan, -1.0, -1.0])


def test_decades():
    found = decades(np.array([10.0, 0.0, 1.0, np.nan]), np.array([1.0, 1.0, 0.0, 1.0]))
    np.testing.assert_allclose(found, [1.0, np.nan, np.nan, np.nan])
