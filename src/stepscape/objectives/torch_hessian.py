"""Hessian products of a PyTorch loss by double backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import vector as one_each
from stepscape.errors import InputError, bad
from stepscape.objectives.require_torch import require_torch

Array = NDArray[np.float64]


class TorchHessian:
    """∇²L(θ) as products with vectors (size,), through one graph of the gradient that is kept.

    Parameters
    ----------
    value : torch.Tensor
        The loss, a scalar.
    inputs : list of torch.Tensor
        The parameters, whose numbers together are θ.

    Raises
    ------
    InputError
        If an operation in the loss has no second derivative.
    """

    def __init__(self, value: Any, inputs: list[Any]) -> None:
        self._value, self._inputs = value, inputs
        self._slopes = _grad([value], inputs, None, create_graph=True)

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return sum(one.numel() for one in self._inputs)

    def product(self, vector: Array) -> Array:
        """∇²L(θ)·vector (size,)."""
        given = require_torch().from_numpy(one_each("vector", vector, self.size).copy())
        pieces = given.split([one.numel() for one in self._inputs])
        live = [i for i, slope in enumerate(self._slopes) if slope.requires_grad]
        if not live:  # the loss is linear in θ
            return np.zeros(self.size)
        slopes = [self._slopes[i] for i in live]
        along = [pieces[i].reshape(self._slopes[i].shape) for i in live]
        return flat(_grad(slopes, self._inputs, along, retain_graph=True))

    def __repr__(self) -> str:
        return f"TorchHessian(size={self.size})"

    def refuse_single(self) -> None:
        """Refuse a function marked as once differentiable, through which autograd returns zeros instead.

        Raises
        ------
        InputError
            If there is one in the graph of the loss or of its gradient.
        """
        if once_differentiable([self._value, *self._slopes]):
            raise _no_second("a function marked as once differentiable")


def once_differentiable(ends: Sequence[Any]) -> bool:
    """Whether a function marked as once differentiable is in the graph of a loss or of its gradient."""
    waiting, seen = [end.grad_fn for end in ends if end.requires_grad], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name().endswith("::Error") or _is_marked(node):  # its derivative is a zero that no one sees
            return True
        waiting.extend(before for before, _ in node.next_functions)
    return False


def _is_marked(node: Any) -> bool:
    """Whether a node of a graph is a function of a user whose backward pass is marked as once differentiable.

    Where the slope that reaches it is a constant, as under a mean, so is the gradient, without a trace.
    """
    backward = getattr(getattr(node, "_forward_cls", None), "backward", None)
    marked = require_torch().autograd.function.once_differentiable(_grad)
    return getattr(backward, "__code__", None) is marked.__code__  # all that are marked share its wrapper


def flat(parts: tuple[Any, ...]) -> Array:
    """Return tensors as one vector."""
    return np.concatenate([part.detach().numpy().ravel() for part in parts])


def _grad(outputs: list[Any], inputs: list[Any], along: list[Any] | None, **graph: bool) -> tuple[Any, ...]:
    try:
        return require_torch().autograd.grad(  # type: ignore[no-any-return]
            outputs, inputs, along, allow_unused=True, materialize_grads=True, **graph
        )
    except RuntimeError as error:
        raise _no_second(f"an operation that is not ({str(error).partition(chr(10))[0]})") from None


def _no_second(what: str) -> InputError:
    return bad("loss", "be twice differentiable by autograd", what)
