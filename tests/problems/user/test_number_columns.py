"""All columns of numbers of a table: which they are, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.problems.user.file import read_table
from stepscape.problems.user.number_columns import select_numbers


def table(tmp_path, text):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    return read_table(tmp_path / "t.csv")


def test_a_missing_cell_is_nan_and_a_column_of_text_is_left_out(tmp_path):
    found = select_numbers(table(tmp_path, "name,a,b\nx,1,NA\ny,,2.5\n"))
    assert found.names == ("a", "b")
    assert found.text == ("name",)
    assert np.array_equal(found.values, [[1.0, np.nan], [np.nan, 2.5]], equal_nan=True)
    assert found.lines.tolist() == [2, 3]
    assert found.marks == (".", ".")


def test_columns_come_in_the_order_in_which_they_are_named(tmp_path):
    found = select_numbers(table(tmp_path, "a,b,c\n1,2,3\n4,5,6\n"), ["c", "a"])
    assert found.names == ("c", "a")
    assert found.values.tolist() == [[3.0, 1.0], [6.0, 4.0]]
    assert found.text == ()


def test_a_column_without_a_mark_has_that_of_the_others(tmp_path):
    found = select_numbers(table(tmp_path, "a;b\n1;2,5\n;3,25\n"))
    assert found.marks == (",", ",")


def test_a_column_of_nothing_but_gaps_is_a_column_of_numbers(tmp_path):
    found = select_numbers(table(tmp_path, "a,b\n1,NA\n2,\n"))
    assert found.names == ("a", "b")
    assert np.isnan(found.values[:, 1]).all()


@pytest.mark.parametrize(
    ("text", "names", "says"),
    [
        ("a,b\n1,2\n3,4,5\n", (), "must have 2 cells in every row, got 3 on line 3; correct this row"),
        ("a,b\n1,2\n", ("a", "a"), "columns must be different, got a, a"),
        ("a,b\nx,y\n", (), "must have a column of numbers, got none in a, b"),
        (
            "a,b\n1,2\n3,x\n4,y\n",
            (),
            "'b' must hold numbers or missing cells, got 'x' on line 3 \\(2 such cells\\)",
        ),
        ("a,b\n1,2\n3,x\n", (), "got 'x' on line 3; leave out this column, or leave such cells empty"),
        ("a,b\n1,-inf\n3,4\n", (), "column 'b' must hold finite numbers, got '-inf' on line 2"),
        ("a,b\nx,2\n", ("a", "b"), "column 'a' must hold numbers or missing cells, got 'x' on line 2"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(tmp_path, text, names, says):
    with pytest.raises(InputError, match=says):
        select_numbers(table(tmp_path, text), names)
