"""Completing a table: what does not change the answer, what it recovers, what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepscape as ss
from stepscape.errors import InputError
from stepscape.recovery.tables import completion
from stepscape.recovery.tables.table_numbers import TableNumbers, check_numbers

NAN = np.nan


def gaps(seed=0, shape=(24, 6), rank=2, noise=0.3, missing=0.3):
    """A table of low rank plus noise, without some of its entries; and the whole of it."""
    rng = np.random.default_rng(seed)
    whole = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    whole = whole + noise * rng.normal(size=shape)
    out = rng.random(shape) < missing
    out[np.arange(shape[0]), np.arange(shape[0]) % shape[1]] = False
    return np.where(out, NAN, whole), whole


# ---- what does not change the answer


@given(seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_the_order_of_rows_and_columns_orders_the_answer(seed):
    table, _ = gaps(seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(24), rng.permutation(6)
    found = ss.recovery.complete(table, penalty=2.0).filled
    other = ss.recovery.complete(table[np.ix_(rows, columns)], penalty=2.0).filled
    assert np.abs(other - found[np.ix_(rows, columns)]).max() <= 1e-3


@pytest.mark.parametrize("norm", ["flat", "nuclear"])
def test_the_units_of_a_column_do_not_matter(norm):
    table, _ = gaps(1)
    scale, shift = np.array([1e150, 1e-120, 3.0, 1.0, -2.0, 1e5]), np.arange(6.0)
    shift[:2] = 0.0
    one = ss.recovery.complete(table, norm)
    other = ss.recovery.complete(table * scale + shift, norm)
    assert other.penalty == pytest.approx(one.penalty, rel=1e-9)
    assert (other.filled - shift) / scale == pytest.approx(one.filled, rel=1e-6, abs=1e-6)
    assert other.standard_error / np.abs(scale) == pytest.approx(one.standard_error, rel=1e-6, nan_ok=True)


def test_without_standardization_the_penalty_has_the_units_of_the_table():
    table, _ = gaps(2)
    one, other = (ss.recovery.complete(by * table, standardize=False) for by in (1.0, 1e150))
    assert other.penalty == pytest.approx(1e150 * one.penalty, rel=1e-9)
    assert other.filled / 1e150 == pytest.approx(one.filled, rel=1e-6, abs=1e-6)


def test_observed_entries_are_kept_bit_for_bit_and_the_table_is_not_touched():
    table, _ = gaps(3)
    before = table.copy()
    found = ss.recovery.complete(table, penalty=1.0)
    seen = ~np.isnan(before)
    assert np.array_equal(found.filled[seen], before[seen])
    assert np.array_equal(table, before, equal_nan=True)
    assert np.isnan(found.standard_error[seen]).all()
    assert np.isfinite(found.standard_error[~seen]).all()


def test_the_same_seed_gives_the_same_bits_and_another_one_other_folds():
    table, _ = gaps(4)
    one, same, other = (ss.recovery.complete(table, folds=2, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.filled, same.filled)
    assert not np.array_equal(one.path["error"], other.path["error"])


# ---- what it recovers


@pytest.mark.parametrize("norm", ["flat", "nuclear"])
def test_a_table_of_rank_one_without_noise_is_recovered(norm):
    table, whole = gaps(5, rank=1, noise=0.0, missing=0.3)
    found = ss.recovery.complete(table, norm, penalty=1e-3, folds=2, standardize=False)
    assert np.abs(found.filled - whole).max() <= 0.01 * np.abs(whole).max()
    assert found.gap <= 1e-7


def test_the_standard_errors_cover_what_was_missing():
    # 20 tables of about 35 gaps: 95 % intervals that are a little too wide, because folds see fewer entries.
    z = []
    for seed in range(20):
        table, whole = gaps(seed)
        found = ss.recovery.complete(table, penalty=2.0)
        out = np.isnan(table)
        z.append((found.filled - whole)[out] / found.standard_error[out])
    covered = float(np.mean(np.abs(np.concatenate(z)) <= 1.96))
    assert 0.92 <= covered <= 0.985


def test_a_penalty_beyond_the_largest_fills_with_the_means_of_the_columns():
    table, _ = gaps(6)
    found = ss.recovery.complete(table, penalty=1e6)
    means = np.broadcast_to(np.nanmean(table, axis=0), table.shape)
    out = np.isnan(table)
    assert found.filled[out] == pytest.approx(means[out], rel=1e-13)
    assert found.rank == 0
    assert found.error == pytest.approx(1.0, abs=0.2)


def test_the_rule_1se_chooses_a_larger_penalty():
    table, _ = gaps(7)
    least, simple = (ss.recovery.complete(table, rule=rule) for rule in ("min", "1se"))
    assert simple.penalty > least.penalty
    assert "is the largest whose held-out error is within one standard error" in simple.choice
    assert "has the least held-out error" in least.choice
    assert list(least.path["penalty"]) == sorted(least.path["penalty"], reverse=True)
    assert least.path.where(chosen=True).records()[0]["penalty"] == least.penalty


def test_the_smallest_penalty_of_all_says_so(monkeypatch):
    monkeypatch.setattr(completion, "RATIO", 0.5)
    assert completion.complete(gaps(8, noise=0.0)[0]).choice.endswith("it is the smallest of them")


# ---- tables with something special


def test_rows_and_columns_without_a_number_stay_empty_and_are_named():
    table, _ = gaps(9)
    table[3] = NAN
    table[:, 2] = NAN
    found = ss.recovery.complete(table, penalty=1.0)
    assert np.isnan(found.filled[3]).all()
    assert np.isnan(found.filled[:, 2]).all()
    assert np.isnan(found.filled).sum() == 24 + 6 - 1
    assert found.notes == (
        "1 row without any number stays empty (3, counted from 0): nothing tells what belongs there",
        "column '2' holds no number and stays empty: nothing tells what belongs there",
    )
    table[10:17] = NAN
    says = "8 rows without any number stay empty (3, 10, 11, 12, 13, …, counted from 0)"
    assert ss.recovery.complete(table, penalty=1.0).notes[0].startswith(says)


def test_one_column_leaves_nothing_that_could_be_filled():
    found = ss.recovery.complete(np.array([[1.0], [NAN], [2.0]]), penalty=1.0)
    assert np.isnan(found.filled[1, 0])
    assert len(found.notes) == 1


def test_a_constant_column_is_filled_with_its_constant_and_claims_no_error():
    table, _ = gaps(10)
    table[:, 4] = np.where(np.isnan(table[:, 4]), NAN, 0.1)
    found = ss.recovery.complete(table, penalty=1.0)
    assert (found.filled[:, 4] == 0.1).all()
    assert np.isnan(found.standard_error[:, 4]).all()


def test_a_table_of_constants_is_filled():
    table = np.full((6, 4), 7.0)
    table[0, 0] = table[3, 2] = NAN
    found = ss.recovery.complete(table)
    assert (found.filled == 7.0).all()
    assert np.isnan(found.standard_error).all()


def test_nothing_missing_is_said_and_nothing_done():
    table = np.arange(6).reshape(2, 3)
    found = ss.recovery.complete(table)
    assert np.array_equal(found.filled, table)
    assert found.notes == ("no entry is missing, so nothing was filled",)
    assert len(found.path) == 0
    assert np.isnan(found.penalty)
    assert np.isnan(found.error)
    assert "0 entries" in repr(found)


def test_few_entries_can_be_completed_with_a_given_penalty_but_without_standard_errors():
    found = ss.recovery.complete([[1.0, NAN], [2.0, 3.0]], penalty=0.1)
    assert np.isfinite(found.filled).all()
    assert np.isnan(found.standard_error).all()
    assert found.choice == "the penalty 0.1 was given"


def test_an_inaccurate_solution_says_so(monkeypatch):
    from functools import partial

    from stepscape.recovery.tables.penalized_path import minimize

    monkeypatch.setattr(completion, "minimize", partial(minimize, most=1))
    found = ss.recovery.complete(gaps(11)[0], penalty=0.01)
    assert "the filled entries may be inaccurate: after 1 iterations" in found.notes[0]


def test_progress_rises_to_one():
    shares = []
    ss.recovery.complete(gaps(12)[0], progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


# ---- data frames


def test_a_data_frame_comes_back_as_one():
    table, _ = gaps(13)
    frame = pd.DataFrame(table, columns=list("abcdef"), index=pd.Index(range(100, 124), name="station"))
    frame["i"] = range(24)
    frame["n"] = pd.array([*range(22), None, 3], dtype="Int64")
    frame["o"] = pd.Series([1, None, *range(22)], dtype=object, index=frame.index)
    before = frame.copy()
    found = ss.recovery.complete(frame, penalty=1.0).filled
    assert isinstance(found, pd.DataFrame)
    assert list(found.columns) == list(frame.columns)
    assert found.index.equals(frame.index)
    assert found["i"].dtype == frame["i"].dtype
    assert not found.isna().any().any()
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (["x", "y", "z"], "column 'name' of table must hold numbers, got 'x'; leave this column out"),
        (pd.to_datetime(["2020-01-01"] * 3), "column 'name' of table must hold numbers, got type datetime64"),
        ([True, False, True], "column 'name' of table must hold numbers, got type bool"),
        (pd.Series([1.0, True, 2], dtype=object), "column 'name' of table must hold numbers, got True"),
        (pd.Series(["a", "b", "a"], dtype="category"), "column 'name' of table must hold numbers, got"),
    ],
)
def test_a_column_of_something_else_is_refused_by_its_name(column, says):
    frame = pd.DataFrame({"a": [1.0, NAN, 3.0], "name": column})
    with pytest.raises(InputError, match=says):
        ss.recovery.complete(frame)


# ---- what it refuses


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (np.full((3, 2), NAN), "table must hold at least one number, got none"),
        (
            [[1.0, np.inf], [2.0, 3.0]],
            "table must hold numbers up to 1e\\+300, .* got inf in row 0 of column '1'",
        ),
        ([[1.0, -1e301], [2.0, 3.0]], "got -1e\\+301 in row 0 of column '1'"),
        (
            [1.0, 2.0],
            "table must have rows and columns, as an array \\(n, p\\), got an array of shape \\(2,\\)",
        ),
        (np.zeros((0, 3)), "table must have rows and columns"),
        (pd.DataFrame({"a": []}), "table must have rows and columns, got a data frame of shape \\(0, 1\\)"),
        ([["a", "b"]], "table must hold real numbers"),
        (
            [[1.0, NAN], [2.0, 3.0]],
            "at least 10 entries whose row and column hold another one, .* got 1; give the",
        ),
    ],
)
def test_a_wrong_table_is_refused_in_one_sentence(table, says):
    with pytest.raises(InputError, match=says):
        ss.recovery.complete(table)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"norm": "trace"}, "unknown norm 'trace'"),
        ({"penalty": 0.0}, "penalty must be 'cv', or finite and positive, got 0.0"),
        ({"penalty": np.inf}, "penalty must be 'cv', or finite and positive, got inf"),
        ({"penalty": "CV"}, "penalty must be 'cv', or finite and positive, got 'CV'"),
        ({"rule": "2se"}, "unknown rule '2se'"),
        ({"folds": 1}, "folds must be a whole number of at least 2, got 1"),
        ({"standardize": 1}, "standardize must be True or False, got 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"progress": 3}, "progress must be a function, got 3"),
    ],
)
def test_a_wrong_setting_is_refused(setting, says):
    with pytest.raises(InputError, match=says):
        ss.recovery.complete(gaps()[0], **setting)


def test_a_line_of_a_file_is_named_where_there_is_one():
    with pytest.raises(InputError, match="inf in line 9 of column 'a'"):
        check_numbers(TableNumbers(np.array([[np.inf]]), ("a",), (9,)))
