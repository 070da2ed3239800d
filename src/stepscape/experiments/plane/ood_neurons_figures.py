"""Figures of the claim `ood-neurons`; they read its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.plane.ood_neurons import farthest, finished, values
from stepscape.experiments.plane.shattering_figures import seeds_of
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD, Look
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory
from stepscape.figures.style import DOUBLE, SINGLE, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REPEAT = "`stepscape run ood-neurons --full` repeats it."
LOOKS = {
    "plain": MEASURED,
    "matched": CONTRAST,
    "decay": THIRD,
    "momentum": Look("heavy ball", COLORS["black"], "D"),
}
NAMES = {
    "plain": "gradient descent, default start",
    "matched": "start below the edge",
    "decay": "with weight decay",
    "momentum": "heavy ball",
}


def _long(result: Result, arm: str, name: str) -> Table:
    """One row for each run of an arm and radius, with the column of that radius."""
    table = result.table.rows(finished(result.table))
    rows = table.where(arm=arm) if len(table) else table
    radii = [r for r in result.settings["radii"] if f"{name}_{r:g}" in rows]
    if not len(rows) or not radii:
        return Table({})
    return Table({
        "radius": np.repeat(np.array(radii, float), len(rows)),
        name: np.concatenate([rows[f"{name}_{r:g}"].astype(float) for r in radii]),
    })  # fmt: skip


def _curve(ax: Axes, rows: Table, name: str, look: Look, words: str) -> None:
    if len(rows):
        ribbon(ax, rows, "radius", name, look.both, label=words)


def _radius_axis(ax: Axes, result: Result) -> None:
    radii = sorted(result.settings["radii"])
    number_ticks(ax, "x")
    ax.set_xticks(radii, [f"{r:g}" for r in radii])


def awake(result: Result) -> Drawn:
    """Draw the share of the dead neurons that is active on a sphere, against its radius."""
    figure, axes = canvas(1, 1, SINGLE)
    ax = axes[0, 0]
    for arm in ("plain", "momentum"):
        rows = _long(result, arm, "awake")
        if len(rows) and (line := ribbon(ax, rows, "radius", "awake", LOOKS[arm].both)) is not None:
            name_at_end(ax, line, "default start" if arm == "plain" else "heavy ball")
    _radius_axis(ax, result)
    ax.set_ylim(0.0, 1.0)
    label(ax, "radius", "awake dead neurons")
    radius = farthest(result)
    share, gone = median(values(result, f"awake_{radius:g}")), median(values(result, "dead_share"))
    sentence = (
        f"{100 * gone:.0f} % of the neurons are dead on the data, and {100 * share:.0f} % of these are "
        f"active at {radius:g} times its radius"
        if np.isfinite([share, gone]).all()
        else "No run has dead neurons to look at"
    )
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. The share of the neurons that are dead on the data and active on some of "
        f"{result.settings['probes']} inputs on a sphere, against its radius in units of the data's: "
        "gradient descent (blue disks) and the heavy ball (black diamonds) from PyTorch's default start. "
        f"Medians with quartiles as a band; {seeds_of(result)}. {REPEAT}",
    )


def errors(result: Result) -> Drawn:
    """Draw the error on spheres against their radius, of whole networks and of those without dead neurons."""
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    titles = {"error": "whole networks", "pruned": "without dead neurons"}
    for ax, (name, title) in zip(axes[0], titles.items(), strict=True):
        for arm, look in LOOKS.items():
            _curve(ax, _long(result, arm, name), name, look, NAMES[arm])
        radii = np.array(sorted(result.settings["radii"]), float)
        size = result.settings["amplitude"] / np.sqrt(result.settings["dimension"])
        theory(ax, radii, size * radii, r"$f = 0$", at=0.75, above=False)
        number_ticks(ax)
        _radius_axis(ax, result)
        label(ax, "radius", title=title)
    axes[0, 0].set_ylabel("root mean square error", fontsize=10)
    shared_legend(figure, axes, columns=2)
    sentence = _errors_sentence(result)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. Root mean square distance to the truth on a sphere, against its radius in units of the "
        "data's; left of the networks, right of the same ones without the neurons that are dead on the data: "
        "gradient descent from PyTorch's default start (blue disks), from a start below the edge (vermilion "
        "squares), with weight decay (green triangles), and the heavy ball (black diamonds). Medians with "
        f"quartiles as a band. Dashed: the size of the truth, that is the error of f = 0. "
        f"{seeds_of(result)}. {REPEAT}",
    )


def _errors_sentence(result: Result) -> str:
    radius = farthest(result)
    whole, pruned = (median(values(result, f"{name}_{radius:g}")) for name in ("error", "pruned"))
    decay = median(values(result, f"error_{radius:g}", "decay"))
    if not np.isfinite([whole, pruned, decay]).all():
        return "Too few runs finished to compare their errors"
    return (
        f"At radius {radius:g} the error is {number(whole, 2)}, without the dead neurons "
        f"{number(pruned, 2)}, and with weight decay {number(decay, 2)}"
    )
