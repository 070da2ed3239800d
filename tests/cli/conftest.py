"""Every command starts in an empty working directory, with an index of its own."""

from __future__ import annotations

import pytest

import claims
from stepscape import experiments
from toys import commit, register


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty working directory, so that default output directories land in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path.parent / f"{tmp_path.name}-cache"))
    return tmp_path


@pytest.fixture
def toys(monkeypatch):
    """Two experiments that take no time, and no committed ledger."""
    monkeypatch.setattr(experiments, "_MODULES", {"toy": "toy_one", "other": "toy_two"})
    for module, name in (("toy_one", "toy"), ("toy_two", "other")):
        register(monkeypatch, module, claims.claim(name))
    commit(monkeypatch)
    claims.CALLS.clear()
    monkeypatch.setattr(claims, "ANSWER", ["yes"])
    return monkeypatch
