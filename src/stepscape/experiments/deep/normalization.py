"""What batch normalization needs beyond its loss: predictions off the batch, and the lengths of rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.objectives import TorchLoss
from stepscape.objectives.require_torch import require_torch

Array = NDArray[np.float64]


def predict(loss: TorchLoss, theta: Array, batch: Array, points: Array) -> Array:
    """Return f(x) (m,) at points (m, d), normalized by the statistics of a batch (n, d).

    These are the mean and the variance that the batch has at these parameters, not a running average over
    the training; the variance is divided by n, as in training. At the points of the batch itself f is what
    the loss sees. A model without normalizations knows no batch.
    """
    torch = require_torch()
    model, n = loss.fitted(theta), len(batch)
    norms = [each for each in model.modules() if isinstance(each, torch.nn.BatchNorm1d)]
    with torch.no_grad():
        for norm in norms:
            norm.momentum = 1.0  # the running statistics become those of the next batch
        model.train()
        if norms:
            model(_tensor(batch))
        for norm in norms:
            norm.running_var.mul_((n - 1.0) / n)  # PyTorch keeps the unbiased variance
        model.eval()
        return np.asarray(model(_tensor(points)).numpy()[:, 0])


def with_lengths_of(loss: TorchLoss, theta: Array, other: Array) -> Array:
    """Return θ (size,) with the rows of weights before a normalization as long as those of another θ.

    A normalization divides the length of a row out, so that the function stays the same up to the 1e-5 that
    PyTorch adds to the variance.
    """
    scaled = theta.copy()
    for rows in _rows(loss.model):
        now, then = (np.linalg.norm(each[rows], axis=1, keepdims=True) for each in (theta, other))
        scaled[rows] = theta[rows] * (then / now)
    return scaled


def _rows(model: Any) -> Iterator[NDArray[np.int64]]:
    """Yield the coordinates (width, inputs) of the rows before each normalization of a sequence of layers."""
    torch = require_torch()
    starts, at = dict[int, int](), 0
    for parameter in model.parameters():
        if parameter.requires_grad:
            starts[id(parameter)] = at
            at += parameter.numel()
    for linear, following in pairwise(model):
        if isinstance(following, torch.nn.BatchNorm1d):
            shape = tuple(linear.weight.shape)
            yield starts[id(linear.weight)] + np.arange(linear.weight.numel()).reshape(shape)


def _tensor(points: Array) -> Any:
    return require_torch().from_numpy(np.array(points, np.float64))
