"""One valid call of everything public that needs PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import stepscape as ss


def _loss(model: torch.nn.Module, batch: Any) -> torch.Tensor:
    if not isinstance(batch, tuple):
        raise TypeError("a pair is needed")
    loss: torch.Tensor = ((model(batch[0]) - batch[1]) ** 2).mean()
    return loss


def calls() -> dict[str, dict[str, Any]]:
    """Return the arguments of each, by its name."""
    made = {
        "model": torch.nn.Linear(2, 1), "loss": _loss, "batch": (torch.ones(5, 2), torch.zeros(5, 1)),
    }  # fmt: skip
    objective = ss.objectives.torch(**made)
    theta, rows, of = objective.parameters, np.array([0, 3]), "objectives.TorchLoss"
    operator = objective.hessian(theta)
    return {
        "objectives.torch": made,
        of: made,
        **{
            f"{of}.{name}": {"self": objective, "theta": theta}
            for name in ("loss", "gradient", "hessian", "census", "fitted")
        },
        **{
            f"{of}.{name}": {"self": objective, "theta": theta, "rows": rows}
            for name in ("batch_gradient", "batch_hessian")
        },
        f"{of}.noisy_gradient": {"self": objective, "theta": theta, "noise": np.ones(5)},
        "objectives.TorchHessian.product": {"self": operator, "vector": np.ones(3)},
    }
