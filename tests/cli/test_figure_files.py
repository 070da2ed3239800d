"""``--format`` and ``--size``: which files of figures a command writes, and how large they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import said
from stepscape.cli import main
from stepscape.cli.figure_files import DESIGNED, Pictures
from stepscape.errors import InputError

pytestmark = pytest.mark.usefixtures("toys")


def written(directory):
    return sorted(path.name for path in Path(directory, "figures").iterdir())


def test_svg_and_png_are_written_by_default(capsys):
    said(capsys, "run", "toy", "--out", "a")
    assert written("a") == ["risk.png", "risk.svg"]
    assert json.loads(Path("a/result.json").read_text())["pictures"] == DESIGNED.key


def test_formats_and_size_are_chosen(capsys):
    said(capsys, "run", "toy", "--out", "a", "--format", "pdf", "--format", "svg", "--size", "6x3")
    assert written("a") == ["risk.pdf", "risk.svg"]
    assert 'width="432pt" height="216pt"' in Path("a/figures/risk.svg").read_text("utf-8")


def test_the_report_is_drawn_as_designed_whatever_the_files(capsys):
    said(capsys, "run", "toy", "--out", "a")
    said(capsys, "run", "toy", "--out", "b", "--size", "12x3", "--format", "png")
    one, other = (Path(name, "report.html").read_text("utf-8") for name in "ab")
    assert one[: one.index("<footer>")] == other[: other.index("<footer>")]


def test_other_pictures_of_a_result_on_record_are_drawn_and_nothing_is_run(capsys):
    said(capsys, "run", "toy", "--out", "a")
    assert "nothing to do" in said(capsys, "run", "toy", "--out", "a").out
    out = said(capsys, "run", "toy", "--out", "a", "--format", "pdf").out
    assert "nothing to do" not in out
    assert "risk.pdf" in written("a")
    assert "nothing to do" in said(capsys, "run", "toy", "--out", "a", "--format", "pdf").out


@pytest.mark.parametrize("text", ["6", "x3", "6x", "0.5x3", "6x61", "6x-3", "axb", "1.2.3x4", "nanx3", ""])
def test_another_size_is_refused(text):
    with pytest.raises(
        InputError, match="size must be width x height in inches, each from 1 to 60, as in 6x3"
    ):
        Pictures.parse(None, text)


@pytest.mark.parametrize(
    ("text", "size"), [("6x3", (6.0, 3.0)), (" 4.6 x 3.2 ", (4.6, 3.2)), ("8×5", (8.0, 5.0))]
)
def test_a_size_is_read(text, size):
    assert Pictures.parse(["PNG", "png"], text) == Pictures(("png",), size)


def test_an_unknown_format_is_refused(capsys):
    assert main(["run", "toy", "--format", "gif"]) == 2
    assert "unknown format 'gif'" in capsys.readouterr().err


def test_pictures_of_the_docs_have_their_own_size(capsys):
    assert main(["report", "a", "--docs", "docs", "--size", "6x3"]) == 2
    assert "--docs writes SVG as designed" in capsys.readouterr().err
