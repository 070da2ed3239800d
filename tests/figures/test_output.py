"""A figure is written as SVG, PDF or PNG, at any size, with text that can be searched in the PDF."""

from __future__ import annotations

import re
import zlib
from xml.etree import ElementTree

import pytest

import pictures
import stepscape as ss
from stepscape.errors import InputError
from stepscape.figures import output

PAGE = rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]"


@pytest.fixture
def figure():
    return pictures.fit_figures(rows=20)["fit"]


def test_a_document_is_of_its_kind(figure):
    assert ss.figures.svg(figure).startswith("<svg")
    assert ss.figures.pdf(figure).startswith(b"%PDF")
    assert ss.figures.png(figure).startswith(b"\x89PNG")


def test_the_size_is_in_inches(figure):
    output.resize(figure, (6.0, 3.0))
    wide, high = re.search(PAGE, output.pdf(figure)).groups()
    assert (float(wide), float(high)) == (432.0, 216.0)
    drawn = ElementTree.fromstring(output.document(figure, "svg"))
    assert (drawn.get("width"), drawn.get("height")) == ("432pt", "216pt")


def test_text_of_a_pdf_is_text_in_embedded_fonts(figure):
    content = output.pdf(figure)
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
    for kind in output.FORMATS:
        assert output.document(figure, kind) == output.document(figure, kind)


@pytest.mark.parametrize("size", [(0.5, 3.0), (6.0, 61.0), (float("nan"), 3.0)])
def test_a_size_that_is_no_picture_is_refused(figure, size):
    with pytest.raises(InputError, match="size must have sides from 1 to 60 inches, got"):
        output.resize(figure, size)
    assert tuple(figure.get_size_inches()) == (7.2, 4.8)
