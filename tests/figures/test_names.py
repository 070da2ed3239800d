"""Names of users in figures: any text is drawn, as it stands or escaped, and the file is well-formed XML."""

from __future__ import annotations

import warnings
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

import pictures
from stepscape.figures import output, style
from stepscape.figures.text import LONGEST, legal, shortened, shown

NAMES = {
    "a title of a terminal": "\x1b]0;x\x07",
    "zero": "a\x00b",
    "half a character": "a\ud800b",
    "no character": "a\ufffeb",
    "the end of a section": "]]>",
    "the end of a comment": "a-->b",
    "a script": "<script>alert(1)</script>",
    "a formula": "$x^2$",
    "a broken formula": "$\\frac{",
    "prices": "price_$ per $",
    "powers": "a_b^c%",
    "an emoji": "\U0001f600",
    "Chinese": "年龄" * 30,
    "Arabic": "كتاب",
    "two lines": "one\ntwo",
    "backwards": "\u202eabc",
    "long": "w" * 400,
    "spaces": "  ",
}


def well_formed(figure):
    """Draw without a warning; what is not well-formed raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = output.svg(figure)
    ElementTree.fromstring(text)
    assert legal(text) == text


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_every_name_is_drawn(name):
    figure, axes = style.canvas()
    style.label(axes[0, 0], shown(name), name.replace("$", ""), f"{shown(name)}, twice: {shown(name)}")
    well_formed(figure)


def test_every_figure_draws_hostile_names():
    names = list(NAMES.values())
    for figure in pictures.fit_figures(NAMES["a formula"], NAMES["a title of a terminal"], rows=20).values():
        well_formed(figure)
    classes = (NAMES["long"], NAMES["Chinese"])
    for figure in pictures.outcome_figures(NAMES["zero"], NAMES["a broken formula"], classes, 20).values():
        well_formed(figure)
    well_formed(pictures.sweep_figure(names[:7]))


def test_a_formula_of_a_user_is_text():
    figure = pictures.fit_figures("$x^2$", "cost_$")["fit"]
    figure.draw_without_rendering()
    for text, words in ((figure.axes[1].xaxis.label, "$x^2$"), (figure.axes[0].yaxis.label, "cost_$")):
        plain = Text(0, 0, words, parse_math=False, fontsize=text.get_fontsize(), figure=figure)
        narrow = text.get_window_extent()
        assert max(narrow.width, narrow.height) == pytest.approx(plain.get_window_extent().width, abs=2.0)


@given(st.text())
def test_what_is_shown_is_short_legal_and_no_formula(name):
    text = shown(name)
    ElementTree.fromstring(f"<a>{text.replace('&', '').replace('<', '')}</a>")
    assert text.isprintable() or not name.isprintable()
    assert "$" not in text.replace("\\$", "")
    assert len(text.replace("\\$", "$")) <= LONGEST


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=LONGEST // 2))
def test_a_short_name_stays(name):
    assert shortened(name, LONGEST) == name


def test_a_long_name_keeps_its_beginning():
    assert shortened("w" * 400, 10) == "w" * 9 + "…"
    assert shortened("年" * 400, 10) == "年年年年…"
    assert shortened("w" * 10, 10) == "w" * 10
