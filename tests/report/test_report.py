"""A report is one file that works offline, escapes what it is given, and needs neither mouse nor color."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages import HOSTILE, everything, outline
from stepscape.experiments.frame.kinds import WORDS
from stepscape.figures import style
from stepscape.report import (
    Grid,
    Judgment,
    Page,
    Section,
    draw,
    render,
    words,
)
from stepscape.report.captions import outcome_caption
from stepscape.report.content import Formula
from stepscape.report.outcome import uncertain_words


def figure_with(text="x"):
    figure, axes = style.canvas()
    axes[0, 0].plot([0, 1], [1, 0], "o-")
    axes[0, 0].set_clip_on(True)
    style.label(axes[0, 0], text, text, text)
    return figure


def test_hostile_text_is_escaped_in_every_place():
    html = render(everything(HOSTILE))
    page = outline(html)
    assert "script" not in {tag for tag, _ in page.tags}
    assert "<script" not in html
    assert "alert(1)" in page.text
    handlers = [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert handlers == []


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1))
def test_any_text_survives_and_adds_no_element(text):
    plain = outline(render(everything("a")))
    page = outline(render(everything(text)))
    count = [tag for tag, _ in page.tags if tag != "code"]
    assert count == [tag for tag, _ in plain.tags if tag != "code"]


def test_figures_are_hostile_safe_and_drawn_inline():
    html = render(everything(HOSTILE, figure_with("<script>alert(1)</script> & co")))
    page = outline(html)
    assert "<script" not in html
    assert sum(tag == "svg" for tag, _ in page.tags) == 2
    assert "<metadata" not in html
    assert "<!DOCTYPE svg" not in html


def test_nothing_is_requested_from_anywhere():
    html = render(everything("text", figure_with()))
    page = outline(html)
    fetched = {"src", "href", "xlink:href", "action", "data", "poster", "srcset"}
    for tag, attributes in page.tags:
        for name in fetched & set(attributes):
            assert attributes[name].startswith(("#", "data:", "figures/")), (tag, attributes[name])
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []
    policy = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_identifiers_are_unique_and_links_lead_somewhere():
    figures = [draw(figure_with(), name) for name in ("first", "second")]
    page = outline(render(Page("t", "l", [Section("Same", figures), Section("Same", []), Section("C", [])])))
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    links = [a[name][1:] for _, a in page.tags for name in ("href", "xlink:href") if name in a]
    assert links
    assert set(links) <= set(identifiers)
    uses = re.findall(r"url\(#([^)]+)\)", render(Page("t", "l", [Section("S", figures)])))
    assert uses
    assert set(uses) <= set(identifiers)


def test_keyboard_and_screen_reader_find_their_way():
    page = outline(render(everything("text")))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == tags.count("main") == tags.count("nav") == 1
    assert dict(page.tags)["html"]["lang"] == "en"
    first_link = next(attributes for tag, attributes in page.tags if tag == "a")
    assert first_link == {"class": "skip", "href": "#content"}
    regions = [a for _, a in page.tags if (a.get("class") or "").startswith("scroll")]
    assert regions
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in regions)
    images = [a for _, a in page.tags if a.get("role") == "img"]
    assert images
    assert all(a["aria-label"] for a in images)


def test_every_verdict_has_a_mark_a_name_and_a_meaning():
    from stepscape.experiments.frame.kinds import WORDS

    assert set(WORDS) < set(words.VERDICTS)
    for word in WORDS:
        page = outline(render(Page("t", "l", [Section("s", [Judgment("arm", word, "why")])])))
        mark, name, meaning = words.VERDICTS[word]
        assert mark in page.text
        assert name in page.text
        assert any(a.get("title") == meaning for _, a in page.tags)
    names = [name for _, name, _ in words.VERDICTS.values()]
    assert len(set(names)) == len(names)


def test_a_huge_figure_is_inlined_as_pixels(monkeypatch):
    from stepscape.report import drawing

    monkeypatch.setattr(drawing, "LARGEST_SVG", 100)
    html = render(Page("t", "l", [Section("s", [draw(figure_with(), "huge")])]))
    assert 'src="data:image/png;base64,' in html
    outline(html)


@pytest.mark.parametrize(
    ("formula", "html"),
    [
        ("√(1 + x_max²)(1 − e^{−L})", "√(1 + x<sub>max</sub>²)(1 − e<sup>−L</sup>)"),
        ("∫_{g_A ≥ c} |f''|", "∫<sub>g<sub>A</sub> ≥ c</sub> |f&#39;&#39;|"),
        ("g_D^±(τ) ≤ λ_max(G)", "g<sub>D</sub><sup>±</sup>(τ) ≤ λ<sub>max</sub>(G)"),
        ("<b> uncertain_best", "&lt;b&gt; uncertain_best"),
    ],
)
def test_a_formula_is_set_and_plain_text_is_not(formula, html):
    assert str(words.inline(Formula(formula))) == html
    assert "<sub>g" not in str(words.inline(formula))
    assert "<sup>" not in str(words.inline(formula))


def test_where_a_fit_is_uncertain_is_told_in_its_intervals():
    def said(rows, *intervals):
        hull = [intervals[0][0], intervals[-1][1]] if rows else None
        return uncertain_words({"rows": rows, "hull": hull, "intervals": intervals})

    what = "with a probability from 27 % to 73 %"
    assert said(0) == f"no row {what}"
    assert said(1, (4.247, 4.247)) == f"1 row {what}, at 4.247"
    assert said(7, (1.5, 3.0)) == f"7 rows {what}, from 1.5 to 3"
    assert said(7, (1.5, 3.0), (5.0, 9.5)) == f"7 rows {what}, in 2 intervals of x, within 1.5 to 9.5"


def test_a_caption_speaks_of_shade_only_where_there_is_some():
    assert "The shaded ground" in outcome_caption("fit", uncertain=True)
    assert "The shaded ground" not in outcome_caption("fit", uncertain=False)
    assert "The fit is uncertain (logit within ±1, the dotted lines) nowhere" in outcome_caption(
        "fit", uncertain=False
    )
    assert outcome_caption("path", uncertain=False) == outcome_caption("path", uncertain=True)


@pytest.mark.parametrize(
    ("clause", "whole"),
    [
        ("λ peaks at 160", "λ peaks at 160."),
        ("x_max is 1", "x_max is 1."),
        ("f is at most 1", "f is at most 1."),
        ("s(f) is flat", "s(f) is flat."),
        ("w1 and w2 grow", "w1 and w2 grow."),
        ("a bound", "A bound."),
        ("log-loss fell!", "Log-loss fell!"),
        ("the end", "The end."),
        ("", "."),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_with_a_symbol(clause, whole):
    assert words.sentence(clause) == whole


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "∞"),
        (-float("inf"), "−∞"),
        (True, "yes"),
        (0.0, "0"),
        (3, "3"),
        (100_000, "100\u202f000"),
        (12345.6, "12\u202f346"),
        (-1.23456, "−1.235"),
        (1.5e-7, "1.5 × 10⁻⁷"),
        (2e12, "2 × 10¹²"),
        ("text", "text"),
    ],
)
def test_numbers_are_written_for_people(value, text):
    assert words.number(value) == text


@given(st.floats(-1e300, 1e300, allow_subnormal=False))
def test_a_written_number_is_within_four_digits(value):
    plain = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
    read = float(words.number(value).translate(plain).replace(" × 10", "e").replace("\u202f", ""))
    # Four significant digits: half a unit of the fourth is at most 5e-4 of the number.
    assert abs(read - value) <= 5.0001e-4 * abs(value)


HOSTILE_BYTES = "\x1b]0;x\x07\x00\x9b\ud800\ufffe]]>"


def test_no_control_character_reaches_the_page_and_it_can_be_written():
    html = render(everything(HOSTILE_BYTES, figure_with("x")))
    html.encode("utf-8")
    allowed = {"\n", "\t"}
    assert not [c for c in html if (ord(c) < 32 or 127 <= ord(c) < 160) and c not in allowed]
    assert "\ufffe" not in html
    assert "]0;x" in outline(html).text  # what can be shown is


def test_a_long_title_is_short_in_the_headline_and_whole_in_its_tooltip():
    title = "w" * 400
    page = outline(render(Page(title, "l", [])))
    (heading,) = [attributes for tag, attributes in page.tags if tag == "h1"]
    assert heading == {"title": title}
    assert title not in page.text
    assert "w" * 119 + "…" in page.text
    (plain,) = [attributes for tag, attributes in outline(render(Page("t", "l", []))).tags if tag == "h1"]
    assert plain == {}


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_the_counts_of_one_fit_have_one_name_and_one_meaning_each(loss):
    from stepscape.report.fit import shape_facts

    measures = {"pieces": 12, "knots": 134}
    facts = dict(shape_facts({"loss": loss, "measures": measures}))
    assert list(facts) == ["pieces", "knots"]
    for name, count in zip(facts, (12, 134), strict=True):
        assert facts[name].startswith(f"{count} ")
        assert len(facts[name].split()) > 3


@pytest.mark.parametrize("failed", [(), ("the moon is full",)])
def test_inapplicable_is_explained_where_it_stands(failed):
    from stepscape.cli.fit_lines import _certificates
    from stepscape.report.certificates import certificate_blocks
    from stepscape.theory import Certificate

    found = {"sharpness": Certificate(1.0, 2.0, ("a premise",), "A. Author (2020)", failed_premises=failed)}
    records = {name: each.record() for name, each in found.items()}
    page = render(Page("t", "l", [Section("s", certificate_blocks(records))]))
    assert ("is not a failure" in page) == bool(failed)
    said = " ".join(" ".join(_certificates({"certificates": records, "units": "meters"})).split())
    assert said.endswith("nothing about this fit: sharpness (the moon is full)") == bool(failed)
    assert ("inapplicable" in said) == bool(failed)


def test_every_way_to_end_is_in_the_words_of_a_fit():
    from stepscape.report.fit import STOP
    from stepscape.training.stops import STOP_WORDS

    assert all(f"`{name}`: {meaning}" in STOP[1] for name, meaning in STOP_WORDS.items())


def test_the_words_and_the_starts_of_verdicts_are_explained():
    from stepscape.report.experiment import glossary

    def page(rows):
        document = {"verdicts": {"pieces": {"rows": {key: {} for key in rows}}}}
        return render(Page("t", "l", [Section("s", [glossary([document])])]))

    assert "The large start with warm-up" in page(["warm_up"])
    assert "The large start with warm-up" not in page([])
    for _, name, meaning in (words.VERDICTS[word] for word in WORDS):
        assert name in page([])
        assert meaning in page([])


def test_a_certificate_has_its_premises_in_words_and_says_when_it_says_little():
    from stepscape.report.certificates import certificate_blocks
    from stepscape.theory import Certificate

    found = {
        "tight": Certificate(0.8, 1.0, ("square loss", "no knot lies on an input"), "A. Author (2020)"),
        "loose": Certificate(8e-4, 4024.0, ("square loss", "a premise of its own"), "A. Author (2020)"),
        "negative": Certificate(-1.0, 2.0, ("square loss",), "A. Author (2020)"),
    }
    blocks = certificate_blocks({name: each.record() for name, each in found.items()})
    tight, loose, negative = [block for block in blocks if block.kind == "bound"]
    assert tight.premises == ["no knot lies on an input"]
    assert (tight.share, tight.remark) == (0.8, "")
    assert loose.remark == "but says little: the left side is less than 0.1 % of the right"
    assert (negative.share, negative.remark) == (None, "")
    html = render(Page("t", "l", [Section("s", blocks)]))
    assert 'style="width: 80.0%"' in html
    assert 'aria-label="The left side is 80 per cent of the right side."' in html
    assert "Premises of all of them: square loss." in html
    assert "Premises: a premise of its own" in html
    assert html.count('class="bar"') == 2


def test_the_chosen_row_of_a_path_stands_out():
    from stepscape.report.fit import records_grid

    path = [{"step_size": eta, "cv_error": 1.0, "chosen": eta == 0.2} for eta in (0.1, 0.2, 0.4)]
    grid = records_grid("The path", path, ("step_size", "cv_error"))
    assert (list(grid.marked), grid.mark, list(grid.columns)) == ([1], "chosen", ["step size", "cv error"])
    html = " ".join(render(Page("t", "l", [Section("s", [grid])])).split())
    assert html.count('<tr class="marked">') == 1
    assert '<tr class="marked"><th scope="row">0.2 <span class="mark">chosen</span></th>' in html


def test_wide_figures_scroll_on_phones_and_no_figure_is_shown_larger_than_drawn():
    wide, usual, small = (
        draw(style.canvas(size=(width, 3.0))[0], f"f{width:g}") for width in (12.0, 7.2, 4.6)
    )
    html = render(Page("t", "l", [Section("s", [wide, usual, small])]))
    classes = [a.get("class") for tag, a in outline(html).tags if tag == "figure"]
    assert classes == ["wide scrolls", "scrolls", None]
    assert 'style="max-width: 460px"' in html


@pytest.mark.parametrize("text", ["yes", "holds"])
def test_a_word_of_a_table_is_not_taken_for_a_verdict(text):
    html = render(Page("t", "l", [Section("s", [Grid("The values", ("value", "rows"), [(text, text)])])]))
    assert 'class="verdict' not in html
