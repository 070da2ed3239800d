"""``figure``: one figure as a file, of an experiment from records or a quick run, or of a small run."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from commands import refused, said
from stepscape.cli import main

toys = pytest.mark.usefixtures("toys")


@toys
def test_the_first_figure_of_an_experiment_is_drawn_for_a_page(capsys):
    printed = said(capsys, "figure", "toy")
    assert printed.out.startswith("wrote toy.svg: ")
    assert "This was the quick size; --full runs the size" in printed.out
    ElementTree.parse("toy.svg")
    assert sorted(path.name for path in Path().iterdir()) == ["toy.svg"]


@toys
@pytest.mark.parametrize(
    ("words", "name", "begin"),
    [
        (("--for", "paper"), "toy-risk.pdf", b"%PDF"),
        (("--for", "talk"), "toy-risk.png", b"\x89PNG"),
        (("--for", "talk", "--format", "pdf"), "toy-risk.pdf", b"%PDF"),
        (("--out", "mine.png"), "mine.png", b"\x89PNG"),
        (("--out", "mine"), "mine", b"<svg"),
        (("--out", "mine.png", "--format", "pdf"), "mine.png", b"%PDF"),
    ],
)
def test_the_purpose_or_the_name_of_the_file_decides_the_format(capsys, words, name, begin):
    said(capsys, "figure", "toy/risk", *words)
    assert Path(name).read_bytes().startswith(begin)


@toys
def test_a_figure_for_a_talk_fills_a_slide(capsys):
    document = json.loads(said(capsys, "figure", "toy", "--for", "talk", "--json").out)
    assert document["inches"] == [13.33, 7.5]
    with Image.open("toy.png") as image:
        assert image.width / image.height == pytest.approx(13.33 / 7.5, rel=1e-2)


@toys
def test_the_document_says_what_was_drawn(capsys):
    document = json.loads(said(capsys, "figure", "toy/risk", "--json", "--full").out)
    assert set(document) == {
        "schema", "command", "name", "figure", "for", "format", "inches", "file", "size", "caption",
    }  # fmt: skip
    assert (document["name"], document["figure"], document["size"]) == ("toy", "risk", "full")
    assert document["caption"].endswith(".")


@toys
@pytest.mark.parametrize("made", [("run", "toy", "--out", "a"), ("verify", "toy", "--out", "a")])
def test_records_are_drawn_without_a_run(capsys, made, monkeypatch):
    said(capsys, *made)
    monkeypatch.setattr("stepscape.experiments.run", None)
    document = json.loads(said(capsys, "figure", "toy", "--from", "a", "--json").out)
    assert document["size"] == "as stored"
    assert Path("toy.svg").is_file()


@toys
def test_what_cannot_be_drawn_is_refused(capsys, here):
    assert (
        "unknown figure 'toi'; did you mean 'toy'? known: weight, landscape, features, toy, other"
        in refused(capsys, ["figure", "toi"])
    )
    assert "unknown figure of toy 'risc'; did you mean 'risk'? known: risk" in refused(
        capsys, ["figure", "toy/risc"]
    )
    assert "unknown purpose 'poster'" in refused(capsys, ["figure", "toy", "--for", "poster"])
    assert "unknown format 'gif'" in refused(capsys, ["figure", "toy", "--format", "gif"])
    assert "weight is one small run: leave --from and --full out" in refused(
        capsys, ["figure", "weight", "--full"]
    )
    assert "--from draws what is on record: leave --full out" in refused(
        capsys, ["figure", "toy", "--full", "--from", "a"]
    )
    assert "cannot write 'no/a.svg': there is no directory 'no'" in refused(
        capsys, ["figure", "toy", "--out", "no/a.svg"]
    )
    assert "'a' holds no results of toy; 'stepscape run' and 'stepscape verify' make them" in refused(
        capsys, ["figure", "toy", "--from", "a"]
    )
    (here / "toy.svg").write_text("mine")
    assert "'toy.svg' exists; name another file or add --force" in refused(capsys, ["figure", "toy"])
    said(capsys, "figure", "toy", "--force")
    assert (here / "toy.svg").read_text("utf-8").startswith("<svg")


@toys
def test_results_of_another_experiment_or_incomplete_ones_are_refused(capsys, here):
    said(capsys, "verify", "other", "--out", "a")
    assert "the ledger of 'a' does not hold toy" in refused(capsys, ["figure", "toy", "--from", "a"])
    said(capsys, "run", "toy", "--out", "b")
    text = (here / "b/result.json").read_text("utf-8")
    changed = json.loads(text)
    changed["settings"] = {**changed["settings"], "seeds": 9}
    (here / "b/result.json").write_text(json.dumps(changed), "utf-8")
    assert "the runs of toy in 'b' are not complete, or another version made them" in refused(
        capsys, ["figure", "toy", "--from", "b"]
    )


def test_help_names_the_three_that_explain(capsys):
    assert main(["figure", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "weight, landscape, features, an experiment, or EXPERIMENT/FIGURE" in words
