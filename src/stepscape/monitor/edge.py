"""The edge ratio: the curvature of a model against the threshold of its own optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from stepscape.arguments import number
from stepscape.errors import bad, expect
from stepscape.monitor.eigenvalue import REASONS
from stepscape.monitor.failure import Unmeasured, unmeasured
from stepscape.monitor.krylov import TensorOperator, require_operator
from stepscape.monitor.lanczos import largest
from stepscape.monitor.probe import Loss, Probe
from stepscape.monitor.thresholds import Threshold, UserRule, threshold_of
from stepscape.monitor.vectors import flatten
from stepscape.objectives.require_torch import require_torch


@dataclass(frozen=True)
class EdgeRatio:
    """λ_max(D^{1/2} (H + W) D^{1/2}) with D = 1/(tP) per coordinate.

    Attributes
    ----------
    value : float
        1 at the edge: beyond it, steps along some direction swing with growing length as long as H and P stay
        what they are. A lower bound, up to `residual`. nan if nothing was measured.
    residual : float
        Some eigenvalue lies within it of `value`.
    status : str
        As of `RitzPair`; or as of `Unmeasured`, and then `reason` says why.
    products : int
        Hessian products spent.
    thresholds : tuple of float
        The different t of the groups of parameters, ascending; for plain gradient descent 2/η.
    clipped : bool
        Whether gradients were shortened: the ratio then holds for the shortened ones.
    reason : str
        One sentence for a status that is not "converged"; empty otherwise.
    """

    value: float
    residual: float
    status: str
    products: int
    thresholds: tuple[float, ...]
    clipped: bool
    reason: str = ""


def edge_ratio(
    model: Any,
    loss: Loss,
    batch: Any,
    optimizer: Any,
    *,
    preconditioner: UserRule | None = None,
    clip_coefficient: float = 1.0,
    tolerance: float = 1e-3,
    max_products: int = 200,
    **settings: Any,
) -> EdgeRatio:
    """Measure how close an optimizer is to its edge, from its own settings and state.

    The optimizer may be SGD (momentum, dampening, Nesterov), RMSprop (momentum, centered), Adam (AMSGrad) or
    AdamW, with groups of different settings, or a wrapper that holds one; see `threshold_of` for the table.
    Coupled weight decay W counts as curvature, decoupled decay lowers the threshold. Measure after a step.

    Parameters
    ----------
    model, loss, batch, tolerance, max_products : as in `sharpness`.
    optimizer : torch.optim.Optimizer
    preconditioner : callable, optional
        (optimizer, parameter) → (P, t) or (P, t, W) for an optimizer that the table lacks.
    clip_coefficient : float
        What clipping multiplied the last gradient by, min(1, c/‖g‖): it shortens H alike.
    **settings : as in `Probe`.

    Returns
    -------
    EdgeRatio
        With value nan and a reason, where the optimizer has no known threshold (NAdam, Lion, Muon,
        Adafactor, LBFGS) or no state yet, or the model has no second derivatives.

    Notes
    -----
    P is taken as constant, so that the ratio is exact for quadratics and a preconditioner at rest. Networks
    trained on the full batch swing around 1 once they have reached the edge: medians over the second half of
    a run were 0.97 to 1.07 and single values 0.93 to 1.14, in runs of SGD, RMSprop, Adam and AdamW on digits.
    A run that has not reached the edge has a smaller ratio, whatever it will be later.

    Source: Cohen et al. (2021, 2022) for the thresholds.
    """
    try:
        probe = Probe(model, loss, batch, **settings)
        operator = preconditioned(probe, optimizer, preconditioner, clip_coefficient)
        with probe.measuring():
            probe.require_deterministic()
            pair = largest(operator, tolerance=tolerance, max_products=max_products)
    except (Unmeasured, RuntimeError, MemoryError) as error:
        failure = unmeasured(error)
        return EdgeRatio(math.nan, math.nan, failure.status, 0, (), clip_coefficient < 1.0, str(failure))
    found = (pair.value, pair.residual, pair.status, pair.products)
    return EdgeRatio(*found, operator.thresholds, clip_coefficient < 1.0, REASONS[pair.status])


@dataclass(frozen=True, eq=False)
class PreconditionedHessian:
    """D^{1/2} (κH + W) D^{1/2}, with κ the clipping coefficient, or minus it for an optimizer that climbs.

    Attributes
    ----------
    hessian : TensorOperator
    root : tensor
        D^{1/2}, of the length of the vectors; 0 where the optimizer does not move a parameter.
    decay : tensor
        W·D, alike.
    factor : float
        κ.
    thresholds : tuple of float
        The different t, ascending.
    """

    hessian: TensorOperator
    root: Any
    decay: Any
    factor: float
    thresholds: tuple[float, ...]

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return self.hessian.size

    @property
    def device(self) -> Any:
        """Where the vectors lie."""
        return self.hessian.device

    @property
    def dtype(self) -> Any:
        """Type of the vectors."""
        return self.hessian.dtype

    def product(self, vector: Any) -> Any:
        """Matrix times vector (size,)."""
        return self.factor * self.root * self.hessian.product(self.root * vector) + self.decay * vector


def preconditioned(
    probe: Probe,
    optimizer: Any,
    preconditioner: UserRule | None = None,
    clip_coefficient: float = 1.0,
    hessian: TensorOperator | None = None,
) -> PreconditionedHessian:
    """Scale the Hessian of a probe by the thresholds of an optimizer, so that λ_max is the edge ratio.

    Parameters
    ----------
    probe, optimizer, preconditioner, clip_coefficient : as in `edge_ratio`.
    hessian : TensorOperator, optional
        The Hessian of the probe, if it is at hand: its graph serves twice.

    Raises
    ------
    Unmeasured
        If a threshold is not known, no chosen parameter moves, or some climb while others descend.
    InputError
        If `clip_coefficient` is not in (0, 1].
    """
    expect("probe", probe, Probe)
    if hessian is not None:
        require_operator("hessian", hessian)
    kappa = number("clip_coefficient", clip_coefficient)
    if not 0.0 < kappa <= 1.0:
        raise bad("clip_coefficient", "be above 0 and at most 1", kappa)
    named = dict(probe.model.named_parameters())
    chosen = [named[name] for name in probe.names]
    found = [threshold_of(optimizer, parameter, preconditioner) for parameter in chosen]
    moved = [each for each in found if each is not None]
    if not moved:
        raise Unmeasured("unsupported", "the optimizer moves none of the chosen parameters")
    if len({each.maximize for each in moved}) > 1:
        raise Unmeasured("unsupported", "some groups of the optimizer maximize and others do not")
    operator = probe.operator() if hessian is None else hessian
    scales = [_scale(one, parameter) for one, parameter in zip(found, chosen, strict=True)]
    decays = [scale * (0.0 if one is None else one.decay) for scale, one in zip(scales, found, strict=True)]
    factor = -kappa if moved[0].maximize else kappa
    thresholds = tuple(sorted({each.value for each in moved}))
    root = flatten([scale.sqrt() for scale in scales], operator.dtype)
    return PreconditionedHessian(operator, root, flatten(decays, operator.dtype), factor, thresholds)


def _scale(threshold: Threshold | None, parameter: Any) -> Any:
    """D of one parameter, in float64; 0 where the optimizer does not move it."""
    torch = require_torch()
    like = torch.ones_like(parameter.detach(), dtype=torch.float64)
    return 0.0 * like if threshold is None else like / (threshold.value * threshold.preconditioner)
