"""Gradient descent, heavy ball and Nesterov."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stepscape.arguments import flag, number, positive, reals
from stepscape.errors import bad
from stepscape.methods.clock import fraction, set_clock, whole_steps


@dataclass(frozen=True)
class GradientDescent:
    """Full-batch gradient descent, heavy ball or Nesterov, in the conventions of ``torch.optim.SGD``.

    With g = ∇L + weight_decay·mask·θ (mask 0 on the output bias; ∇L no longer than `clip`) and dampening 0:

        v ← momentum·v + g,    θ ← θ - η·v              (heavy ball; momentum 0 is gradient descent)
                               θ ← θ - η·(g + momentum·v)   (nesterov=True)

    Parameters
    ----------
    step_size : float
        η > 0.
    steps : int
        Number of steps, at least 1.
    momentum : float
        β in [0, 1).
    nesterov : bool
        Needs momentum > 0.
    weight_decay : float
        λ ≥ 0, on the trained coordinates but the output bias.
    warmup_steps : int
        The step size rises geometrically from min(step_size, 1/initial sharpness) to step_size over so many
        steps.
    clip : float, optional
        A ∇L longer than this, on all trained coordinates together, is scaled down to it before weight decay
        is added: by clip/(‖∇L‖ + 1e-6), as ``torch.nn.utils.clip_grad_norm_`` does.
    decay_biases : bool
        Whether weight decay acts on the input biases b1, too. With False it acts on w1 and w2 alone.
    """

    step_size: float
    steps: int
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    warmup_steps: int = 0
    clip: float | None = None
    decay_biases: bool = True

    def __post_init__(self) -> None:
        set_clock(self)
        object.__setattr__(self, "momentum", fraction("momentum", self.momentum))
        object.__setattr__(self, "weight_decay", number("weight_decay", self.weight_decay))
        object.__setattr__(self, "warmup_steps", whole_steps("warmup_steps", self.warmup_steps))
        for name in ("nesterov", "decay_biases"):
            object.__setattr__(self, name, flag(name, getattr(self, name)))
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise bad("weight_decay", "be finite and not negative", self.weight_decay)
        if self.warmup_steps < 0:
            raise bad("warmup_steps", "not be negative", self.warmup_steps)
        if self.clip is not None:
            object.__setattr__(self, "clip", positive("clip", self.clip))
        if self.nesterov and self.momentum == 0:
            raise bad("nesterov", "come with momentum > 0", "momentum 0", "set momentum, or nesterov=False")

    def threshold(self, step_size: float | None = None) -> float:
        """Largest curvature of a quadratic on which the method with this step size does not diverge.

        2/η for gradient descent, (2 + 2β)/η for heavy ball, (2 + 2β)/((1 + 2β) η) for Nesterov. With weight
        decay the curvature meant is that of H + λ·diag(mask), mask 0 on what is not decayed.

        Source: Cohen et al. (2021), appendix on momentum; verified by companion matrices in the tests.
        """
        eta = self.step_size if step_size is None else positive("step_size", step_size)
        return stable_product(self.momentum, self.nesterov) / eta

    def step_size_at(self, step: int | np.ndarray, initial: float) -> np.ndarray:
        """Step size used in step number `step` (0 the first) when the warm-up starts at `initial`."""
        t, initial = reals("step", step), positive("initial", initial)
        if not (t >= 0.0).all():
            raise bad("step", "be at least 0", "less")
        passed = np.minimum(t / max(1, self.warmup_steps), 1.0)  # long after, the power would overflow
        rising = initial * (self.step_size / initial) ** passed
        return np.where(t < self.warmup_steps, rising, self.step_size)


def stable_product(momentum: float, nesterov: bool) -> float:
    """Largest linearly stable step size times curvature: 2, 2 + 2β, or (2 + 2β)/(1 + 2β) for Nesterov."""
    return (2.0 + 2.0 * momentum) / (1.0 + 2.0 * momentum if nesterov else 1.0)
