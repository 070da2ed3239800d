"""Figures of the claim `reparametrization`; they read its rows and arrays."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.folklore.reparametrization import excess
from stepscape.experiments.folklore.runs import WARM
from stepscape.experiments.folklore.solutions import solutions
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import ARM, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, SECONDARY, SINGLE, canvas, evenly_ranked, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

LOOKS = {**{arm: look.both for arm, look in ARM.items()}, WARM: ARM["warm_up"].both}
WORDS = {"as_printed": "default", "small_init": "small", WARM: "mean-field"}
MOST = 3  # step sizes whose curves are drawn


def over_step_sizes(result: Result) -> Drawn:
    """Draw how much sharper solutions are than their function needs, against the step size."""
    table = solutions(result.table)
    ratio = 10.0 ** excess(table) if len(table) else np.empty(0)
    table = Table({**table.columns, "ratio": ratio})
    figure, axes = canvas(1, 1, SINGLE)
    ax = axes[0, 0]
    for arm in dict.fromkeys(table["arm"].tolist()):
        line = ribbon(ax, table.where(arm=arm), "step_size", "ratio", LOOKS[arm])
        if line is not None:
            name_at_end(ax, line, WORDS[arm], left=True)
    theory_level(ax, 1.0, "flattest")
    step_size_ticks(ax, sorted(result.settings["step_sizes"]))
    low, high = min(result.settings["step_sizes"]), max(result.settings["step_sizes"])
    ax.set_xlim(0.35 * low, 1.3 * high)
    number_ticks(ax)
    label(ax, r"step size $\eta$", "sharpness over the flattest")
    said = _sentence(table)
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Drawn is λ_max of the solution over λ_max at the flattest rescaling of its neurons, "
        "against the step size; circles are medians over seeds, scales and ranges, with quartiles. On the "
        "dashed line no flatter network of its function was found. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def _sentence(table: Table) -> str:
    if not len(table):
        return "0 runs found a solution."
    etas = np.unique(table["step_size"])
    ends = [float(np.median(table["ratio"][table["step_size"] == eta])) for eta in (etas[0], etas[-1])]
    return (
        f"Solutions are {number(ends[0])} times as sharp as their function needs at η = {short(etas[0])}, "
        f"and {number(ends[1])} times at η = {short(etas[-1])}."
    )


def over_scales(result: Result) -> Drawn:
    """Draw sharpness and trace against a common scale of all neurons, for solutions of one seed."""
    runs = _shown(result)
    figure, axes = canvas(1, 2, DOUBLE, sharex=True)
    for ax, name, axis in zip(
        axes[0], ("sharpness", "trace"), (r"sharpness $\lambda_{\max}$", "trace of the Hessian"), strict=True
    ):
        for run in runs:
            c, values = run.arrays["stretches"], run.arrays[f"{name}_stretched"]
            (line,) = ax.plot(c, values, lw=SECONDARY, color=eta_color(run["step_size"]))
            ax.plot(1.0, run[name], "o", color=line.get_color(), ms=6.0, mec="white", mew=0.8, zorder=5)
            name_at_end(ax, line, f"η = {short(run['step_size'])}")
            theory_level(ax, run[f"least_{name}"])
        number_ticks(ax, "x")
        number_ticks(ax)
        label(ax, "common scale $c$ of the neurons", axis)
    said = _span(runs)
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Each curve is one function: all its neurons (w1, b1, w2) become (c w1, c b1, w2/c). Circles "
        "are the solutions that descent found, c = 1. Dashed lines are the least values over rescalings with "
        "a scale for every neuron. Solutions of one seed and start; η is named. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def _shown(result: Result) -> list[Run]:
    """Return the runs of the seed and the start with the most solutions, at a few step sizes."""
    drawn = [run for run in result.drawn("sharpness_stretched") if run["bent_neurons"]]
    groups: dict[tuple[float, str, float, int], list[Run]] = {}
    for run in drawn:
        groups.setdefault((run["half_width"], run["arm"], run["scale"], run["seed"]), []).append(run)
    most = max(groups.values(), key=len, default=[])
    etas = evenly_ranked([run["step_size"] for run in most], MOST) if most else []
    return [run for run in most if run["step_size"] in etas]


def _span(runs: list[Run]) -> str:
    if not runs:
        return "0 runs are drawn."
    spans = [run.arrays["sharpness_stretched"].max() / run["least_sharpness"] for run in runs]
    return f"One function has sharpnesses that differ by a factor of {number(float(min(spans)))} or more."
