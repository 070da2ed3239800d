"""The loss of a PyTorch model on one batch, as a function of one flat vector."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import vector
from stepscape.errors import bad, shown
from stepscape.objectives.require_loss import require_loss
from stepscape.objectives.require_torch import require_torch
from stepscape.objectives.torch_batch import TorchBatch
from stepscape.objectives.torch_hessian import TorchHessian, flat

Array = NDArray[np.float64]


class TorchLoss:
    """loss(model, batch) of a float64 copy of a model on the CPU; an `Objective` over its trained parameters.

    θ holds all parameters that require gradients, each flattened, in the order of ``model.parameters()``; one
    that several modules share counts once. Gradients are those of autograd, Hessian products those of double
    backward: exact up to rounding, almost everywhere. The model that is given is never changed, and neither
    are the buffers of the copy: running statistics of batch normalization do not move, so that the loss is a
    function of θ alone.

    Parameters
    ----------
    model : torch.nn.Module
        In training or evaluation mode, as it is to be measured.
    loss : callable
        (model, batch) → a scalar tensor, the mean loss over the batch.
    batch : tensor, or tuple, list or dict of tensors
        Floating numbers become float64. If all tensors have the same first dimension, its entries are the
        examples that stochastic methods draw; in a tuple of two, the second holds the labels.

    Raises
    ------
    Unavailable
        If PyTorch is not installed.
    InputError
        For a model without trained parameters, and for a loss that is not a finite real scalar of float64, is
        random (dropout), or does not depend on the parameters through differentiable operations.
    """

    def __init__(self, model: Any, loss: Callable[[Any, Any], Any], batch: Any) -> None:
        require_loss(loss)
        self.model = _copy(model)
        self._batch = TorchBatch.read(batch)
        self._probe = _probe(self.model, loss)
        self._trained = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        if not self._trained:
            must = "have parameters that require gradients"
            raise bad("model", must, "none", "set requires_grad on those to train")
        self._buffers = {f"model.{name}": one for name, one in self.model.named_buffers()}
        names = [name for name, _ in self.model.named_parameters(remove_duplicate=False)]
        self._tied = len(names) > len(list(self.model.parameters()))
        self._check()

    @property
    def size(self) -> int:
        """Number of trained parameters."""
        return sum(parameter.numel() for parameter in self._trained.values())

    @property
    def parameters(self) -> Array:
        """θ of the model that was given, (size,)."""
        return flat(tuple(self._trained.values()))

    @property
    def examples(self) -> int:
        """Number of examples in the batch.

        Raises
        ------
        InputError
            If its tensors have no common first dimension.
        """
        return self._batch.examples

    def loss(self, theta: Array) -> float:
        """Return the loss, normalized as the function that was given does."""
        with require_torch().no_grad():
            return float(self._value(self._tensors(theta), self._batch))

    def gradient(self, theta: Array) -> Array:
        """∇L(θ) (size,); zero for parameters that the loss does not depend on."""
        return self._slope(theta, self._batch)

    def hessian(self, theta: Array) -> TorchHessian:
        """∇²L(θ)."""
        return self._hessian(theta, self._batch)

    def census(self, theta: Array) -> dict[str, int]:
        """Return {}: nothing is known of the model."""
        vector("theta", theta, self.size)
        return {}

    def batch_gradient(self, theta: Array, rows: NDArray[np.int64]) -> Array:
        """∇L_B(θ) (size,) of the loss of the examples with these numbers (B,)."""
        return self._slope(theta, self._batch.rows(rows))

    def batch_hessian(self, theta: Array, rows: NDArray[np.int64]) -> TorchHessian:
        """∇²L_B(θ) of the loss of the examples with these numbers (B,)."""
        return self._hessian(theta, self._batch.rows(rows))

    def noisy_gradient(self, theta: Array, noise: Array) -> Array:
        """∇L(θ) (size,) with noise (n,) added to the labels."""
        return self._slope(theta, self._batch.with_noise(noise))

    def fitted(self, theta: Array) -> Any:
        """Return a float64 copy of the model with these parameters; its buffers are those that were given."""
        model, values = copy.deepcopy(self.model), self._tensors(theta)
        with require_torch().no_grad():
            for name, parameter in model.named_parameters():
                if name in values:
                    parameter.copy_(values[name])
        return model

    def __repr__(self) -> str:
        return f"TorchLoss({type(self.model).__name__} with {self.size} trained parameters)"

    def _tensors(self, theta: Array, slope: bool = False) -> dict[str, Any]:
        """Cut θ into tensors by name; with `slope` they are leaves that gradients are taken by."""
        whole = require_torch().from_numpy(vector("theta", theta, self.size).copy())
        pieces = whole.split([like.numel() for like in self._trained.values()])
        shaped = {
            name: piece.reshape(like.shape)
            for (name, like), piece in zip(self._trained.items(), pieces, strict=True)
        }
        return {name: one.requires_grad_() for name, one in shaped.items()} if slope else shaped

    def _value(self, tensors: dict[str, Any], batch: TorchBatch) -> Any:
        """Return the loss with these parameters, on copies of the buffers, which may be written."""
        given = {f"model.{name}": tensor for name, tensor in tensors.items()}
        given |= {name: buffer.clone() for name, buffer in self._buffers.items()}
        call = require_torch().func.functional_call
        return call(self._probe, given, (batch.value,), tie_weights=self._tied)

    def _slope(self, theta: Array, batch: TorchBatch) -> Array:
        tensors = self._tensors(theta, slope=True)
        value = self._value(tensors, batch)
        grad = require_torch().autograd.grad
        return flat(grad(value, list(tensors.values()), allow_unused=True, materialize_grads=True))

    def _hessian(self, theta: Array, batch: TorchBatch) -> TorchHessian:
        tensors = self._tensors(theta, slope=True)
        return TorchHessian(self._value(tensors, batch), list(tensors.values()))

    def _check(self) -> None:
        """Refuse a loss that is not a differentiable function of θ; the state of random numbers stays."""
        torch = require_torch()
        with torch.random.fork_rng(devices=[]):
            tensors = self._tensors(self.parameters, slope=True)
            try:
                values = [self._value(tensors, self._batch) for _ in range(3)]
            except Exception as error:
                must = "be computable from a float64 copy of the model and of the batch"
                raise bad("loss", must, _first_line(error)) from error
        if any(one.grad is not None for one in tensors.values()):
            raise bad("loss", "return the loss and leave gradients alone", "one that calls backward()")
        _check_value(values[0])
        if not values[0] == values[1] == values[2]:
            must = "be the same each time it is computed"
            raise bad("loss", must, "different values", "set dropout to evaluation mode and draw nothing")
        self.hessian(self.parameters).refuse_single()


def _check_value(value: Any) -> None:
    torch = require_torch()
    if not isinstance(value, torch.Tensor):
        raise bad(
            "loss", "return a real scalar tensor", shown(value), "return the loss itself, without item()"
        )
    if value.shape != () or value.is_complex():
        raise bad("loss", "return a real scalar tensor", _what(value), "take the mean over the batch")
    if not bool(torch.isfinite(value)):
        raise bad("loss", "be finite at the model's parameters", value.item())
    if not value.requires_grad:
        must = "depend on the parameters that require gradients, by differentiable operations"
        raise bad("loss", must, "a constant")
    if value.dtype != torch.float64:
        raise bad("loss", "be computed in float64", value.dtype, "convert nothing inside the model")


def _copy(model: Any) -> Any:
    """Return a float64 copy of a model on the CPU."""
    torch = require_torch()
    if not isinstance(model, torch.nn.Module):
        raise bad("model", "be a torch.nn.Module", shown(model))
    for name, parameter in model.named_parameters():
        if torch.nn.parameter.is_lazy(parameter):
            raise bad("model", "be initialized", f"the lazy parameter {name}", "call it on the batch once")
        if parameter.is_complex():
            raise bad("model", "have real parameters", f"{name} of {parameter.dtype}")
    try:
        return copy.deepcopy(model).to(device="cpu", dtype=torch.float64)
    except (RuntimeError, TypeError) as error:
        raise bad("model", "be copied by copy.deepcopy", _first_line(error)) from None


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _probe(model: Any, loss: Callable[[Any, Any], Any]) -> Any:
    """Return a module whose output is the loss, so that parameters and buffers can be given from outside."""
    torch = require_torch()

    class Probe(torch.nn.Module):  # type: ignore[misc,name-defined]
        """A model under its loss."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, batch: Any) -> Any:
            """Return the loss."""
            return loss(self.model, batch)

    return Probe()


def _what(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return shown(value) if shape is None else f"a tensor of shape {tuple(shape)}"
