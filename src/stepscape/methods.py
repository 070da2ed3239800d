"""Descriptions of training methods; no loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stepscape.arguments import flag, nonnegative, number, positive, reals, whole
from stepscape.errors import bad, shown

LARGEST = 2**53  # steps: a float counts no further
__all__ = ["GradientDescent", "LabelNoise", "SharpnessAware", "StochasticGradientDescent", "TracePenalty"]
BLOCK = 1024  # steps whose random numbers are drawn together


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
        for name in ("step_size", "momentum", "weight_decay"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        for name in ("steps", "warmup_steps"):
            object.__setattr__(self, name, _whole(name, getattr(self, name)))
        for name in ("nesterov", "decay_biases"):
            object.__setattr__(self, name, flag(name, getattr(self, name)))
        if not (math.isfinite(self.step_size) and self.step_size > 0):
            raise bad("step_size", "be finite and positive", self.step_size)
        if self.steps < 1:
            raise bad("steps", "be at least 1", self.steps)
        if not 0 <= self.momentum < 1:
            raise bad("momentum", "lie in [0, 1)", self.momentum)
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


@dataclass(frozen=True)
class StochasticGradientDescent:
    """θ ← θ − η ∇L_B: descent on a minibatch B of `batch_size` examples.

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    batch_size : int
        B ≤ n.
    replacement : bool
        Whether every batch is drawn with replacement. Otherwise an epoch deals out the examples in random
        order, n // B batches of them, as PyTorch's ``DataLoader(shuffle=True, drop_last=True)`` does.
    seed : int
        Of the batches.
    """

    step_size: float
    steps: int
    batch_size: int = 1
    replacement: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _set_clock(self)
        object.__setattr__(self, "batch_size", whole("batch_size", self.batch_size, 1))
        object.__setattr__(self, "replacement", flag("replacement", self.replacement))
        object.__setattr__(self, "seed", whole("seed", self.seed))

    def threshold(self, step_size: float | None = None) -> float:
        """Return 2/η, which λ_max must not exceed for the mean of θ to be stable on a quadratic.

        It is necessary, not sufficient: in one dimension, without replacement and with s² the variance of the
        curvatures of the examples, E θ² shrinks only if (1 − ηλ)² + η² s² (n − B)/(B(n − 1)) ≤ 1.

        Source: Wu et al. (2018); see THEORY §5.1.
        """
        return _two_over(self.step_size if step_size is None else step_size)

    def batches(self, first: int, count: int, examples: int) -> np.ndarray:
        """Numbers (count, B) of the examples of the steps from `first` on; equal seeds give equal ones."""
        size, n = self.batch_size, whole("examples", examples, 1)
        if size > n:
            raise bad("batch_size", f"be at most the {n} examples", size)
        return _rows(whole("first", first), whole("count", count, 1), self._block(n))

    def _block(self, n: int) -> tuple[int, Callable[[int], np.ndarray]]:
        """Return the steps of a block, and its batches by its number."""
        size, seed = self.batch_size, self.seed
        if self.replacement:
            return BLOCK, lambda block: np.random.default_rng((seed, block)).integers(0, n, (BLOCK, size))
        each = n // size
        return (
            each,
            lambda block: (
                np.random.default_rng((seed, block)).permutation(n)[: each * size].reshape(each, size)
            ),
        )


@dataclass(frozen=True)
class LabelNoise:
    """Full-batch descent whose labels carry fresh noise, y_i + noise·N(0, 1), in every step.

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    noise : float
        Standard deviation, at least 0.
    seed : int
        Of the noise.
    """

    step_size: float
    steps: int
    noise: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        _set_clock(self)
        object.__setattr__(self, "noise", nonnegative("noise", self.noise))
        object.__setattr__(self, "seed", whole("seed", self.seed))

    def threshold(self, step_size: float | None = None) -> float:
        """Return 2/η, that of descent: noise of the labels leaves the curvature as it is."""
        return _two_over(self.step_size if step_size is None else step_size)

    def noises(self, first: int, count: int, examples: int) -> np.ndarray:
        """Noise (count, n) of the labels in the steps from `first` on; equal seeds give equal noise."""
        n = whole("examples", examples, 1)

        def draw(block: int) -> np.ndarray:
            return self.noise * np.random.default_rng((self.seed, block)).standard_normal((BLOCK, n))

        return _rows(whole("first", first), whole("count", count, 1), (BLOCK, draw))


@dataclass(frozen=True)
class SharpnessAware:
    """θ ← θ − η ∇L(θ + ρ ∇L/‖∇L‖): sharpness-aware minimization (SAM) with radius ρ, on all examples.

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    radius : float
        ρ ≥ 0; 0 is gradient descent.
    """

    step_size: float
    steps: int
    radius: float = 0.05

    def __post_init__(self) -> None:
        _set_clock(self)
        object.__setattr__(self, "radius", nonnegative("radius", self.radius))

    def threshold(self, step_size: float | None = None, gradient_norm: float | None = None) -> float:
        """Largest curvature λ of a quadratic on which a step does not lengthen, for a given ‖∇L‖.

        Along the gradient the step is −η(λ + ρλ²/‖∇L‖)x, so that λ + ρλ²/‖∇L‖ ≤ 2/η must hold:
        λ ≤ ‖∇L‖/(2ρ)·(√(1 + 8ρ/(η‖∇L‖)) − 1). Without `gradient_norm` its limit for large
        gradients, 2/η.

        Source: Long and Bartlett (2024), the SAM-edge.
        """
        eta = self.step_size if step_size is None else positive("step_size", step_size)
        ratio = 0.0 if gradient_norm is None else self.radius / positive("gradient_norm", gradient_norm)
        # λ = 4/η/(1 + √(1 + 8ρ/(η‖∇L‖))): the same without cancellation.
        return 4.0 / eta / (1.0 + math.sqrt(1.0 + 8.0 * ratio / eta))


@dataclass(frozen=True)
class TracePenalty:
    """Full-batch descent on L + weight·tr ∇²L, the trace of the Hessian on the trained coordinates.

    For the square loss of a network of one input variable. The trace jumps where a knot crosses an input; its
    gradient is taken with the active sets as they are, almost everywhere.

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    weight : float
        At least 0; 0 is gradient descent.
    """

    step_size: float
    steps: int
    weight: float = 0.01

    def __post_init__(self) -> None:
        _set_clock(self)
        object.__setattr__(self, "weight", nonnegative("weight", self.weight))

    def threshold(self, step_size: float | None = None) -> float:
        """Return 2/η; the curvature meant is that of the penalized loss, ∇²L + weight·∇² tr ∇²L."""
        return _two_over(self.step_size if step_size is None else step_size)


LineMethod = StochasticGradientDescent | LabelNoise | SharpnessAware | TracePenalty


def stable_product(momentum: float, nesterov: bool) -> float:
    """Largest linearly stable step size times curvature: 2, 2 + 2β, or (2 + 2β)/(1 + 2β) for Nesterov."""
    return (2.0 + 2.0 * momentum) / (1.0 + 2.0 * momentum if nesterov else 1.0)


def _set_clock(method: object) -> None:
    """Check step size and steps as those of descent."""
    plain = GradientDescent(method.step_size, method.steps)  # type: ignore[attr-defined]
    for name in ("step_size", "steps"):
        object.__setattr__(method, name, getattr(plain, name))


def _two_over(step_size: float) -> float:
    return 2.0 / positive("step_size", step_size)


def _rows(first: int, count: int, block: tuple[int, Callable[[int], np.ndarray]]) -> np.ndarray:
    """Rows first to first + count of blocks of so many rows, which are drawn by their number."""
    size, draw = block
    numbers = range(first // size, (first + count - 1) // size + 1)
    start = first - numbers[0] * size
    return np.concatenate([draw(number) for number in numbers])[start : start + count]


def _whole(name: str, value: object) -> int:
    steps = number(name, value)
    if not (math.isfinite(steps) and steps == int(steps)):
        raise bad(name, "be a whole number", shown(value))
    if abs(steps) > LARGEST:
        raise bad(name, f"be at most {LARGEST}", shown(value))
    return int(steps)


def __dir__() -> list[str]:
    return sorted(__all__)
