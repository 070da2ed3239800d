"""The plots of the explorer in Chromium: what they show can be read, touched, and taken along."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import numpy as np
import pytest

from explorer_pages import Desk
from stepscape.explorer.pages import page_of
from stepscape.explorer.setups import setup
from stepscape.explorer.tables import table_of_columns
from stepscape.problems.user.columns import Columns

pytestmark = pytest.mark.long

POINTS = "&n=20&noise=0.5&flips=0.1&amplitude=2&range=3&seed=0&width=100&start-seed=1&warmup=0"
EDGE = f"#loss=square&truth=tent&start=small&eta=0.4{POINTS}"
RUNS = {
    "edge": (EDGE, 700),
    "diverged": (f"#loss=square&truth=tent&start=printed&eta=3{POINTS}", 12),
    "logistic": (f"#loss=logistic&truth=wave&start=small&eta=1.5{POINTS}", 400),
}
TEXTS = """
[...document.querySelectorAll(".plot")].flatMap((figure) => {
  const { left, right } = figure.getBoundingClientRect();
  return [...figure.querySelectorAll("svg text")].flatMap((node) => {
    const box = node.getBoundingClientRect();
    if (!box.width || getComputedStyle(node).display === "none") return [];
    const svg = node.ownerSVGElement.closest(".plot > svg");
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const size = parseFloat(getComputedStyle(node).fontSize) * scale;
    const place = [box.left - left, box.right - left, box.top, box.bottom, right - left];
    return [[figure.className, node.textContent, ...place, size]];
  });
})
"""


@pytest.fixture
def desk(tab, plain):
    found = Desk(tab)
    found.open(plain, EDGE)
    yield found
    tab.media()
    assert tab.complaints() == []


def attributes(desk, selector, *names):
    """Attributes of the elements of a plot that are shown."""
    return desk.tab.evaluate(
        f"[...document.querySelectorAll({selector!r})]"
        ".filter((node) => getComputedStyle(node).display !== 'none')"
        f".map((node) => {list(names)!r}.map((name) => node.getAttribute(name)))"
    )


def focused(desk):
    return desk.tab.evaluate("document.activeElement.getAttribute('aria-label')")


# ---- to be read


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_no_name_is_small_touches_another_or_is_cut_off(tab, plain, run, width):
    fragment, steps = RUNS[run]
    desk = Desk(tab)
    desk.open(plain, fragment, width)
    for each in ("1000", "100", "10", "1"):
        if steps >= int(each):
            desk.click(f"step-{each}")
            desk.settle()
    desk.click("keep")
    desk.settle()
    found = tab.evaluate(TEXTS)
    assert len(found) > 40
    for figure, text, left, right, _, _, room, size in found:
        assert size >= 11.0, (figure, text, size)
        assert -1.0 <= left <= right <= room + 1.0, (figure, text, left, right, room)
    for one, other in itertools.combinations(found, 2):
        if one[0] == other[0]:
            across = min(one[3], other[3]) - max(one[2], other[2])
            up = min(one[5], other[5]) - max(one[4], other[4])
            assert across <= 1.0 or up <= 2.5, (run, width, one[:2], other[:2])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_stand_out_from_the_ground(desk, scheme):
    desk.tab.media(prefers_color_scheme=scheme)
    desk.train(300)
    desk.click("keep")
    found = desk.tab.evaluate(
        "(() => { const ground = getComputedStyle(document.body).backgroundColor;"
        " return [...document.querySelectorAll('.plot svg text')]"
        ".filter((node) => node.getBoundingClientRect().width)"
        ".map((node) => [node.textContent, getComputedStyle(node).fill, ground]); })()"
    )
    assert len(found) > 40
    for name, ink, ground in found:
        one, other = sorted((luminance(ink), luminance(ground)))
        assert (other + 0.05) / (one + 0.05) >= 4.5, (name, ink, ground)


def luminance(color):
    """Relative luminance of "rgb(0, 114, 178)" (WCAG 2)."""
    parts = np.array([float(part) for part in color[color.index("(") + 1 : -1].split(",")[:3]]) / 255.0
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_the_last_two_iterates_swing_around_their_midpoint(desk):
    """At the edge three curves have names, and the thick one lies halfway between the others."""
    desk.train(600)
    names = [text for (text,) in attributes(desk, "#view-fit .end", "data-text")]
    assert {"last", "before", "midpoint", "truth"} <= set(names)
    last, before, midpoint = (heights(desk, kind) for kind in ("last", "before", "main"))
    assert np.max(np.abs(last - before)) > 20.0
    # The midpoint is a network of its own, and a network is not linear in its weights.
    np.testing.assert_allclose(midpoint, 0.5 * (last + before), atol=3.0)


def heights(desk, kind):
    """Where a curve of the fit passes, in pixels; it has one point for each of the grid."""
    ((path,),) = attributes(desk, f"#view-fit .curve.{kind}", "d")
    x, y = np.array([point.split() for point in path[1:].split("L")], float).T
    return np.interp(np.arange(60.0, 560.0, 4.0), x, y)


def test_the_threshold_moves_with_the_slider_before_a_step_is_made(desk):
    desk.train(50)
    ((before,),) = attributes(desk, "#view-sharpness .end.theory", "data-text")
    desk.set("step-size-number", 0.2)
    desk.settle()
    ((after,),) = attributes(desk, "#view-sharpness .end.theory", "data-text")
    assert (before, after) == ("2/η = 5.00", "2/η = 10.0")
    assert desk.frame("step") == 50


def test_every_neuron_is_counted_in_the_row_of_its_kind(desk):
    desk.train(400)
    states = np.array(desk.array("frame.neurons.states"))
    rows = [text for (text,) in attributes(desk, "#view-fit .kind-name", "data-text")]
    assert rows[::2] == ["alive", "stuck", "linear", "dead"]
    assert [int(text) for text in rows[1::2]] == [int(np.sum(states == kind)) for kind in (0, 3, 1, 2)]


def test_kept_runs_are_curves_in_the_color_of_their_step_size_and_disks_of_risk(desk):
    risks = {}
    for eta in ("0.4", "0.1"):
        desk.set("step-size-number", eta)
        desk.click("reset")
        desk.settle()
        desk.train(300)
        desk.click("keep")
        risks[eta] = desk.frame("risk")
    desk.settle()
    curves = attributes(desk, "#view-fit g > .curve.by-eta", "style")
    disks = attributes(desk, "#view-risk .disk", "style", "cx", "cy")
    assert len(curves) == 2
    upper = sorted(disks, key=lambda each: float(each[2]))[:2]
    by_eta = sorted(upper, key=lambda each: float(each[1]))
    assert [each[0] for each in by_eta] == [curves[1][0], curves[0][0]]  # 0.1 is left of 0.4
    higher = float(by_eta[0][2]) < float(by_eta[1][2])
    assert higher == (risks["0.1"] > risks["0.4"])


@pytest.mark.parametrize("width", [360, 1400])
def test_every_axis_has_three_names_or_more(tab, plain, width):
    desk = Desk(tab)
    desk.open(plain, EDGE, width)
    for _ in range(3):
        desk.click("step-100")
        desk.settle()
        found = tab.evaluate(
            "[...document.querySelectorAll('.panel')].map((panel) => [panel.closest('.plot').className,"
            " ...['0', '0.35em'].map((dy) => panel.querySelectorAll("
            "`.tick[dy='${dy}']:not([display])`).length)])"
        )
        assert len(found) == 8
        for figure, across, upright in found:
            assert across == 0 or across >= 3, (figure, across)
            assert upright == 0 or upright >= 3, (figure, upright)
        assert sum(across > 0 for _, across, _ in found) == 5
        assert sum(upright > 0 for _, _, upright in found) == 7


# ---- to be touched


def test_a_point_that_passes_its_neighbors_stays_in_the_hand(desk):
    """The worker sorts the points anew: the one dragged keeps the focus and stands under the mouse."""
    x, y = desk.center("#view-fit .point:nth-child(3) .dot")
    path = [(x + 25.0 * part, y - 6.0 * part) for part in range(9)]
    desk.tab.drag(*path)
    desk.tab.wait("parseInt(document.activeElement.getAttribute('aria-label').split(' ')[1]) > 5")
    desk.settle()
    at = desk.tab.evaluate(
        "(() => { const box = document.activeElement.querySelector('.dot').getBoundingClientRect();"
        " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    np.testing.assert_allclose(at, path[-1], atol=1.0)
    assert int(focused(desk).split()[1]) > 5
    assert len(desk.array("ready.x")) == 20


def test_points_are_added_by_a_click_and_removed_by_dragging_them_out(desk):
    x, y = desk.center("#view-fit .ground")
    desk.tab.drag((x, y - 60.0), (x, y - 60.0))
    desk.tab.wait("seen.ready.x.length === 21")
    x, y = desk.center("#view-fit .point:nth-child(2) .dot")
    desk.tab.drag((x, y), (x, y - 20.0), (x, 2.0))
    desk.tab.wait("seen.ready.x.length === 20")


def test_keys_move_a_point_go_to_its_neighbors_add_and_remove(desk):
    desk.tab.evaluate("document.querySelector('#view-fit .point').focus()")
    first = desk.array("ready.x")[0]
    assert focused(desk).startswith("point 1 of 20: x ")
    for key, code in (("PageDown", 34), ("End", 35), ("Home", 36)):
        desk.tab.press(key, code)
    assert focused(desk).startswith("point 1 of 20: x ")
    desk.tab.press("ArrowRight", 39)
    desk.tab.wait(f"seen.ready.x[0] > {first}")
    desk.settle()
    desk.tab.press("Insert", 45)
    desk.tab.wait("seen.ready.x.length === 21")
    desk.settle()
    assert focused(desk).startswith("point 2 of 21: x ")
    desk.tab.press("Delete", 46)
    desk.tab.wait("seen.ready.x.length === 20")
    desk.settle()
    assert focused(desk).startswith("point 2 of 20: x ")
    assert len(attributes(desk, "#view-fit .point[tabindex='0']", "tabindex")) == 1


def test_a_finger_on_a_point_moves_it_and_not_the_page(desk):
    x, y = desk.center("#view-fit .point:nth-child(5) .dot")
    before, scrolled = desk.array("ready.y"), desk.tab.evaluate("scrollY")
    touch = {"touchStart": y + 3.0, "touchMove": y + 50.0, "touchEnd": None}
    for kind, at in touch.items():
        points = [] if at is None else [{"x": x + 3.0, "y": at}]
        desk.tab.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        desk.settle()
    desk.tab.wait(f"seen.ready.y[4] < {before[4]} - 0.2")
    assert desk.tab.evaluate("scrollY") == scrolled


def test_at_the_logistic_loss_a_point_has_one_label_or_the_other(tab, plain):
    desk = Desk(tab)
    desk.open(plain, RUNS["logistic"][0])
    index = desk.array("ready.y").index(-1.0)
    x, y = desk.center(f"#view-fit .point:nth-child({index + 1}) .dot")
    desk.tab.drag((x, y), (x, y - 120.0), (x, y - 190.0))
    desk.tab.wait(f"seen.ready.y[{index}] === 1")
    assert set(desk.array("ready.y")) == {-1.0, 1.0}


# ---- in the units of a table, for those who prefer less motion, and on paper


def test_axes_have_the_units_and_names_of_a_table(tab, tmp_path):
    x = np.linspace(1000.0, 5000.0, 40)
    columns = Columns(x, 20.0 + 8.0 * np.sin(x / 500.0), "weight", "mileage", 40, {}, np.arange(40) + 2, ())
    table = table_of_columns(columns, "cars.csv", "square")
    path = tmp_path / "explorer.html"
    path.write_text(page_of(setup(table), table), encoding="utf-8")
    desk = Desk(tab)
    desk.open(path)
    ticks = {text for (text,) in attributes(desk, "#view-fit .tick", "data-text")}
    names = {text for (text,) in attributes(desk, "#view-fit .name", "data-text")}
    assert {"2000", "4000", "20"} <= ticks
    assert {"weight", "mileage"} <= names
    ((first,), *_) = attributes(desk, "#view-fit .point", "aria-label")
    assert first.startswith("point 1 of 40: x 1000, y ")
    assert desk.tab.evaluate("document.querySelector('#view-risk .panel').getAttribute('display')") == "none"


def test_less_motion_is_two_pictures_a_second(desk):
    """A run that trains is drawn at most twice a second; a slider and a point are followed at once."""
    desk.tab.media(prefers_reduced_motion="reduce")
    desk.tab.evaluate(
        "window.drawn = 0; new MutationObserver(() => { drawn += 1; })"
        ".observe(document.querySelector('#view-fit .main'), { attributeFilter: ['d'] })"
    )
    desk.click("play")
    desk.tab.evaluate("new Promise((done) => setTimeout(done, 2000))")
    desk.click("play")
    assert 2 <= desk.tab.evaluate("drawn") <= 6
    assert desk.frame("step") > 10


@pytest.mark.parametrize("view", ["fit", "sharpness", "loss", "variation", "risk"])
def test_on_paper_a_plot_is_light_says_what_it_shows_and_needs_nothing_else(desk, view):
    desk.tab.media(prefers_color_scheme="dark")
    desk.train(200)
    desk.set("picture", view)
    desk.click("download-svg")
    desk.tab.wait("seen.files.length === 1")
    ((name, content),) = desk.files().items()
    root = ElementTree.fromstring(content)
    text = content.decode()
    finding = desk.tab.evaluate(f"document.querySelector('#view-{view} .finding').getAttribute('data-text')")
    said = "".join(root.itertext())
    assert name.endswith(".svg")
    for word in ("var(", " class=", " style=", "tabindex", "url(", "href"):
        assert word not in text, word
    assert finding.split("λ_max")[-1].split("\u00a0")[-1].split(".")[0] in said
    for word in ("Square loss", "20 points", "100 neurons", "η = 0.4", "step 200"):
        assert word in said, word
    inks = {node.get("fill") for node in root.iter() if node.tag.endswith("text")}
    assert "rgb(232, 232, 228)" not in inks
    assert "rgb(26, 26, 26)" in inks
    assert root.get("font-family")
    assert root.get("width") == "752"
    assert len(content) < 150_000
