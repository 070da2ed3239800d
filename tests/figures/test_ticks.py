"""Ticks: round numbers, three or more on an axis, with the ends of step sizes; no names touch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from stepscape.figures.style import SINGLE, TALL, canvas
from stepscape.figures.ticks import choices, number_ticks, step_size_ticks


def drawn(figure, axis):
    """Values and boxes of the names of an axis."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    low, high = axis.get_view_interval()
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [tick.get_loc() for tick in ticks], [tick.label1 for tick in ticks]


@pytest.mark.parametrize(
    "etas", [(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8), (0.3, 0.6, 1.2), (0.137, 1.5), (0.003, 4.0)]
)
@pytest.mark.parametrize("size", [(4.6, 3.2), (7.2, 3.4)])
def test_the_ends_of_step_sizes_are_named(etas, size):
    figure, axes = canvas(size=size)
    axes[0, 0].plot(etas, etas)
    step_size_ticks(axes[0, 0], etas)
    values, names = drawn(figure, axes[0, 0].xaxis)
    assert {min(etas), max(etas)} <= set(values)
    assert len(values) >= 3
    boxes = [name.get_window_extent() for name in names]
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("low", "high"), [(0.8, 1.25), (0.05, 0.12), (0.1, 0.9), (1.0, 100.0), (1e-12, 1e3), (1e-200, 1e200)]
)
def test_a_logarithmic_axis_has_three_names_or_more(low, high):
    for columns, size in ((1, SINGLE), (3, TALL)):
        figure, axes = canvas(2, columns, size)
        axes[0, 0].plot([low, high], [low, high])
        number_ticks(axes[0, 0], "y")
        number_ticks(axes[0, 0], "x")
        for axis in (axes[0, 0].xaxis, axes[0, 0].yaxis):
            values, names = drawn(figure, axis)
            assert len(values) >= 3
            assert len({name.get_text() for name in names}) == len(values)


def test_names_have_true_minus_signs_thin_spaces_and_powers():
    figure, axes = canvas()
    axes[0, 0].plot([-20_000.0, 20_000.0], [1e-9, 1e-3])
    number_ticks(axes[0, 0])
    _, names = drawn(figure, axes[0, 0].xaxis)
    words = [name.get_text() for name in names]
    assert {"−20\u202f000", "0", "20\u202f000"} <= set(words)
    _, names = drawn(figure, axes[0, 0].yaxis)
    assert all(name.get_text() == "0.001" or name.get_text().startswith("10⁻") for name in names)


def test_a_narrow_range_far_from_zero_keeps_its_digits():
    figure, axes = canvas()
    axes[0, 0].plot([1_700_000_000.0, 1_700_000_001.0], [0.0, 1.0])
    _, names = drawn(figure, axes[0, 0].xaxis)
    assert len({name.get_text() for name in names}) >= 3


@given(st.floats(1e-30, 1e30), st.floats(1.05, 1e30))
def test_round_numbers_lie_within_the_limits(low, ratio):
    high = low * ratio
    for numbers in choices(low, high):
        assert all(low * (1 - 1e-6) <= number <= high * (1 + 1e-6) for number in numbers)
        assert numbers == sorted(numbers)
    assert max(map(len, choices(low, high))) >= 3


def test_a_decade_or_more_has_ones_and_threes():
    assert next(choices(0.02, 2.0)) == [0.03, 0.1, 0.3, 1.0]
    assert np.allclose(next(choices(0.009, 110.0)), [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100])


def test_a_narrow_axis_of_many_decades_has_names_that_do_not_touch():
    for low, columns in itertools.product((1e-3, 3e-3, 5.6e-3, 1e-2), (3, 4)):
        figure, axes = canvas(1, columns, (7.2, 3.4))
        axes[0, 0].plot([low, 1e8 * low], [1.0, 2.0])
        number_ticks(axes[0, 0], "x")
        values, names = drawn(figure, axes[0, 0].xaxis)
        assert len(values) >= 3
        boxes = [name.get_window_extent() for name in names]
        assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))
