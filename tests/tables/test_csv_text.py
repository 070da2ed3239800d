"""CSV that comes back as it was written, and holds nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stepscape.tables.csv_text import csv_text

FORMULAS = (
    "=cmd|' /C calc'!A0", "=1+1", "@SUM(A1:A9)", "+1+1", "-1+1", "-x", "\t=1", "\r=1", "\n=1", " =1",
    "＝1", "'=1", "''=1", "+ve", "--", "-1.5.2", "=", "@", "\r", "\t-1",
)  # fmt: skip
PLAIN = (
    "-1.5", "+3", "-.5e-3", "-", "+", "1-2", "a=b", "it's", "'quoted'", "", " ", "<=50K", "(=1)", "a\rb",
)  # fmt: skip
Text = st.text(st.sampled_from("=+-@'\t\r\n ,;\"a1.é"), max_size=6)
Cell = Text | st.floats(allow_nan=False) | st.integers() | st.none()


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def original(cell: str) -> str:
    """Take the apostrophe away, as the documentation says."""
    bare = cell.lstrip("'")
    marked = bare.lstrip(" ")[:1] in ("\t", "\r", "\n") or bare.lstrip()[:1] in ("=", "+", "-", "@")
    return cell[1:] if cell.startswith("'") and marked else cell


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe_in_names_and_cells(text: str) -> None:
    assert cells(csv_text([text, "b"], [[1, text]])) == [[f"'{text}", "b"], ["1", f"'{text}"]]


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert cells(csv_text([text, "b"], [[1, text]])) == [[text, "b"], ["1", text]]


@given(st.lists(st.tuples(Cell, Cell)))
@example([("-1", -1.5), ("'-1", None), (" '=1", "'"), ("", "\r"), (None, " \r")])
def test_every_cell_comes_back_and_none_runs(rows: list[tuple[object, object]]) -> None:
    read = cells(csv_text(["x", "y"], rows))
    assert read[0] == ["x", "y"]
    for row, back in zip(rows, read[1:], strict=True):
        for cell, text in zip(row, back, strict=True):
            if isinstance(cell, str):
                assert original(text) == cell
                assert text.strip(" ")[:1] not in tuple("=@\t\r\n")
            elif cell is not None:
                assert type(cell)(text) == cell


def test_half_a_character_is_escaped() -> None:
    assert csv_text(["\ud800"], [["a\udfff"]]).encode("utf-8") == b"\\ud800\na\\udfff\n"
