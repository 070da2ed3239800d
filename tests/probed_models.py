"""Small PyTorch models, and their Hessians by autograd without the monitor."""

from __future__ import annotations

import copy

import torch

nn = torch.nn


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
    with torch.nn.attention.sdpa_kernel([torch.nn.attention.SDPBackend.MATH]):
        return torch.autograd.functional.hessian(value, at)


def matrix(operator):
    unit = torch.eye(operator.size, dtype=operator.dtype)
    return torch.stack([operator.product(each) for each in unit])
