"""Names at the ends of curves: beside the end, in the color of the curve, apart from each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from stepscape.errors import InputError
from stepscape.figures.labels import apart, name_at_end
from stepscape.figures.style import canvas

places = st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=8).map(lambda x: np.sort(np.array(x)))


@given(places, st.floats(0.5, 5.0))
def test_intervals_are_moved_apart_and_no_farther_than_needed(middles, height):
    heights = np.full(middles.size, height)
    moved = apart(middles, heights, (-1e3, 1e3))
    assert np.all(np.diff(moved) >= height - 1e-9)
    assert moved.mean() == pytest.approx(middles.mean(), abs=1e-6)  # the least squares leave the mean
    if np.all(np.diff(middles) >= height):
        assert np.allclose(moved, middles)


@given(places)
def test_they_stay_inside_where_there_is_room(middles):
    moved = apart(middles, np.ones(middles.size), (-10.0, 10.0))
    assert moved[0] >= -9.5 - 1e-9
    assert moved[-1] <= 9.5 + 1e-9


@pytest.mark.parametrize("size", [(4.6, 3.2), (7.2, 3.4), (3.0, 2.0), (13.33, 7.5)])
def test_names_of_equal_curves_do_not_touch(size):
    figure, axes = canvas()
    ax = axes[0, 0]
    curves = [ax.plot([0.0, 1.0, 2.0], [0.0, 1.0 + 1e-3 * i, np.nan])[0] for i in range(4)]
    names = [name_at_end(ax, curve, f"name {i}") for i, curve in enumerate(curves)]
    figure.set_size_inches(*size)
    FigureCanvasAgg(figure).draw()
    boxes = sorted((name.get_window_extent() for name in names), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 0.01 for low, high in itertools.pairwise(boxes))
    assert all(box.x0 > ax.transData.transform((1.0, 0.0))[0] for box in boxes)
    assert all(box.x1 <= figure.bbox.width for box in boxes)
    assert [name.get_color() for name in names] == [curve.get_color() for curve in curves]
    order = sorted(range(4), key=lambda i: names[i].get_window_extent().y0)
    assert order == [0, 1, 2, 3]


def test_a_name_may_stand_at_the_left_end():
    _, axes = canvas()
    (curve,) = axes[0, 0].plot([3.0, 1.0, 2.0], [0.0, 5.0, 1.0])
    assert name_at_end(axes[0, 0], curve, "left", left=True).xy == (1.0, 5.0)
    assert name_at_end(axes[0, 0], curve, "right").xy == (3.0, 0.0)


def test_a_curve_without_points_has_no_name_and_one_of_another_panel_is_refused():
    _, axes = canvas(1, 2)
    (curve,) = axes[0, 0].plot([1.0, 2.0], [np.nan, np.nan])
    assert name_at_end(axes[0, 0], curve, "nothing") is None
    with pytest.raises(InputError, match="line must be one of the panel"):
        name_at_end(axes[0, 1], curve, "elsewhere")
