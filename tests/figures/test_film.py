"""Films: one scene at a time, each where its numbers are, and chosen without motion."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.figures.film import Film, Scene
from stepscape.figures.motion import HEIGHT, LEFT, MARGIN, WIDTH

SVG = "{http://www.w3.org/2000/svg}"
GRID = np.linspace(-1.0, 1.0, 201)
DOTS = np.array([[-1.0, 0.0], [1.0, 2.0]])


def curve(heights) -> np.ndarray:
    return np.column_stack([GRID, heights])


def tents(count: int) -> list[Scene]:
    return [
        Scene(f"η = {i}", f"{i} < pieces", curve((i + 1) * np.abs(GRID) / count), "#0072B2", 0.5 * i)
        for i in range(count)
    ]


def made(count: int = 3, **more) -> Film:
    given = {"scenes": tents(count), "dots": DOTS, "reference": curve(0.0 * GRID), "seconds": 4.0} | more
    return Film(named="truth", across="x", words="tents & dots", gauge=("sharpness", "2/η"), **given)


def visible(markup: str, at: float) -> list[int]:
    """Scenes that the keyframes show at a share of a pass in per cent, the last frame before it decides."""
    found = []
    for number, frames in re.findall(r"@keyframes motion-one-(\d+)\{(.*?\})\}", markup):
        state = ""
        for places, value in re.findall(r"([\d.%,]+)\{visibility:(\w+)\}", frames):
            if min(float(place.strip("%")) for place in places.split(",")) <= at:
                state = value
        found += [int(number)] if state == "visible" else []
    return found


@pytest.mark.parametrize("count", [2, 3, 9])
def test_one_scene_is_seen_at_a_time_in_their_order_and_the_last_one_longest(count: int) -> None:
    markup = made(count).markup("one")
    times = np.arange(0.005, 100.0, 0.25)
    seen = [visible(markup, at) for at in times]
    assert all(len(each) == 1 for each in seen)
    order = [each[0] for each in seen]
    assert sorted(order) == order
    shares = [order.count(i) / len(times) for i in range(count)]
    assert shares[:-1] == pytest.approx([0.85 / count] * (count - 1), abs=0.005)
    assert shares[-1] == pytest.approx(0.85 / count + 0.15, abs=0.005)


def test_the_first_scene_stands_until_its_reader_chooses_or_plays() -> None:
    page = ET.fromstring(made().markup("one"))
    style = page.findtext("style")
    buttons = page.findall("input")
    assert [each.get("id") for each in buttons] == [*(f"motion-one-{i}" for i in range(3)), "motion-one-play"]
    assert [each.get("checked") for each in buttons] == ["", None, None, None]
    assert {each.get("type") for each in buttons} == {"radio"}
    assert {each.get("name") for each in buttons} == {"motion-one"}
    assert [each.get("for") for each in page.findall("label")] == [each.get("id") for each in buttons]
    assert "#motion-one .scene{visibility:hidden}" in style
    for i in range(3):
        assert f"#motion-one-{i}:checked~svg .scene-{i}{{visibility:visible}}" in style
        played = f"#motion-one-play:checked~svg .scene-{i}{{animation:motion-one-{i} 4s step-end infinite}}"
        assert played in style
    assert (
        style.count("animation:") == 3 + 1
    )  # nothing moves but what is played, and what reduced motion stops
    assert (
        "reduce){#motion-one-play,#motion-one .play{display:none}#motion-one .scene{animation:none!im"
        in style
    )
    assert "@media print{#motion-one{display:none}}" in style
    assert page.find("script") is None
    assert "currentColor" not in ET.tostring(page, "unicode")


def test_scenes_say_their_words_and_show_their_ratio() -> None:
    page = ET.fromstring(made().markup("one"))
    groups = [each for each in page.iter(f"{SVG}g") if "scene" in (each.get("class") or "")]
    assert [each.findtext(f"{SVG}text") for each in groups] == ["0 < pieces", "1 < pieces", "2 < pieces"]
    bars = [float(each.find(f"{SVG}rect").get("width")) for each in groups]
    one = float(re.match(r"M([\d.]+) ", next(
        each.get("d") for each in page.iter(f"{SVG}path") if each.get("stroke-dasharray") == "4 2"
        and "v" in each.get("d")
    )).group(1)) - LEFT  # fmt: skip
    assert bars == pytest.approx([0.0, 0.5 * one, one], abs=0.1)
    assert one == pytest.approx((WIDTH - LEFT - MARGIN) / 1.5, abs=0.1)
    beyond = made(scenes=[*tents(2), Scene("c", "c", curve(GRID), "#000", 40.0)]).markup("one")
    assert f'width="{WIDTH - LEFT - MARGIN:.1f}"' in beyond  # the gauge ends, whatever the ratio


def test_curves_keep_their_corners_and_no_more() -> None:
    wave = np.where(GRID < 0.0, 0.0, np.sin(3.0 * GRID))
    markup = made(scenes=[*tents(2), Scene("wave", "wave", curve(wave), "#000", 1.0)]).markup("one")
    group = next(
        each for each in ET.fromstring(markup).iter(f"{SVG}g") if "scene-2" in (each.get("class") or "")
    )
    path = group.find(f"{SVG}path").get("d")
    kept = np.array([[float(x) for x in each.split()] for each in path[1:].split("L")])
    assert len(kept) < 40
    assert len(kept) > 5
    x = LEFT + (GRID + 1.0) / 2.0 * (WIDTH - LEFT - MARGIN)
    y = HEIGHT - MARGIN - wave / 2.0 * (HEIGHT - 2.0 * MARGIN)  # the dots reach to 2
    steepest = 3.0 / 2.0 * (HEIGHT - 2.0 * MARGIN) / (0.5 * (WIDTH - LEFT - MARGIN))
    allowed = (0.25 + 0.1) * np.hypot(1.0, steepest)  # across the line, and rounding to a tenth
    assert np.abs(np.interp(x, kept[:, 0], kept[:, 1]) - y).max() < allowed
    tent = re.search(r'scene-0".*?d="([^"]*)"', markup).group(1)
    assert tent.count("L") == 2


@pytest.mark.parametrize(("height", "corners"), [(0.2, 1), (0.3, 2)])
def test_a_corner_is_kept_from_a_quarter_of_a_unit(height: float, corners: int) -> None:
    bump = 1.0 + np.where(GRID == 0.0, height * 2.0 / (HEIGHT - 2.0 * MARGIN), 0.0)
    low = np.column_stack([[-1.0, 0.0, 1.0], [1.0, bump.max(), 1.0]])
    markup = made(scenes=[*tents(2), Scene("bump", "bump", low, "#000", 1.0)]).markup("one")
    assert re.search(r'scene-2".*?d="([^"]*)"', markup).group(1).count("L") == corners


def test_what_it_refuses() -> None:
    with pytest.raises(InputError, match="scenes must be 2 to 20, got 1"):
        made(1)
    with pytest.raises(
        InputError, match=r"points must have shape \(m, 2\) with m from 2 to 2000, got \(1, 2\)"
    ):
        Scene("a", "a", DOTS[:1], "#000", 1.0)
    with pytest.raises(InputError, match="ratio must"):
        Scene("a", "a", DOTS, "#000", float("nan"))
    with pytest.raises(InputError, match="dots must be finite"):
        made(dots=np.array([[0.0, np.inf]]))
    with pytest.raises(InputError, match="seconds must be finite and positive"):
        made(seconds=0.0)
