"""A user's table, or a problem, in the explorer: drawn as it is written, trained in the units of a fit."""

from __future__ import annotations

import csv
import io
from xml.etree import ElementTree

import numpy as np

import stepscape as ss
from pages import HOSTILE
from stepscape.explorer.pages import page, page_of
from stepscape.explorer.setups import setup
from stepscape.explorer.tables import table_of_columns
from stepscape.problems.user.columns import Columns


def columns(x, y, classes=(), name="x", label="y"):
    lines = np.arange(len(x)) + 2
    return Columns(np.asarray(x, float), np.asarray(y, float), name, label, len(x), {}, lines, classes)


def test_a_hostile_table_is_drawn_as_it_is_written(written):
    name = f"{HOSTILE}</script><!--\u2028"
    rng = np.random.default_rng(0)
    found = columns(rng.normal(size=20), rng.normal(size=20), name=name, label=f"{name}2")
    table = table_of_columns(found, f"{name}.csv", [f"About {name}."])
    desk = written(page_of(setup(table), table))
    assert desk.tab.evaluate("document.scripts.length") == 3
    assert name in desk.text("notes")
    assert HOSTILE[:8] in desk.tab.evaluate("document.querySelector('#view-fit svg').textContent")
    desk.train(10)
    desk.set("picture", "fit")
    desk.click("download-svg")
    desk.click("download-data")
    desk.tab.wait("seen.files.length === 2")
    files = desk.files()
    ElementTree.fromstring(files["stepscape-fit.svg"])
    head = next(csv.reader(io.StringIO(files["stepscape-points.csv"].decode(), newline="")))
    assert head == [name, f"{name}2"]
    assert desk.tab.complaints() == []


def test_a_table_trains_in_the_units_of_fit_and_shows_its_own(written):
    x = np.linspace(100.0, 200.0, 25)
    found = columns(x, 5.0 + np.sin(x / 15.0), name="depth", label="speed")
    table = table_of_columns(found, "t.csv")
    desk = written(page_of(setup(table), table))
    np.testing.assert_array_equal(desk.array("ready.x"), np.sort(table.x))
    drawn = desk.tab.evaluate("document.querySelector('#view-fit svg').textContent")
    assert "speed" in drawn
    assert desk.tab.evaluate(
        "document.querySelector('#view-fit .point').getAttribute('aria-label')"
    ).startswith("point 1 of 25: x 100.0, y ")
    desk.train(50)
    assert desk.tab.complaints() == []


def test_an_outcome_names_its_event(written):
    x = np.arange(20.0)
    table = table_of_columns(columns(x, (x > 9) * 1.0, ("well", "sick")), "t.csv")
    desk = written(page_of(setup(table), table))
    assert "sick" in desk.tab.evaluate("document.querySelector('#view-fit svg').textContent")
    desk.train(20)
    assert desk.frame("risk") is None
    assert desk.tab.complaints() == []


def test_a_problem_in_python_is_what_the_page_trains(written):
    problem = ss.problems.tent(n=15, noise=0.3, seed=4)
    desk = written(page(problem))
    np.testing.assert_array_equal(desk.array("ready.x"), problem.line.inputs)
    np.testing.assert_array_equal(desk.array("ready.y"), problem.line.labels)
    desk.train(5)
    assert desk.frame("risk") > 0.0
