"""A slice of the landscape is the loss and the sharpness on a plane, and the path projected to it."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.measures.slice import slice_along


@pytest.fixture(scope="module")
def setting():
    problem = ss.problems.tent(n=12, noise=0.3, seed=0)
    network = ss.TwoLayerReLU.random(5, seed=1)
    rng = np.random.default_rng(0)
    path = network.parameters + 0.1 * np.cumsum(rng.standard_normal((7, 16)), axis=0)
    return problem, network, path, rng.standard_normal(16)


def test_values_are_those_of_the_networks_of_the_plane(setting):
    problem, network, path, normal = setting
    cut = slice_along(problem, network, list(path), normal, points=4)
    first = path[-1] - path[0]
    first /= np.linalg.norm(first)
    second = normal - (normal @ first) * first
    second /= np.linalg.norm(second)
    for i, b in enumerate(cut.b):
        for j, a in enumerate(cut.a):
            there = network.with_parameters(path[3] + a * first + b * second)
            residuals = there.predict(problem.inputs) - problem.labels
            assert cut.loss[i, j] == pytest.approx(0.5 * np.mean(residuals**2), rel=1e-9)
            dense = ss.hessian(problem, there) @ np.eye(16)
            assert cut.sharpness[i, j] == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-5)


def test_the_path_and_its_distance_make_up_the_iterates(setting):
    problem, network, path, normal = setting
    cut = slice_along(problem, network, list(path), normal, points=2)
    lengths = np.linalg.norm(path - path[3], axis=1)
    np.testing.assert_allclose(np.hypot(np.linalg.norm(cut.path, axis=1), cut.distance), lengths, atol=1e-12)
    assert tuple(cut.path[3]) == (0.0, 0.0)
    assert cut.path[-1, 1] == pytest.approx(cut.path[0, 1])  # the first axis runs from the start to the end
    for axis, along in zip((cut.a, cut.b), cut.path.T, strict=True):
        assert axis[0] < along.min() <= along.max() < axis[-1]


def test_what_spans_no_plane_is_refused(setting):
    problem, network, path, normal = setting
    with pytest.raises(InputError, match="path must hold two iterates or more"):
        slice_along(problem, network, [path[0]], normal)
    with pytest.raises(InputError, match="path must end elsewhere than it begins"):
        slice_along(problem, network, [path[0], path[1], path[0]], normal)
    with pytest.raises(InputError, match="normal must not lie along the path"):
        slice_along(problem, network, list(path), 2.0 * (path[-1] - path[0]))
