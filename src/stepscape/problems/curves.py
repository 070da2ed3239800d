"""Univariate truths, and noisy or Bernoulli labels around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import finite, function, nonnegative, number, positive, whole
from stepscape.errors import InputError, bad, nearest, shown
from stepscape.losses import probability
from stepscape.memory import require_memory
from stepscape.network import generator
from stepscape.problems.problem import Problem
from stepscape.problems.truth import ADVICE, Truth, is_own, own_truth

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A function on [center - half_width, center + half_width], stretched from its definition on [-1, 1]."""

    name: str
    shape: Callable[[Array], Array]
    half_width: float = 1.0
    center: float = 0.0

    def __call__(self, x: Array) -> Array:
        """Evaluate at x."""
        return self.shape((np.asarray(x, dtype=np.float64) - self.center) / self.half_width)


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
NARROWEST = 1e-290  # half width at which the last bits of inputs still are normal numbers
DESIGNS = ("jittered", "uniform", "equispaced")


def curve(
    name: str | Callable[[Array], Array],
    n: int = 30,
    noise: float = 0.5,
    seed: int = 0,
    half_width: float = 1.0,
    design: Literal["jittered", "uniform", "equispaced"] = "jittered",
    *,
    low: float | None = None,
    high: float | None = None,
) -> Problem:
    """Labels f0(x_i) + noise·N(0, 1) around a curve, or around a function of one's own.

    Parameters
    ----------
    name : str or callable
        Of a curve: "tent", "wave", "steps", "doppler", "line" or "zero", stretched over the interval
        of the inputs. Or a function of the inputs, taken as it is; ``"module:function"`` is one by name.
    n : int
        Number of inputs.
    noise : float
        Standard deviation of the labels around the truth.
    seed : int
    half_width : float
        Inputs lie on [-half_width, half_width].
    design : str
        "equispaced"; "jittered", one uniform point in each of n equal cells; "uniform", independent.
    low, high : float, optional
        The interval of the inputs instead of half_width.

    Raises
    ------
    InputError
        Also for a function of one's own that is not finite, real and single-valued at the inputs.

    Examples
    --------
    >>> curve(np.cos, n=20, noise=0.1, low=0.0, high=6.0)
    Problem(cos: n=20, inputs in [0.1911, 5.98], square loss, noise=0.1)
    """
    place = _interval(half_width, low, high)
    f0, called = _truth(name, place)
    sigma, rng = nonnegative("noise", noise), generator(seed)
    x = _inputs(design, n, rng, place)
    with np.errstate(over="ignore"):  # the problem refuses labels that are not finite
        y = f0(x) + sigma * rng.standard_normal(n)
    return Problem(x, y, truth=f0, noise=sigma, name=called)


@dataclass(frozen=True)
class Logit:
    """logit((1 - 2ρ) s(A·shape) + ρ): the logit of labels drawn from A times a curve, then flipped at rate ρ.

    Written by softplus differences, exact where one of the two probabilities vanishes.
    """

    shape: Callable[[Array], Array]
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
    name: str | Callable[[Array], Array],
    n: int = 100,
    amplitude: float = 2.0,
    flip_rate: float = 0.0,
    seed: int = 0,
    half_width: float = 1.0,
    design: Literal["jittered", "uniform", "equispaced"] = "jittered",
    *,
    low: float | None = None,
    high: float | None = None,
) -> Problem:
    """Labels ±1 for the logistic loss: y = 1 with probability (1 - 2ρ) s(A·curve(x)) + ρ.

    A label is drawn from the logit amplitude·curve and then flipped with probability ρ = flip_rate in
    [0, ½). The problem's truth is the logit of the law of the labels as they are, flips included, at which
    the logistic risk is least. The curve and the inputs are as in `curve`.
    """
    place = _interval(half_width, low, high)
    shape, called = _truth(name, place)
    flips = number("flip_rate", flip_rate)
    if not 0.0 <= flips < 0.5:
        raise bad("flip_rate", "lie in [0, 0.5)", flips)
    logit, rng = Logit(shape, nonnegative("amplitude", amplitude), flips), generator(seed)
    x = _inputs(design, n, rng, place)
    labels = np.where(rng.uniform(size=n) < probability(logit(x)), 1.0, -1.0)
    return Problem(x, labels, loss="logistic", truth=logit, name=called)


class _Interval(NamedTuple):
    half_width: float
    center: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.center - self.half_width, self.center + self.half_width


def _interval(half_width: float, low: float | None, high: float | None) -> _Interval:
    """Read where the inputs lie."""
    width = positive("half_width", half_width)
    if width < NARROWEST:
        raise bad("half_width", f"be at least {NARROWEST:g}, so that float64 tells inputs apart", width)
    if low is None and high is None:
        return _Interval(width, 0.0)
    if low is None or high is None:
        raise bad("low and high", "be given together", f"low={shown(low)}, high={shown(high)}")
    least, most = finite("low", low), finite("high", high)
    if not least < most:
        raise bad("low and high", "be in increasing order", f"{least} and {most}")
    return _Interval(0.5 * most - 0.5 * least, 0.5 * most + 0.5 * least)


def _truth(given: Any, place: _Interval) -> tuple[Callable[[Array], Array], str]:
    """Return the curve of that name, or a function of the user's, and what to call it."""
    if is_own(given):
        return own_truth(given, *place.ends), given.partition("#")[0]
    if not isinstance(given, str):
        function("name", given, f"name a curve ({', '.join(SHAPES)}) or be a function of the inputs")
        return Truth.of(given), str(getattr(given, "__name__", "own"))
    if given not in SHAPES:
        near = nearest(given, SHAPES, cutoff=0.6)
        hint = f"did you mean {near!r}? " if near else ""
        raise InputError(f"unknown curve {given!r}; {hint}known: {', '.join(SHAPES)}; {ADVICE}")
    return Curve(given, SHAPES[given], place.half_width, place.center), given


def _inputs(design: str, n: int, rng: np.random.Generator, place: _Interval) -> Array:
    if not isinstance(design, str) or design not in DESIGNS:
        raise bad("design", "be 'jittered', 'uniform' or 'equispaced'", shown(design))
    require_memory("n", n, BYTES * whole("n", n, 1))
    unit = _design(design, int(n), rng)
    x = place.half_width * unit
    return x + place.center if place.center else x


def _design(design: str, n: int, rng: np.random.Generator) -> Array:
    if design == "equispaced":
        return np.linspace(-1.0, 1.0, n)
    if design == "jittered":
        return (np.arange(n) + rng.uniform(0.0, 1.0, n)) * (2.0 / n) - 1.0
    return rng.uniform(-1.0, 1.0, n)


tent = partial(curve, "tent")
wave = partial(curve, "wave")
steps = partial(curve, "steps")
doppler = partial(curve, "doppler")
line = partial(curve, "line")
