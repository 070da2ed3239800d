"""Small PyTorch models with known curvature, for the tests of the monitor."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Point(nn.Module):
    """A point in R^5 in two pieces; its losses are those of the tests."""

    def __init__(self, start=(1.0, -0.5, 0.3, 2.0, -1.0)):
        super().__init__()
        values = torch.tensor(start, dtype=torch.float64)
        self.head, self.tail = nn.Parameter(values[:2].clone()), nn.Parameter(values[2:].clone())

    def forward(self):
        return torch.cat([self.head, self.tail])


def quadratic(model, matrix):
    """½ xᵀAx; the batch is A."""
    x = model()
    return 0.5 * x @ matrix @ x


def quartic(model, matrix):
    """A loss whose Hessian changes along the way."""
    x = model()
    return 0.5 * x @ matrix @ x + 0.05 * (x**4).sum()


def random_matrix(seed=0, low=-0.5, high=4.0):
    """Symmetric (5, 5) with eigenvalues from low to high."""
    draw = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(5, 5, generator=draw, dtype=torch.float64))
    return basis @ torch.diag(torch.linspace(low, high, 5, dtype=torch.float64)) @ basis.T


def mlp(widths=(3, 4, 2), activation=nn.Tanh, seed=1):
    """Fully connected layers in float64."""
    torch.manual_seed(seed)
    layers = []
    for i in range(len(widths) - 1):
        layers += [nn.Linear(widths[i], widths[i + 1]), activation()]
    return nn.Sequential(*layers[:-1]).double()


def mse(model, batch):
    """Mean square error of (inputs, labels)."""
    return ((model(batch[0]) - batch[1]) ** 2).mean()


def pair(rows=7, seed=0, inputs=3, outputs=2):
    """Inputs and labels of standard normal numbers."""
    draw = torch.Generator().manual_seed(seed)
    make = lambda columns: torch.randn(rows, columns, generator=draw, dtype=torch.float64)  # noqa: E731
    return make(inputs), make(outputs)


def on_vector(model, loss, batch):
    """Return the loss as a function of one flat vector, and that vector, by `torch.func` on a copy."""
    own = copy.deepcopy(model)
    trained = {name: p.detach() for name, p in own.named_parameters() if p.requires_grad}

    class Under(nn.Module):
        def __init__(self):
            super().__init__()
            self.own = own

        def forward(self):
            return loss(self.own, batch)

    def value(flat):
        parts = flat.split([p.numel() for p in trained.values()])
        shaped = zip(trained.items(), parts, strict=True)
        given = {f"own.{name}": part.reshape(p.shape) for (name, p), part in shaped}
        return torch.func.functional_call(Under(), given, ())

    return value, torch.cat([p.reshape(-1) for p in trained.values()])


def dense(model, loss, batch):
    """Gradient and Hessian by autograd."""
    value, at = on_vector(model, loss, batch)
    return torch.autograd.functional.jacobian(value, at), torch.autograd.functional.hessian(value, at)


def snapshot(model, optimizer=None):
    """Everything that a measurement must leave alone, as bytes."""
    kept = [torch.get_rng_state(), *model.state_dict().values()]
    kept += [p.grad for p in model.parameters() if p.grad is not None]
    if optimizer is not None:
        kept += [one for s in optimizer.state.values() for one in s.values() if torch.is_tensor(one)]
    flags = [(m.training, len(m._forward_hooks), len(m._forward_pre_hooks)) for m in model.modules()]
    return [one.detach().numpy().tobytes() for one in kept], flags
