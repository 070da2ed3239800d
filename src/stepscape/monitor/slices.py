"""Slices of the loss through the parameters of a model, along random directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive, whole
from stepscape.errors import bad
from stepscape.monitor.probe import Loss, Probe
from stepscape.objectives.require_torch import require_torch

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LossSlice:
    """L(θ + a·d) along one direction, or L(θ + a·d + b·e) along two.

    Attributes
    ----------
    offsets : (m,)
        The values of a, and of b, ascending and with 0 in the middle; 1 moves each unit by the length of its
        own weights.
    loss : (m,) or (m, m)
        Rows belong to b. Infinite or nan where the loss is.
    directions : tuple of lists of tensors
        d, and e, one tensor for each chosen parameter.
    """

    offsets: Array
    loss: Array
    directions: tuple[list[Any], ...]


def loss_slice(
    model: Any,
    loss: Loss,
    batch: Any,
    *,
    dimensions: int = 2,
    radius: float = 1.0,
    points: int = 21,
    seed: int = 0,
    **settings: Any,
) -> LossSlice:
    """Evaluate the loss on a line or a plane through the parameters, without touching them.

    Directions are random and normalized by filters: the weights into each output unit of a layer have the
    length that they have in θ, so that pictures of networks that differ only by a rescaling of ReLU units
    agree. Biases and the parameters of normalization layers (everything with less than two dimensions) stay.

    Parameters
    ----------
    model, loss, batch : as in `sharpness`.
    dimensions : int
        1 or 2.
    radius : float
        Largest |a|.
    points : int
        m, odd, at least 3, on each axis: m or m² forward passes.
    seed : int
        Of the directions, from a generator of their own.
    **settings : as in `Probe`.

    Raises
    ------
    InputError
        For a number outside its range, and a model without weights of two or more dimensions.
    Unmeasured
        If the model or its loss fails.

    Notes
    -----
    A slice along random directions shows typical curvature, about the trace over the number of parameters,
    and not the sharpest direction: λ_max may be a thousand times larger than what the picture shows.

    `stepscape.figures.loss_plane.loss_slice_figure` draws what is returned.

    Source: Li et al. (2018), Visualizing the loss landscape of neural nets.
    """
    if whole("dimensions", dimensions, 1) > 2:
        raise bad("dimensions", "be 1 or 2", dimensions)
    size = positive("radius", radius)
    if whole("points", points, 3) % 2 == 0:
        raise bad("points", "be odd, so that the parameters lie in the middle", points)
    probe = Probe(model, loss, batch, **settings)
    if all(one.ndim < 2 for one in probe.parameters):
        raise bad("model", "have chosen weights of two or more dimensions", "vectors and scalars only")
    draw = require_torch().Generator().manual_seed(whole("seed", seed))
    directions = tuple(_filtered(probe.parameters, draw) for _ in range(dimensions))
    offsets = np.linspace(-size, size, points)
    offsets[points // 2] = 0.0
    return LossSlice(offsets, _losses(probe, directions, offsets), directions)


def _losses(probe: Probe, directions: tuple[list[Any], ...], offsets: Array) -> Array:
    axes = [offsets] * len(directions)
    grid = np.stack(np.meshgrid(*axes, indexing="xy"), axis=-1)
    values = np.empty(grid.shape[:-1])
    with probe.measuring():
        for at in np.ndindex(values.shape):
            shift = [
                sum(float(a) * one for a, one in zip(grid[at], parts, strict=True))
                for parts in zip(*directions, strict=True)
            ]
            values[at] = float(probe.loss(shift))
    return values


def _filtered(parameters: tuple[Any, ...], draw: Any) -> list[Any]:
    """Draw a direction whose filters are as long as those of the parameters."""
    torch = require_torch()
    direction = []
    for one in parameters:
        if one.ndim < 2:
            direction.append(torch.zeros_like(one))
            continue
        noise = torch.randn(one.shape, generator=draw, dtype=torch.float64).reshape(len(one), -1)
        lengths = one.double().reshape(len(one), -1).norm(dim=1).cpu()
        noise = noise * (lengths / noise.norm(dim=1))[:, None]
        direction.append(noise.reshape(one.shape).to(one))
    return direction
