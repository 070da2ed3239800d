"""The explorer in the documentation: the lecture presses what is on the page, which is made with the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from stepscape.explorer.still import ALT, still

ROOT = Path(__file__).parents[2]
LECTURE = (ROOT / "docs" / "how-to" / "teach-with-the-explorer.md").read_text("utf-8")
PAGE = "".join(
    path.read_text("utf-8")
    for path in (
        ROOT / "src/stepscape/explorer/page.html",
        ROOT / "explorer/source/presets.js",
        ROOT / "explorer/source/controls/playback.js",
    )
)


def rows() -> list[list[str]]:
    """Cells of the lecture: minute, what to press, what to say."""
    lines = [line for line in LECTURE.splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_lecture_takes_twenty_minutes() -> None:
    minutes = [int(row[0]) for row in rows()]
    assert minutes == sorted(set(minutes))
    assert (minutes[0], minutes[-1]) == (0, 19)


@pytest.mark.parametrize("pressed", [name for row in rows() for name in re.findall(r"\*([^*]+)\*", row[1])])
def test_what_the_lecture_presses_is_on_the_page(pressed: str) -> None:
    drag = re.fullmatch(r"Drag to η = ([\d.]+)", pressed)
    wanted = drag[1] if drag else pressed
    assert re.search(rf"(?<![\w.]){re.escape(wanted)}(?![\w.])", PAGE), pressed


def test_the_build_writes_the_page_and_the_front_page_links_it() -> None:
    assert '"explorer_page",' in (ROOT / "docs" / "conf.py").read_text("utf-8")
    for page in ("index.md", "tutorial/demo.md", "gallery/index.md", "how-to/teach-with-the-explorer.md"):
        assert "{explorer}`" in (ROOT / "docs" / page).read_text("utf-8"), page


def test_the_still_is_small_and_shown_at_the_top_of_the_readme() -> None:
    path = ROOT / "src/stepscape/explorer/still.png"
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert picture.width > 1000
        assert len(picture.convert("RGB").getcolors(256) or []) > 20
    top = (ROOT / "README.md").read_text("utf-8").splitlines()[:12]
    assert any(f"({path.relative_to(ROOT)})" in line for line in top)
    assert still().startswith('<img alt="" src="data:image/png;base64,iVBOR')
    assert ALT.endswith(".")
