"""Everything that training depends on, by its bits: the proof that a measurement changed nothing."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np

from stepscape.errors import StepscapeError
from stepscape.objectives.require_torch import require_torch


class Disturbed(StepscapeError):
    """A measurement changed something that training depends on."""


def fingerprint(model: Any, optimizer: Any = None) -> dict[str, str]:
    """Digest parameters, gradients, buffers, flags, random states, switches and the state of an optimizer.

    Values are read, not the counters of versions, which do not see what batch normalization writes.
    """
    torch = require_torch()
    found: dict[str, Any] = {}
    for name, p in model.named_parameters():
        found[f"parameter {name}"] = _bits(p)
        found[f"gradient of {name}"] = None if p.grad is None else _bits(p.grad)
        found[f"flags of {name}"] = (p.requires_grad, p.is_leaf, p._version, id(p))
    for name, buffer in model.named_buffers():
        found[f"buffer {name}"] = _bits(buffer)
    for name, module in model.named_modules():
        hooks = [len(v) for key, v in sorted(vars(module).items()) if key.endswith("_hooks")]
        found[f"module {name or 'itself'}"] = (module.training, hooks)
    found |= {f"random numbers of {name}": state for name, state in _random_states().items()}
    found["switches"] = (
        torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled(),
        torch.get_float32_matmul_precision(), torch.backends.cudnn.enabled,
        torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled(),
    )  # fmt: skip
    if optimizer is not None:
        found |= {f"optimizer: {name}": value for name, value in _leaves(optimizer.state_dict())}
    return {name: _digest(value) for name, value in found.items()}


def require_equal(before: dict[str, str], after: dict[str, str]) -> None:
    """Refuse a difference.

    Raises
    ------
    Disturbed
        Names what differs.
    """
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if changed:
        raise Disturbed(f"a measurement must change nothing, it changed {', '.join(changed)}")


def _random_states() -> dict[str, Any]:
    torch = require_torch()
    states = {"Python": random.getstate(), "NumPy": np.random.get_state(), "PyTorch": torch.get_rng_state()}  # noqa: NPY002
    if torch.cuda.is_initialized():
        states["CUDA"] = torch.cuda.get_rng_state_all()
    return {name: [value for _, value in _leaves(state)] for name, state in states.items()}


def _leaves(value: Any, name: str = "state") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in _leaves(one, f"{name}.{key}")]
    if isinstance(value, list | tuple):
        return [leaf for i, one in enumerate(value) for leaf in _leaves(one, f"{name}.{i}")]
    if isinstance(value, np.ndarray):
        return [(name, value.tobytes())]
    return [(name, _bits(value) if isinstance(value, require_torch().Tensor) else value)]


def _bits(tensor: Any) -> bytes:
    torch = require_torch()
    plain = tensor.detach().cpu().contiguous().reshape(-1)
    return bytes(plain.view(torch.uint8).numpy().tobytes())


def _digest(value: Any) -> str:
    data = value if isinstance(value, bytes) else repr(value).encode()
    return hashlib.sha256(data).hexdigest()
