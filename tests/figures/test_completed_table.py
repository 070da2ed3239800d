"""The figures of a completed table: what they say, and that they keep to the house."""

from __future__ import annotations

import numpy as np
import pytest

from figure_checks import faults
from pictures import completion_pictures, completion_records
from stepscape.figures.completed_table import MOST_COLUMNS, completion_figures
from stepscape.report.captions import caption


@pytest.mark.parametrize(
    "options", [{}, {"norms": ("nuclear",)}, {"names": [f"column {i}" for i in range(30)]}]
)
def test_the_figures_keep_to_the_house(options):
    for name, figure in completion_pictures(**options).items():
        assert faults(figure, caption("complete", name), name) == []


def test_titles_say_the_choice_of_the_norm_that_was_used_and_that_of_the_other():
    path, columns = completion_records()
    made = completion_figures(path, columns)
    chosen = [row for row in path if row["chosen"]]
    title = " ".join(made["penalty"].get_suptitle().split())
    assert title.startswith(
        f"At penalty {chosen[0]['penalty']:.3g} the flat norm has a held-out error of 0.501"
    )
    assert title.endswith("the nuclear norm at best 0.531; column means have about 1")
    title = " ".join(made["columns"].get_suptitle().split())
    assert (
        title == "accel is filled to within 0.30 standard deviations, a column with qui… only to within 0.70"
    )


def test_errors_are_drawn_where_they_are():
    path, columns = completion_records()
    figure = completion_figures(path, columns)["penalty"]
    drawn = {line.get_color(): line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 25}
    flat = [row for row in path if row["norm"] == "flat"]
    assert any(np.array_equal(line.get_ydata(), [row["error"] for row in flat]) for line in drawn.values())


def test_where_there_is_nothing_to_draw_nothing_is_drawn():
    path, columns = completion_records()
    given = [row for row in path if row["chosen"] and row["norm"] == "flat"]
    assert set(completion_figures(given, columns)) == {"columns"}
    unknown = [{**column, "relative_error": None} for column in columns]
    assert completion_figures([], unknown) == {}


def test_at_most_so_many_columns_are_drawn_those_that_are_filled_best():
    figure = completion_pictures(names=[f"c{i}" for i in range(40)])["columns"]
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == [f"c{i}" for i in range(MOST_COLUMNS)][::-1]
