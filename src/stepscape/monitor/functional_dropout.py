"""Dropout that models apply by functions, whose probability no flag of a module switches."""

from __future__ import annotations

from typing import Any

from stepscape.objectives.require_torch import require_torch

_DROPS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
_PLACE = 4  # of dropout_p among the arguments of attention


def without_functional_dropout() -> Any:
    """Return a context in which functions of ``torch.nn.functional`` drop nothing.

    Models call them beside modules, above all for attention: GPT-2 of Hugging Face hands the probability of a
    dropout module to ``scaled_dot_product_attention``.
    """
    torch = require_torch()
    functional = torch.nn.functional
    drops = {getattr(functional, name) for name in _DROPS}

    class Undropped(torch.overrides.TorchFunctionMode):  # type: ignore[misc,name-defined]
        """Calls everything as it is, except for what drops."""

        def __torch_function__(self, call: Any, _: Any, given: Any = (), named: Any = None) -> Any:
            named = named or {}
            if call in drops:
                return given[0] if given else named["input"]
            if call is functional.scaled_dot_product_attention:
                given = (*given[:_PLACE], *[0.0 for _ in given[_PLACE : _PLACE + 1]], *given[_PLACE + 1 :])
                named = {name: 0.0 if name == "dropout_p" else value for name, value in named.items()}
            return call(*given, **named)

    return Undropped()
