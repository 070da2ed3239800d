"""Files of tables: read back bit for bit, Parquet, and wrong input refused in one sentence."""

from __future__ import annotations

import codecs
import csv
import errno
import gzip
import io
import json
import math
import os
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from budget import examples
from stepscape import files
from stepscape.errors import InputError, OutputError, StepscapeError, Unavailable
from stepscape.problems.user.columns import select_columns, select_inputs
from stepscape.problems.user.file import read_table
from stepscape.problems.user.table import RawTable
from table_files import GOOD, ROWS, read


def read_or_sentence(tmp_path, content) -> RawTable | str:
    try:
        return read(tmp_path, content)
    except StepscapeError as error:
        return str(error)


# Reading gives back what was written.


def names():
    def name(alphabet):
        return st.text(alphabet, max_size=6).map(lambda tail: " ".join(("c" + tail).split()))

    # "c,\n0,5" may be one column or two: a name with a delimiter in it needs a neighbor.
    several = st.lists(name('ab éü,;|"(#'), min_size=2, max_size=4, unique=True)
    return several | name("abéü(#").map(lambda only: [only])


@st.composite
def written(draw):
    """Draw a table and write it in one of the ways people do; return the bytes and what must come back."""
    header = draw(names())
    cell = st.floats(allow_nan=False, allow_infinity=False) | st.none()
    rows = draw(st.lists(st.lists(cell, min_size=len(header), max_size=len(header)), max_size=12))
    # One cell of each column shows the mark: "1,234" alone may be a thousand.
    rows.append([0.5] * len(header))
    mark = draw(st.sampled_from(".,"))
    absent = draw(st.sampled_from(["NA", "nan", "NULL", "?", "-"]))
    stream = io.StringIO()
    writer = csv.writer(
        stream,
        delimiter=draw(st.sampled_from(",;\t| ")),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
    )
    writer.writerow(header)
    writer.writerows([absent if v is None else repr(v).replace(".", mark) for v in row] for row in rows)
    encodings = ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
    data = stream.getvalue().encode(draw(st.sampled_from(encodings)))
    return gzip.compress(data) if draw(st.booleans()) else data, header, rows


@examples(2)
@given(written())
def test_every_way_of_writing_a_table_reads_back_bit_for_bit(tmp_path_factory, table):
    data, header, rows = table
    got = read(tmp_path_factory.mktemp("t"), data)
    assert got.names == tuple(header)
    assert not got.ragged
    for name, column in zip(header, zip(*rows, strict=True), strict=True):
        inputs = select_inputs(got, name)
        expected = np.array([v for v in column if v is not None])
        assert inputs.x.tobytes() == expected.tobytes()
        assert inputs.rows == len(rows)


@examples(2)
@given(st.binary(max_size=400) | st.text(alphabet='1,.;x\n"#\t |é', max_size=80).map(str.encode))
@example(b'""')
@example(b"\xff\xfe")
@example(b"PAR1")
@example(b"\x1f\x8b")
@example(b"sep=;\n")
@example(b"#\n1")
@example(b'"')
def test_whatever_the_bytes_reading_gives_a_table_or_one_sentence(tmp_path_factory, data):
    table = read_or_sentence(tmp_path_factory.mktemp("t"), data)
    if isinstance(table, RawTable):
        assert {len(column) for column in table.columns} == {len(table.lines)}
    else:
        assert "\n" not in table


@given(st.data())
def test_a_damaged_parquet_file_gives_a_table_or_one_sentence(tmp_path_factory, data):
    stream = io.BytesIO()
    parquet.write_table(pa.table({"x": [0.5, 1.5], "y": ["a", None]}), stream)
    content = bytearray(stream.getvalue())
    for place in data.draw(st.lists(st.integers(4, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(4, len(content)))
    table = read_or_sentence(tmp_path_factory.mktemp("t"), bytes(content[:end]))
    assert isinstance(table, RawTable) or "\n" not in table


# Parquet.


def parquet_bytes(table) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(table, stream)
    return stream.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_parquet_columns_of_every_kind(tmp_path, pack):
    columns = {
        "x": pa.array([0.1 * i for i in range(11)] + [None]),
        "whole": pa.array([2**60 + i for i in range(12)]),
        "text": pa.array([f"{i}.5" for i in range(11)] + [None]),
        "category": pa.array([str(i) for i in range(12)]).dictionary_encode(),
        "decimal": pa.array(range(12)).cast(pa.decimal128(30, 2)),
        "flag": pa.array([True] * 12),
    }
    table = read(tmp_path, pack(parquet_bytes(pa.table(columns))), "t.csv")
    assert table.encoding == "parquet"
    chosen = select_columns(table, "x", "text")
    assert chosen.x.tobytes() == np.array([0.1 * i for i in range(11)]).tobytes()
    np.testing.assert_array_equal(chosen.y, np.arange(11) + 0.5)
    assert chosen.dropped == {"missing value": 1}
    np.testing.assert_array_equal(select_inputs(table, "whole").x, np.float64(2**60) + np.zeros(12))
    np.testing.assert_array_equal(select_inputs(table, "category").x, np.arange(12.0))
    np.testing.assert_array_equal(select_inputs(table, "decimal").x, np.arange(12.0))
    with pytest.raises(InputError, match=r"12 × not a number \(first: 'True' in column 'flag', line 1\)"):
        select_inputs(table, "flag")


def test_parquet_with_infinite_cells(tmp_path):
    values = [float(i) for i in range(10)] + [math.inf, math.nan]
    table = read(tmp_path, parquet_bytes(pa.table({"x": values, "y": values})))
    assert select_columns(table, "x", "y").dropped == {
        "missing value": 1,
        "infinite (first: 'inf' in column 'x', line 11)": 1,
    }


def test_parquet_with_a_name_twice(tmp_path):
    column = pa.array(np.arange(12.0))
    table = read(tmp_path, parquet_bytes(pa.Table.from_arrays([column, column, column], ["x", "x", "y"])))
    with pytest.raises(InputError, match="column 'x' must have a name of its own, but columns 1 and 2"):
        select_columns(table, "x", "y")


def test_empty_parquet(tmp_path):
    content = parquet_bytes(pa.table({"x": pa.array([], pa.float64())}))
    with pytest.raises(InputError, match=r"'table.csv' must hold rows of data, got 1 columns and 0 rows"):
        read(tmp_path, content)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Unavailable, match=r"needs pyarrow: pip install 'stepscape\[export\]'"):
        read(tmp_path, b"PAR1")


# Wrong input: one sentence that names what is wrong.


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"table.csv' is empty \(0 bytes\)"),
        (gzip.compress(b"", mtime=0), r"table.csv' is empty \(0 bytes\)"),
        (b" \n\n\t\n", "'table.csv' must hold a table, got nothing but blank lines or comments"),
        (codecs.BOM_UTF8, "got nothing but blank lines"),
        (b"# x y\n", "got nothing but blank lines or comments"),
        (b"x,y\n", "'table.csv' must hold rows of data, got only a header: x, y"),
        (b"x\n\n", "got only a header: x"),
        (bytes(range(256)), r"not a table of text: it looks like binary data \('\\x00' at character 1\)"),
        (b"\x01\x02\x03\xff" * 9, r"binary data \('\\x01' at character 1\)"),
        (GOOD.encode() + b"1,\0\n", r"binary data \('\\x00' at character"),
        (
            gzip.compress(GOOD.encode(), mtime=0)[:-12],
            "cannot unpack .*: its gzip data are truncated or damaged",
        ),
        (gzip.compress(GOOD.encode(), mtime=0)[:12] + b"junk", "its gzip data are truncated or damaged"),
        (
            b"PK\x03\x04\x14\0\x06",
            r"it looks like a spreadsheet \(.xlsx\) or zip archive; save the sheet as CSV",
        ),
        (b"\xd0\xcf\x11\xe0\xa1", r"it looks like an old spreadsheet \(.xls\)"),
        (json.dumps([{"x": 1}]).encode(), "it looks like JSON; save it as CSV"),
        (json.dumps({"x": [1]}).encode(), "it looks like JSON"),
        (b"<!DOCTYPE html><table>", "it looks like HTML or XML"),
        (b"{\\rtf1}", "it looks like RTF"),
        (b"PAR1\0 and no footer", "is a damaged Parquet file: Parquet magic bytes not found"),
        (codecs.BOM_UTF8 + b"x,\xff\n", "begins as utf-8-sig text but is not: byte 0xff does not belong"),
        (b'x,y\n1,2\n"3,4\n' + ROWS.encode(), "from line 3 on: a quote opened there is never closed"),
        (b'x,y\n1,2\n"3"4,5\n', "from line 3 on: ',' expected after '\"'"),
        (b"x,y\n1," + b"2" * 200_000, "from line 2 on: a cell is longer than 131072 characters"),
    ],
)
def test_what_is_not_a_table(tmp_path, content, sentence):
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, content)


def test_no_such_file_suggests_the_nearest(tmp_path):
    (tmp_path / "motorcycle.csv").write_text(GOOD)
    with pytest.raises(InputError, match=r"there is no such file; did you mean 'motorcycle.csv'\?"):
        read_table(tmp_path / "motorcyle.csv")
    with pytest.raises(InputError, match=r"there is no such file$"):
        read_table(tmp_path / "q")
    with pytest.raises(InputError, match="there is no directory"):
        read_table(tmp_path / "nowhere" / "q.csv")


def test_no_such_file_in_a_directory_that_cannot_be_listed(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.os, "scandir", refuse)
    with pytest.raises(InputError, match=r"there is no such file$"):
        read_table(tmp_path / "q")


def test_what_cannot_be_opened(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*: is a directory"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="cannot read '/dev/null': it is a device"):
        read_table("/dev/null")
    with pytest.raises(InputError, match="file name too long"):
        read_table(tmp_path / ("x" * 300))
    with pytest.raises(InputError, match="embedded null byte"):
        read_table("a\0b")


@pytest.mark.parametrize(
    ("number", "kind", "sentence"),
    [(errno.EACCES, InputError, "permission denied"), (errno.EIO, OutputError, "input/output error")],
)
def test_what_the_system_refuses(tmp_path, monkeypatch, number, kind, sentence):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files, "open", refuse, raising=False)
    with pytest.raises(kind, match=f"cannot read .*table.csv': {sentence}"):
        read(tmp_path, GOOD)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_does_not_fit_in_memory(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(files, "MAX_BYTES", 2**20)
    with pytest.raises(InputError, match="it holds more than 1 MiB; keep only the columns needed"):
        read(tmp_path, pack(GOOD.encode() * 20_000))
