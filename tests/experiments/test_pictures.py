"""The pictures of small runs keep the style, and their titles are true of what they draw."""

from __future__ import annotations

import re

import numpy as np
import pytest

import stepscape as ss
from figure_checks import faults
from stepscape.errors import InputError
from stepscape.experiments import pictures
from stepscape.figures.features import features_finding
from stepscape.figures.landscape import crossing, landscape_finding, swing
from stepscape.figures.weight import bend_weight, weight_finding
from stepscape.measures.slice import Slice
from stepscape.theory.line.weight import weight


@pytest.fixture(scope="module", params=list(pictures.NAMES))
def drawn(request):
    return request.param, pictures.draw(request.param)


def test_it_keeps_the_style(drawn):
    name, each = drawn
    assert faults(each.figure, each.caption, name) == []


def test_it_says_how_to_repeat_it(drawn):
    name, each = drawn
    assert each.caption.endswith(f"Repeat: stepscape figure {name}.")


def test_its_title_holds_the_extremes_of_the_step_sizes(drawn):
    name, each = drawn
    title = each.figure.get_suptitle().replace("\n", " ")
    if name != "landscape":
        assert {"0.03", "0.8"} <= set(re.findall(r"η = ([\d.]+)", title))
    assert re.search(r"fall from|fewer features|times as wide", title)


def test_another_name_is_refused():
    with pytest.raises(InputError, match="unknown picture 'wait'; did you mean 'weight'"):
        pictures.draw("wait")


def test_the_weight_of_bends_is_the_sum_over_knots():
    problem = ss.problems.tent(n=15, seed=0)
    net = ss.TwoLayerReLU.random(9, seed=3)
    total = np.abs(net.jumps) @ weight(net.knots, problem.inputs)
    assert bend_weight(problem, net) == pytest.approx(total, rel=1e-12)


def test_titles_follow_the_numbers():
    assert weight_finding({0.8: 2.0, 0.1: 1.0}) == (
        "Weighted by g, the bends of the curve rise from 1 at η = 0.1 to 2 at η = 0.8"
    )
    assert "fall from 3.1 at η = 0.1 to 0.50" in weight_finding({0.1: 3.14, 0.8: 0.5})
    assert features_finding({0.1: 9, 0.8: 4}) == (
        "Larger steps leave fewer features: 4 bends at η = 0.8, 9 at η = 0.1"
    )
    assert "more features" in features_finding({0.1: 4, 0.8: 9})
    assert features_finding({0.1: 4, 0.8: 4}) == "4 bends carry the curve at η = 0.1 and at η = 0.8"


def valley(path, curvature):
    """A slice whose sharpness rises along the first axis."""
    a, b = np.linspace(-1.0, 1.0, 21), np.linspace(-1.0, 1.0, 21)
    sharp = np.tile(curvature * (a + 1.0), (21, 1))
    return Slice(a, b, np.ones((21, 21)), sharp, np.array(path), np.zeros(len(path)))


def test_a_swing_is_counted_before_and_after_the_crossing():
    path = [(-0.9, 0.0), (-0.5, 0.1), (-0.1, 0.0), (0.3, 0.1), (0.5, -0.3), (0.6, 0.3)]
    cut = valley(path, 10.0)
    assert crossing(cut, 0.2) == 3  # 10·(1 + a) exceeds 10 for a > 0
    assert swing(cut, 0, 3) == pytest.approx(0.1)
    assert "6 times as wide" in landscape_finding(cut, 0.2)
    assert crossing(valley(path, 1.0), 0.2) is None
    assert "does not meet" in landscape_finding(valley(path, 1.0), 0.2)
