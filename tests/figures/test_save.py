"""A figure is written as SVG, PDF or PNG, at any size, with text that can be searched in the PDF."""

from __future__ import annotations

import re
import zlib
from xml.etree import ElementTree

import pytest

import pictures
from stepscape.errors import InputError
from stepscape.figures import save

PAGE = rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]"


@pytest.fixture
def figure():
    return pictures.fit_figures(rows=20)["fit"]


def test_the_suffix_says_how(figure, tmp_path):
    for name, begins in (("a.svg", b"<svg"), ("b.PDF", b"%PDF"), ("c.png", b"\x89PNG")):
        save.save(figure, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begins)


def test_the_size_is_in_inches(figure, tmp_path):
    save.save(figure, tmp_path / "a.pdf", size=(6.0, 3.0))
    wide, high = re.search(PAGE, (tmp_path / "a.pdf").read_bytes()).groups()
    assert (float(wide), float(high)) == (432.0, 216.0)
    save.save(figure, tmp_path / "a.svg", size=(6.0, 3.0))
    drawn = ElementTree.fromstring((tmp_path / "a.svg").read_text("utf-8"))
    assert (drawn.get("width"), drawn.get("height")) == ("432pt", "216pt")


def test_text_of_a_pdf_is_text_in_embedded_fonts(figure):
    content = save.pdf(figure)
    assert b"/FontFile2" in content  # TrueType, embedded
    assert b"/Type3" not in content
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    lines = b"".join(map(_unpacked, streams)).splitlines()
    words = [b"".join(re.findall(rb"\(\0(.)\)", line)) for line in lines if line.endswith(b"TJ")]
    assert b"accel" in words
    assert b"/ToUnicode" in content  # what makes it searchable


def _unpacked(stream):
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_the_same_figure_gives_the_same_bytes(figure):
    for kind in save.FORMATS:
        assert save.document(figure, kind) == save.document(figure, kind)


def test_another_suffix_is_refused(figure, tmp_path):
    with pytest.raises(InputError, match=r"must be written to \.svg, \.pdf or \.png, got 'a\.gif'"):
        save.save(figure, tmp_path / "a.gif")


@pytest.mark.parametrize("size", [(0.5, 3.0), (6.0, 61.0), (float("nan"), 3.0)])
def test_a_size_that_is_no_picture_is_refused(figure, tmp_path, size):
    with pytest.raises(InputError, match="size must have sides from 1 to 60 inches, got"):
        save.save(figure, tmp_path / "a.svg", size=size)
    assert list(tmp_path.iterdir()) == []
