"""The command report: laid out again from the store, without running anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import claims
from commands import said
from stepscape import experiments
from stepscape.cli import reference_ledger as reference_ledger
from toys import calls, register

pytestmark = pytest.mark.usefixtures("toys")


def test_the_report_is_laid_out_again_without_running_anything(capsys):
    said(capsys, "verify")
    before = Path("stepscape-ledger/report.html").read_text()
    calls()
    Path("stepscape-ledger/report.html").unlink()
    shutil.rmtree("stepscape-ledger/figures")
    document = json.loads(said(capsys, "report", "stepscape-ledger", "--json").out)
    assert document["experiments"] == ["toy", "other"]
    assert calls() == 0
    assert Path("stepscape-ledger/report.html").read_text() == before
    assert Path("stepscape-ledger/figures/toy-risk.svg").is_file()


def test_a_report_without_records_says_so(capsys, toys):
    said(capsys, "verify")
    more = {**claims.claim().quick, "claim": "another"}
    register(toys, "toy_one", claims.claim(quick=more))
    toys.setattr(experiments, "_MODULES", {"toy": "toy_one"})
    for path in Path("stepscape-ledger/store/segments").iterdir():
        path.unlink()
    printed = said(capsys, "report", "stepscape-ledger")
    assert (
        "warning: the records of toy are not in the store, so there is no figure; 'stepscape verify' "
        "computes them" in printed.err
    )
    assert "the records of other are not" in printed.err  # an experiment that this version does not have
    assert "no longer in the store" in Path("stepscape-ledger/claims/toy.html").read_text()


def test_the_pictures_of_the_docs_are_drawn_by_one_command(capsys, toys):
    toys.setattr(experiments, "family", {"toy": "toys", "other": "others"}.get)
    said(capsys, "verify")
    calls()
    document = json.loads(said(capsys, "report", "stepscape-ledger", "--docs", "docs", "--json").out)
    assert calls() == 0
    assert document["pictures"] == ["toys/toy-risk.svg", "others/other-risk.svg"]
    drawn = {path.relative_to("docs").as_posix() for path in Path("docs").rglob("*.svg")}
    assert drawn == set(document["pictures"])
    before = Path("stepscape-ledger/figures/toy-risk.svg").read_bytes()
    assert Path("docs/toys/toy-risk.svg").read_bytes() == before
    said(capsys, "report", "stepscape-ledger", "--docs", "docs")  # again, over what is there


def test_docs_without_a_ledger_are_refused(capsys):
    said(capsys, "run", "toy")
    err = said(capsys, "report", "stepscape-toy", "--docs", "docs", status=2).err
    assert "'stepscape-toy' holds no ledger; 'stepscape verify --full --out DIR' makes one" in err
    assert not Path("docs").exists()
