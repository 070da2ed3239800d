"""A measurement leaves training as it found it."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np

from stepscape.monitor.functional_dropout import without_functional_dropout
from stepscape.objectives.require_torch import require_torch

_PROBING: ContextVar[bool] = ContextVar("stepscape_probing", default=False)


def is_probing() -> bool:
    """Whether a measurement is under way: for forward hooks and losses that count or log."""
    return _PROBING.get()


@contextmanager
def guarded(model: Any, *, batch_norm: str, dropout: str, full_precision: bool) -> Iterator[None]:
    """Make a model a function of its parameters, and put back whatever a measurement could move.

    Put back: the states of all random generators (PyTorch on the CPU and on the devices of the model, NumPy,
    Python), the training flags of modules, switches of back ends. Switched for the time of the measurement:
    gradients are recorded, also within ``no_grad`` and ``inference_mode``; attention by its plain formula,
    because the fused ones have no second derivative; compiled modules run eagerly; batch normalization over
    processes by the batch of this one alone, because the others do not answer; recurrent layers without
    cuDNN; checkpoints keep what they would recompute; weight normalization by its plain formula, because
    the second derivative of the fused one is not symmetric (PyTorch 2.13); autocast, also that which
    Accelerate puts around a model, unless the model is measured as it is.
    Parameters, gradients, buffers, optimizers and hooks are not touched, because nothing here writes to them.
    """
    torch = require_torch()
    devices = {tensor.device for tensor in (*model.parameters(), *model.buffers())}
    with ExitStack() as stack:
        stack.callback(_PROBING.reset, _PROBING.set(True))
        stack.enter_context(_random_states(devices))
        stack.enter_context(_training_flags(model, batch_norm, dropout))
        stack.enter_context(_switches(model, devices, full_precision))
        stack.enter_context(_local_statistics(model))
        if dropout == "off":
            stack.enter_context(without_functional_dropout())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if full_precision:
            for kind in {"cpu", *(device.type for device in devices)} - {"meta"}:
                stack.enter_context(torch.autocast(kind, enabled=False))
            stack.enter_context(_own_forward(model))
        stack.callback(torch.clear_autocast_cache)
        torch.clear_autocast_cache()
        yield


@contextmanager
def _random_states(devices: set[Any]) -> Iterator[None]:
    torch = require_torch()
    cuda = [device for device in devices if device.type == "cuda"]
    python, array, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    states = [(device, torch.cuda.get_rng_state(device)) for device in cuda]
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(array)  # noqa: NPY002
        torch.set_rng_state(cpu)
        for device, state in states:
            torch.cuda.set_rng_state(state, device)


def replay_random_numbers(model: Any, seed: int = 20_251_201) -> None:
    """Let PyTorch draw the same numbers again, on the CPU and on the devices of a model.

    Only within `guarded`, which puts the states back.
    """
    torch = require_torch()
    torch.default_generator.manual_seed(seed)
    for index in {p.device.index for p in model.parameters() if p.device.type == "cuda"}:
        torch.cuda.default_generators[index].manual_seed(seed)


@contextmanager
def _training_flags(model: Any, batch_norm: str, dropout: str) -> Iterator[None]:
    flags = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in flags:
            if dropout == "off" and _drops(module):
                module.training = False
            if batch_norm != "as_is" and is_batch_norm(module):
                module.training = batch_norm == "batch"
        yield
    finally:
        for module, training in flags:
            module.training = training


def is_batch_norm(module: Any) -> bool:
    """Whether a module normalizes by the statistics of a batch."""
    return isinstance(module, require_torch().nn.modules.batchnorm._BatchNorm)


@contextmanager
def _local_statistics(model: Any) -> Iterator[None]:
    """Let batch normalization take its statistics without other processes, which it would wait for."""
    norms = require_torch().nn.modules.batchnorm
    own = [each for each in model.modules() if "forward" not in vars(each)]
    synced = [each for each in own if isinstance(each, norms.SyncBatchNorm)]
    try:
        for each in synced:
            each.forward = partial(norms._BatchNorm.forward, each)
        yield
    finally:
        for each in synced:
            vars(each).pop("forward", None)


def _drops(module: Any) -> bool:
    nn = require_torch().nn
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return True
    return isinstance(module, nn.MultiheadAttention | nn.RNNBase) and module.dropout > 0.0


@contextmanager
def _own_forward(model: Any) -> Iterator[None]:
    """Take off the autocast that Accelerate puts around the forward pass of a model that it prepares."""
    around, own = (vars(model).get(name) for name in ("forward", "_original_forward"))
    if around is None or own is None:
        yield
        return
    model.forward = own
    try:
        yield
    finally:
        model.forward = around


@contextmanager
def _switches(model: Any, devices: set[Any], full_precision: bool) -> Iterator[None]:
    """Set what PyTorch keeps for the whole process."""
    torch = require_torch()
    checkpoint = sys.modules.get("torch.utils.checkpoint")
    dynamo = "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance")
    with ExitStack() as stack:
        stack.enter_context(torch.nn.attention.sdpa_kernel([torch.nn.attention.SDPBackend.MATH]))
        if dynamo:  # otherwise nothing is compiled, and importing it takes seconds
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        if checkpoint is not None:
            kept = checkpoint.CheckpointFunction
            stack.callback(setattr, checkpoint, "CheckpointFunction", kept)
            checkpoint.CheckpointFunction = _PlainCheckpoint  # type: ignore[attr-defined]
        stack.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        if full_precision:
            stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("highest")
        if any(name.endswith(_WEIGHT_NORM) for name, _ in model.named_parameters()):
            stack.enter_context(_plain_weight_norm())
        recurrent = any(isinstance(module, torch.nn.RNNBase) for module in model.modules())
        if recurrent and any(device.type == "cuda" for device in devices):
            stack.callback(setattr, torch.backends.cudnn, "enabled", torch.backends.cudnn.enabled)
            torch.backends.cudnn.enabled = False
        yield


_WEIGHT_NORM = (".original0", "weight_g")  # names of its lengths, as a parametrization and as a hook


def _plain_weight_norm() -> Any:
    """Return a context in which weight normalization is w = v·g/‖v‖, operation by operation."""
    torch = require_torch()

    class Plain(torch.overrides.TorchFunctionMode):  # type: ignore[misc,name-defined]
        """Calls everything as it is, except for the fused function."""

        def __torch_function__(self, call: Any, _: Any, given: Any = (), named: Any = None) -> Any:
            if call is not torch._weight_norm:
                return call(*given, **(named or {}))
            direction, length, dim = given
            return direction * (length / torch.norm_except_dim(direction, 2, dim))

    return Plain()


class _PlainCheckpoint:
    """Reentrant checkpointing without recomputation, which autograd cannot differentiate twice."""

    @staticmethod
    def apply(function: Any, _preserve: bool, *inputs: Any) -> Any:
        """Call the function."""
        return function(*inputs)
