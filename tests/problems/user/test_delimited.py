"""Text with delimiters: dialects, encodings, headers, ragged rows."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.problems.user.columns import select_columns, select_inputs
from table_files import GOOD, ROWS, read


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("x;y\n1,5;2,5\n2;3\n", ";"),
        ("x\ty\n1.5\t\n2\t3\n", "\t"),
        ("x, in s;y, in g\n1,5;2,5\n2,5;3,5\n", ";"),
        ("x,y\n\n1.5,2\n\n   \n2,3\n\n", ","),
        ("\n\nx   y\n  1.5     2\n 10     3  \n", " "),
        ("sep=|\nx|y\n1,5|2\n", "|"),
        ("x,y,\n1.5,2,\n3,4,\n", ","),
        ("x,y\n1.5,2,\n3,4,\n", ","),
        ('"x" "y"\n"1" 1.5 2\n"2" 3 4\n', " "),
        ("# made by savetxt\n# x y\n1.5 2\n3 4\n", " "),
        ("x,y\n1.5,2\n3,4\n\x1a", ","),
        ('"x","y"\n"1,5","2,5"\n', ","),
        ('"x" , "y" \n"1,5" , "2,5" \n', ","),
        ("x;y, in g\n1;1,5;2\n2;2,5;3\n", ";"),
        ('note,x,y\n"a, ""b""\nc",1.5,2\n', ","),
    ],
)
def test_dialects(tmp_path, text, delimiter):
    table = read(tmp_path, text)
    assert (table.delimiter, table.header) == (delimiter, True)
    starts = [name[:1] for name in table.names if name not in ("", "note")]
    assert starts == ["x", "y"]
    assert not table.ragged
    x = next(name for name in table.names if name.startswith("x"))
    assert select_inputs(table, x).x[0] == 1.5


def test_the_delimiter_is_that_of_most_rows(tmp_path):
    table = read(tmp_path, "x 1,name\n1,a\n2,b\n3 4\n")
    assert (table.delimiter, table.names) == (",", ("x 1", "name"))
    assert table.cells("name")[0] == ["a", "b", ""]


def test_old_western_encodings(tmp_path):
    table = read(tmp_path, ("price in €,y\n" + ROWS).encode("cp1252"))
    assert (table.encoding, table.names[0]) == ("cp1252", "price in €")
    assert read(tmp_path, b"\xe9\x81,y\n" + ROWS.encode()).encoding == "latin-1"


def test_common_chinese_characters_are_read_as_such(tmp_path):
    text = "年龄,状态（是否）\n" + "".join(f"{i},{'病' if i % 2 else '健康'}\n" for i in range(12))
    table = read(tmp_path, text.encode("gb18030"))
    assert table.encoding == "gb18030"
    assert table.names == ("年龄", "状态（是否）")
    assert select_columns(table, *table.names, "auto").classes == ("健康", "病")
    for word in ("Größe", "café", "où", "à", "naïveté", "ÄÖ1ä"):  # pairs of accents are no Chinese
        assert read(tmp_path, f"{word},y\n{ROWS}".encode("cp1252")).names[0] == word


def test_a_guessed_encoding_is_named_where_a_column_is_not_found(tmp_path):
    with pytest.raises(
        InputError,
        match=r"^unknown column '年龄'; known: €, y \(of 'table.csv', read as cp1252 for it is not UTF-8; "
        r"if that is wrong, save it as UTF-8\)$",
    ):
        select_inputs(read(tmp_path, "€,y\n".encode("cp1252") + ROWS.encode()), "年龄")


def test_a_table_of_one_column(tmp_path):
    table = read(tmp_path, "x\n1,5\n\n2,5\n")
    assert table.delimiter == ""
    np.testing.assert_array_equal(select_inputs(table, "x").x, [1.5, 2.5])


def test_without_header_columns_go_by_position(tmp_path):
    table = read(tmp_path, ROWS)
    assert table.names == ("1", "2")
    assert not table.header
    assert len(select_columns(table, "1", "2").x) == 12
    with pytest.raises(
        InputError, match=r"unknown column 'x'; known: 1, 2 \(the first line of 'table.csv' is"
    ):
        select_inputs(table, "x")


def test_rows_of_too_many_cells_are_listed_by_line_and_short_ones_are_filled(tmp_path):
    table = read(tmp_path, GOOD + "1,2,3\n4\n")
    assert dict(table.ragged) == {14: 3}
    assert table.rows == 14
    assert list(table.lines) == [*range(2, 14), 15]
    assert tuple(column[-1] for column in table.cells("x", "y")) == ("4", "")
    shifted = read(tmp_path, "# by hand\n\n" + GOOD + "1,2,3\n")
    assert dict(shifted.ragged) == {16: 3}
    assert list(shifted.lines) == list(range(4, 16))


def test_names_are_fit_for_a_terminal(tmp_path):
    assert read(tmp_path, '"a\n  b","\x1b[31mred" \n' + "1,2\n" * 300).names == ("a b", "\ufffd[31mred")


def test_repr_shows_no_cells(tmp_path):
    assert "columns" not in repr(read(tmp_path, GOOD))
