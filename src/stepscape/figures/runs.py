"""Figures of the arrays that runs keep: the functions they learned, and what was recorded on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.figures.colors import eta_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import THEORY, theory_level
from stepscape.figures.style import SECONDARY, canvas, evenly_ranked, label
from stepscape.figures.text import shown
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import at_the_edge, finding
from stepscape.lab.curves import Curve
from stepscape.tables.number import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Row = Mapping[str, Any]
MOST_GROUPS, MOST_STEP_SIZES, MOST_POINTS = 3, 7, 400
_RECORDED = (  # array, name of its axis, logarithmic?
    ("edge_ratio", "edge ratio", False),
    ("loss", "training loss", True),
)


@dataclass(frozen=True, eq=False)
class KeptRun:
    """One run whose arrays are drawn, and the group that it stands for."""

    group: str
    step_size: float
    curves: Mapping[str, Curve]


def examples(groups: Mapping[str, Sequence[Row]]) -> dict[str, tuple[str, float]]:
    """Choose the runs that are drawn: of each group and step size the first seed that finished.

    Of many step sizes at most seven are kept, the smallest and the largest among them.

    Returns
    -------
    dict
        Identity of a run → its group and its step size.
    """
    chosen: dict[str, tuple[str, float]] = {}
    for name, rows in list(groups.items())[:MOST_GROUPS]:
        done = [row for row in rows if row["outcome"] == "finished" and row.get("step_size") is not None]
        etas = sorted({float(row["step_size"]) for row in done})
        for eta in evenly_ranked(etas, MOST_STEP_SIZES) if etas else ():
            here = [row for row in done if row["step_size"] == eta]
            first = min(here, key=_seed)
            chosen[str(first["identity"])] = (name, eta)
    return chosen


def _seed(row: Row) -> float:
    """Seed of a run; of a foreign record it may be anything, and such a run comes last."""
    seed = row.get("seed", 0)
    return float(seed) if isinstance(seed, int | float) else np.inf


def figures(chosen: Mapping[str, tuple[str, float]], curves: Iterable[Curve]) -> dict[str, Figure]:
    """Draw "functions", "training" and "rates", each where the runs keep the arrays for it."""
    found: dict[str, dict[str, Curve]] = {}
    for curve in curves:
        found.setdefault(curve.identity, {})[curve.name] = curve
    runs = [KeptRun(*chosen[name], arrays) for name, arrays in found.items() if name in chosen]
    order = list(dict.fromkeys(group for group, _ in chosen.values()))
    runs.sort(key=lambda run: (order.index(run.group), run.step_size))
    drawn = {
        "functions": function_figure(runs),
        "training": training_figure(runs),
        "rates": rate_figure(runs),
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def function_figure(runs: Sequence[KeptRun]) -> Figure | None:
    """Learned functions, one panel per group, one color per step size; dashed the truth where it is kept."""
    kept = [run for run in runs if "curve_y" in run.curves]
    groups = list(dict.fromkeys(run.group for run in kept))
    if not groups:
        return None
    figure, axes = canvas(1, len(groups), (4.6 if len(groups) == 1 else 7.2, 3.8), sharey=True)
    for ax, group in zip(axes[0], groups, strict=True):
        here = [run for run in kept if run.group == group]
        _draw(ax, here, "curve_y", _step_sizes(kept))
        truth = here[0].curves.get("curve_truth")
        if truth is not None:
            ax.plot(*_thinned(truth), label="truth", **THEORY)
        label(ax, "input x", "learned function f(x)" if ax is axes[0, 0] else "", shown(group, 60))
    shared_legend(figure, axes, columns=4)
    etas = _step_sizes(kept)
    finding(
        figure,
        f"Step sizes from {short(etas[0])} to {short(etas[-1])} give these functions"
        if len(etas) > 1
        else f"Step size {short(etas[0])} gives this function",
    )
    return figure


def training_figure(runs: Sequence[KeptRun]) -> Figure | None:
    """Edge ratio and loss during training, one row of panels per group, one color per step size."""
    columns = [each for each in _RECORDED if any(_is_known(run, each[0]) for run in runs)]
    runs = [run for run in runs if any(_is_known(run, name) for name, *_ in columns)]
    groups = list(dict.fromkeys(run.group for run in runs))
    if not groups:
        return None
    size = (4.6 if len(columns) == 1 else 7.2, 1.6 + 2.0 * len(groups))
    figure, axes = canvas(len(groups), len(columns), size, sharex=True)
    for row, group in zip(axes, groups, strict=True):
        here = [run for run in runs if run.group == group]
        for ax, (name, words, log) in zip(row, columns, strict=True):
            _draw(ax, [run for run in here if _is_known(run, name)], name, _step_sizes(runs))
            if log:
                number_ticks(ax)
            else:
                theory_level(ax, 1.0).set_label("threshold")
            ax.tick_params(labelbottom=True)
            label(ax, "steps", words, shown(group, 60) if ax is row[0] and len(groups) > 1 else "")
    shared_legend(figure, axes, columns=4)
    ratios = [run.curves["edge_ratio"].values for run in runs if _is_known(run, "edge_ratio")]
    if ratios:
        finding(figure, at_the_edge(np.array([values[np.isfinite(values)][-1] for values in ratios])))
    return figure


def rate_figure(runs: Sequence[KeptRun]) -> Figure | None:
    """How many neurons are active on at most so many examples, with one color for each step size."""
    kept = [run for run in runs if "rates" in run.curves]
    groups = list(dict.fromkeys(run.group for run in kept))
    if not groups:
        return None
    figure, axes = canvas(1, len(groups), (4.6 if len(groups) == 1 else 7.2, 3.8), sharex=True, sharey=True)
    for ax, group in zip(axes[0], groups, strict=True):
        for eta in _step_sizes(kept):
            ax.plot([], [], color=eta_color(eta), lw=SECONDARY, label=f"step size {eta:.3g}")
        for run in (run for run in kept if run.group == group):
            rates = 100.0 * np.sort(run.curves["rates"].values)
            below = 100.0 * np.arange(rates.size + 1) / rates.size
            edges = np.concatenate([[0.0], rates, [100.0]])
            ax.stairs(below, edges, color=eta_color(run.step_size), lw=SECONDARY, baseline=None)
        first = ax is axes[0, 0]
        words = "% of the neurons on at most so many" if first else ""
        label(ax, "active on % of the examples", words, shown(group, 60))
    shared_legend(figure, axes, columns=4)
    finding(figure, _dead_words(kept))
    return figure


def _dead_words(runs: Sequence[KeptRun]) -> str:
    """Say at which step sizes how many neurons are dead, and how many examples a live one holds."""
    shares = [100.0 * float(np.mean(run.curves["rates"].values == 0.0)) for run in runs]
    means = [100.0 * float(values[values > 0.0].mean()) for values in _live(runs)]
    low, high = min(shares), max(shares)
    dead = f"{low:.0f} %" if round(low) == round(high) else f"{low:.0f} to {high:.0f} %"
    if not means:
        return "All neurons are dead"
    least, most = min(means), max(means)
    held = f"{least:.0f} %" if round(least) == round(most) else f"{least:.0f} to {most:.0f} %"
    return f"Live neurons are active on {held} of the examples on average; {dead} of the neurons are dead"


def _live(runs: Sequence[KeptRun]) -> list[NDArray[Any]]:
    found = [run.curves["rates"].values for run in runs]
    return [values for values in found if (values > 0.0).any()]


def _is_known(run: KeptRun, name: str) -> bool:
    return name in run.curves and bool(np.isfinite(run.curves[name].values).any())


def _draw(ax: Axes, runs: Sequence[KeptRun], name: str, step_sizes: Sequence[float]) -> None:
    """Draw an array of some runs; the legend names all step sizes in their order."""
    for eta in step_sizes:
        ax.plot([], [], color=eta_color(eta), lw=SECONDARY, label=f"step size {eta:.3g}")
    for run in runs:
        ax.plot(*_thinned(run.curves[name]), color=eta_color(run.step_size), lw=SECONDARY)


def _step_sizes(runs: Sequence[KeptRun]) -> list[float]:
    return sorted({run.step_size for run in runs})


def _thinned(curve: Curve) -> tuple[NDArray[Any], NDArray[Any]]:
    """Keep at most so many points as a picture shows, the ends among them."""
    keep = np.unique(np.linspace(0, curve.at.size - 1, min(curve.at.size, MOST_POINTS)).round().astype(int))
    return curve.at[keep], curve.values[keep]
