"""Losses, gradients and Hessian products of a probe: autograd's dense Hessian on a float64 copy."""

from __future__ import annotations

import copy

import pytest
import torch

from stepscape.monitor import Probe

nn = torch.nn
METHODS = ("cached", "double", "vjp")


def mse(model, batch):
    return ((model(batch[0]) - batch[1]) ** 2).mean()


def pair(rows=7, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 3, generator=draw), torch.randn(rows, 2, generator=draw)


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def dense(model, loss, batch):
    """Hessian of the loss by the trained parameters of a copy in float64, through `torch.func`."""
    double = copy.deepcopy(model).double()
    trained = {name: p.detach() for name, p in double.named_parameters() if p.requires_grad}
    sizes = [p.numel() for p in trained.values()]

    class Under(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = double

        def forward(self):
            return loss(self.model, batch)

    def value(flat):
        parts = zip(trained, flat.split(sizes), strict=True)
        given = {f"model.{name}": part.reshape(trained[name].shape) for name, part in parts}
        return torch.func.functional_call(Under(), given, ())

    at = torch.cat([p.reshape(-1) for p in trained.values()])
    return torch.autograd.functional.hessian(value, at)


def matrix(operator):
    unit = torch.eye(operator.size, dtype=operator.dtype)
    return torch.stack([operator.product(each) for each in unit])


@pytest.mark.parametrize("method", METHODS)
def test_products_are_those_of_the_dense_hessian(method):
    model, batch = network(), pair()
    operator = Probe(model, mse, batch, precision="float64").operator(method)
    expected = dense(model, mse, tuple(each.double() for each in batch))
    assert (matrix(operator) - expected).abs().max() <= 64 * 2.0**-52 * expected.abs().max()
    assert operator.graphs == (operator.products if method == "double" else 1)
