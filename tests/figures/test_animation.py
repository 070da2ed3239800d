"""Animations: what moves, that it waits, and that it is safe in a page."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.edge import flows_figures
from stepscape.figures.animation import Animation, Track
from stepscape.figures.motion import HEIGHT, LEFT, MARGIN, WIDTH, Level
from stepscape.figures.ticks import round_ticks

CORNERS = np.array([[0.0, -1.0], [2.0, 3.0], [1.0, 1.0]])
SVG = "{http://www.w3.org/2000/svg}"


def motion(words: str = "two points", **more) -> Animation:
    tracks = (Track("a", CORNERS, "#000000", jumps=True), Track("b <i>", CORNERS[::-1], "#0072B2"))
    return Animation(tracks, ("x", "y"), words, seconds=3.0, **more)


def test_points_move_through_their_places_in_equal_times() -> None:
    markup = motion().markup("one")
    frames = re.search(r"@keyframes motion-one-0\{(.*?\})\}", markup)
    assert frames is not None
    left, right, low, high = LEFT, WIDTH - MARGIN, HEIGHT - MARGIN, MARGIN
    assert frames.group(1) == (
        f"0%{{transform:translate({left}px,{low}px)}}50%{{transform:translate({right}px,{high}px)}}"
        f"100%{{transform:translate({(left + right) / 2:g}px,{(low + high) / 2:g}px)}}"
    )
    assert ".track-0{animation-name:motion-one-0;animation-timing-function:step-end}" in markup
    assert ".track-1{animation-name:motion-one-1}" in markup
    assert "3s linear infinite paused" in markup


def test_levels_lie_where_their_values_do_and_the_plane_holds_them() -> None:
    levels = (Level(7.0, "2/η"), Level(0.5, "half < way", upright=True))
    page = ET.fromstring(motion(levels=levels, ticks=([(0.0, "0"), (9.0, "9")], [(3.0, "3")])).markup("one"))
    dashed = [path.get("d") for path in page.iter(f"{SVG}path") if path.get("stroke-dasharray")]
    quarter = LEFT + 0.25 * (WIDTH - LEFT - MARGIN)  # 0.5 of the 2 that the points span
    assert [each[: each.index("V" if i else "H")] for i, each in enumerate(dashed)] == [
        f"M{LEFT - 12} {MARGIN}", f"M{quarter:g} {HEIGHT - MARGIN + 12}",
    ]  # fmt: skip
    texts = [text.text for text in page.iter(f"{SVG}text")]
    assert texts == ["y", "x", "0", "3", "2/η", "half < way"]  # 9 lies beyond the plane
    start = page.find(f".//{SVG}circle").get("style")
    assert start == f"transform:translate({LEFT}px,{HEIGHT - MARGIN}px)"


def test_it_waits_stands_still_and_is_not_printed() -> None:
    page = ET.fromstring(motion('1 < 2 & "so"').markup("one"))
    style = page.findtext("style")
    assert "#motion-one-play:checked~svg .moves{animation-play-state:running}" in style
    assert "@media (prefers-reduced-motion:reduce){#motion-one .moves{animation:none!important}" in style
    assert "@media print{#motion-one{display:none}}" in style
    box = page.find("input")
    assert (box.get("type"), box.get("checked")) == ("checkbox", None)
    assert page.find("label").get("for") == box.get("id")
    drawing = page.find(f"{SVG}svg")
    assert drawing.get("aria-label") == '1 < 2 & "so"'
    starts = [each.get("style") for each in drawing.iter(f"{SVG}circle")]
    assert starts[0] == f"transform:translate({LEFT}px,{HEIGHT - MARGIN}px)"
    assert page.find("script") is None


def test_words_are_black_on_the_white_ground_of_figures() -> None:
    markup = motion().markup("one")
    assert "color:#000000;color-scheme:light" in markup
    assert "currentColor" not in markup  # white on white on a dark page


def test_what_it_refuses() -> None:
    with pytest.raises(
        InputError, match=r"points must have shape \(m, 2\) with m from 2 to 400, got \(1, 2\)"
    ):
        Track("a", CORNERS[:1], "#000000")
    with pytest.raises(InputError, match="points must be finite"):
        Track("a", np.full((3, 2), np.nan), "#000000")
    with pytest.raises(InputError, match=r"tracks must have equally many frames, got \[2, 3\]"):
        Animation((Track("a", CORNERS, "#000"), Track("b", CORNERS[:2], "#000")), ("x", "y"), "z")
    with pytest.raises(InputError, match="seconds must be finite and positive"):
        Animation((Track("a", CORNERS, "#000"),), ("x", "y"), "z", seconds=0.0)


def test_round_ticks_lie_within_the_values_and_have_short_names():
    assert round_ticks([-0.31, 0.72]) == [(-0.25, "−0.25"), (0.0, "0"), (0.25, "0.25"), (0.5, "0.5")]
    assert [name for _, name in round_ticks([0.1 * i for i in range(13)])] == [
        "0",
        "0.25",
        "0.5",
        "0.75",
        "1",
    ]


def test_the_animation_of_the_flows_has_ticks_and_every_flow():
    orbit = np.column_stack([np.linspace(0.0, 1.5, 200), np.zeros(200)])
    swing = np.column_stack([np.zeros(200), 0.2 * (-1.0) ** np.arange(200)])
    arrays = {f"{flow}_plane": orbit for flow in ("descent", "gradient", "rod", "central", "mirror")}
    drawn = flows_figures._motion({**arrays, "descent_swing": swing})
    flows = ["gradient flow", "rod flow", "central flow", "mirror flow"]
    assert [track.name for track in drawn.tracks] == [*flows, "middle of the swing of descent", "descent"]
    assert all(len(ticks) >= 3 for ticks in drawn.ticks)
    del arrays["central_plane"]  # it could not be solved
    assert len(flows_figures._motion({**arrays, "descent_swing": swing}).tracks) == 5
