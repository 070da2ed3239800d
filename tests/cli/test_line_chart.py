"""Curves in letters: every dot where its value is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.cli.line_chart import line_chart

BITS = {0: (0, 0), 1: (0, 1), 2: (0, 2), 3: (1, 0), 4: (1, 1), 5: (1, 2), 6: (0, 3), 7: (1, 3)}


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """Columns and rows of the dots of a chart, from its upper left corner."""
    found = set()
    for row, line in enumerate(lines):
        for column, letter in enumerate(line.partition("│")[2]):
            bits = ord(letter) - 0x2800 if "\u2800" <= letter <= "\u28ff" else 0
            found |= {(2 * column + x, 4 * row + y) for bit, (x, y) in BITS.items() if bits & (1 << bit)}
    return found


@given(
    st.lists(st.floats(0.0, 100.0), min_size=1, max_size=30),
    st.integers(20, 100),
    st.integers(3, 12),
    st.booleans(),
)
def test_every_value_has_its_dot(values: list[float], width: int, height: int, logarithmic: bool) -> None:
    values = [value + 0.01 for value in values]
    lines = line_chart(range(len(values)), values, width, height, logarithmic=logarithmic)
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    wide, high = 2 * max(4, width - lines[0].index("│") - 1), 4 * height
    scale = math.log if logarithmic else float
    low = min(map(scale, values)) if logarithmic else 0.0
    span = (max(map(scale, values)) - low) or 1.0
    found = dots(lines)
    for i, value in enumerate(values):
        column = round(i / max(1, len(values) - 1) * (wide - 1))
        row = round((1.0 - (scale(value) - low) / span) * (high - 1))
        assert any((column, near) in found for near in (row - 1, row, row + 1))
    assert len(found) >= wide * (len(values) > 1)  # the curve has no gap


def test_a_chart_in_braille_and_in_ascii() -> None:
    assert line_chart([0, 1, 2], [0.0, 1.0, 2.0], 12, 3, level=1.0) == [
        "2│       ⣀⠔⠊",
        " │┄┄┄┄⡠⠔⠊┄┄┄",
        "0│⡠⠤⠊⠉",
    ]
    plain = line_chart([0, 1, 2], [0.0, 2.0, 2.0], 12, 3, level=1.0, braille=False)
    assert plain == ["2|   *******", " |--*-------", "0|**"]


def test_the_ends_of_the_axis_are_named() -> None:
    lines = line_chart([0, 1], [0.25, 1.5], 30, 4, margin=8)
    assert lines[0].startswith("     1.5│")
    assert lines[-1].startswith("       0│")
    assert line_chart([0, 1], [1e-6, 1.0], 30, 4, logarithmic=True)[-1].startswith("10⁻⁶│")


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, math.nan]])
def test_nothing_to_draw(values: list[float]) -> None:
    assert line_chart(range(len(values)), values, 30, 4) == [""] * 4
    assert line_chart([0, 1], [0.0, -1.0], 30, 4, logarithmic=True) == [""] * 4


def test_an_end_without_values_keeps_its_place() -> None:
    half = line_chart([0, 1, 2], [1.0, 1.0, math.nan], 43, 2)
    assert max(column for column, _ in dots(half)) == pytest.approx(40, abs=2)


def test_gaps_are_left_out() -> None:
    whole = line_chart([0, 1, 2, 3], [1.0, 1.0, 2.0, 2.0], 30, 4)
    assert line_chart([0, 1, 1.5, 2, 3], [1.0, 1.0, math.nan, 2.0, 2.0], 30, 4) == whole
