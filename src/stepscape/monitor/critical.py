"""The critical step size: how long an update may be before it raises the loss, by forward passes alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepscape.arguments import positive, share, whole
from stepscape.errors import bad, shown
from stepscape.monitor.crossing import first_crossing
from stepscape.monitor.failure import Unmeasured, unmeasured
from stepscape.monitor.probe import Loss, Probe
from stepscape.monitor.vectors import inner, matching
from stepscape.objectives.require_torch import require_torch
from stepscape.tables.number import number

Direction = Mapping[str, Any] | Sequence[Any] | None
ROUNDING = 8.0  # eps of the loss: what a mean over many examples may lose


@dataclass(frozen=True)
class CriticalStepSize:
    """The smallest η > 0 with L(θ − ηΔ) > L(θ) for a direction Δ.

    Attributes
    ----------
    value : float
        η_c; nan where it is not known, the largest step tried for "no_crossing".
    error : float
        How far the crossing may be from `value`.
    safety : float
        η_c over the step size that was given: below 1, the update raises the loss. nan without one.
    status : str
        As of `Crossing`, or of `Unmeasured`, and then `reason` says why.
    slope : float
        gᵀΔ, the rate at which the loss falls at first.
    passes : int
        Forward passes, beside the one gradient.
    reason : str
        One sentence for a status that is not "converged", with what to do; else "".
    """

    value: float
    error: float
    safety: float
    status: str
    slope: float
    passes: int
    reason: str = ""

    @property
    def sharpness(self) -> float:
        """2/η_c, the critical sharpness: for a quadratic loss ΔᵀHΔ/(gᵀΔ), a weighted mean of eigenvalues."""
        return 2.0 / self.value

    def __str__(self) -> str:
        if not self.error < self.value:  # nan and infinite too
            return f"No critical step size is known: {self.reason}."
        at = f"{number(self.value)} ± {number(self.error, 2)}"
        times = f", {number(self.safety, 2)} times the one in use" if math.isfinite(self.safety) else ""
        then = f"; {self.reason}" if self.reason else ""
        return f"A step along the direction raises the loss from a step size of {at} on{times}{then}."


# What a status means, and what to do; {at} is the value.
MEANINGS = {
    "converged": "",
    "budget": "max_passes were spent before the crossing was known to the tolerance; give more, or a "
    "nearer step_size",
    "ascent": "the loss does not fall along this direction on this batch; give the update of the same batch, "
    "without momentum, or none for the gradient",
    "no_crossing": "the loss was still below its start at the largest step size tried, {at}; it may have no "
    "crossing, or one beyond a larger step_size",
    "noise_floor": "rounding of the loss hides the crossing; give precision='float64', or take a large "
    "constant out of the loss",
    "nonmonotone": "the loss falls below its start again farther out, so that this crossing is not the "
    "only one; give a smaller step_size to look for an earlier one",
    "nonfinite": "the loss is not finite at the steps tried beyond {at}; give a smaller step_size",
}
NOT_HERE = "the loss or its gradient is not finite at the parameters; lower the step size of the training"


def critical_step_size(
    model: Any,
    loss: Loss,
    batch: Any,
    direction: Direction = None,
    *,
    step_size: float | None = None,
    tolerance: float = 0.02,
    max_passes: int = 8,
    **settings: Any,
) -> CriticalStepSize:
    """Find how long a step along an update may be before the loss rises, in at most 8 forward passes.

    It needs no second derivatives, and so serves where `sharpness` cannot: losses with operations that are
    differentiable only once. It is not a substitute for λ_max: below the edge the update has left the sharp
    directions, and 2/η_c is up to a thousand times smaller than λ_max.

    Parameters
    ----------
    model, loss, batch : as in `sharpness`.
    direction : dict or list of tensors, optional
        Δ, so that a step is θ − ηΔ: by name of the parameters, those without an entry stay; or one tensor
        for each chosen parameter. For the update that an optimizer made, (θ_before − θ_after)/lr. By default
        the gradient of this loss.
    step_size : float, optional
        The η in use; the first one to be tried.
    tolerance : float
        Relative error of η_c.
    max_passes : int
        At least 2.
    **settings : as in `Probe`.

    Notes
    -----
    A secant search on s(η) = (L(θ) − L(θ − ηΔ))/η, whose value gᵀΔ at 0 costs one gradient; for a quadratic
    loss three passes are exact, and a fourth looks for an earlier crossing. Losses are summed in float64; the
    rounding of the model's precision is part of the error. Dropout modules are off; whether the loss is the
    same each time is not checked.

    Source: the definition of critical sharpness is that of arXiv:2601.16979; the search is our own.

    Raises
    ------
    InputError
        For a direction that does not fit, or is zero or not finite.
    """
    share("tolerance", tolerance)
    passes = whole("max_passes", max_passes, 2)
    rate = math.nan if step_size is None else positive("step_size", step_size)
    try:
        probe = Probe(model, loss, batch, **settings)
        with probe.measuring():
            gradient = probe.gradient()
            along = gradient if direction is None else _read(direction, probe)
            slope, start = inner(gradient, along), float(probe.loss())
            guess = rate if math.isfinite(rate) else _guess(start, slope)
            found = first_crossing(
                lambda step: float(probe.loss([-step * each for each in along])),
                start, slope, guess, tolerance, passes, ROUNDING * _rounding(probe),
            )  # fmt: skip
    except (Unmeasured, RuntimeError, MemoryError) as error:
        failure = unmeasured(error)
        return CriticalStepSize(*(math.nan,) * 3, failure.status, math.nan, 0, str(failure))
    lost = found.status == "nonfinite" and math.isnan(found.value)
    reason = NOT_HERE if lost else MEANINGS[found.status].format(at=number(found.value))
    return CriticalStepSize(
        found.value, found.error, found.value / rate, found.status, slope, found.passes, reason
    )


def _guess(start: float, slope: float) -> float:
    """Return twice the step at which the tangent of the loss meets 0, on a parabola half of η_c."""
    return 2.0 * abs(start) / slope if start and slope > 0.0 else 1.0


def _read(direction: Mapping[str, Any] | Sequence[Any], probe: Probe) -> list[Any]:
    """Return the direction as one tensor per chosen parameter."""
    torch, like = require_torch(), probe.parameters
    if isinstance(direction, Mapping):
        strange = [name for name in direction if name not in probe.names]
        if strange:
            raise bad("direction", "have names of chosen parameters", shown(strange[0]))
        given = [direction.get(name, torch.zeros_like(p)) for name, p in zip(probe.names, like, strict=True)]
    else:
        if not isinstance(direction, list | tuple):
            raise bad("direction", "be a dict or a list of tensors", shown(direction))
        given = list(direction)
    along = [one.detach().to(p) for one, p in zip(matching("direction", given, like), like, strict=True)]
    length = inner(along, along)
    if not (math.isfinite(length) and length > 0.0):
        raise bad("direction", "be finite and not zero", f"squared norm {length}")
    return along


def _rounding(probe: Probe) -> float:
    """Return the unit of rounding of the loss, that of the coarsest type that takes part."""
    torch = require_torch()
    kinds = {one.dtype for one in probe.parameters}
    device = probe.parameters[0].device.type
    if probe.precision == "as_is" and torch.is_autocast_enabled(device):
        kinds.add(torch.get_autocast_dtype(device))
    return max(float(torch.finfo(kind).eps) for kind in kinds)
