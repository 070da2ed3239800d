"""Description of a training of factors: plain descent, and what may be added to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import flag, nonnegative, number, positive, reals, whole, word
from stepscape.errors import bad
from stepscape.methods.clock import LARGEST

Array = NDArray[np.float64]
TraceEstimate = Literal["exact", "hutchinson"]
TRACES = ("exact", "hutchinson")


@dataclass(frozen=True)
class Training:
    """Descent θ ← θ − η (g + w λ θ + w τ ∇tr) on factors θ, each part of which may be left out.

    g is the gradient of (1/B) Σ_{i in batch} (⟨A_i, X⟩ − b_i − w σ ε_i)², taken at θ or, with `ascent`, at
    θ + w·ascent·g/‖g‖. The weight w is 1 at first. After the share 1 − `anneal` of the steps it falls
    linearly, and over the last share `settle` it is 0, so that the run ends as plain descent on the loss.

    Parameters
    ----------
    step_size : float, or a tuple of float
        η > 0, the same for all starts or one for each.
    steps : int
    batch : int, optional
        Number B of measurements per step; by default all m of them.
    replacement : bool
        Draw each batch from all measurements, independently and with replacement. False: go through the
        measurements in a random order, a new one in each pass; the m mod B that remain are left out.
    label_noise : float
        σ in units of the root mean square of the labels; the ε_i are N(0, 1), new in each step.
    trace_penalty : float
        τ. tr is the trace of the Gauss–Newton matrix of the whole loss, which is the Hessian where the loss
        is 0: a quadratic form in θ (`Factors.gauss_newton_trace`).
    trace : "exact" | "hutchinson"
        Take the gradient of tr, or that of zᵀGz, G the Gauss–Newton matrix, with z of random signs, new in
        each step, whose mean it is.
    weight_decay : float
        λ: the descent is on loss + ½ λ ‖θ‖².
    ascent : float
        Radius of sharpness-aware minimization (SAM).
    anneal : float
        Share of the steps from the first one with w < 1 to the end; 0 leaves w = 1.
    settle : float
        Share of the steps at the end with w = 0, at most `anneal`, and without a meaning if that is 0.

    Source: Damian, Ma and Lee (2021) for label noise; Foret et al. (2021) for SAM.
    """

    step_size: float | tuple[float, ...]
    steps: int
    batch: int | None = None
    replacement: bool = True
    label_noise: float = 0.0
    trace_penalty: float = 0.0
    trace: TraceEstimate = "exact"
    weight_decay: float = 0.0
    ascent: float = 0.0
    anneal: float = 0.4
    settle: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "step_size", _step_sizes(self.step_size))
        object.__setattr__(self, "steps", whole("steps", self.steps, 1, LARGEST))
        if self.batch is not None:
            object.__setattr__(self, "batch", whole("batch", self.batch, 1))
        object.__setattr__(self, "replacement", flag("replacement", self.replacement))
        for name in ("label_noise", "trace_penalty", "weight_decay", "ascent"):
            object.__setattr__(self, name, nonnegative(name, getattr(self, name)))
        word("trace", self.trace, TRACES)
        for name in ("anneal", "settle"):
            object.__setattr__(self, name, _share(name, getattr(self, name)))
        if 0.0 < self.anneal < self.settle:
            raise bad("settle", f"be at most anneal = {self.anneal:g}", self.settle)

    def step_sizes(self, starts: int) -> Array:
        """η of each start (starts,)."""
        if not isinstance(self.step_size, tuple):
            return np.full(starts, self.step_size)
        if len(self.step_size) != starts:
            raise bad("step_size", f"be one number, or one for each of the {starts} starts", self.step_size)
        return np.array(self.step_size)

    def weight(self, step: int) -> float:
        """Return w at a step, counted from 0."""
        share_left = (self.steps - step) / self.steps
        if share_left >= self.anneal:
            return 1.0
        return max(share_left - self.settle, 0.0) / (self.anneal - self.settle or 1.0)


def _share(name: str, value: object) -> float:
    share = number(name, value, "be a share from 0 to 1")
    if not 0.0 <= share <= 1.0:
        raise bad(name, "be a share from 0 to 1", share)
    return share


def _step_sizes(value: object) -> float | tuple[float, ...]:
    if not isinstance(value, tuple | list | np.ndarray):
        return positive("step_size", value)
    array = reals("step_size", value)
    if array.ndim != 1 or array.size == 0:
        raise bad("step_size", "be a number, or one for each start", f"an array of shape {array.shape}")
    return tuple(positive("each step_size", each) for each in array)
