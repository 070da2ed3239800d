"""The door for a loss of a PyTorch model: a function of the model and a batch."""

from __future__ import annotations

import inspect

from stepscape.arguments import function
from stepscape.errors import bad
from stepscape.objectives.require_torch import require_torch

WRAP = "wrap it: lambda model, batch: criterion(model(batch[0]), batch[1])"


def require_loss(loss: object) -> None:
    """Refuse what is not a function of the model and the batch; the model is not called.

    Raises
    ------
    InputError
        For no function, a criterion of outputs and targets such as ``CrossEntropyLoss()``, and a function
        that does not take two arguments.
    """
    must = "be a function of the model and the batch"
    function("loss", loss, must)
    if _is_criterion(loss):
        name = getattr(loss, "__name__", type(loss).__name__)
        raise bad("loss", must, f"{name}, which is one of outputs and targets", WRAP)
    try:
        signature = inspect.signature(loss)  # type: ignore[arg-type]
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(None, None)
    except TypeError:
        raise bad("loss", must, f"one of {_names(signature)}", WRAP) from None


def _is_criterion(loss: object) -> bool:
    """Whether this is a criterion of PyTorch, as a module or as a function."""
    criterion = require_torch().nn.modules.loss._Loss
    return isinstance(loss, criterion) or getattr(loss, "__module__", "") == "torch.nn.functional"


def _names(signature: inspect.Signature) -> str:
    names = ", ".join(map(str, signature.parameters.values()))
    return f"({names})" if names else "no argument"
