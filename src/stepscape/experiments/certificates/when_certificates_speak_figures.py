"""The figure of the claim `when-certificates-speak`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.certificates.runs import LOSSES, REGIONS, sizes
from stepscape.experiments.certificates.when_certificates_speak import all_first_sizes
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide
from stepscape.figures.style import SECONDARY, SMALL, TALL, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORDS = {"middle": "middle half", "everywhere": "all inputs"}
ERRORS = {"square": "mean squared error", "logistic": "excess risk"}


def bounds(result: Result) -> Drawn:
    """Bound on the error and the error itself against n, one panel per loss and region."""
    figure, axes = canvas(len(LOSSES), len(REGIONS), TALL, sharex=True, sharey="row")
    first = {loss: _first(result, loss) for loss in LOSSES}
    for row, loss in zip(axes, LOSSES, strict=True):
        for ax, region in zip(row, REGIONS, strict=True):
            _panel(ax, result.where(loss=loss, outcome="finished"), region, first[loss])
            label(ax, x="examples n" if loss == LOSSES[-1] else "", title=f"{loss} loss, {WORDS[region]}")
        row[0].set_ylabel(ERRORS[loss], fontsize=10)
    sentence = _sentence(result, first)
    finding(figure, sentence)
    return Drawn(figure, f"{sentence} {_CAPTION}")


_CAPTION = (
    "Thick lines: the certified bound on the error of the trained network, which is the largest error in its "
    "class of functions; thin lines: its error. Lines are medians over the seeds, ribbons quartiles, colors "
    "step sizes η. Dotted: the error of the best constant, above which the bound says nothing. Disks: where "
    "the bound first lies below it. The middle half is where |x| is at most half its largest value. Repeat "
    "it with “stepscape run when-certificates-speak --full”."
)


def _first(result: Result, loss: str) -> dict[str, float]:
    """Median first n of each step size and region; nan where most runs do not reach it."""
    chosen = result.where(loss=loss)
    if not len(chosen.runs) or "bound_middle" not in chosen.table:
        return {}
    found = {}
    for name, values in all_first_sizes(chosen).items():
        reached = np.isfinite(values)
        found[name] = 10.0 ** float(np.median(values[reached])) if reached.mean() > 0.5 else np.nan
    return found


def _sentence(result: Result, first: dict[str, dict[str, float]]) -> str:
    means = {
        loss: float(np.exp(np.mean(np.log(list(found.values())))))
        for loss, found in first.items()
        if found and np.isfinite(list(found.values())).all()
    }
    if not means:
        return f"Up to {number(sizes(result.settings)[-1])} examples a certificate need not beat a constant."
    words = [f"{number(_round(n))} examples ({loss} loss)" for loss, n in means.items()]
    return f"A certificate of flatness beats the best constant from about {' and '.join(words)} on."


def _round(value: float) -> int:
    """Round to one digit."""
    unit = 10 ** int(np.floor(np.log10(value)))
    return int(round(value / unit) * unit)


def _panel(ax: Axes, chosen: Result, region: str, first: dict[str, float]) -> None:
    table = chosen.table
    if f"bound_{region}" not in table:
        note(ax, "no certificate")
        return
    number_ticks(ax)
    number_ticks(ax, "x")
    constant = float(np.nanmedian(table[f"constant_{region}"].astype(float)))
    # Where the curves come down to the level, its name stands below it, between them.
    between = region == REGIONS[1] and table["loss"][0] == LOSSES[1]
    guide(ax, constant, "best constant", at=0.4 if between else 0.98, above=not between)
    for eta in np.unique(table["step_size"]):
        rows: Table = table.where(step_size=eta)
        look: dict[str, Any] = {"color": eta_color(float(eta))}
        line = ribbon(ax, rows, "n", f"bound_{region}", look)
        ribbon(ax, rows, "n", f"error_{region}", look, width=SECONDARY)
        if line is not None:
            name_at_end(ax, line, f"η = {eta:g}")
        at = next((value for name, value in first.items() if name == f"η = {eta:g}, {region}"), np.nan)
        if np.isfinite(at):
            ax.plot([at], [constant], "o", ms=6.0, mec="white", mew=0.8, zorder=7, **look)
    if between:
        _name(ax, table, f"bound_{region}", "certified bound", at=0.5)
        _name(ax, table, f"error_{region}", "error", at=0.75)


def _name(ax: Axes, table: Table, column: str, words: str, at: float) -> None:
    """Write what a group of curves is, above the highest of them at this share of the sizes."""
    every = np.unique(table["n"])
    n = every[int(at * every.size)]
    here = table.rows(table["n"] == n)
    highest = [np.nanmedian(here.where(step_size=eta)[column]) for eta in np.unique(here["step_size"])]
    if np.isfinite(highest).any():
        ax.annotate(
            words, (float(n), float(np.nanmax(highest))), (3, 7), textcoords="offset points",
            fontsize=SMALL, color=COLORS["gray"],
        )  # fmt: skip
