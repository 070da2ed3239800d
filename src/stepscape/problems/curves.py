"""Univariate truths, and noisy or Bernoulli labels around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, unknown
from stepscape.losses import probability
from stepscape.memory import require_memory
from stepscape.network import generator
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A function on [-half_width, half_width], stretched from its definition on [-1, 1]."""

    name: str
    shape: Callable[[Array], Array]
    half_width: float = 1.0

    def __call__(self, x: Array) -> Array:
        """Evaluate at x."""
        return self.shape(np.asarray(x, dtype=np.float64) / self.half_width)


def _tent(u: Array) -> Array:
    return 2.0 * np.maximum(1.0 - 2.0 * np.abs(u), 0.0) - 0.5


def _wave(u: Array) -> Array:
    return np.sin(2.0 * np.pi * u)


def _steps(u: Array) -> Array:
    """Two steep ramps: locally almost a jump, flat elsewhere."""
    return np.clip(20.0 * (u + 0.4), -0.5, 0.5) - np.clip(20.0 * (u - 0.3), -0.5, 0.5)


def _doppler(u: Array) -> Array:
    """Oscillation that slows down: smoothness varies over the interval (Donoho and Johnstone, 1994)."""
    t = (u + 1.0) / 2.0
    return 2.0 * np.sqrt(np.maximum(t * (1.0 - t), 0.0)) * np.sin(2.1 * np.pi / (t + 0.05))


def _line(u: Array) -> Array:
    return u


SHAPES: dict[str, Callable[[Array], Array]] = {
    "tent": _tent,
    "wave": _wave,
    "steps": _steps,
    "doppler": _doppler,
    "line": _line,
    "zero": np.zeros_like,  # labels of pure noise
}

BYTES = 96  # that an example takes while it is drawn: numbers, their copies, and the temporaries of a curve


def curve(
    name: str,
    n: int = 30,
    noise: float = 0.5,
    seed: int = 0,
    half_width: float = 1.0,
    design: Literal["jittered", "uniform", "equispaced"] = "jittered",
) -> Problem:
    """Labels f0(x_i) + noise·N(0, 1) around the curve `name`.

    Inputs on [-half_width, half_width]: "equispaced"; "jittered", one uniform point in each of n equal cells;
    "uniform", independent.
    """
    truth = _truth(name, n, half_width)
    if not (np.isfinite(noise) and noise >= 0):
        raise bad("noise", "be finite and not negative", noise)
    rng = generator(seed)
    x = half_width * _design(design, int(n), rng)
    y = truth(x) + noise * rng.standard_normal(n)
    return Problem(x, y, truth=truth, noise=float(noise), name=name)


@dataclass(frozen=True)
class Logit:
    """logit((1 - 2ρ) s(A·shape) + ρ): the logit of labels drawn from A times a curve, then flipped at rate ρ.

    Written by softplus differences, exact where one of the two probabilities vanishes.
    """

    shape: Curve
    amplitude: float
    flip_rate: float = 0.0

    def __call__(self, x: Array) -> Array:
        """Evaluate at x."""
        f = self.amplitude * self.shape(x)
        if self.flip_rate == 0.0:
            return f
        keep, flip = np.log1p(-self.flip_rate), np.log(self.flip_rate)
        return np.asarray(np.logaddexp(f + keep, flip) - np.logaddexp(f + flip, keep))


def bernoulli(
    name: str,
    n: int = 100,
    amplitude: float = 2.0,
    flip_rate: float = 0.0,
    seed: int = 0,
    half_width: float = 1.0,
    design: Literal["jittered", "uniform", "equispaced"] = "jittered",
) -> Problem:
    """Labels ±1 for the logistic loss: y = 1 with probability (1 - 2ρ) s(A·curve(x)) + ρ.

    A label is drawn from the logit amplitude·curve and then flipped with probability ρ = flip_rate in
    [0, ½). The problem's truth is the logit of the law of the labels as they are, flips included, at which
    the logistic risk is least. Inputs as in `curve`.
    """
    shape = _truth(name, n, half_width)
    if not (np.isfinite(amplitude) and amplitude >= 0):
        raise bad("amplitude", "be finite and not negative", amplitude)
    if not 0.0 <= flip_rate < 0.5:
        raise bad("flip_rate", "lie in [0, 0.5)", flip_rate)
    rng = generator(seed)
    truth = Logit(shape, float(amplitude), float(flip_rate))
    x = half_width * _design(design, int(n), rng)
    labels = np.where(rng.uniform(size=n) < probability(truth(x)), 1.0, -1.0)
    return Problem(x, labels, loss="logistic", truth=truth, name=name)


def _truth(name: str, n: int, half_width: float) -> Curve:
    """Return the curve of that name; refuses a wrong number of inputs, too."""
    if name not in SHAPES:
        raise unknown("curve", str(name), SHAPES)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise bad("n", "be a whole number of at least 1", repr(n))
    require_memory("n", n, BYTES * int(n))
    if not (np.isfinite(half_width) and half_width > 0):
        raise bad("half_width", "be finite and positive", half_width)
    return Curve(name, SHAPES[name], float(half_width))


def _design(design: str, n: int, rng: np.random.Generator) -> Array:
    if design == "equispaced":
        return np.linspace(-1.0, 1.0, n)
    if design == "jittered":
        return (np.arange(n) + rng.uniform(0.0, 1.0, n)) * (2.0 / n) - 1.0
    if design == "uniform":
        return rng.uniform(-1.0, 1.0, n)
    raise bad("design", "be 'jittered', 'uniform' or 'equispaced'", repr(design))


tent = partial(curve, "tent")
wave = partial(curve, "wave")
steps = partial(curve, "steps")
doppler = partial(curve, "doppler")
line = partial(curve, "line")
