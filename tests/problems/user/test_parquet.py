"""Parquet: every kind of column is cells or one sentence, and what nobody asks for does not matter."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from pyarrow.parquet import encryption

from stepscape.errors import InputError
from stepscape.problems.user import parquet as reader
from stepscape.problems.user.columns import select_columns, select_inputs
from stepscape.problems.user.file import read_table
from stepscape.problems.user.parquet import parse_parquet
from stepscape.problems.user.table import Cells, RawTable

N = 12
FAR = pa.array([9 * 10**18 - i for i in range(N)])
DAYS = pa.array([2**31 - 1 - i for i in range(N)], pa.int32())


def packed(columns: dict[str, pa.Array] | pa.Table, **options: object) -> bytes:
    stream = io.BytesIO()
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    parquet.write_table(table, stream, **options)
    return stream.getvalue()


def table_of(columns: dict[str, pa.Array] | pa.Table, **options: object) -> RawTable:
    return parse_parquet(packed(columns, **options), "/there/t.parquet", "t.parquet")


def column(table: RawTable, name: str) -> Cells:
    return table.columns[table.names.index(name)]


def cells_of(column: pa.Array, **options: object) -> list[object]:
    return list(table_of({"y": column}, **options).columns[0])


def not_utf8(kind: pa.DataType) -> pa.Array:
    stored = pa.array([b"ok", b"a\xff"] * 6, pa.large_binary() if kind == pa.large_string() else pa.binary())
    return pa.Array.from_buffers(kind, N, stored.buffers())


# What cannot be read, with its sentence.
UNREADABLE = {
    "list": (pa.array([[1.0]] * N), "numbers, texts or times, got list<element: double>"),
    "struct": (pa.array([{"a": 1, "b": 2}] * N), "numbers, texts or times, got struct<a: int64, b: int64>"),
    "map": (
        pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int64())),
        "numbers, texts or times, got map<",
    ),
    "utf8": (not_utf8(pa.string()), r"UTF-8 text, got byte 0xff in b'a\\xff'"),
    "large": (not_utf8(pa.large_string()), "UTF-8 text, got byte 0xff"),
    "bytes": (pa.array([b"\xfe\xff"] * N), "UTF-8 text, got byte 0xfe"),
    "uuid": (pa.array([bytes([255] * 16)] * N, pa.binary(16)), "UTF-8 text, got byte 0xff"),
    "category": (not_utf8(pa.string()).dictionary_encode(), "UTF-8 text, got byte 0xff"),
}
STRANGE = {
    **{name: column for name, (column, _) in UNREADABLE.items()},
    "far": FAR.cast(pa.timestamp("us")),
    "zone": FAR.cast(pa.timestamp("ns", tz="Mars/Phobos")),
    "long": FAR.cast(pa.duration("us")),
    "days": DAYS.cast(pa.date32()),
    "time": pa.array(range(N), pa.int32()).cast(pa.time32("s")),
    "null": pa.nulls(N),
    "name\x1b]0;t\x07": pa.array(["a"] * N),
}


def test_a_column_that_nobody_asks_for_does_not_matter() -> None:
    table = table_of({**STRANGE, "x": pa.array(np.arange(N) / 7), "y": pa.array(np.arange(N))})
    chosen = select_columns(table, "x", "y")
    np.testing.assert_array_equal(chosen.x, np.arange(N) / 7)
    np.testing.assert_array_equal(chosen.y, np.arange(N))
    assert "name\ufffd]0;t\ufffd" in table.names  # fit for a terminal


@pytest.mark.parametrize("name", ["far", "zone", "days", "time"])
def test_a_time_must_be_a_number(name: str) -> None:
    table = table_of({"x": pa.array(np.arange(N)), name: STRANGE[name]})
    hint = "; write dates and times as numbers, such as days since the first one$"
    with pytest.raises(InputError, match=hint):
        select_columns(table, name, "x")
    with pytest.raises(InputError, match=hint):
        select_inputs(table, name)


@pytest.mark.parametrize("name", UNREADABLE)
def test_one_that_is_asked_for_gets_a_sentence(name: str) -> None:
    table = table_of({"x": pa.array(np.arange(N)), "y\x1b": UNREADABLE[name][0]})
    with pytest.raises(InputError, match=f"^column 'y\ufffd' must hold {UNREADABLE[name][1]}") as caught:
        select_columns(table, "x", "y\ufffd", "auto")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (pa.array([True, False, None]), ["True", "False", ""]),
        (pa.array(["é", None, " b"]), ["é", "", " b"]),
        (pa.array(["a", None, "b"], pa.string_view()), ["a", "", "b"]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", "", "a"]),
        (
            pa.array(["a", None]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.large_string())),
            ["a", ""],
        ),
        (pa.array([b"yes", None]), ["yes", ""]),  # text that its writer did not mark as such
        (pa.nulls(2), ["", ""]),
        (DAYS[:1].cast(pa.date32()), ["5881580-07-11"]),
        (pa.array([-719893, None], pa.int32()).cast(pa.date32()), ["-001-01-01", ""]),
        (pa.array([86_400_000]).cast(pa.date64()), ["1970-01-02"]),
        (pa.array([0, None]).cast(pa.timestamp("s")), ["1970-01-01T00:00:00.000", ""]),
        (pa.array([10**15]).cast(pa.timestamp("ms")), ["33658-09-27T01:46:40.000"]),
        (pa.array([10**18]).cast(pa.timestamp("us", tz="No/Where")), ["33658-09-27T01:46:40.000000Z"]),
        (pa.array([5], pa.int32()).cast(pa.time32("s")), ["00:00:05.000"]),
        (pa.array([2**62, None]).cast(pa.duration("ns")), [f"{2**62} ns", ""]),
    ],
)
def test_what_is_not_a_number_becomes_text(column: pa.Array, cells: list[str]) -> None:
    assert cells_of(column) == cells
    assert cells_of(column, use_dictionary=False) == cells


def test_dates_before_1678_of_the_old_kind() -> None:
    column = pa.array([-(10**10)]).cast(pa.timestamp("s"))
    assert cells_of(column, use_deprecated_int96_timestamps=True) == ["1653-02-10T06:13:20.000000"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([0.5, None], pa.float16()), [0.5, np.nan]),
        (pa.array([2**64 - 1, None], pa.uint64()), [2.0**64, np.nan]),
        (pa.array([2**53 + 1, -(2**63)]), [2.0**53, -(2.0**63)]),
        (pa.array([1, 2, 1], pa.int8()).dictionary_encode(), [1.0, 2.0, 1.0]),
        (pa.array([Decimal("0.1"), None], pa.decimal128(38, 20)), [0.1, np.nan]),
        (pa.array([Decimal(10) ** 75], pa.decimal256(76, 0)), [1e75]),
    ],
)
def test_numbers_of_every_kind_become_the_nearest_float(column: pa.Array, values: list[float]) -> None:
    np.testing.assert_array_equal(np.array(cells_of(column)), values)


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**9), max_value=10**9)
    )
)
def test_a_decimal_becomes_the_float_of_its_digits(digits: list[Decimal]) -> None:
    column = pa.array([*digits, Decimal(0)], pa.decimal128(38, 12))
    assert cells_of(column) == [*map(float, digits), 0.0]


def test_a_name_with_a_dot_is_not_a_part_of_a_structure() -> None:
    table = table_of(
        {"a": pa.array([{"b": "text"}] * N), "a.b": pa.array(np.arange(N)), "x": pa.array(np.arange(N))}
    )
    np.testing.assert_array_equal(select_inputs(table, "a.b").x, np.arange(N))


def test_two_names_that_look_alike_are_two_names() -> None:
    table = table_of({"y\x07": FAR, "y\x08": FAR, "x": FAR})
    with pytest.raises(InputError, match="column 'y\ufffd' must have a name of its own, but columns 1 and 2"):
        table.place("y\ufffd")


def test_as_many_row_groups_as_there_are() -> None:
    columns = {"x": pa.array(np.arange(N)), "y": pa.array(["a", "b", None] * 4)}
    whole, parts = table_of(columns), table_of(columns, row_group_size=5)
    assert list(column(whole, "y")) == list(column(parts, "y")) == ["a", "b", ""] * 4
    np.testing.assert_array_equal(column(parts, "x"), np.arange(N))


# Limits: counted before anything is read.


def test_too_many_rows() -> None:
    stream = io.BytesIO()
    with parquet.ParquetWriter(stream, pa.schema({"x": pa.int8()})) as writer:
        group = pa.table({"x": pa.array(np.zeros(600_000, dtype=np.int8))})
        for _ in range(10):
            writer.write_table(group)
    assert len(stream.getvalue()) < 100_000
    with pytest.raises(
        InputError, match="'t' must have at most 5000000 rows, got 6000000; keep a sample of them"
    ):
        parse_parquet(stream.getvalue(), "t", "t")


def test_too_much_in_a_column_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_BYTES", 2**20)
    table = table_of({"y": pa.array(["a" * 3_000_000]), "x": pa.array([1.0])}, compression="zstd")
    assert list(column(table, "x")) == [1.0]
    with pytest.raises(InputError, match="column 'y' must unpack to at most 1 MiB, got 2 MiB"):
        column(table, "y")


@pytest.mark.parametrize("encoding", ["dictionary", "DELTA_BYTE_ARRAY"])
def test_a_long_text_that_repeats(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_BYTES", 2**20)
    monkeypatch.setattr(reader, "_BATCH_BYTES", 2**18)
    options = (
        {} if encoding == "dictionary" else {"use_dictionary": False, "column_encoding": {"y": encoding}}
    )
    few = pa.array(["a" * 10_000] * 100)
    assert cells_of(few, **options) == few.to_pylist()
    many = packed({"y": pa.array(["a" * 10_000] * 200)}, **options)
    assert len(many) < 100_000
    with pytest.raises(InputError, match="column 'y' must hold at most 1 MiB of text, got more"):
        column(parse_parquet(many, "t", "t"), "y")


def test_a_small_file_takes_little_memory(tmp_path) -> None:
    """One text of 1 MB, four million times, is 4 TB of text in a file of a few kB."""
    indices = pa.array(np.zeros(4_000_000, dtype=np.int32))
    column = pa.DictionaryArray.from_arrays(indices, pa.array(["a" * 1_000_000]))
    (tmp_path / "t.parquet").write_bytes(packed({"y": column}, compression="zstd"))
    program = (
        "import resource, sys\n"
        "from stepscape.problems.user.file import read_table\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))\n"
        "try:\n"
        "    read_table(sys.argv[1]).columns[0]\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "t.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "column 'y' must hold at most 512 MiB of text, got more\n"


# Damage, and what is meant to be unreadable.


class Keys(encryption.KmsClient):
    def __init__(self) -> None:
        super().__init__()

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        del master_key_identifier
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        del master_key_identifier
        return base64.b64decode(wrapped_key)


def encrypted(plaintext_footer: bool) -> bytes:
    settings = encryption.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["secret"]}, plaintext_footer=plaintext_footer
    )
    factory = encryption.CryptoFactory(lambda _: Keys())
    keys = factory.file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    table, stream = pa.table({"x": np.arange(N), "secret": np.arange(N)}), io.BytesIO()
    with parquet.ParquetWriter(stream, table.schema, encryption_properties=keys) as writer:
        writer.write_table(table)
    return stream.getvalue()


def test_an_encrypted_column_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    table = parse_parquet(encrypted(plaintext_footer=True), "t", "t")
    assert list(column(table, "x")) == list(range(N))
    with pytest.raises(InputError, match=r"^column 'secret' of 't' cannot be read: Cannot decrypt"):
        column(table, "secret")
    (tmp_path / "t").write_bytes(encrypted(plaintext_footer=False))
    with pytest.raises(InputError, match="it looks like an encrypted Parquet file; decrypt it first"):
        read_table(tmp_path / "t")


WHOLE = packed(
    {
        "x": pa.array(np.arange(N) / 3),
        "y": pa.array(["a", None] * 6),
        "z": pa.array([1, 2] * 6),
        "t": FAR.cast(pa.timestamp("us")),
    }
)


@given(st.data())
def test_a_damaged_file_gives_cells_or_one_sentence(data: st.DataObject) -> None:
    content = bytearray(WHOLE)
    for place in data.draw(st.lists(st.integers(4, len(content) - 9), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    table = _or_sentence(lambda: parse_parquet(bytes(content), "t", "t"))
    for place in range(len(table.names) if isinstance(table, RawTable) else 0):
        cells = _or_sentence(lambda place=place: table.columns[place])
        assert isinstance(cells, str) or len(cells) == table.rows


def _or_sentence(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence
    return sentence


def test_a_file_whose_counts_disagree_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_batches", lambda *_: iter([pa.array([1, 2])]))
    with pytest.raises(
        InputError, match=r"column 'x' of 't\.parquet' cannot be read: it has 2 rows, the table 12"
    ):
        column(table_of({"x": pa.array(np.arange(N))}), "x")


def test_less_memory_than_a_column_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(reader, "cells_of", fail)
    with pytest.raises(InputError, match="cannot be read: there is not enough memory for it"):
        column(table_of({"x": pa.array(np.arange(N))}), "x")
