"""The module inside what trains it."""

from __future__ import annotations

from typing import Any

from stepscape.errors import bad, shown
from stepscape.monitor.failure import Unmeasured
from stepscape.objectives.require_torch import require_torch


def unwrapped(model: Any) -> Any:
    """Return the module inside DistributedDataParallel, DataParallel and torch.compile.

    Raises
    ------
    InputError
        For what is not a module.
    Unmeasured
        If its parameters are sharded over processes (FSDP, DeepSpeed): no process can form a product.
    """
    torch = require_torch()
    while True:
        if not isinstance(model, torch.nn.Module):
            raise bad("model", "be a torch.nn.Module", shown(model))
        kind = {f"{each.__module__}.{each.__name__}" for each in type(model).__mro__}
        if any(name.startswith("deepspeed.") or "FullyShardedDataParallel" in name for name in kind):
            raise _sharded(type(model).__name__)
        inside = _INSIDE & kind
        if not inside:
            break
        model = model._orig_mod if "torch._dynamo.eval_frame.OptimizedModule" in inside else model.module
    for parameter in model.parameters():
        if any(each.__name__ == "DTensor" for each in type(parameter).__mro__):
            raise _sharded("a model with parameters of type DTensor")
    return model


_INSIDE = frozenset(
    {
        "torch.nn.parallel.distributed.DistributedDataParallel",
        "torch.nn.parallel.data_parallel.DataParallel",
        "torch._dynamo.eval_frame.OptimizedModule",
    }
)


def _sharded(what: str) -> Unmeasured:
    reason = f"{what} shards its parameters over processes; only the critical step size needs no products"
    return Unmeasured("unsupported", reason)
