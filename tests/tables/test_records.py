"""A table is columns by name and a sequence of rows, and what pandas and NumPy make of it is the same."""

from __future__ import annotations

import math
import pickle
import sys

import numpy as np
import pandas as pd
import pytest

from stepscape.errors import InputError, Unavailable
from stepscape.tables import Record, Table

ROWS = [
    {"seed": 0, "risk": 0.5, "arm": "small", "lost": False},
    {"seed": 1, "risk": None, "arm": "large", "lost": True},
    {"seed": 2, "risk": 1 / 3, "arm": "large", "lost": False},
]


@pytest.fixture
def table():
    return Table.from_records(ROWS)


def test_a_table_is_a_sequence_of_its_rows(table):
    assert list(table) == table.records() == ROWS
    assert [table[i] for i in range(len(table))] == ROWS
    assert (table[-1], table[np.int64(0)]) == (ROWS[2], ROWS[0])
    assert ROWS[1] in table
    assert {**ROWS[1], "seed": 7} not in table
    assert list(table[1:]) == ROWS[1:]
    assert list(table[::-1]) == ROWS[::-1] == list(reversed(table))
    assert isinstance(table[:2], Table)
    assert ("risk" in table, "rsk" in table) == (True, False)
    for index in (3, -4, 10**30):
        with pytest.raises(InputError, match="the number of a row must lie within the 3 rows"):
            table[index]


def test_numpy_and_pandas_read_the_columns(table):
    array = np.asarray(table)
    assert array.dtype.names == tuple(table.columns)
    for name, values in table.columns.items():
        assert np.array_equal(array[name], values, equal_nan=values.dtype.kind == "f")
    expected = pd.DataFrame(ROWS)
    expected["risk"] = [0.5, math.nan, 1 / 3]
    for frame in (table.to_pandas(), pd.DataFrame(table), pd.DataFrame(table.columns)):
        pd.testing.assert_frame_equal(frame, expected, check_dtype=False)
        assert frame["seed"].dtype.kind == "i"
        assert frame["lost"].dtype.kind == "b"
    frame.loc[0, "risk"] = 7.0
    assert table["risk"][0] == 0.5
    assert len(Table({}).to_pandas()) == len(Table({})) == 0


def test_a_table_made_of_a_data_frame_comes_back(table):
    frame = table.to_pandas()
    again = Table(dict(frame))
    pd.testing.assert_frame_equal(again.to_pandas(), frame, check_dtype=False)
    assert Table.from_records(frame.to_dict("records")).records() == table.records()


def test_columns_are_read_only_and_survive_a_pickle(table):
    with pytest.raises(ValueError, match="read-only"):
        table["risk"][0] = 1.0
    assert pickle.loads(pickle.dumps(table)).records() == ROWS


def test_masked_and_missing_values_are_not_measured():
    columns = {"a": np.ma.array([1, 2], mask=[False, True]), "b": pd.Series([None, 2.0])}
    assert Table(columns).records() == [{"a": 1.0, "b": None}, {"a": None, "b": 2.0}]
    mixed = Table.from_records([{"a": [1, 2]}, {"a": 2**70}, {"b": "x"}])
    assert mixed["a"].tolist() == ["[1, 2]", str(2**70), "nan"]


def test_to_pandas_says_what_to_install(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(Unavailable, match="to_pandas needs pandas: pip install pandas"):
        table.to_pandas()


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda t: t["rsk"], "unknown column 'rsk'; did you mean 'risk'"),
        (lambda t: t[1.0], "number of a row or a slice, got 1.0"),
        (lambda t: t[True], "an index must be the name of a column"),
        (lambda t: t[None], "number of a row or a slice, got None"),
        (lambda t: t[["seed"]], "an index must be the name of a column.* got a list; rows"),
        (lambda t: t.where(seed=[0, 1]), "seed must be one value, got a list"),
        (lambda t: t.where(sed=0), "unknown column 'sed'"),
        (lambda t: t.rows([True]), r"which must be a mask \(3,\) or numbers of rows, got a list"),
        (lambda t: t.rows(["a"]), "which must be a mask"),
        (lambda t: t.rows([0, 3]), "the number of a row must lie within the 3 rows, got 3"),
        (lambda _: Table({"a": [1, 2], "b": [1]}), "columns must have the same length"),
        (lambda _: Table({"a": [[1, 2], [3]]}), "column 'a' must hold numbers or text, got a list"),
        (lambda _: Table({"a": [[1, 2]]}), "column 'a' must be one-dimensional, got shape"),
        (lambda _: Table({"a": [object()]}), "column 'a' must hold numbers or text"),
        (lambda _: Table({"a": np.ones(2) * 1j}), "column 'a' must hold numbers or text"),
        (lambda _: Table({1: [1]}), "the name of a column must be text, got 1"),
        (lambda _: Table([1]), "columns must be a mapping, such as a dict, got a list"),
        (
            lambda _: Table.from_records({"a": 1}),
            "records must be a list with one mapping per row, got a dict",
        ),
        (lambda _: Table.from_records([1]), "each row of records must be a mapping"),
        (lambda _: Record("finished", {"a": object()}), "a value must be a number, text, or a list"),
        (lambda _: Record("finished", {}, {"a": [[1], [1, 2]]}), "array 'a' must hold"),
        (lambda _: Record("finished", {}, {"a": [None]}), "array 'a' must hold numbers or text, got Python"),
        (lambda _: Record("finished", reason=None), "reason must be text, got None"),
        (lambda _: Record(None), "outcome must be one of finished, diverged, failed, got None"),
    ],
)
def test_tables_and_records_are_refused_in_one_sentence(table, act, says):
    with pytest.raises(InputError, match=says):
        act(table)
