"""Ticks at round numbers, as many as have room for their names; the ends of step sizes are always named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rcParams
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import (
    Formatter,
    FuncFormatter,
    Locator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    ScalarFormatter,
)
from numpy.typing import NDArray

from stepscape.tables.number import fixed, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

LETTER, LINE = 0.64, 1.3  # width of a digit and height of a line, in font sizes
FEWEST = 3  # names on an axis
MOST = 9  # names on a logarithmic axis
_USUAL = (1.0, 3.0)  # what stands between powers of ten
_FINER = ((1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0))  # where that gives fewer than three names


Numbers = Callable[[float, float], Iterable[list[float]]]


def plain_ticks(ax: Axes) -> None:
    """Give both linear axes at least three names, with true minus signs and 10 000 for ten thousand."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 2.5, 5, 10], min_n_ticks=FEWEST))
        axis.set_major_formatter(Plain())


def round_ticks(values: Iterable[float], most: int = 5) -> list[tuple[float, str]]:
    """Return round numbers within the range of some values, with their names, for axes not of matplotlib.

    >>> round_ticks([-0.31, 0.72])
    [(-0.25, '−0.25'), (0.0, '0'), (0.25, '0.25'), (0.5, '0.5')]
    """
    low, high = min(known := list(values)), max(known)
    places = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [(float(at), short(round(float(at), 12))) for at in places if low <= at <= high]


def number_ticks(ax: Axes, axis: str = "y") -> None:
    """Make the y (or x) axis logarithmic, with round numbers: {1, 3}·10^k, more below one decade."""
    ax.set(**{f"{axis}scale": "log"})
    _logarithmic({"x": ax.xaxis, "y": ax.yaxis}[axis], ())


def step_size_ticks(ax: Axes, step_sizes: Sequence[float]) -> None:
    """Make the x axis logarithmic; name the ends of the step sizes, and {1, 3}·10^k where there is room."""
    ax.set_xscale("log")
    _logarithmic(ax.xaxis, step_sizes)


def named_ticks(axis: Axis, numbers: Numbers, name: Callable[[float], str]) -> None:
    """Give a logarithmic axis ticks from sets of numbers of one's own, with names of one's own."""
    _choose(axis, Rounded(axis, (), numbers, name), name)


def _logarithmic(axis: Axis, ends: Sequence[float]) -> None:
    _choose(axis, Rounded(axis, ends), short)


def _choose(axis: Axis, locator: Rounded, name: Callable[[float], str]) -> None:
    axis.set_major_locator(locator)
    axis.set_major_formatter(FuncFormatter(lambda value, _: name(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


class Plain(Formatter):
    """Names of ticks as matplotlib writes them, with thin spaces between thousands."""

    def __init__(self) -> None:
        self._inner = ScalarFormatter()

    def set_axis(self, axis: Any) -> None:
        """Belong to an axis."""
        self.axis = axis
        self._inner.set_axis(axis)

    def set_locs(self, locs: Any) -> None:
        """Choose the decimals that these ticks need."""
        self._inner.set_locs(locs)

    def get_offset(self) -> str:
        """Return what all ticks of a narrow range far from zero have in common."""
        return str(self._inner.get_offset())

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Name a tick."""
        name = str(self._inner(x, pos))
        return name if abs(x) < 1e4 or self.get_offset() or "." in name else fixed(x, 0)


class Rounded(Locator):
    """Ticks of a logarithmic axis: the ends of some values, and round numbers whose names do not touch.

    Parameters
    ----------
    values : those whose ends are always named.
    numbers : limits → sets of round numbers, the best first; the first with three names or more that fit is
        taken, and else what fits of the best set.
    name : how a number is written.
    """

    def __init__(
        self,
        axis: Axis,
        values: Sequence[float] = (),
        numbers: Numbers | None = None,
        name: Callable[[float], str] = short,
    ) -> None:
        self._axis, self._numbers, self._name = axis, numbers or choices, name
        self._values = sorted({float(value) for value in values})
        self._chosen: tuple[object, list[float]] = None, []  # the last choice, and what it was made for

    def __call__(self) -> list[float]:
        """Choose for the size that the axis has."""
        return self.tick_values(*sorted(self._axis.get_view_interval()))

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Choose among round numbers within these limits."""
        if not 0.0 < vmin < vmax < np.inf:
            return []
        place = (vmin, vmax, *self._place())
        if place != self._chosen[0]:
            self._chosen = place, self._choose(vmin, vmax)
        return list(self._chosen[1])

    def _place(self) -> tuple[float, ...]:
        """Return what a choice depends on: ends of the axis in pixels, its limits, the size of a letter."""
        ax = self._axis.axes
        box = ax.bbox.intervaly if self._axis is ax.yaxis else ax.bbox.intervalx
        return (*box, *self._axis.get_view_interval(), self._pixels())

    def _pixels(self) -> float:
        """Return the size of a letter."""
        given = self._axis.get_tick_params().get("labelsize", rcParams["xtick.labelsize"])
        return float(FontProperties(size=given).get_size_in_points() * self._axis.axes.figure.dpi / 72.0)

    def _choose(self, vmin: float, vmax: float) -> list[float]:
        """Choose anew: matplotlib asks dozens of times for the same place."""
        inside = [value for value in self._values if vmin <= value <= vmax]
        ends = [inside[0], inside[-1]] if len(inside) > 1 else inside
        best: list[float] = []
        for numbers in self._numbers(vmin, vmax):
            found = self._with_room(ends, numbers)
            best = max(best, found, key=len)
            if len(best) >= FEWEST:
                break
        return (
            best
            if len(best) > 1
            else max(best, self._thinned(next(iter(self._numbers(vmin, vmax)))), key=len)
        )

    def _thinned(self, numbers: Sequence[float]) -> list[float]:
        """Keep the outermost of some numbers and what fits between; the middle one where they touch."""
        tens = [each for each in numbers if _power(each)]
        outer = tens if len(tens) > 1 else numbers
        if len(outer) > 1 and self._fit([outer[0], outer[-1]]):
            return self._with_room([outer[0], outer[-1]], numbers)
        return list(outer[len(outer) // 2 :][:1])

    def _with_room(self, ends: Sequence[float], numbers: Sequence[float]) -> list[float]:
        """Keep the ends, and those numbers whose names touch no name kept; without ends, all or none."""
        if not ends:
            return list(numbers) if self._fit(numbers) and len(numbers) <= MOST else []
        kept = list(dict.fromkeys(ends))
        for value in sorted(numbers, key=lambda number: not _power(number)):
            if ends[0] < value < ends[-1] and self._fit(sorted([*kept, value])):
                kept.append(value)
        return sorted(kept)

    def _fit(self, values: Sequence[float]) -> bool:
        """Whether the names of sorted values stand apart."""
        if len(values) < 2:
            return True
        low, high = self._extents(np.asarray(values, float))
        return bool(np.all(low[1:] >= high[:-1]))

    def _extents(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the names of values begin and end along the axis, in pixels, with half a letter to spare."""
        ax = self._axis.axes
        upright = self._axis is ax.yaxis
        ones = np.full_like(values, np.mean(ax.get_xlim() if upright else ax.get_ylim()))
        points = np.column_stack([ones, values] if upright else [values, ones])
        at = ax.transData.transform(points)[:, 1 if upright else 0]
        pixels = self._pixels()
        half = np.array(
            [0.5 * pixels * (LINE if upright else LETTER * (_letters(self._name(v)) + 1)) for v in values]
        )
        return at - half, at + half


def _letters(name: str) -> float:
    """Length of a name in digits of full size."""
    return sum(0.65 if letter in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹" else 1.0 for letter in name)


def _power(number: float) -> bool:
    """Whether a number is a power of ten."""
    return bool(np.isclose(np.log10(number), np.round(np.log10(number))))


def choices(low: float, high: float) -> Iterator[list[float]]:
    """Yield sets of round numbers within limits, the best first: {1, 3}·10^k, then fewer, then more.

    >>> next(choices(0.02, 2.0)), list(choices(1e-9, 1e9))[2]
    ([0.03, 0.1, 0.3, 1.0], [1e-09, 1e-06, 0.001, 1.0, 1000.0, 1000000.0, 1000000000.0])
    """
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1.0)
    usual = _within(_USUAL, powers, low, high)
    enough = len(usual) >= FEWEST
    if enough:
        yield usual
        for stride in (1, 3, 2, 5, 10, 15, 20, 30, 50, 100, 200):
            yield from _strided(powers, stride, 0, low, high)
        for stride in (2, 3, 4, 5):
            for first in range(1, stride):
                yield from _strided(powers, stride, first, low, high)
    for finer in _FINER:
        yield _within(finer, powers, low, high)
    even = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], min_n_ticks=FEWEST).tick_values(low, high)
    yield [float(f"{each:.6g}") for each in even if low <= each <= high]
    if not enough:
        yield usual


def _strided(
    powers: NDArray[np.float64], stride: int, first: int, low: float, high: float
) -> Iterator[list[float]]:
    """Every so many powers of ten, if they are three or more."""
    found = _within((1.0,), powers[powers % stride == first], low, high)
    if len(found) >= FEWEST:
        yield found


def _within(factors: Sequence[float], powers: NDArray[np.float64], low: float, high: float) -> list[float]:
    numbers = (float(f"{factor:g}e{int(power)}") for power in powers for factor in factors)
    return [each for each in numbers if low * (1.0 - 1e-9) <= each <= high * (1.0 + 1e-9)]
