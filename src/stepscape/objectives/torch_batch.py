"""A batch of tensors in float64, whose examples can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import reals, vector
from stepscape.errors import bad, shown
from stepscape.objectives.require_torch import require_torch

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TorchBatch:
    """A tensor, or tuples, lists and dicts of tensors; `value` is what a loss receives."""

    value: Any

    @classmethod
    def read(cls, value: object) -> TorchBatch:
        """Copy a batch to the CPU; floating numbers become float64, arrays become tensors."""
        if value is None or isinstance(value, Iterator) or hasattr(value, "dataset"):
            must = "be one batch, as the loss takes it"
            raise bad("batch", must, shown(value), "of a DataLoader give next(iter(loader))")
        batch = cls(_each(value, _double))
        if any(batch.shapes) and not any(shape[0] for shape in batch.shapes if shape):
            raise bad("batch", "hold at least one example", "none")
        return batch

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the tensors."""
        found: list[tuple[int, ...]] = []
        _each(self.value, lambda tensor: found.append(tuple(tensor.shape)))
        return found

    @property
    def examples(self) -> int:
        """Common first dimension of the tensors."""
        sizes = {shape[:1] for shape in self.shapes}
        if len(sizes) != 1 or sizes == {()}:
            must = "hold tensors with the same first dimension, the examples to draw"
            raise bad("batch", must, f"{sorted(sizes)}" if sizes else shown(self.value))
        return int(sizes.pop()[0])

    def rows(self, numbers: NDArray[np.int64]) -> TorchBatch:
        """Return the batch of the examples with these numbers (B,)."""
        found, n = reals("rows", numbers), self.examples
        if found.ndim != 1 or not found.size or not np.isin(found, np.arange(n)).all():
            raise bad("rows", f"be numbers of examples from 0 to {n - 1}", shown(numbers))
        chosen = require_torch().from_numpy(found.astype(np.int64))
        return TorchBatch(_each(self.value, lambda tensor: tensor[chosen]))

    def with_noise(self, noise: Array) -> TorchBatch:
        """Return the batch (inputs, labels) with noise (n,) added to the labels."""
        torch, pair = require_torch(), self.value
        labels = pair[1] if isinstance(pair, tuple | list) and len(pair) == 2 else None
        if not isinstance(labels, torch.Tensor):
            raise bad("batch", "be (inputs, labels) for noise on the labels", shown(pair))
        if not labels.is_floating_point():
            then = "noise is added to real numbers, not to classes"
            raise bad("the labels", "be floating numbers for noise on them", f"{labels.dtype}", then)
        if labels.numel() != self.examples:
            raise bad("batch", "hold one label per example for noise on them", tuple(labels.shape))
        moved = labels + torch.from_numpy(vector("noise", noise, self.examples).copy()).reshape(labels.shape)
        return TorchBatch(type(pair)((pair[0], moved)))


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """Change every tensor and array in tuples, lists and dicts; leave everything else."""
    if isinstance(value, dict):
        return {name: _each(one, change) for name, one in value.items()}
    if isinstance(value, tuple | list):
        kept = [_each(one, change) for one in value]
        return type(value)(*kept) if hasattr(value, "_fields") else type(value)(kept)
    if isinstance(value, require_torch().Tensor | np.ndarray):
        return change(value)
    return value


def _double(value: Any) -> Any:
    torch = require_torch()
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise bad("batch", "hold tensors of real numbers", f"an array of dtype {value.dtype}")
        value = torch.from_numpy(np.array(value))
    value = value.detach().cpu().clone()
    return value.to(torch.float64) if value.is_floating_point() else value
