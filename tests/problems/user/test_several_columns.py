"""Several columns of inputs: their names between commas, the rows that count, categories, units."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.problems.user.column_names import column_names
from stepscape.problems.user.columns import select_columns, select_inputs, some
from stepscape.problems.user.features import Features, standardized_features
from stepscape.problems.user.table import RawTable
from stepscape.problems.user.weighted_rows import Rows


def table(**columns):
    names = tuple(columns)
    rows = len(next(iter(columns.values())))
    return RawTable("t.csv", names, tuple(columns.values()), tuple(range(2, rows + 2)))


def numbers(n=12, start=0):
    return [str(i + start) for i in range(n)]


TABLE = table(**{"a": numbers(), "b, in mg": numbers(start=3), "a,b": numbers(start=7), "y": numbers()})


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("a", ("a",)),
        ("a,b", ("a,b",)),  # a name, commas included
        ("b, in mg", ("b, in mg",)),
        ('a,"b, in mg"', ("a", "b, in mg")),
        ("a , y", ("a", "y")),
        ('"a","a,b"', ("a", "a,b")),
        ("nowhere", ("nowhere",)),
    ],
)
def test_commas_separate_names_unless_they_stand_in_one(words, names):
    assert column_names(TABLE, "x", words) == names


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("a,,y", "x must name a column before and after each comma, got 'a,,y'"),
        (",", "x must name a column before and after each comma, got ','"),
        ('a,"b', "x must be names of columns between commas, .* got 'a,\"b'"),
    ],
)
def test_names_that_are_none_are_refused(words, sentence):
    with pytest.raises(InputError, match=sentence):
        column_names(TABLE, "x", words)


def test_a_row_counts_if_every_column_has_a_number():
    a, b = numbers(14), numbers(14, start=50)
    a[3], b[4], b[5] = "", "NA", "inf"
    found = select_columns(table(a=a, b=b, y=numbers(14)), ("a", "b"), "y")
    kept = [i for i in range(14) if i not in (3, 4, 5)]
    np.testing.assert_array_equal(found.x, [[i, 50.0 + i] for i in kept])
    np.testing.assert_array_equal(found.y, kept)
    assert found.lines.tolist() == [i + 2 for i in kept]
    assert (found.rows, sum(found.dropped.values())) == (14, 3)
    assert (found.features, found.x_name) == (("a", "b"), "a and b")
    inputs = select_inputs(table(a=a, b=b), ("a", "b"))
    np.testing.assert_array_equal(inputs.x, found.x)


def test_one_column_is_one_column_whether_alone_or_in_a_list():
    one, listed = (select_columns(TABLE, x, "y") for x in ("a", ("a",)))
    np.testing.assert_array_equal(one.x, listed.x)
    assert one.x.ndim == listed.x.ndim == 1
    assert one.features == listed.features == ()


CATEGORIES = ["red", "blue"] * 6


@pytest.mark.parametrize(
    ("columns", "x", "sentence"),
    [
        ({"a": numbers(), "b": CATEGORIES}, ("a", "b"),
         "column 'b' must hold numbers, got text such as 'red' in 12 of 12 rows; write categories as "
         "columns of 0 and 1, .* scikit-learn's OneHotEncoder in a ColumnTransformer"),
        ({"a": numbers(), "b": [*numbers(8), "red", "red", "red", "red"]}, ("a", "b"), "in 4 of 12 rows"),
        ({"a": numbers(), "b": numbers()}, ("a", "a"), "x must name different columns, got 'a' twice"),
        ({"a": numbers(), "b": numbers()}, ("a", "y"), "x must not name the column of labels"),
        ({"a": ["1"] * 12, "b": ["2"] * 12}, ("a", "b"),
         "columns a and b must hold at least two distinct inputs, got the same in all 12 usable rows"),
        ({"a": numbers(), "b": [""] * 5 + numbers(7)}, ("a", "b"),
         "at least 10 rows with numbers in all of a and b and a value in 'y', got 7 of 12"),
        ({"a": numbers(), "b": numbers()}, ("a", "c"), "unknown column 'c'"),
    ],
)  # fmt: skip
def test_wrong_columns_are_refused(columns, x, sentence):
    with pytest.raises(InputError, match=sentence):
        select_columns(table(**columns, y=numbers()), x, "y")


def test_a_stray_text_among_numbers_is_a_dropped_row():
    found = select_columns(table(a=numbers(30), b=["oops", *numbers(29)], y=numbers(30)), ("a", "b"), "y")
    assert len(found.x) == 29


def test_no_row_to_predict_at_is_refused():
    with pytest.raises(InputError, match="at least one row with a number in each of a and b, got 0 of 2"):
        select_inputs(table(a=["", "1"], b=["1", ""]), ("a", "b"))


def test_some_names_of_many():
    assert some([str(i) for i in range(9)]) == "0, 1, 2 and 6 more"


def test_every_column_has_mean_0_and_deviation_1_by_weight():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((20, 3)) * [1e-150, 1.0, 1e150] + [0.0, 5.0, 0.0], rng.uniform(0.5, 2.0, 20)
    units, z = standardized_features(x, w, 20)
    np.testing.assert_allclose(w @ z / w.sum(), 0.0, rtol=0, atol=1e-14)
    np.testing.assert_allclose(w @ z**2 / w.sum(), 1.0, rtol=1e-13)
    np.testing.assert_array_equal(units.standardize(x), z)
    assert not units.constant.any()


def test_a_constant_column_is_zero_everywhere():
    units = Features.of(np.array([[0.0, 7.0], [1.0, 7.0]]), np.ones(2))
    np.testing.assert_array_equal(units.standardize(np.array([[0.0, 9.0]])), [[-1.0, 0.0]])
    np.testing.assert_array_equal(units.constant, [False, True])


def test_rows_of_several_features_are_ordered_by_the_first_then_the_second():
    x = np.array([[1.0, 2.0], [0.0, 9.0], [1.0, 1.0], [0.0, 9.0], [1.0, 2.0]])
    labels, weights = np.array([5.0, 1.0, 2.0, 1.0, 4.0]), np.array([1.0, 2.0, 1.0, 3.0, 0.0])
    distinct, rows = Rows.of(x, labels, weights)
    np.testing.assert_array_equal(distinct, [[0.0, 9.0], [1.0, 1.0], [1.0, 2.0]])
    np.testing.assert_array_equal(rows.at, [0, 1, 2])
    np.testing.assert_array_equal(rows.count, [5, 1, 1])
    np.testing.assert_array_equal(rows.labels, [1.0, 2.0, 5.0])
