"""A store of its own, and an index of its own, for every test."""

from __future__ import annotations

import pytest

from stepscape.lab.store import Store


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")
