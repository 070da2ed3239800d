"""Claims that need an extra: marked in the list, refused by run, skipped by verify."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys

import pytest

import claims
from commands import refused, said
from stepscape.cli import claim_list, extras
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import Unavailable
from toys import commit, made, register

pytestmark = pytest.mark.usefixtures("toys")


@pytest.fixture
def needy(toys, monkeypatch):
    """The second toy needs torch, and torch is not there."""
    register(toys, "toy_two", dataclasses.replace(claims.claim("other"), extra="torch"))
    find = importlib.util.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "torch" else find(name))
    commit(monkeypatch)


def test_the_list_marks_them(capsys, needy):
    del needy
    claim_list.list_experiments(None, False, False, Unfinished())
    marked = [line for line in capsys.readouterr().out.splitlines() if "(needs torch)" in line]
    assert [line.split()[0] for line in marked] == ["other"]
    told = json.loads(said(capsys, "list", "--json").out)["experiments"]
    assert {each["name"]: each["extra"] for each in told} == {"toy": None, "other": "torch"}
    claim_list.list_experiments("other", False, False, Unfinished())
    assert "(needs torch)" in capsys.readouterr().out.splitlines()[0]


def test_run_says_in_one_sentence_how_to_install_it(capsys, needy):
    del needy
    sentence = refused(capsys, ["run", "other"])
    assert "other needs torch; pip install 'stepscape[torch]'" in sentence


def test_verify_skips_them_without_failing(capsys, needy):
    del needy
    out = said(capsys, "verify").out
    assert "other was skipped: it needs torch." in out.splitlines()
    assert made().names == ["toy"]
    sentence = refused(capsys, ["verify", "other", "--out", "alone"])
    assert "other needs torch; pip install" in sentence


def test_a_module_that_is_switched_off_is_lacking(monkeypatch):
    claim = dataclasses.replace(claims.claim(), extra="torch")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert extras.lacks(claim)
    with pytest.raises(Unavailable, match="toy needs torch"):
        extras.require(claim)
    assert not extras.lacks(claims.claim())
    assert extras.need(claims.claim()) == ""
