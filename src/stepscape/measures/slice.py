"""A two-dimensional slice of the landscape: loss and sharpness on a plane through parameter space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import whole
from stepscape.errors import bad
from stepscape.network import TwoLayerReLU
from stepscape.objectives import sharpness
from stepscape.objectives.relu_line import ReLULine
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
MARGIN = 0.12  # of the extent of a path on either side


@dataclass(frozen=True, eq=False)
class Slice:
    """Loss and sharpness on the plane θ = origin + a·e1 + b·e2, and a path projected to it.

    Attributes
    ----------
    a, b : (m,)
        Coordinates along e1 and e2, orthonormal.
    loss, sharpness : (m, m)
        At each point; rows belong to `b`. L as in `Problem`, and λ_max of its Hessian.
    path : (t, 2)
        Coordinates of the iterates, projected orthogonally.
    distance : (t,)
        Distance of each iterate from the plane: what the picture leaves out.
    """

    a: Array
    b: Array
    loss: Array
    sharpness: Array
    path: Array
    distance: Array


def slice_along(
    problem: Problem, network: TwoLayerReLU, path: Sequence[ArrayLike], normal: ArrayLike, points: int = 41
) -> Slice:
    """Slice along a path: the first axis runs from its start to its end, the second is the rest of `normal`.

    Parameters
    ----------
    network : says what the parameters belong to.
    path : at least two iterates (3k + 1,); the middle one is the origin.
    normal : (3k + 1,), such as an eigenvector of the largest curvature.
    points : on each axis.

    Raises
    ------
    InputError
        A path that ends where it begins, or a `normal` along it.
    """
    iterates = np.asarray(path, float)
    points = whole("points", points, 2, 1000)
    if iterates.ndim != 2 or len(iterates) < 2:
        raise bad("path", "hold two iterates or more", f"shape {iterates.shape}")
    origin = iterates[len(iterates) // 2]
    first = _unit("path", iterates[-1] - iterates[0], "end elsewhere than it begins")
    across = np.asarray(normal, float)
    second = _unit("normal", across - (across @ first) * first, "not lie along the path")
    plane = np.array([first, second])
    offsets = iterates - origin
    at = offsets @ plane.T
    a, b = (_span(each, points) for each in at.T)
    values = [[_at(problem, network, origin + x * first + y * second) for x in a] for y in b]
    loss, curvature = np.moveaxis(np.array(values), 2, 0)
    return Slice(a, b, loss, curvature, at, np.linalg.norm(offsets - at @ plane, axis=1))


def _unit(name: str, vector: Array, must: str) -> Array:
    length = float(np.linalg.norm(vector))
    if not length > 1e-12:
        raise bad(name, must, f"a length of {length:.2g} across")
    return vector / length


def _span(values: Array, points: int) -> Array:
    room = MARGIN * max(float(np.ptp(values)), 1e-12)
    return np.linspace(values.min() - room, values.max() + room, points)


def _at(problem: Problem, network: TwoLayerReLU, theta: Array) -> tuple[float, float]:
    there = network.with_parameters(theta)
    return ReLULine(problem, network).loss(theta), sharpness(problem, there).value
