"""Animations: what moves, that it waits, and that it is safe in a page."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.figures.animation import HEIGHT, MARGIN, WIDTH, Animation, Track

CORNERS = np.array([[0.0, -1.0], [2.0, 3.0], [1.0, 1.0]])


def motion(words: str = "two points") -> Animation:
    tracks = (Track("a", CORNERS, "#000000", jumps=True), Track("b <i>", CORNERS[::-1], "#0072B2"))
    return Animation(tracks, ("x", "y"), words, seconds=3.0)


def test_points_move_through_their_places_in_equal_times() -> None:
    markup = motion().markup("one")
    frames = re.search(r"@keyframes motion-one-0\{(.*?\})\}", markup)
    assert frames is not None
    left, right, low, high = MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN, MARGIN
    assert frames.group(1) == (
        f"0%{{transform:translate({left}px,{low}px)}}50%{{transform:translate({right}px,{high}px)}}"
        f"100%{{transform:translate({(left + right) / 2:g}px,{(low + high) / 2:g}px)}}"
    )
    assert ".track-0{animation-name:motion-one-0;animation-timing-function:step-end}" in markup
    assert ".track-1{animation-name:motion-one-1}" in markup
    assert "3s linear infinite paused" in markup


def test_it_waits_stands_still_and_is_not_printed() -> None:
    page = ET.fromstring(motion('1 < 2 & "so"').markup("one"))
    style = page.findtext("style")
    assert "#motion-one-play:checked~svg .moves{animation-play-state:running}" in style
    assert "@media (prefers-reduced-motion:reduce){#motion-one .moves{animation:none!important}" in style
    assert "@media print{#motion-one{display:none}}" in style
    box = page.find("input")
    assert (box.get("type"), box.get("checked")) == ("checkbox", None)
    assert page.find("label").get("for") == box.get("id")
    drawing = page.find("{http://www.w3.org/2000/svg}svg")
    assert drawing.get("aria-label") == '1 < 2 & "so"'
    starts = [each.get("style") for each in drawing.iter("{http://www.w3.org/2000/svg}circle")]
    assert starts[0] == f"transform:translate({MARGIN}px,{HEIGHT - MARGIN}px)"
    assert page.find("script") is None


def test_what_it_refuses() -> None:
    with pytest.raises(
        InputError, match=r"points must have shape \(frames, 2\) with 2 to 400 frames, got \(1, 2\)"
    ):
        Track("a", CORNERS[:1], "#000000")
    with pytest.raises(InputError, match="points must be finite"):
        Track("a", np.full((3, 2), np.nan), "#000000")
    with pytest.raises(InputError, match=r"tracks must have equally many frames, got \[2, 3\]"):
        Animation((Track("a", CORNERS, "#000"), Track("b", CORNERS[:2], "#000")), ("x", "y"), "z")
    with pytest.raises(InputError, match="seconds must be finite and positive"):
        Animation((Track("a", CORNERS, "#000"),), ("x", "y"), "z", seconds=0.0)
