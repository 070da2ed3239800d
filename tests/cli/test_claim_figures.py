"""A figure whose name ends in -all is written and linked, and a page shows the others."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import claims
from commands import said
from pages import outline
from stepscape.cli.claim_figures import claim_figures, shown
from stepscape.cli.figure_files import Pictures
from stepscape.experiments.frame import Drawn
from toys import commit, made, register

pytestmark = pytest.mark.usefixtures("toys")


def draw(result):
    (risk,) = claims.draw(result).values()
    return {
        "risk": risk,
        "risk-all": Drawn(claims.draw(result)["risk"].figure, "Every cell shows it. Dots are seeds."),
    }


@pytest.fixture
def many(toys):
    register(toys, "toy_one", claims.claim(draw=draw))
    return toys


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("command", ["run", "verify"])
def test_a_large_figure_is_written_and_linked_but_not_shown(capsys, command):
    said(capsys, command, "toy", "--out", "out")
    page, up, before = ("report.html", "", "") if command == "run" else ("claims/toy.html", "../", "toy-")
    for name in ("risk", "risk-all"):
        assert Path(f"out/figures/{before}{name}.svg").is_file()
        assert Path(f"out/figures/{before}{name}.png").is_file()
    read = outline(Path("out", page).read_text())
    links = [attributes["href"] for tag, attributes in read.tags if tag == "a"]
    assert links[-1] == f"{up}figures/{before}risk-all.svg"
    assert "More figures: Every cell shows it." in read.text
    assert [a["id"] for tag, a in read.tags if tag == "figure"] == [f"figure-{before}risk"]
    assert Path("out", page).parent.joinpath(links[-1]).resolve().is_file()


def test_links_lead_to_the_format_that_is_written(capsys):
    said(capsys, "run", "toy", "--out", "out")
    figure = claims.Figure((2.0, 2.0))
    drawn = {"a": Drawn(figure, "What a shows."), "a-all": Drawn(figure, "All of a. And more.")}
    laid = claim_figures(drawn, Pictures(("pdf", "png")), "toy-", "../")
    assert laid.links == [("All of a", "../figures/toy-a-all.pdf")]
    assert [drawing.name for drawing in laid.drawings] == ["toy-a"]
    assert laid.thumbnail.startswith("data:image/png")
    assert list(shown(drawn)) == ["a"]
    assert claim_figures({}, Pictures()).thumbnail == ""


def test_what_a_user_put_among_the_pages_stays(capsys):
    said(capsys, "verify", "toy", "--out", "out")
    Path("out/claims/notes.txt").write_text("precious")
    said(capsys, "verify", "--out", "out")
    assert Path("out/claims/notes.txt").read_text() == "precious"
    assert Path("out/claims/other.html").is_file()


def test_a_verdict_that_changed_is_told_on_every_page(capsys, toys):
    said(capsys, "verify", "toy", "--out", "out")
    commit(toys, *made("out").entries)
    claims.ANSWER[0] = "mixed"
    said(capsys, "verify", "toy", "--out", "out")
    before = made("out").entries[0].before
    assert before.words["first"] == "reproduced"
    assert (before.rules, before.seeds, before.settings, before.runs) == ([], [], [], False)
    for page in ("out/report.html", "out/claims/toy.html"):
        assert "changed from the committed ledger" in Path(page).read_text()
    commit(toys, *made("out").entries)
    said(capsys, "verify", "toy", "--out", "out")
    again = made("out").entries[0]
    assert again.before == msgspec.structs.replace(before, agrees=True)  # the same ledger keeps what it said
    assert again.changed
    for page in ("out/report.html", "out/claims/toy.html"):
        assert "changed from the committed ledger" not in Path(page).read_text()
