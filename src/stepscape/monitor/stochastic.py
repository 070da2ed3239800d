"""Curvature that is known through a sample: along the gradients of minibatches, and the trace."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from stepscape.arguments import share, whole
from stepscape.errors import bad, shown
from stepscape.monitor.failure import Unmeasured, unmeasured
from stepscape.monitor.krylov import product
from stepscape.monitor.probe import Loss, Probe
from stepscape.monitor.vectors import dot, inner
from stepscape.objectives.require_loss import require_loss
from stepscape.objectives.require_torch import require_torch

LEAST = 16  # probes before the first look at the standard error, which is too uncertain before


@dataclass(frozen=True)
class BatchSharpness:
    """Curvature along the gradients g_B of minibatches, with H_B the Hessian of the same batch.

    Attributes
    ----------
    ratio_of_means : float
        E[g_Bᵀ H_B g_B]/E‖g_B‖².
    ratio_error : float
        Its standard error, by the delta method.
    mean_of_ratios : float
        E[g_Bᵀ H_B g_B/‖g_B‖²], over the batches whose gradient is not 0.
    mean_error : float
        Its standard error.
    batches : int
        Number of batches.
    status : str
        "measured"; "single" (one batch has no standard error); "stationary" (all gradients are 0);
        "nonfinite"; or as of `Unmeasured`, and then `reason` says why.
    products : int
        Hessian products spent.
    reason : str
        One sentence if nothing was measured, else "".
    """

    ratio_of_means: float
    ratio_error: float
    mean_of_ratios: float
    mean_error: float
    batches: int
    status: str
    products: int
    reason: str = ""


def batch_sharpness(model: Any, loss: Loss, batches: list[Any], **settings: Any) -> BatchSharpness:
    """Measure batch sharpness, in both of its definitions, which differ by up to a factor of 2.

    Parameters
    ----------
    model, loss : as in `sharpness`.
    batches : list of batches
        Drawn as in training and of the size of its batches: ``list(itertools.islice(loader, 40))``. Each
        counts alike. Give more for a smaller standard error.
    **settings : as in `Probe`.

    Raises
    ------
    InputError
        If `batches` is not a list, or an empty one.

    Notes
    -----
    Stochastic descent lowers the losses of its own batches on average, to second order, as long as the ratio
    of means is below 2/η. One gradient and one Hessian product per batch.

    Source: Andreyev and Beneventano (2024), arXiv:2412.20553.
    """
    require_loss(loss)
    require_batches(batches)
    try:
        # Each in a tuple of its own, or a list of tensors would be read as one batch.
        probe = Probe(model, lambda own, one: loss(own, one[0]), [(one,) for one in batches], **settings)
        along, sizes = _along_gradients(probe)
    except (Unmeasured, RuntimeError, MemoryError) as error:
        failure = unmeasured(error)
        return BatchSharpness(*(math.nan,) * 4, 0, failure.status, 0, str(failure))
    return _averaged(along, sizes)


def require_batches(batches: object) -> None:
    """Refuse what is not a list of batches, such as one batch (inputs, labels)."""
    must, then = "be a list of batches", "give list(itertools.islice(loader, 40))"
    if not isinstance(batches, list | tuple) or not batches:
        raise bad("batches", must, shown(batches), then)
    if isinstance(batches, tuple) and all(require_torch().is_tensor(each) for each in batches):
        raise bad("batches", must, "a tuple of tensors, which is one batch", then)


def _along_gradients(probe: Probe) -> tuple[Any, Any]:
    """g_Bᵀ H_B g_B and ‖g_B‖² of each batch, in float64."""
    torch = require_torch()
    along, sizes = [], []
    with probe.measuring():
        probe.require_deterministic()
        for number in range(len(probe.weights)):
            gradient = list(probe.slopes(number, probe.point(leaves=True)))
            along.append(inner(gradient, probe.operator(pieces=[number]).product(gradient)))
            sizes.append(inner(gradient, gradient))
    return torch.tensor(along, dtype=torch.float64), torch.tensor(sizes, dtype=torch.float64)


def _averaged(along: Any, sizes: Any) -> BatchSharpness:
    count, moving = len(sizes), sizes > 0.0
    if not bool((along + sizes).isfinite().all()):
        reason = "the gradient or the curvature of a batch is not finite"
        return BatchSharpness(*(math.nan,) * 4, count, "nonfinite", count, reason)
    if not bool(moving.any()):
        return BatchSharpness(
            *(math.nan,) * 4, count, "stationary", count, "the gradients of all batches are 0"
        )
    ratios = along[moving] / sizes[moving]
    ratio = along.sum() / sizes.sum()
    status = "measured" if len(ratios) > 1 else "single"
    return BatchSharpness(
        float(ratio), _standard_error((along - ratio * sizes) / sizes.mean()),
        float(ratios.mean()), _standard_error(ratios), count, status, count,
    )  # fmt: skip


def _standard_error(values: Any) -> float:
    return float(values.std() / len(values) ** 0.5) if len(values) > 1 else math.nan


@dataclass(frozen=True)
class HessianTrace:
    """An estimate of tr ∇²L.

    Attributes
    ----------
    value : float
        Mean of vᵀHv over random signs v.
    error : float
        Its standard error.
    status : str
        "converged" (the standard error is at most tolerance·|value|), "budget" (the probes are spent first,
        as where positive and negative curvature cancel), or as of `Unmeasured`, and then `reason` says why.
    products : int
        Hessian products spent, one for each v.
    reason : str
        One sentence if nothing was measured, else "".
    """

    value: float
    error: float
    status: str
    products: int
    reason: str = ""


def hessian_trace(
    model: Any,
    loss: Loss,
    batch: Any,
    *,
    tolerance: float = 0.1,
    max_products: int = 200,
    seed: int = 0,
    **settings: Any,
) -> HessianTrace:
    """Estimate the trace of the Hessian by Hutchinson's method, with its standard error.

    Parameters
    ----------
    model, loss, batch : as in `sharpness`.
    tolerance : float
        Standard error, relative to the trace, at which to stop; 0.03 takes about ten times as many products
        as 0.1.
    max_products : int
        At least 2; before 16 products nothing is called converged.
    seed : int
        Of the signs, which come from a generator of their own.
    **settings : as in `Probe`.

    Notes
    -----
    The variance of vᵀHv is twice the sum of the squares of the entries of H off the diagonal.

    Source: Hutchinson (1990).
    """
    share("tolerance", tolerance)
    most, torch = whole("max_products", max_products, 2), require_torch()
    draw = torch.Generator().manual_seed(whole("seed", seed))
    values: list[float] = []
    try:
        probe = Probe(model, loss, batch, **settings)
        with probe.measuring():
            probe.require_deterministic()
            operator = probe.operator()
            while len(values) < most and not _sure(values, tolerance):
                signs = 2 * torch.randint(0, 2, (operator.size,), generator=draw) - 1
                vector = signs.to(operator.device, operator.dtype)
                values.append(dot(vector, product(operator, vector)))
    except (Unmeasured, RuntimeError, MemoryError) as error:
        failure = unmeasured(error)
        return HessianTrace(math.nan, math.nan, failure.status, len(values), str(failure))
    found = torch.tensor(values, dtype=torch.float64)
    status = "converged" if _sure(values, tolerance) else "budget"
    return HessianTrace(float(found.mean()), _standard_error(found), status, len(values))


def _sure(values: list[float], tolerance: float) -> bool:
    if len(values) < LEAST:
        return False
    found = require_torch().tensor(values, dtype=require_torch().float64)
    return bool(_standard_error(found) <= tolerance * abs(found.mean()))
