"""Colors: what is told apart by hue is told apart by color-blind eyes; what is ordered is ordered in gray."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from color_vision import DEUTERANOPIA, apart, contrast, lab
from stepscape.errors import InputError
from stepscape.figures.colors import ARM, MOMENT, REGION, eta_color, level_color


def test_black_and_white_are_100_apart():
    assert apart("black", "white") == pytest.approx(100.0, abs=0.01)
    assert apart("#777777", "#777777", DEUTERANOPIA) == 0.0
    assert contrast("black") == pytest.approx(21.0)


@pytest.mark.parametrize("looks", [MOMENT, ARM, REGION], ids=["moments", "starts", "regions"])
def test_color_blind_eyes_tell_them_apart(looks):
    for one, other in itertools.combinations(looks.values(), 2):
        assert apart(one.color, other.color, DEUTERANOPIA) > 15.0
    assert all(contrast(look.color) > 3.0 for look in looks.values())


@pytest.mark.parametrize("vision", [None, DEUTERANOPIA], ids=["all cones", "no green cones"])
def test_four_step_sizes_are_told_apart(vision):
    for etas in ((0.01, 0.1, 0.3, 0.8), (0.003, 0.03, 0.3, 3.0)):
        colors = list(map(eta_color, etas))
        assert all(apart(*pair, vision) > 15.0 for pair in itertools.pairwise(colors))


def test_the_color_of_a_step_size_depends_on_nothing_else_and_is_lighter_for_larger_ones():
    lightness = [lab(eta_color(eta))[0] for eta in np.geomspace(0.003, 4.0, 40)]
    assert np.all(np.diff(lightness) > 0.5)
    assert eta_color(1e-9) == eta_color(0.003)
    assert eta_color(1e9) == eta_color(4.0)
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="step_size must be finite and positive"):
            eta_color(wrong)


def test_levels_are_spread_over_their_scale():
    sizes = (30, 60, 120, 240)
    lightness = [lab(level_color(n, sizes))[0] for n in sizes]
    assert np.allclose(np.diff(lightness), np.mean(np.diff(lightness)), rtol=0.3)
    assert level_color(0.1, (0.0, 0.1, 0.2)) == level_color(2.0, (1.0, 2.0, 4.0))  # linear; logarithmic
    assert level_color(3.0, (3.0,))
    with pytest.raises(InputError, match=r"value must lie among the levels, got 5 for \[1, 2\]"):
        level_color(5, (1, 2))


def test_moments_have_their_shapes():
    assert {suffix: (look.words, look.marker) for suffix, look in MOMENT.items()} == {
        "": ("end of training", "o"),
        "_equal_time": ("equal time", "s"),
        "_held_out": ("best held-out moment", "^"),
    }
    look = MOMENT["_held_out"]
    assert look.line == {"color": look.color, "linestyle": "-"}
    assert (look.marks["linestyle"], look.both["linestyle"], look.both["ms"]) == ("none", "-", 6.0)
