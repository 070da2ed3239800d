"""The picture of half-planes: which points are filled, what its title counts, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from figure_checks import faults
from stepscape.errors import InputError

PROBLEM = ss.Problem([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], [0.0, 0.0, 0.0, 0.0])
NETWORK = ss.TwoLayerReLU([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], [-0.5, -3.0, 9.0], [1.0, 1.0, 1.0])
CAPTION = "Filled circles are the points on which a neuron is active; the line bounds its half-plane."


def filled(ax):
    return sorted(tuple(point) for point in ax.lines[-1].get_xydata())


def test_the_points_of_a_neuron_are_filled():
    figure = ss.figures.half_planes(PROBLEM, NETWORK, [0, 1])
    assert [filled(ax) for ax in figure.axes] == [[(1.0, 0.0), (2.0, 2.0)], [(2.0, 2.0)]]
    assert figure._suptitle.get_text() == "One neuron is shared by 2 points, another holds a single point"
    assert not faults(figure, CAPTION)


def test_a_neuron_without_an_edge_is_drawn_too():
    figure = ss.figures.half_planes(PROBLEM, NETWORK, [2])
    assert len(filled(figure.axes[0])) == 4
    assert figure._suptitle.get_text() == "The neurons are active on 4 of 4 points"


@pytest.mark.parametrize(
    ("problem", "neurons", "sentence"),
    [
        (ss.Problem([0.0, 1.0], [0.0, 1.0]), [0], "problem must have 2 input variables, got 1"),
        (PROBLEM, [], r"neurons must be one to 3 places from 0 to 2, got \[\]"),
        (PROBLEM, [3], r"neurons must be one to 3 places from 0 to 2, got \[3\]"),
    ],
)
def test_what_cannot_be_drawn_is_refused(problem, neurons, sentence):
    with pytest.raises(InputError, match=sentence):
        ss.figures.half_planes(problem, NETWORK, neurons)


def test_a_network_of_three_variables_is_refused():
    with pytest.raises(InputError, match="network must have 2 input variables here, got 3"):
        ss.figures.half_planes(PROBLEM, ss.TwoLayerReLU(np.ones((1, 3)), [0.0], [1.0]), [0])
