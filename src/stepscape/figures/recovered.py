"""Figures of a recovered matrix: singular values, entries against the truth, fitted labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.colors import CONTRAST, MEASURED, THIRD, Look
from stepscape.figures.house import house
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import GUIDES
from stepscape.figures.style import DOUBLE, MAIN, NAMES, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from stepscape.problems.measurements import Measurements
    from stepscape.recovery import Recovered

Array = NDArray[np.float64]
Solutions = Mapping[str, "Recovered"]
LOOKS = {"flattest": MEASURED, "nuclear norm": CONTRAST, "frobenius norm": THIRD}
NAMED = {"flattest": "flattest", "nuclear norm": "nuclear norm", "frobenius norm": "Frobenius norm"}
ROUNDING = 1e-6  # share of the largest singular value below which one is not drawn
EXACT = 1e-6  # relative residual up to which a matrix satisfies the equations
POINTS = 400  # entries in a panel; of more, evenly spaced ones are drawn
CLOSE = 0.01  # relative distance from which on it is written in per cent


@house()
def recovered_figures(problem: Measurements, solutions: Solutions) -> dict[str, Figure]:
    """All figures by name; none of a matrix that is 0.

    "spectrum"; "error", the entries against those of the truth, or "difference", against those of the
    flattest matrix; "residuals" where the equations do not hold.
    """
    first = solutions["flattest"]
    if not first.matrix.any():
        return {}
    drawn = {"spectrum": spectrum_figure(solutions)}
    if problem.truth is not None and problem.truth.any():
        drawn["error"] = error_figure(problem, solutions)
    elif first.status != "infeasible" and max(problem.shape) > 1:
        drawn["difference"] = difference_figure(solutions)
    if relative(problem.apply(first.matrix), problem.labels) > EXACT and problem.labels.any():
        drawn["residuals"] = residual_figure(problem, solutions)
    return drawn


def spectrum_figure(solutions: Solutions) -> Figure:
    """Singular values of each solution in one panel."""
    figure, axes = canvas(1, 1, DOUBLE)
    ax = axes[0, 0]
    longest, low, high = 3, np.inf, 0.0
    for name in reversed(LOOKS):
        values = _visible(np.asarray(np.linalg.svd(solutions[name].matrix, compute_uv=False), float))
        if not values.size:
            continue
        (line,) = ax.plot(np.arange(1, values.size + 1), values, **_series(name))
        name_at_end(ax, line, f" {NAMED[name]}")
        longest, low, high = max(longest, values.size), min(low, values[-1]), max(high, values[0])
    ax.set_xlim(0, longest + 1)
    room = 1.5 * (high / low) ** 0.08
    ax.set_ylim(low / room, high * room)
    number_ticks(ax)
    _whole_ticks(ax)
    label(ax, "number of the singular value, by size", "singular value")
    first, second, third = (solutions[name].rank for name in LOOKS)
    finding(
        figure,
        f"The flattest matrix has rank {first}, the one of least nuclear norm rank {second}, that of least "
        f"Frobenius norm rank {third}",
    )
    return figure


def _series(name: str) -> dict[str, Any]:
    """Squares are hollow and larger: a disk within a square is a value that both have."""
    look = LOOKS[name]
    if name == "flattest":
        return {**look.both, "lw": MAIN, "zorder": 3}
    if name == "nuclear norm":
        return {**look.both, "lw": SECONDARY, "ms": 10.0, "mfc": "none", "mec": look.color, "mew": 1.4}
    return {**look.line, "lw": SECONDARY}


def _visible(values: Array) -> Array:
    return np.asarray(values[values > ROUNDING * values.max(initial=0.0)])


def _whole_ticks(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))


def error_figure(problem: Measurements, solutions: Solutions) -> Figure:
    """Entries of each solution against those of the truth."""
    assert problem.truth is not None
    errors = {name: relative(each.matrix, problem.truth) for name, each in solutions.items()}
    figure = _entries(
        problem.truth, {name: each.matrix for name, each in solutions.items()}, "entry of the truth", "entry"
    )
    finding(figure, _error_words(errors))
    return figure


def _error_words(errors: Mapping[str, float]) -> str:
    first, second, third = (errors[name] for name in LOOKS)
    if first <= CLOSE:
        said = f"The flattest matrix is the truth up to {share(first)} of its norm"
        return f"{said}; the one of least Frobenius norm misses it by {share(third)}"
    return (
        f"The flattest matrix misses the truth by {share(first)} of its norm; nuclear norm: "
        f"{share(second)}, Frobenius norm: {share(third)}"
    )


def difference_figure(solutions: Solutions) -> Figure:
    """Entries of the other solutions against those of the flattest matrix."""
    first = solutions["flattest"].matrix
    others = {name: each.matrix for name, each in solutions.items() if name != "flattest"}
    apart = relative(others["nuclear norm"], first)
    figure = _entries(first, others, "entry of the flattest matrix", "entry")
    agree = f"agree up to {share(apart)}" if apart <= CLOSE else f"differ by {share(apart)}"
    finding(figure, f"The flattest matrix and the one of least nuclear norm {agree} of their norm")
    return figure


def residual_figure(problem: Measurements, solutions: Solutions) -> Figure:
    """Fitted labels against the labels, of the flattest and of the nuclear-norm solution."""
    fitted = {
        name: problem.apply(solutions[name].matrix) for name in LOOKS if not name.startswith("frobenius")
    }
    figure = _entries(problem.labels, fitted, "label", "fitted label")
    missed = share(relative(fitted["flattest"], problem.labels))
    finding(figure, f"The flattest matrix misses the labels by {missed} of their norm")
    return figure


def _entries(reference: Array, others: Mapping[str, Array], x: str, y: str) -> Figure:
    """Draw panels of points on the diagonal where a matrix has the entries of the reference."""
    figure, axes = canvas(1, len(others), DOUBLE, sharex=True, sharey=True)
    everything = np.concatenate([reference.ravel(), *(each.ravel() for each in others.values())])
    ends = [float(everything.min()), float(everything.max())]
    places = np.unique(np.linspace(0, reference.size - 1, min(POINTS, reference.size)).round().astype(int))
    for i, (name, matrix) in enumerate(others.items()):
        ax = axes[0, i]
        ax.plot(ends, ends, **GUIDES, zorder=1)
        ax.plot(reference.flat[places], matrix.flat[places], **_points(LOOKS[name]))
        ax.set_title(NAMED[name], fontsize=NAMES, loc="left", color=LOOKS[name].color)
        ax.set_xlabel(x, fontsize=NAMES)
    axes[0, 0].set_ylabel(y, fontsize=NAMES)
    return figure


def _points(look: Look) -> dict[str, Any]:
    return {
        "linestyle": "none", "marker": "o", "ms": 3.5, "mew": 0.0, "color": look.color, "alpha": 0.5,
        "zorder": 2,
    }  # fmt: skip


def relative(values: Array, reference: Array) -> float:
    """‖v − w‖/‖w‖ of arrays of the same shape, without the division if w is 0."""
    unit = float(np.abs(reference).max()) or 1.0
    return float(np.linalg.norm((values - reference) / unit)) / (
        float(np.linalg.norm(reference / unit)) or 1.0
    )


def share(value: float) -> str:
    """Write a share, in per cent if it is not small.

    >>> share(0.123), share(2.1e-9)
    ('12 %', '2.1 × 10⁻⁹')
    """
    return number(value, 2) if value < CLOSE else f"{number(100.0 * value, 2)} %"
