"""Full-batch training brings every optimizer to its own threshold: an edge ratio near 1.

Sources: Cohen et al. (2021), arXiv:2103.00065, for descent and momentum; Cohen et al. (2022),
arXiv:2207.14484, for adaptive optimizers.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from stepscape.monitor import Monitor

pytestmark = pytest.mark.long

STEPS, MEASURED = 600, 12


def digits():
    images, labels = load_digits(return_X_y=True)
    inputs = torch.tensor(images[:200] / 16.0, dtype=torch.float32)
    return inputs, torch.nn.functional.one_hot(torch.tensor(labels[:200]), 10).float()


def perceptron():
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10))


def loss(model, batch):
    return 5.0 * torch.nn.functional.mse_loss(model(batch[0]), batch[1])


def sgd(**settings):
    return lambda model: torch.optim.SGD(model.parameters(), **settings)


def two_groups(model):
    first, rest = list(model[0].parameters()), list(model[2:].parameters())
    return torch.optim.SGD([{"params": first, "lr": 0.3}, {"params": rest, "lr": 0.15}])


def rmsprop(**settings):
    return lambda model: torch.optim.RMSprop(model.parameters(), alpha=0.99, **settings)


def adam(first, step_size, kind=torch.optim.Adam, **settings):
    return lambda model: kind(model.parameters(), lr=step_size, betas=(first, 0.99), **settings)


OPTIMIZERS = {
    "descent": sgd(lr=0.2),
    "weight decay": sgd(lr=0.2, weight_decay=0.003),
    "heavy ball": sgd(lr=0.2, momentum=0.9),
    "nesterov": sgd(lr=0.08, momentum=0.9, nesterov=True),
    "two groups": two_groups,
    "rmsprop": rmsprop(lr=5e-4),
    "rmsprop with momentum": rmsprop(lr=4e-4, momentum=0.9),
    "adam, first mean 0": adam(0.0, 5e-4),
    "adam, first mean 0.5": adam(0.5, 1e-3),
    "adam, first mean 0.9": adam(0.9, 2e-3),
    "adamw": adam(0.9, 3e-3, torch.optim.AdamW, weight_decay=0.5),
    "amsgrad": adam(0.5, 4e-3, amsgrad=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_on_the_full_batch_settles_at_an_edge_ratio_near_one(name):
    model, batch = perceptron(), digits()
    optimizer = OPTIMIZERS[name](model)
    half = STEPS // 2
    monitor = Monitor(model, loss, batch, optimizer, every=half // MEASURED, measure=["edge_ratio"])
    for step in range(STEPS):
        optimizer.zero_grad()
        loss(model, batch).backward()
        optimizer.step()
        if step >= half:
            monitor.step(step)
    ratios = [row.edge_ratio for row in monitor.rows]
    assert len(ratios) == MEASURED
    assert 0.9 <= np.median(ratios) <= 1.1
