"""The explorer in a browser of its own for each module of tests."""

from __future__ import annotations

import re

import pytest

from browser import browser, executable
from explorer_pages import SMALL, SPY, Desk
from stepscape.explorer.pages import page


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """One browser for all pages."""
    executable()
    with browser(tmp_path_factory.mktemp("profile")) as found:
        found.call("Page.addScriptToEvaluateOnNewDocument", source=SPY)
        yield found


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The page without a table."""
    path = tmp_path_factory.mktemp("page") / "explorer.html"
    path.write_text(page(), encoding="utf-8")
    return path


@pytest.fixture
def desk(tab, plain):
    """A small run that is about to begin; nothing was complained about in the end, and nothing requested."""
    found = Desk(tab)
    found.open(plain, SMALL)
    yield found
    tab.media()
    assert tab.complaints() == []
    assert all(re.match(r"file:.*explorer\.html|blob:null/", address) for address in tab.requests())


@pytest.fixture
def written(tab, tmp_path):
    """Open a page that is given as text."""

    def opened(html, fragment=""):
        path = tmp_path / "explorer.html"
        path.write_text(html, encoding="utf-8")
        found = Desk(tab)
        found.open(path, fragment)
        return found

    return opened
