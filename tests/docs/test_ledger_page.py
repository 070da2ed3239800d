"""The ledger, the galleries and the captions of the documentation say what the files say."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from stepscape import experiments

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import an extension of the documentation by name."""
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))

    def extension(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / "_ext" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, f"docs_{name}", module)
        spec.loader.exec_module(module)
        return module

    return extension


def test_a_part_is_quoted_with_its_rows_and_says_that_it_is_a_preview(load: Any) -> None:
    page, name = load("part"), "what-is-stabilized"
    [entry] = [each for each in page.committed("quick").entries if each.experiment.name == name]
    quick = all(each.experiment.name != name for each in page.committed("full").entries)
    said = page.markdown(name, "trace")
    assert ("Quick size" in said) == quick
    if quick:
        assert said.count("\n- ") == len(entry.verdicts["trace"].rows)


def test_the_overview_has_a_row_for_each_claim_and_folds_hold_every_number(load: Any) -> None:
    page = load("ledger")
    book = page.committed("quick")
    overview, sections = page.overview(book), page.sections(book)
    for entry in book.entries:
        name = entry.experiment.name
        assert overview.count(f"(#ledger-{name})") == 1
        assert sections.count(f"(ledger-{name})=") == 1
    marks = sum(len(entry.verdicts) for entry in book.entries)
    assert overview.count('<span class="mark') == marks
    numbers = sum(len(found.numbers) for entry in book.entries for found in entry.verdicts.values())
    outside = re.sub(r"<details>.*?</details>", "", sections, flags=re.DOTALL)
    assert sections.count("* - ") == numbers + sections.count("<details>")
    assert "* - " not in outside


def test_the_overview_stands_before_all_sections(load: Any) -> None:
    from docutils import nodes
    from docutils.utils import new_document

    page = load("ledger")
    tree, home = new_document("page"), nodes.section(ids=["page"])
    tree += home
    first = nodes.container("", nodes.paragraph("", "overview"), classes=[page.FIRST])
    home += [nodes.title("", "The ledger"), nodes.paragraph(), nodes.section(), nodes.section(), first]
    page.put_first(None, tree)
    assert [type(each).__name__ for each in home] == [
        "title", "paragraph", "container", "section", "section"
    ]  # fmt: skip


def test_the_gallery_of_claims_follows_the_tutorial_and_shows_a_picture_of_each_page(load: Any) -> None:
    from stepscape.experiments.chapters import by_chapter

    gallery = load("claim_gallery")
    text = gallery.markdown({})
    pages = re.findall(r"^\[[^!].*\]\((.*)\.md\)$", text, re.MULTILINE)
    order = [name for names in by_chapter(experiments.names()).values() for name in names]
    order = [
        name for name in order if (DOCS / "experiments" / experiments.family(name) / f"{name}.md").is_file()
    ]
    assert [page.partition("/")[2] for page in pages] == order
    listed = text.partition("```{toctree}\n:hidden:\n\n")[2].split("\n```")[0].split()
    assert listed == pages
    for picture in re.findall(r"!\[\]\((.*?)\)", text):
        assert (DOCS / "experiments" / picture).is_file()
    for page in pages:
        pictures = load("captions").pictures((DOCS / "experiments" / f"{page}.md").read_text("utf-8"))
        assert not pictures or f"]({page}.md)" in text


def test_every_claim_has_one_paragraph_for_a_student(load: Any) -> None:
    page = load("claim_paragraphs")
    given = (DOCS / "experiments" / "students.md").read_text("utf-8")
    content = given.partition("```{claim-paragraphs}\n")[2].partition("```")[0]
    told = page.paragraphs(content)
    assert set(told) == set(experiments.names())
    text = page.markdown(told, {})
    for name, words in told.items():
        assert words in text
        assert f"]({experiments.family(name)}/{name}.md).**" in text
    with pytest.raises(ValueError, match=r"begin with the name of another claim, got 'no-claim: words'"):
        page.paragraphs("no-claim: words")
    with pytest.raises(ValueError, match=r"another claim, got 'width: again'"):
        page.paragraphs(content + "\n\nwidth: again")
    with pytest.raises(ValueError, match=r"every claim must have a paragraph, missing: .*curve-fitting"):
        page.paragraphs("width: words")


def test_every_figure_of_a_page_is_in_the_gallery_of_figures_with_one_sentence(load: Any) -> None:
    gallery, captions = load("figure_gallery"), load("captions")
    text = gallery.markdown("../experiments")
    shown = re.findall(r"\]\(\.\./experiments/(.*?\.svg)\)\{\.thumbnail\}\]\(\.\./experiments/(.*?)\)", text)
    pages = {
        f"{experiments.family(name)}/{name}.md": DOCS / "experiments" / experiments.family(name)
        for name in experiments.names()
    }
    there = [
        (f"{home.name}/{file}", page)
        for page, home in pages.items()
        for _, file, _ in captions.pictures((DOCS / "experiments" / page).read_text("utf-8"))
        if (home / file).is_file()
    ]
    assert sorted(shown) == sorted(there)
    assert gallery.first_sentence("At η = 0.2 knots leave. Bands are quartiles.") == "At η = 0.2 knots leave."


def test_a_caption_travels_in_the_file_of_its_figure(load: Any, tmp_path: Path) -> None:
    from docutils import nodes
    from docutils.utils import new_document

    from stepscape.report.drawing import captioned

    pictures = load("captions")
    said = "Large steps find < 5 pieces & more. Bands are quartiles."
    path = tmp_path / "a.svg"
    path.write_text(captioned('<svg width="1"><path/></svg>', said), encoding="utf-8")
    assert path.read_text("utf-8").startswith('<svg width="1"><desc>Large steps')
    assert pictures.caption(path) == said
    path.with_name("b.svg").write_text("<svg></svg>", encoding="utf-8")
    assert pictures.caption(path.with_name("b.svg")) == pictures.caption(tmp_path / "none.svg") == ""
    assert captioned("<svg></svg>", "") == "<svg></svg>"

    class App:
        class env:  # noqa: N801
            docname = "page"

            @staticmethod
            def doc2path(name: str) -> str:
                return str(tmp_path / f"{name}.md")

    tree = new_document("page")
    tree += [nodes.paragraph("", "", nodes.image(uri=name, alt="alt")) for name in ("a.svg", "b.svg")]
    tree += nodes.paragraph("", "", nodes.Text("Beside "), nodes.image(uri="a.svg", alt="alt"))
    pictures.add_captions(App, tree)
    assert [caption.astext() for caption in tree.findall(nodes.caption)] == [said]
    assert [figure["ids"] for figure in tree.findall(nodes.figure)] == [["figure-a"]]


def test_thumbnails_lead_to_the_sections_of_their_pictures(load: Any) -> None:
    page = (DOCS / "gallery" / "index.md").read_text("utf-8")
    row = load("captions").thumbnails(page)
    shown = re.findall(r"^!\[.*\]\((.*\.svg)\)$", page, re.MULTILINE)
    assert re.findall(r"!\[.*?\]\((.*?)\)", row) == shown
    assert (
        "[![The share of sick rows against the predicted probability, around the diagonal.](calibration.svg)"
        "{.thumbnail}](#an-outcome-of-two-values)" in row
    )
