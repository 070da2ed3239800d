"""PyTorch, which only some objectives need."""

from __future__ import annotations

from typing import Any

from stepscape.errors import Unavailable


def require_torch() -> Any:
    """Import PyTorch.

    Raises
    ------
    Unavailable
        If it is not installed; the sentence says which extra brings it.
    """
    try:
        import torch
    except ImportError:
        raise Unavailable("PyTorch is not installed; pip install 'stepscape[torch]'") from None
    return torch
