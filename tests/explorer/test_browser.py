"""The explorer in Debian's Chromium: one drives it as a user does, and sees pixels and numbers change."""

from __future__ import annotations

import csv
import io
import re
import time
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from explorer_pages import SMALL
from stepscape.explorer.verdicts import verdicts

pytestmark = pytest.mark.long
VIEWS = ("fit", "sharpness", "loss", "variation", "risk")
# ---- training


def test_it_trains_and_pauses(desk):
    assert desk.frame("step") == 0
    before = desk.picture("fit")
    desk.click("play")
    desk.tab.wait("seen.frame.step > 500")
    desk.click("play")
    desk.tab.wait("seen.frame.outcome === 'paused'")
    desk.settle()
    assert desk.picture("fit") != before
    assert desk.text("numbers").startswith(f"step {desk.frame('step')} · ".replace(",", ""))
    step = desk.frame("step")
    time.sleep(0.2)
    assert desk.frame("step") == step


def test_the_step_size_is_a_slider_that_counts_at_once(desk):
    desk.train(2000)
    threshold, sharpness = desk.frame("threshold", "sharpness")
    before = desk.tab.screenshot()
    desk.tab.evaluate("document.getElementById('step-size').focus()")
    for _ in range(6):  # not at once: from beyond twice the threshold descent may diverge
        desk.press("ArrowRight", 10)
        desk.train(200)
    eta = float(desk.value("step-size-number"))
    assert eta == pytest.approx(0.1 * 1.023**60, rel=0.02)
    desk.train(2000)
    assert desk.frame("threshold") == pytest.approx(2.0 / eta)
    assert desk.frame("sharpness") < 1.1 * 2.0 / eta < 0.5 * sharpness
    assert threshold == pytest.approx(20.0)
    assert desk.tab.screenshot() != before


def test_rewinding_and_stepping_again_shows_the_same(desk):
    desk.train(150)
    numbers, picture = desk.text("numbers"), [desk.picture(view) for view in VIEWS]
    desk.train(77)
    assert desk.text("numbers") != numbers
    desk.set("wind", 150, "input")
    desk.tab.wait("seen.frame.step === 150")
    desk.settle()
    assert desk.text("numbers") == numbers
    assert desk.picture("fit") == picture[0]
    curve, after = desk.array("frame.now"), desk.frame("loss", "sharpness", "weightedTv")
    desk.train(77)
    desk.set("wind", 150, "input")
    desk.tab.wait("seen.frame.step === 150")
    assert desk.array("frame.now") == curve
    assert desk.frame("loss", "sharpness", "weightedTv") == pytest.approx(after, rel=1e-12)


def test_at_the_edge_it_is_said_so(desk):
    desk.train(4000)
    assert desk.frame("sharpness") == pytest.approx(desk.frame("threshold"), rel=0.1)
    assert "edge" in desk.text("words")
    assert "edge" in desk.text("events").lower()
    assert desk.text("live")


# ---- points


def nearest(desk, x):
    places = np.array(desk.array("ready.x"))
    return int(np.argmin(np.abs(places - x)))


def test_a_point_is_dragged(desk):
    x, y = desk.array("ready.x"), desk.array("ready.y")
    start = desk.center("#view-fit .point:nth-of-type(5) .dot")
    desk.tab.drag(start, (start[0] + 5, start[1] - 20), (start[0] + 10, start[1] - 60))
    desk.tab.wait(f"seen.ready.y[4] !== {y[4]!r}")
    moved = desk.array("ready.x"), desk.array("ready.y")
    assert moved[1][4] > y[4] + 0.1
    assert moved[0][4] > x[4]
    assert [a for i, a in enumerate(moved[1]) if i != 4] == [a for i, a in enumerate(y) if i != 4]
    desk.train(100)
    assert desk.frame("step") >= 100


def test_a_point_is_moved_by_keys(desk):
    y = desk.array("ready.y")
    desk.tab.evaluate("document.querySelector('#view-fit .point[tabindex=\"0\"]').focus()")
    place = desk.tab.evaluate("document.activeElement.getAttribute('aria-label')")
    desk.press("ArrowDown", 3)
    desk.tab.wait(f"seen.ready.y[0] < {y[0]!r}")
    desk.settle()
    assert re.match(r"point 1 of 12: x ", place)
    assert desk.tab.evaluate("document.activeElement.getAttribute('aria-label')") != place
    desk.press("Delete")
    desk.tab.wait("seen.ready.x.length === 11")


# ---- lessons and addresses


def test_every_lesson_begins_trains_and_has_its_verdict(desk):
    found = desk.tab.evaluate("[...document.querySelectorAll('#lesson-list button')].map(({ id }) => id)")
    assert len(found) >= 7
    known = verdicts()
    for name in found:
        desk.tab.evaluate("seen.frame = null")
        desk.click(name)
        desk.tab.wait("seen.frame && seen.frame.step > 0")
        desk.settle()
        verdict = known[name.removeprefix("lesson-")]
        assert desk.text("lesson-word") == f"{verdict.mark} {verdict.word}"
        assert desk.text("lesson-finding") == verdict.sentence
        for element in ("lesson-try", "lesson-look"):
            assert 20 < len(desk.text(element)) < 400


def test_the_address_holds_the_run(desk, plain):
    desk.set("n", 17)
    desk.tab.wait("seen.ready.x.length === 17")
    desk.set("step-size-number", 0.25)
    desk.tab.wait("location.hash.includes('n=17') && location.hash.includes('eta=0.25')")
    fragment = desk.tab.evaluate("location.hash")
    x, y = desk.array("ready.x"), desk.array("ready.y")
    desk.open(plain, fragment)
    assert (desk.array("ready.x"), desk.array("ready.y")) == (x, y)
    assert float(desk.value("step-size-number")) == 0.25
    assert desk.value("width") == "60"


@pytest.mark.parametrize(
    "fragment",
    [
        "#n=1e9&eta=-1&width=0.5&seed=NaN&truth=__proto__&loss=constructor",
        "#eta=%E0%A4%A&<script>alert(1)</script>",
        "#x=1,2,3&y=1,2&kept=0.1x-5",
        "#" + "n=12&" * 3000,
        "#data=table",
        "#eta=1e-300&momentum=Infinity&warmup=99999999999",
    ],
)
def test_an_address_without_meaning_is_no_obstacle(desk, plain, fragment):
    desk.open(plain, fragment)
    assert desk.tab.evaluate("document.scripts.length") == 3
    desk.train(10)
    assert np.isfinite(desk.frame("loss"))


def test_what_an_address_cannot_mean_is_named(desk, plain):
    desk.open(plain, "#eta=hello&n=12")
    assert "eta=hello" in desk.text("refusal")
    assert len(desk.array("ready.x")) == 12


# ---- for everybody


@pytest.mark.parametrize("width", [360, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen_in_light_and_dark(desk, width, scheme):
    desk.tab.resize(width)
    desk.tab.media(prefers_color_scheme=scheme)
    desk.train(100)
    wide = desk.tab.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1]
    with Image.open(io.BytesIO(desk.tab.screenshot())) as shot:
        corner = np.asarray(shot.convert("L"))[2, 2]
    assert (corner < 80) == (scheme == "dark")


def test_who_asked_for_less_motion_sees_none(desk):
    desk.tab.media(prefers_reduced_motion="reduce")
    desk.click("play")
    desk.tab.wait("seen.frame.step > 200")
    moving = "[...document.querySelectorAll('*')].filter((each) => each.getAnimations().length).length"
    assert desk.tab.evaluate(moving) == 0


@pytest.mark.parametrize("view", VIEWS)
def test_behind_every_plot_are_its_numbers(desk, view):
    desk.train(20)
    desk.tab.evaluate(f"document.querySelector('#view-{view} details').open = true")
    desk.tab.wait(f"document.querySelector('#view-{view} table') !== null")
    rows = desk.tab.evaluate(
        f"[...document.querySelectorAll('#view-{view} table tr')].map((row) =>"
        " [...row.cells].map((cell) => cell.textContent))"
    )
    assert len(rows) > 1
    assert all(len(row) == len(rows[0]) for row in rows)
    assert desk.tab.evaluate(f"document.querySelector('#view-{view} table caption').textContent.length") > 3
    assert desk.tab.evaluate(f"document.querySelector('#view-{view} svg title').textContent.length") > 10
    assert desk.tab.evaluate(f"document.querySelector('#view-{view} svg desc').textContent.length") > 10


def test_everything_is_reached_by_the_tab_key(desk):
    wanted = {"step-size", "play", "wind", "n", "arm", "momentum", "keep", "download-svg"}
    seen = set()
    desk.tab.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    for _ in range(90):
        desk.press("Tab")
        seen.add(desk.tab.evaluate("document.activeElement.id"))
    assert wanted <= seen
    assert (
        desk.tab.evaluate(
            'document.querySelectorAll(\'[tabindex]:not([tabindex="0"], [tabindex="-1"])\').length'
        )
        == 0
    )


# ---- share and keep


def test_what_is_saved_are_whole_files(desk):
    desk.train(200)
    for view in VIEWS:
        desk.set("picture", view)
        desk.click("download-svg")
    desk.set("picture", "fit")
    desk.click("download-png")
    desk.click("download-data")
    desk.click("download-history")
    desk.tab.wait("seen.files.length === 8")
    files = desk.files()
    for view in VIEWS:
        root = ElementTree.fromstring(files[f"stepscape-{view}.svg"])
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert b"var(--" not in files[f"stepscape-{view}.svg"]
    with Image.open(io.BytesIO(files["stepscape-fit.png"])) as picture:
        assert picture.width >= 600
        assert len(set(picture.convert("L").resize((80, 60)).tobytes())) > 5
    points = list(csv.reader(io.StringIO(files["stepscape-points.csv"].decode())))
    assert points[0] == ["x", "y"]
    assert [float(row[0]) for row in points[1:]] == desk.array("ready.x")
    assert [float(row[1]) for row in points[1:]] == desk.array("ready.y")
    history = list(csv.DictReader(io.StringIO(files["stepscape-history.csv"].decode())))
    assert float(history[-1]["loss"]) == desk.frame("loss")
    assert int(history[-1]["step"]) == 200


def python_network(desk):
    desk.tab.evaluate("document.getElementById('python-fold').open = true")
    desk.tab.wait("document.getElementById('python').textContent.includes('import stepscape')")
    desk.settle()
    scope = {"print": lambda *_: None}
    exec(desk.text("python"), scope)
    return scope


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_the_lines_of_python_make_the_same_network(desk, plain, loss):
    desk.open(plain, SMALL.replace("square", loss))
    desk.train(300)
    desk.set("step-size-number", 0.08)  # a larger one may lie beyond the edge, where rounding grows
    desk.train(123)
    scope = python_network(desk)
    grid, now = np.array(desk.array("ready.grid")), np.array(desk.array("frame.now"))
    np.testing.assert_allclose(scope["network"].predict(grid), now, atol=1e-9 * max(1.0, np.abs(now).max()))
    np.testing.assert_array_equal(np.sort(scope["problem"].inputs), desk.array("ready.x"))


def test_runs_are_kept_and_drawn_beside_the_new_one(desk):
    desk.train(500)
    before = desk.picture("risk")
    desk.click("keep")
    desk.set("step-size-number", 0.15)
    desk.train(500)
    assert desk.tab.evaluate("document.querySelectorAll('#runs li').length") == 1
    assert desk.picture("risk") != before


# ---- speed


def test_it_draws_while_it_trains(desk, plain, record_property):
    desk.open(plain)  # a thousand neurons, thirty points
    assert desk.tab.evaluate("seen.frame.neurons.knots.length") == 1000
    desk.click("play")
    desk.tab.wait("seen.frame.step > 2000")
    drawn, began = desk.tab.evaluate("[seen.drawn, performance.now()]")
    time.sleep(1.5)
    later, ended = desk.tab.evaluate("[seen.drawn, performance.now()]")
    rate = 1000.0 * (later - drawn) / (ended - began)
    record_property("frames_per_second", rate)
    record_property("steps_per_second", desk.frame("stepsPerSecond"))
    print(f"{rate:.0f} frames a second, {desk.frame('stepsPerSecond'):.0f} steps a second")
    assert rate > 5.0
