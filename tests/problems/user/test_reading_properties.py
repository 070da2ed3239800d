"""What holds for every table: unused columns have no say, a row in is a row out, and memory is bounded."""

from __future__ import annotations

import csv
import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from stepscape.cli.fit import prediction_rows
from stepscape.errors import InputError
from stepscape.problems.user import delimited, rows, text
from stepscape.problems.user.columns import Columns, select_columns, select_inputs
from stepscape.problems.user.delimited import parse_delimited
from stepscape.problems.user.table import RawTable
from stepscape.problems.user.text import Text
from table_files import read

JUNK = [
    "192.168.1.200",
    "1.234.567",
    "1.234,5",
    "1,5",
    "1.5",
    "1.234",
    "a;b",
    'say "x"',
    "a\nb",
    "",
    "NA",
    "2020-01-02",
    "very good",
    "10:30 PM",
    "-9999",
]
CELLS = {
    "three decimals": ["1.000", "1.125", "20.250"],
    "decimal commas": ["1,5", "2,25"],
    "European thousands": ["800", "950", "1.000", "1.050"],
    "English thousands": ["800", "950", "1,000", "1,050"],
    "whole": ["1", "2", "3"],
}


def write(header, lines, delimiter, quoting=csv.QUOTE_MINIMAL) -> RawTable:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerows([header, *lines])
    return parse_delimited(Text.of(stream.getvalue(), "t.csv"))


def outcome(table) -> tuple[object, ...] | str:
    """The numbers and the notes of two columns, or the kind of refusal."""
    try:
        got: Columns = select_columns(table, "x", "y", "auto")
    except InputError as error:
        return str(error).split("(line")[0]
    return got.x.tobytes(), got.y.tobytes(), got.notes, got.classes


@examples(1)
@given(st.data(), st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_unused_columns_and_their_order_change_nothing(data, delimiter, quoting):
    kinds = st.sampled_from(sorted(CELLS))
    x = data.draw(
        kinds.flatmap(lambda kind: st.lists(st.sampled_from(CELLS[kind]), min_size=10, max_size=14))
    )
    cell = st.sampled_from(CELLS[data.draw(kinds)])
    y = data.draw(st.lists(cell, min_size=len(x), max_size=len(x)))
    junk = data.draw(st.lists(st.lists(st.sampled_from(JUNK), min_size=len(x), max_size=len(x)), max_size=3))
    columns = [("x", x), ("y", y), *((f"junk{i}", cells) for i, cells in enumerate(junk))]
    order = data.draw(st.permutations(range(len(columns))))
    # The file is as wide as the other, so that the delimiter is the same; only the unused cells differ.
    plain = [*columns[:2], *((name, ["a"] * len(x)) for name, _ in columns[2:])]
    tables = [
        write(
            [name for name, _ in chosen],
            zip(*(cells for _, cells in chosen), strict=True),
            delimiter,
            quoting,
        )
        for chosen in (plain, [columns[i] for i in order])
    ]
    assert tables[0].delimiter == tables[1].delimiter == delimiter
    assert outcome(tables[0]) == outcome(tables[1])


@examples(1)
@given(st.data(), st.integers(1, 3), st.sampled_from(",;\t|"))
def test_a_row_in_is_a_row_out(data, width, delimiter):
    cell = st.sampled_from(["1", "2", "", "NA", "abc", "inf", "-5", "#N/A"])
    drawn = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=12))
    lines = [["7"] * width, *drawn]
    table = write(["x", "y", "z"][:width], lines, delimiter)
    inputs = select_inputs(table, "x")
    got = [row[0] for row in prediction_rows(table, inputs, {"prediction": inputs.x.tolist()})]
    assert got == [float(row[0]) if row[0] in ("1", "2", "-5", "7") else None for row in lines]


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_every_delimiter_goes_with_every_decimal_mark(delimiter, mark, quoting):
    values = [i / 4 for i in range(12)]
    lines = [[repr(x).replace(".", mark), repr(x * x).replace(".", mark), 'a "b", c; d'] for x in values]
    got = select_columns(write(["x", "y", "note"], lines, delimiter, quoting), "x", "y")
    assert (got.x.tolist(), got.y.tolist(), got.notes) == (values, [x * x for x in values], ())


# Bounds: each is stated, and a table beyond it is refused in one sentence.


def test_a_table_has_at_most_so_many_rows(monkeypatch):
    monkeypatch.setattr(delimited, "MOST_ROWS", 20)
    for content in ("x,y\n" + "1,2\n" * 21, "x,y\n" + "1,2,3\n" * 21, "x\n1\n" + "\n" * 21 + "2\n"):
        with pytest.raises(
            InputError, match=r"'t.csv' must have at most 20 rows, got more; keep a sample of them"
        ):
            parse_delimited(Text.of(content, "t.csv"))
    assert parse_delimited(Text.of("x,y\n" + "1,2\n" * 20, "t.csv")).rows == 20


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("x,y\n1,2\n" + "1," * 200, 3),
        ("1," * 200 + "\n1,2\n", 1),
        ("x,y\n" + "1" * 400 + ",2\n1,2\n", 2),
        ("x,y\n1,2\n" + '"a\n",' * 200, 3),
    ],
)
def test_a_line_and_a_row_have_at_most_so_many_characters(tmp_path, monkeypatch, content, line, pack):
    for module in (text, rows):
        monkeypatch.setattr(module, "MOST_CHARACTERS", 300)
    monkeypatch.setattr(text, "_CHUNK", 64)
    with pytest.raises(
        InputError, match=rf"must have lines of at most 300 characters, line {line} is longer"
    ):
        read(tmp_path, pack(content.encode()))


CAPPED = """
import resource, sys
from pathlib import Path
from stepscape.errors import InputError
from stepscape.problems.user.columns import select_columns
from stepscape.problems.user.file import read_table
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + int(sys.argv[2]) * 2**20,) * 2)
try:
    print(len(select_columns(read_table(sys.argv[1]), "x", "y").x), "rows")
except InputError as error:
    print(error)
"""


def hostile() -> dict[str, tuple[bytes, int, str]]:
    """Files that are small on disk or in cells: content, MiB allowed beyond the imports, what is said."""
    wide = ",".join(["x", "y", *(f"c{i}" for i in range(100))])
    return {
        "a line of 100 MiB": (gzip.compress(b"x,y\n" + b"1" * 100 * 2**20, 1), 64, "line 2 is longer"),
        "a line of 100 MiB of cells": (
            gzip.compress(b"x,y\n" + b"12," * 35 * 2**20, 1),
            48,
            "line 2 is longer",
        ),
        "short rows of a wide table": ((wide + "\n" + "1,2\n2,3\n" * 50_000).encode(), 64, "100000 rows"),
        "cells that nobody asks for": (
            ("x,y,z\n" + "".join(f"{i},{i % 7},{'a' * 500}\n" for i in range(100_000))).encode(),
            128,
            "100000 rows",
        ),
    }


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="needs the sizes that Linux tells of a process"
)
@pytest.mark.parametrize("case", hostile())
def test_memory_is_bounded_by_what_is_asked_for(tmp_path, case):
    content, allowed, said = hostile()[case]
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", CAPPED, path, str(allowed)], capture_output=True, text=True, check=False
    )
    assert said in done.stdout, done.stderr
