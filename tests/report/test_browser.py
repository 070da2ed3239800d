"""Reports opened in a browser: no complaint, no request, and neither mouse nor color is needed."""

from __future__ import annotations

import functools
import io
import itertools
from dataclasses import replace

import msgspec
import numpy as np
import pytest

import claims
from browser import browser, executable
from pages import HOSTILE, everything
from stepscape import experiments
from stepscape.experiments.chapters import CHAPTERS
from stepscape.experiments.frame import ledger
from stepscape.experiments.frame.kinds import WORDS
from stepscape.figures import style
from stepscape.report import (
    Grid,
    Judgment,
    Page,
    Section,
    draw,
    render,
    render_index,
    thumbnail,
)
from stepscape.report.claim import claim_page
from stepscape.report.ledger import ledger_index
from stepscape.report.records import records_blocks

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """One browser for all pages."""
    executable()
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


def figure(width=6.4, points=3):
    drawn, axes = style.canvas(size=(width, 4.0))
    axes[0, 0].plot(np.random.default_rng(0).normal(size=points), "o")
    style.label(axes[0, 0], "input x", "label y", "a panel")
    return drawn


def entry(name, setup="How it was chosen."):
    toy = claims.claim(name, setup=setup)
    return ledger.enter(toy, experiments.run(toy, toy.quick), "quick", ["it could not be done"], 61.0)


@functools.cache
def claim_html():
    """A claim with wide and narrow figures, some drawn as pixels, failures and hostile words."""
    drawings = [
        draw(figure(), "narrow", "A caption."),
        draw(figure(12.0), "wide", "A caption. " * 20),
        draw(figure(points=300), "pixels", "A caption.", largest=10),
    ]
    more = [("All of it", "../figures/toy-all.svg")]
    return render(
        claim_page(entry("toy", f"{HOSTILE} " * 20), drawings, more, {"first": "partly"}, "made here")
    )


@functools.cache
def index_html(count=45):
    """An index of many claims with every verdict, with thumbnails."""
    toy, chapter = entry("toy"), [name for each in CHAPTERS for name in each.claims]
    names = [*chapter, *(f"claim-{i}" for i in range(count - len(chapter)))]
    entries = [_with(toy, name, WORDS[i % len(WORDS)]) for i, name in enumerate(names)]
    pictures = dict.fromkeys(names, thumbnail(figure()))
    return render_index(ledger_index(ledger.Ledger("quick", entries, {}), pictures, {}, "made here"))


def _with(toy, name, word):
    about = msgspec.structs.replace(toy.experiment, name=name)
    found = ledger.Verdict(word, f"The sentence of {name}: 0.5 [0.4, 0.6].", {}, "A part", primary=True)
    return msgspec.structs.replace(toy, experiment=about, verdicts={"a": found, **toy.verdicts})


@functools.cache
def blocks_html():
    """A page with every kind of block and a table much wider than any screen."""
    page = everything("some text", figure())
    wide = Grid("wide", [f"column {i}" for i in range(30)], [["cell"] + [1.5] * 29] * 3)
    return render(type(page)(page.title, page.lead, [*page.sections, Section("Wide", [wide])], page.origin))


@functools.cache
def records_html():
    """A page with a table of which the columns are chosen, and long reasons in it."""
    rows = [
        {"n": 30, "seed": i, "reason": "it diverged, and here is a long reason for it " * 8 if i % 2 else ""}
        | {f"column_{k}": 1.5 * i + k for k in range(40)}
        for i in range(60)
    ]
    part = Judgment("a part", "partly", "why")
    return render(Page("Runs", "A lead.", [Section("Every measurement", [part, *records_blocks(rows)])] * 3))


PAGES = {"claim": claim_html, "blocks": blocks_html, "records": records_html, "index": index_html}


@pytest.fixture(params=PAGES)
def page(request, tab, tmp_path):
    """A page that is open in the browser."""
    path = tmp_path / "report.html"
    path.write_text(PAGES[request.param](), encoding="utf-8")
    tab.events.clear()
    tab.open(path)
    tab.address = path.resolve().as_uri()
    return tab


def pixels(png):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), dtype=float)


def test_nothing_is_complained_about_and_nothing_is_fetched(page):
    page.screenshot(whole=True)
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    page.screenshot(whole=True)
    assert page.complaints() == []
    assert page.requests() == [page.address]


def test_this_test_would_hear_a_complaint_and_see_a_request(tab, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text("<img src='missing.png'><script>console.warn('w'); throw new Error('e')</script>")
    tab.events.clear()
    tab.open(path)
    assert len(tab.complaints()) >= 3  # the warning, the exception, the file that is not there
    assert any(url.endswith("missing.png") for url in tab.requests())


def test_tab_reaches_the_skip_link_first_and_then_everything(page):
    seen = []
    stops = "[...document.querySelectorAll('a, summary, .scroll, input')]"
    shown = f"{stops}.filter(at => at.tabIndex >= 0 && at.checkVisibility())"
    for _ in range(page.evaluate(f"{shown}.length") + 2):
        page.press("Tab", 9)
        seen.append(
            page.evaluate(
                "(at => [at.tagName, at.className, at.getAttribute('href'), at.getBoundingClientRect().left,"
                "getComputedStyle(at).outlineStyle])(document.activeElement)"
            )
        )
    tag, name, target, left, _ = seen[0]
    assert (tag, name, target) == ("A", "skip", "#content")
    assert left >= 0  # it comes into sight
    tabbed = "[...document.querySelectorAll('a')].filter(link => link.tabIndex >= 0)"
    links = page.evaluate(f"{tabbed}.map(link => link.getAttribute('href'))")
    assert [target for tag, _, target, *_ in seen if tag == "A"][: len(links)] == links
    assert sum(tag == "SUMMARY" for tag, *_ in seen) >= page.evaluate(
        "document.querySelectorAll('summary').length"
    )
    tables = page.evaluate("document.querySelectorAll('.scroll').length")
    assert sum(name.startswith("scroll") for _, name, *_ in seen) >= min(1, tables)
    assert all(outline != "none" for *_, outline in seen[1:-2])  # the focus can be seen


def test_the_skip_link_and_the_contents_lead_there(page):
    page.press("Tab", 9)
    page.press("Enter", 13)
    assert page.evaluate("[location.hash, document.activeElement.id]") == ["#content", "content"]
    page.evaluate("document.querySelector('nav li:last-child a').focus()")
    page.press("Enter", 13)
    heading = page.evaluate("document.querySelector('section:last-child h2').id")
    assert page.evaluate("location.hash") == f"#{heading}"


@pytest.mark.parametrize("width", [1280, 400])
def test_it_fits_the_window_and_is_not_blank(page, width, tmp_path):
    page.resize(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shot = page.screenshot()
    (tmp_path / f"{width}.png").write_bytes(shot)
    image = pixels(shot)
    assert image.std() > 10.0  # text and figures on white
    assert image.mean() > 200.0


def test_headings_leave_no_level_out(page):
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_verdicts_read_without_color(page):
    marks = page.evaluate("[...document.querySelectorAll('.verdict')].map(v => v.textContent.trim())")
    assert marks
    assert all(len(text.split()) >= 2 for text in marks)  # a sign and a word


def test_folds_are_closed_on_screen_and_in_print_unless_they_hold_what_decides(page):
    parts = "[...document.querySelectorAll('details:not(.columns, .cell)')]"
    folded = (
        f"{parts}.map(part => [part.classList.contains('printed'), part.lastElementChild.checkVisibility()])"
    )
    on_screen = page.evaluate(folded)
    page.call("Emulation.setEmulatedMedia", media="print")
    in_print = page.evaluate(folded)
    page.call("Emulation.setEmulatedMedia", media="")
    assert not any(visible for _, visible in on_screen)
    assert all(visible == printed for printed, visible in in_print)


OVERLAPS = """
[...document.querySelectorAll('.verdict')].filter(chip => chip.checkVisibility()).filter(chip => {
  const home = chip.closest('p, .card > div').getBoundingClientRect();
  const box = chip.getBoundingClientRect();
  return box.left < home.left - 1 || box.right > home.right + 1;
}).map(chip => chip.textContent)
"""


@pytest.mark.parametrize("media", ["screen", "print"])
def test_no_verdict_runs_over_its_column(tab, tmp_path, media):
    parts = [
        Judgment(f"The part with a title of some length: {word}", word, "Why it is so.", full_size="partly")
        for word in WORDS
    ]
    nested = [replace(part, rows=[replace(each, rows=parts[:1]) for each in parts]) for part in parts[:1]]
    path = tmp_path / "report.html"
    path.write_text(render(Page("t", "l", [Section("s", [*parts, *nested])])), encoding="utf-8")
    tab.events.clear()
    tab.open(path, 400)
    tab.call("Emulation.setEmulatedMedia", media=media)
    found = tab.evaluate(OVERLAPS)
    tab.call("Emulation.setEmulatedMedia", media="")
    assert found == []


def test_print_is_set_in_points_and_nothing_is_larger_than_the_text(page):
    page.call("Emulation.setEmulatedMedia", media="print")
    sizes = page.evaluate(
        "[...document.querySelectorAll('p:not(.lead, .kicker), li, dd, dt, td, figcaption, .verdict')]"
        ".filter(at => at.checkVisibility()).map(at => parseFloat(getComputedStyle(at).fontSize))"
    )
    page.call("Emulation.setEmulatedMedia", media="")
    assert max(sizes) <= 10 * 96 / 72 + 0.1


def test_an_index_of_45_claims_takes_two_screens(tab, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(index_html(), encoding="utf-8")
    assert len(path.read_bytes()) < 700_000
    tab.events.clear()
    tab.open(path)
    assert tab.evaluate("document.querySelectorAll('.card').length") == 45
    assert tab.evaluate("document.querySelector('main').getBoundingClientRect().bottom") <= 2 * 900
    assert tab.evaluate(OVERLAPS) == []


VISIBLE = "[...document.querySelectorAll('.card')].filter(card => card.checkVisibility()).length"


def test_cards_are_filtered_by_verdict_and_kind_and_found_by_words(tab, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(index_html(), encoding="utf-8")
    tab.events.clear()
    tab.open(path)
    tab.evaluate("document.querySelector('#word-partly').click()")
    partly = tab.evaluate(VISIBLE)
    assert 0 < partly < 10
    tab.evaluate("document.querySelector('#word-undecided').click()")
    assert partly < tab.evaluate(VISIBLE) < 20
    hidden = "[...document.querySelectorAll('.group')].filter(group => group.hidden).length"
    assert tab.evaluate(hidden) > 0  # a chapter without a card has no heading
    tab.evaluate("for (const box of document.querySelectorAll(':checked')) box.click()")
    assert tab.evaluate(VISIBLE) == 45
    field = "document.querySelector('.search input')"
    tab.evaluate(
        f"{field}.value = 'SENTENCE claim-7'; {field}.dispatchEvent(new Event('input', {{bubbles: true}}))"
    )
    assert tab.evaluate(VISIBLE) == 1
    assert tab.evaluate(f"{field}.checkVisibility()")
    assert tab.complaints() == []


def test_it_prints(page):
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 10_000


CONTRAST = """
(() => {
  const part = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * part(r / 255) + .7152 * part(g / 255) + .0722 * part(b / 255);
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const ground = at => {
    for (; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const words = 'p, a, td, th, dt, dd, h1, h2, h3, summary, figcaption, .verdict, label, code';
  const seen = [...document.querySelectorAll(words)].filter(at => at.checkVisibility());
  return seen.filter(at => at.textContent.trim() && !at.closest('svg')).map(at => {
    const one = light(rgb(getComputedStyle(at).color).slice(0, 3)), other = light(ground(at));
    return (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
  });
})()
"""
SHOWN = """
[...document.querySelector('.choice thead tr').children]
  .filter(cell => cell.checkVisibility()).map(cell => cell.textContent)
"""
HEIGHTS = """
[...document.querySelector('.choice tbody').rows].map(row => Math.round(row.getBoundingClientRect().height))
"""
SCROLLED = """
(() => {
  const table = document.querySelector('.tall');
  table.scrollTo(400, 600);
  const box = table.getBoundingClientRect();
  const head = table.querySelector('thead th:nth-child(5)').getBoundingClientRect();
  const name = table.querySelectorAll('tbody th')[30].getBoundingClientRect();
  return [head.top - box.top, name.left - box.left, table.scrollLeft, table.scrollTop];
})()
"""
GROUNDS = "[...document.querySelectorAll('figure > div')].map(at => getComputedStyle(at).backgroundColor)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_in_light_and_in_dark(page, scheme):
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    contrasts, grounds = page.evaluate(CONTRAST), page.evaluate(GROUNDS)
    image = pixels(page.screenshot())
    page.call("Emulation.setEmulatedMedia", features=[])
    assert contrasts
    assert min(contrasts) >= 4.5  # WCAG 2.1, AA
    assert (image.mean() > 200.0) if scheme == "light" else (image.mean() < 120.0)
    if scheme == "dark":
        assert set(grounds) <= {"rgb(255, 255, 255)"}  # figures are drawn for white


@pytest.fixture
def records(tab, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(records_html(), encoding="utf-8")
    tab.events.clear()
    tab.open(path)
    return tab


def test_columns_are_chosen_by_their_boxes_with_mouse_or_keyboard(records):
    before = records.evaluate(SHOWN)
    assert before[:2] == ["row", "seed"]
    assert len(before) == 13
    records.evaluate("document.querySelector('.choice details').open = true")
    records.evaluate("document.querySelector('.choice .c30').click()")
    assert [name for name in records.evaluate(SHOWN) if name not in before] == ["column_26"]
    records.evaluate("document.querySelector('.choice .c2').focus()")
    records.press(" ", 32)
    assert "seed" not in records.evaluate(SHOWN)
    records.evaluate("document.querySelector('.choice .all').click()")
    assert len(records.evaluate(SHOWN)) == 43


def test_rows_keep_one_height_and_a_reason_unfolds(records):
    found = records.evaluate(HEIGHTS)
    assert max(found) - min(found) <= 4
    records.evaluate("document.querySelector('.choice .cell summary').click()")
    assert max(records.evaluate(HEIGHTS)) > 2 * max(found)


def test_the_header_and_the_first_column_stay_in_sight(records):
    records.evaluate("document.querySelector('.choice .all').click()")
    top, left, across, down = records.evaluate(SCROLLED)
    assert (across, down) == (400, 600)
    assert abs(top) <= 2
    assert abs(left) <= 2
