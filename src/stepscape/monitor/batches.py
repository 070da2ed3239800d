"""The examples of a measurement: one batch, or several with weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepscape.arguments import nonnegative
from stepscape.errors import bad, shown
from stepscape.objectives.require_torch import require_torch


@dataclass(frozen=True, eq=False)
class Batches:
    """Copies of the batches of one measurement.

    Attributes
    ----------
    values : tuple
        What the loss receives, one call for each.
    weights : tuple of float
        Share of each in the mean loss; they sum to 1.
    samples : int
        Number of examples in all batches together.
    """

    values: tuple[Any, ...]
    weights: tuple[float, ...]
    samples: int

    @classmethod
    def read(cls, batch: object, weights: Iterable[float] | None = None) -> Batches:
        """Copy one batch, or the batches of a list.

        A list of tensors alone is one batch, as a DataLoader collates it. Without weights, a batch counts by
        its number of examples, the first dimension of its first tensor, so that batches of unequal size give
        the mean over all examples.

        Raises
        ------
        InputError
            For an iterator, no batch, no example, and weights that do not fit.
        """
        if isinstance(batch, Iterator) or hasattr(batch, "__next__") or _is_loader(batch):
            raise bad(
                "batch", "be a batch or a list of batches", shown(batch), "give a list of some of its batches"
            )
        several = isinstance(batch, list) and not all(_is_tensor(each) for each in batch)
        given = list(batch) if several else [batch]  # type: ignore[call-overload]
        if batch is None:
            raise bad(
                "batch", "be what the loss takes", "None", "give examples, or () for a loss without any"
            )
        if isinstance(batch, list) and not batch:
            raise bad("batch", "hold at least one example", "an empty list")
        counts = [_examples(each) for each in given]
        if not sum(counts):
            raise bad("batch", "hold at least one example", "none")
        shares = [float(n) for n in counts] if weights is None else _weights(weights, len(given))
        kept = [(each, share) for each, share in zip(given, shares, strict=True) if share > 0.0]
        with require_torch().inference_mode(False):
            copies = tuple(_each(each, _clone) for each, _ in kept)
        total = math.fsum(share for _, share in kept)
        return cls(copies, tuple(share / total for _, share in kept), sum(counts))

    @property
    def devices(self) -> set[str]:
        """Where the tensors lie."""
        found: set[str] = set()
        for value in self.values:
            _each(value, lambda tensor: found.add(str(tensor.device)))
        return found

    def cast(self, change: Callable[[Any], Any]) -> tuple[Any, ...]:
        """Return the batches with each tensor of floating numbers changed."""

        def floating(tensor: Any) -> Any:
            return change(tensor) if tensor.is_floating_point() else tensor

        return tuple(_each(value, floating) for value in self.values)


def on_device(batch: Any, device: Any) -> Any:
    """Return a batch, or a list of batches, with its tensors on a device."""
    return _each(batch, lambda tensor: tensor.to(device))


def _weights(given: Iterable[float], count: int) -> list[float]:
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping) or _is_scalar(given):
        raise bad("weights", "be a list of numbers", shown(given))
    weights = [nonnegative("each of weights", weight) for weight in given]
    if len(weights) != count:
        raise bad("weights", f"hold one number for each of the {count} batches", f"{len(weights)}")
    if not sum(weights) > 0.0:
        raise bad("weights", "have a positive sum", sum(weights))
    return weights


def _examples(batch: object) -> int:
    """Count examples by the first tensor; a batch without tensors is one example."""
    sizes: list[int] = []
    _each(batch, lambda tensor: sizes.append(tensor.shape[0] if tensor.ndim else 1))
    return sizes[0] if sizes else 1


def _is_scalar(value: object) -> bool:
    return getattr(value, "ndim", 1) == 0


def _is_tensor(value: object) -> bool:
    return isinstance(value, require_torch().Tensor)


def _is_loader(value: object) -> bool:
    return isinstance(value, require_torch().utils.data.DataLoader)


def _clone(tensor: Any) -> Any:
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """Change every tensor in tuples, lists and mappings; leave everything else."""
    if isinstance(value, Mapping):
        changed = {name: _each(one, change) for name, one in value.items()}
        return changed if type(value) is dict else _rebuilt(value, changed)
    if isinstance(value, tuple | list):
        kept = [_each(one, change) for one in value]
        return type(value)(*kept) if hasattr(value, "_fields") else type(value)(kept)
    return change(value) if _is_tensor(value) else value


def _rebuilt(value: Any, changed: dict[str, Any]) -> Any:
    """Return a mapping of the same kind, such as the BatchEncoding of a tokenizer, or a dict."""
    try:
        return type(value)(changed)
    except Exception:
        return changed
