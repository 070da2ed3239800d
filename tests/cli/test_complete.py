"""The command complete: what it refuses, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from commands import listing, read_csv, refused, said
from stepscape.cli import main
from stepscape.cli.completed_cells import FilledCells, filled_rows, number_text
from stepscape.problems.user.file import read_table
from stepscape.problems.user.number_columns import select_numbers

GIVEN = ["--penalty", "2", "--format", "svg"]


def cells(rows=24, columns=4, missing="", decimal=".", seed=0):
    """Texts of a table of rank 1 with noise; every fourth cell is missing."""
    rng = np.random.default_rng(seed)
    values = np.outer(rng.normal(size=rows), rng.normal(size=columns)) + 0.2 * rng.normal(
        size=(rows, columns)
    )
    text = [[f"{10 + value:.2f}".replace(".", decimal) for value in row] for row in values.tolist()]
    for i in range(0, rows * columns, 4):
        text[(i // columns)][(i // 4) % columns] = missing
    return text


def write(path, header, rows, delimiter=","):
    lines = [header, *rows] if header else rows
    Path(path).write_text("\n".join(delimiter.join(row) for row in lines) + "\n", encoding="utf-8")


@pytest.fixture
def table(here):
    """A table of 24 rows with a column of names, and gaps written as NA."""
    write(
        "t.csv", ["name", "a", "b", "c", "d"], [[f"s{i}", *row] for i, row in enumerate(cells(missing="NA"))]
    )
    return here / "t.csv"


# ---- wrong input

WRONG_TABLES = {
    "no numbers": ("x,y\na,b\nc,d\n", "'t.csv' must have a column of numbers, got none in x, y"),
    "text among numbers": (
        "x,y\n1,2\n3,4 kg\n5,\n",
        "column 'y' must hold numbers or missing cells, got '4 kg' on line 3; leave out this column",
    ),
    "infinity": ("x,y\n1,inf\n3,4\n5,\n", "column 'y' must hold finite numbers, got 'inf' on line 2"),
    "beyond": ("x,y\n1,2e300\n3,4\n5,\n", "got 2e+300 in line 2 of column 'y'"),
    "too many cells": (
        "x,y\n1,2\n3,4,5\n",
        "must have 2 cells in every row, got 3 on line 3; correct this row",
    ),
    "all missing": ("x,y\nNA,NA\n,\n", "must have a column of numbers, got none in x, y"),
    "one name for two": ("x,x\n1,2\n,3\n", "column 'x' must have a name of its own"),
    "two decimal marks": ("x;y\n1,5;2\n2.5;3\n", "column 'x' mixes decimal marks"),
    "too few entries": ("x,y\n1,2\n3,\n", "at least 10 entries whose row and column hold another one"),
}


@pytest.mark.parametrize("case", WRONG_TABLES)
def test_a_wrong_table_is_refused(capsys, case):
    content, says = WRONG_TABLES[case]
    Path("t.csv").write_text(content)
    assert says in refused(capsys, ["complete", "t.csv", "--out", "out"])


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--norm", "trace"], "unknown norm 'trace'"),
        (["--penalty", "0"], "penalty must be finite and positive, got 0"),
        (["--penalty", "much"], "penalty must be finite and positive, got 'much'"),
        (["--rule", "2se"], "unknown rule '2se'"),
        (["--seed", "-1"], "seed must be a whole number, at least 0, got -1"),
        (["--columns", "a,e"], "unknown column 'e'"),
        (["--columns", "a,a"], "columns must be different, got a, a"),
        (
            ["--columns", "a,name"],
            "column 'name' must hold numbers or missing cells, got 's0' on line 2 (24 such",
        ),
        (["--format", "gif"], "unknown format 'gif'"),
        (["--size", "big"], "size must be width x height in inches"),
    ],
)
def test_a_wrong_word_is_refused(capsys, arguments, says):
    assert says in refused(capsys, ["complete", "t.csv", *arguments])


def test_a_file_that_is_not_there_is_refused(capsys):
    assert "there is no such file" in refused(capsys, ["complete", "t.csv"])


@pytest.mark.usefixtures("table")
def test_a_directory_that_is_not_empty_is_refused_without_force(capsys):
    Path("t-completed").mkdir()
    Path("t-completed/mine.txt").write_text("keep")
    assert "is not empty; name another or add --force" in refused(capsys, ["complete", "t.csv"])
    assert main(["complete", "t.csv", *GIVEN, "--force"]) == 0
    assert Path("t-completed/mine.txt").read_text() == "keep"
    assert Path("t-completed/completed.csv").exists()


# ---- what it writes


@pytest.mark.usefixtures("table")
def test_the_directory_holds_the_table_completed(capsys):
    printed = said(capsys, "complete", "t.csv", "--json")
    document = json.loads(printed.out)
    assert listing(Path("t-completed")) == [
        "completed.csv", "figures/columns.png", "figures/columns.svg", "figures/penalty.png",
        "figures/penalty.svg", "filled.csv", "report.html", "result.json",
    ]  # fmt: skip
    assert json.loads(Path("t-completed/result.json").read_text()) == document
    before, after = read_csv("t.csv"), read_csv("t-completed/completed.csv")
    assert before[0] == after[0]
    filled = 0
    for old, new in zip(before, after, strict=True):
        for one, other in zip(old, new, strict=True):
            filled += one == "NA"
            assert other == one or (one == "NA" and float(other))
    assert document["data"]["filled"] == document["data"]["missing"] == filled == 24
    assert document["data"]["text_columns"] == ["name"]
    assert document["command"] == "complete"
    assert document["warnings"] == []
    norms = [row["norm"] for row in document["completion"]["path"]]
    assert list(dict.fromkeys(norms)) == ["flat", "nuclear"]
    assert [row["norm"] for row in document["completion"]["path"] if row["chosen"]] == ["flat", "nuclear"]


@pytest.mark.usefixtures("table")
def test_the_list_of_filled_cells_agrees_with_the_table(capsys):
    said(capsys, "complete", "t.csv", *GIVEN)
    after = read_csv("t-completed/completed.csv")
    header, *rows = read_csv("t-completed/filled.csv")
    assert header == ["line", "column", "value", "standard_error"]
    assert len(rows) == 24
    for line, column, value, error in rows:
        cell = after[int(line) - 1][after[0].index(column)]
        assert float(cell) == pytest.approx(float(value), abs=0.05 * float(error))


@pytest.mark.usefixtures("table")
def test_people_read_what_was_done(capsys):
    out = said(capsys, "complete", "t.csv", *GIVEN, "--norm", "nuclear").out
    assert out.startswith("t.csv: 24 of 24 missing cells filled, in 24 rows and 4 columns of numbers\n")
    assert "name holds text and stays as in the file" in out
    assert "the penalty 2 was given" in out
    assert "nuclear norm" in out
    assert "Wrote t-completed: report.html (open it in a browser), completed.csv, filled.csv (24 rows)" in out
    page = Path("t-completed/report.html").read_text()
    assert "t.csv, completed" in page
    assert "Traceback" not in page


def test_a_table_with_semicolons_and_decimal_commas_stays_one():
    rows = cells(decimal=",")
    write("t.csv", ["a", "b", "c", "d"], rows, ";")
    assert main(["complete", "t.csv", *GIVEN]) == 0
    lines = Path("t-completed/completed.csv").read_text().splitlines()
    assert lines[0] == "a;b;c;d"
    for row, line in zip(rows, lines[1:], strict=True):
        for before, after in zip(row, line.split(";"), strict=True):
            assert after == before or (not before and "," in after and "." not in after)


def test_a_completed_table_is_read_like_the_one_before_and_has_nothing_to_fill(capsys):
    write("t.csv", ["a", "b", "c", "d"], cells())
    assert main(["complete", "t.csv", *GIVEN, "--out", "one"]) == 0
    printed = said(capsys, "complete", "one/completed.csv", "--out", "two")
    assert "warning: no entry is missing, so nothing was filled" in printed.err
    assert Path("two/completed.csv").read_bytes() == Path("one/completed.csv").read_bytes()
    assert read_csv("two/filled.csv") == [["line", "column", "value", "standard_error"]]
    assert json.loads(Path("two/result.json").read_text())["completion"]["penalty"] is None


def test_a_table_without_a_header_gets_none():
    write("t.csv", None, cells())
    assert main(["complete", "t.csv", *GIVEN]) == 0
    assert len(read_csv("t-completed/completed.csv")) == 24


def test_a_row_without_a_number_stays_empty_and_is_named(capsys):
    rows = cells()
    rows[5] = ["", "", "NA", ""]
    write("t.csv", ["a", "b", "c", "d"], rows)
    printed = said(capsys, "complete", "t.csv", *GIVEN)
    assert "warning: 1 row without any number stays empty (line 7): nothing tells" in printed.err
    assert read_csv("t-completed/completed.csv")[6] == ["", "", "NA", ""]


def test_a_constant_column_is_filled_as_it_is_written():
    rows = [[*row, "7.50" if i % 3 else ""] for i, row in enumerate(cells())]
    write("t.csv", ["a", "b", "c", "d", "k"], rows)
    assert main(["complete", "t.csv", *GIVEN]) == 0
    assert {row[4] for row in read_csv("t-completed/completed.csv")[1:]} == {"7.50"}
    errors = [row for row in read_csv("t-completed/filled.csv") if row[1] == "k"]
    assert {row[3] for row in errors} == {""}


def test_only_the_columns_that_are_named_are_used():
    write("t.csv", ["a", "b", "c, d", "e"], [[*row[:2], f"{row[2]}", row[3]] for row in cells()])
    Path("t.csv").write_text(Path("t.csv").read_text().replace("c, d", '"c, d"'))
    assert main(["complete", "t.csv", *GIVEN, "--columns", "a,b", "--columns", "c, d"]) == 0
    document = json.loads(Path("t-completed/result.json").read_text())
    assert document["data"]["columns"] == ["a", "b", "c, d"]
    before, after = read_csv("t.csv"), read_csv("t-completed/completed.csv")
    assert [row[3] for row in before] == [row[3] for row in after]


def test_parquet_is_read_and_whole_numbers_stay_whole():
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    numbers = [[float(cell) if cell else None for cell in row] for row in cells()]
    columns = {name: [row[j] for row in numbers] for j, name in enumerate("abcd")}
    columns["n"] = [*range(23), None]
    parquet.write_table(pa.table(columns), "t.parquet")
    assert main(["complete", "t.parquet", *GIVEN]) == 0
    after = read_csv("t-completed/completed.csv")
    assert [row[4] for row in after[1:24]] == [str(n) for n in range(23)]
    assert after[1][1] == repr(columns["b"][0])


def test_a_guess_about_the_table_is_said(capsys):
    rows = cells()
    rows[3][1] = "-9999"
    write("t.csv", ["a", "b", "c", "d"], rows)
    assert (
        "column 'b' holds -9999 in 1 row, far from its other values"
        in said(capsys, "complete", "t.csv", *GIVEN).err
    )


# ---- cells


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (12.34567, 0.5, "12.35"),
        (1234.5678, 250.0, "1235"),
        (0.5, 0.0123, "0.5000"),
        (-0.004, 1.0, "0.0"),
        (3.0, np.nan, "3.00000"),
        (0.0, np.nan, "0.00000"),
        (-2.5e150, 1e148, "-2.500e+150"),
        (2.5e-20, 1e-21, "2.50e-20"),
        (1.0, 1e-30, "1.000000000000000e+00"),
    ],
)
def test_a_filled_number_has_the_digits_of_its_standard_error(value, error, text):
    assert number_text(value, error) == text
    assert number_text(value, error, ",") == text.replace(".", ",")


def test_filled_cells_are_listed_column_by_column():
    Path("t.csv").write_text("a,b\n1,\n,2\n3,4\n")
    numbers = select_numbers(read_table("t.csv"))
    after = np.array([[1.0, 9.0], [8.0, 2.0], [3.0, 4.0]])
    error = np.where(np.isnan(numbers.values), [[0.5, np.nan]], np.nan)
    found = list(filled_rows(numbers, FilledCells.of(numbers.values, after, error)))
    assert found == [(3, "a", 8.0, 0.5), (2, "b", 9.0, None)]
