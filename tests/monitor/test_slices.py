"""Slices of the loss: values by hand, filters as long as the weights, and the picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from figure_checks import faults
from monitor_models import Point, mlp, mse, pair, quadratic, snapshot
from stepscape.errors import InputError
from stepscape.figures.loss_plane import loss_slice_figure, loss_slice_finding
from stepscape.monitor.failure import Unmeasured
from stepscape.monitor.slices import LossSlice, loss_slice


def moved(model, directions, factors):
    """The model with parameters θ + Σ factor·direction, by hand."""
    other = mlp()
    with torch.no_grad():
        for i, (p, q) in enumerate(zip(other.parameters(), model.parameters(), strict=True)):
            p.copy_(q + sum(f * d[i] for f, d in zip(factors, directions, strict=True)))
    return other


@pytest.mark.parametrize("dimensions", [1, 2])
def test_values_are_those_of_models_that_were_moved(dimensions):
    model, batch = mlp(), pair()
    before = snapshot(model)
    found = loss_slice(model, mse, batch, dimensions=dimensions, radius=0.6, points=5, precision="float64")
    assert before == snapshot(model)
    np.testing.assert_allclose(found.offsets, [-0.6, -0.3, 0.0, 0.3, 0.6], rtol=1e-15)
    assert found.loss.shape == (5,) * dimensions
    for at in np.ndindex(found.loss.shape):
        factors = found.offsets[list(reversed(at))]  # rows belong to the second direction
        with torch.no_grad():
            expected = float(mse(moved(model, found.directions, factors), batch))
        assert found.loss[at] == pytest.approx(expected, rel=1e-13)
    assert found.loss[(2,) * dimensions] == pytest.approx(float(mse(model, batch).detach()), rel=1e-14)


def test_filters_are_as_long_as_the_weights_and_vectors_stay():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.LayerNorm(3), nn.Linear(3, 2))
    with torch.no_grad():
        model[0].weight[1] = 0.0
    images = torch.ones(2, 2, 3, 3), torch.zeros(2, 2)
    found = loss_slice(model, mse, images, dimensions=2, points=3)
    for direction in found.directions:
        for part, p in zip(direction, model.parameters(), strict=True):
            if p.ndim < 2:
                assert not part.any()
            else:
                lengths = p.detach().flatten(1).norm(dim=1)
                torch.testing.assert_close(part.flatten(1).norm(dim=1), lengths, rtol=1e-6, atol=0)
    first, second = found.directions
    assert not torch.equal(first[0], second[0])
    again = loss_slice(model, mse, images, dimensions=1, points=3)
    assert torch.equal(again.directions[0][0], first[0])
    other = loss_slice(model, mse, images, dimensions=1, points=3, seed=1)
    assert not torch.equal(other.directions[0][0], first[0])


def test_a_rescaling_of_relu_units_leaves_the_slice_as_it_is():
    """What the normalization is for: w1, b1 times 10 and w2 over 10 is the same network."""
    model, batch = mlp(activation=nn.ReLU), pair()
    slices = [loss_slice(model, mse, batch, dimensions=1, points=5, precision="float64").loss]
    with torch.no_grad():
        model[0].weight *= 10.0
        model[0].bias *= 10.0
        model[2].weight /= 10.0
    slices.append(loss_slice(model, mse, batch, dimensions=1, points=5, precision="float64").loss)
    np.testing.assert_allclose(*slices, rtol=1e-12)


def test_arguments_are_checked():
    model, batch = mlp(), pair()
    for settings, sentence in (
        ({"dimensions": 3}, "dimensions must be 1 or 2, got 3"),
        ({"radius": 0.0}, "radius must be finite and positive"),
        ({"points": 4}, "points must be odd, so that the parameters lie in the middle, got 4"),
        ({"points": 1}, "points must be a whole number of at least 3"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
    ):
        with pytest.raises(InputError, match=sentence):
            loss_slice(model, mse, batch, **settings)
    with pytest.raises(InputError, match="model must have chosen weights of two or more dimensions"):
        loss_slice(Point(), quadratic, torch.eye(5, dtype=torch.float64))
    with pytest.raises(Unmeasured, match="ZeroDivisionError"):
        loss_slice(model, lambda m, b: 1 / 0, batch)  # noqa: ARG005


AXIS = np.linspace(-1.0, 1.0, 21)
BOWL = 1.0 + 16.0 * np.add.outer(AXIS**2, AXIS**2)
CAPTION = "Loss; dashed where it is twice that at the parameters, the white plus."


@pytest.mark.parametrize("loss", [BOWL[10], BOWL, BOWL - 1.0, np.where(BOWL > 20.0, np.inf, BOWL)])
def test_the_picture_keeps_the_rules_and_its_title_is_a_finding(loss):
    figure = loss_slice_figure(LossSlice(AXIS, loss, ()))
    assert faults(figure, CAPTION) == []
    assert "the length of the weights" in " ".join(figure.get_suptitle().split())


def test_a_picture_is_of_a_slice_that_begins_somewhere():
    with pytest.raises(
        InputError, match=r"found must be a LossSlice, got an array of shape \(21,\); give what"
    ):
        loss_slice_figure(AXIS)
    lost = LossSlice(AXIS, np.full(21, np.nan), ())
    with pytest.raises(InputError, match=r"the loss of the slice must be finite at the parameters, got nan"):
        loss_slice_figure(lost)


def test_title_says_where_the_loss_doubles_and_where_it_is_lower():
    """1 + 16a² doubles at 0.25; the first point beyond is 0.3, on the plane (0.2, 0.2)."""
    assert loss_slice_finding(AXIS, BOWL[10]) == "The loss doubles within 30 % of the length of the weights"
    assert loss_slice_finding(AXIS, BOWL) == "The loss doubles within 28 % of the length of the weights"
    flat = loss_slice_finding(AXIS, 1.0 + 0.5 * AXIS)
    assert flat == (
        "The loss does not double within 100 % of the length of the weights, and falls to 50 % of its value "
        "elsewhere"
    )
