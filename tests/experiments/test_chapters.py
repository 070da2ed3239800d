"""Every claim stands in one chapter of the story."""

from __future__ import annotations

from stepscape import experiments
from stepscape.experiments import chapters


def test_every_claim_stands_in_one_chapter_that_has_a_title_of_its_own():
    found = chapters.by_chapter(experiments.names())
    placed = [name for some in found.values() for name in some]
    assert sorted(placed) == sorted(experiments.names())
    assert chapters.OTHERS not in found
    titles = [each.title for each in chapters.CHAPTERS]
    assert len(set(titles)) == len(titles)
    assert list(found) == [title for title in titles if title in found]


def test_what_is_no_claim_of_ours_comes_last():
    found = chapters.by_chapter(["stranger", "weighted-tv", "curve-fitting"])
    assert list(found) == ["Curve fitting", "Weighted variation", chapters.OTHERS]
    assert found[chapters.OTHERS] == ["stranger"]
