"""Figures of the claim `sharp-but-good`; they read its rows and arrays."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.folklore.sharp_but_good import compared
from stepscape.experiments.folklore.solutions import counts
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.limits import EDGE
from stepscape.figures.colors import COLORS, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import THEORY, guide, theory_level
from stepscape.figures.style import DOUBLE, MAIN, SINGLE, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table


def risk_over_sharpness(result: Result) -> Drawn:
    """Draw the risk over that of the flat solutions against λ_max·η/2."""
    table = compared(result)
    figure, axes = canvas(1, 1, SINGLE)
    ax = axes[0, 0]
    etas = np.unique(table["step_size"]).tolist() if len(table) else []
    for eta in etas:
        rows = table.where(step_size=eta)
        ax.plot(
            rows["over"], rows["relative_risk_grid"], "o", ms=4.0, alpha=0.6, mew=0,
            color=eta_color(float(eta)), label=f"η = {short(float(eta))}",
        )  # fmt: skip
    number_ticks(ax, "x")
    number_ticks(ax)
    theory_level(ax, 1.0, r"$2/\eta$", at=0.98, vertical=True)
    guide(ax, 1.0, "risk of the flat ones", at=0.98, above=False)
    label(ax, r"$\lambda_{\max}\,\eta/2$ for the largest $\eta$", "risk over that of the flat")
    if len(etas):
        shared_legend(figure, axes, columns=3)
    sharp = table["over"] > EDGE[1] if len(table) else np.zeros(0, bool)
    good = int(np.sum(table["relative_risk_grid"][sharp] <= 1.0)) if len(table) else 0
    said = (
        f"{number(good)} of {number(int(sharp.sum()))} sharp solutions are at least as good as the flat ones."
    )
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Every mark is a solution: its λ_max over 2/η for the largest step size η, and its risk "
        "on the whole interval over the median risk of those with that step size on the same data. Right of "
        "the dashed line descent with the largest η could not stay; marks there below the dotted line "
        f"generalize all the same. The color is η. Repeat it with “stepscape run {result.claim} "
        "--full”."
    ))  # fmt: skip


def functions(result: Result) -> Drawn:
    """Draw the sharpest good function of the first data set that has one beside a flat one."""
    sharp, flat = _pair(result)
    figure, axes = canvas(1, 2, DOUBLE, sharex=True, sharey=True)
    for ax, run in zip(axes[0], (flat, sharp), strict=True):
        if run is None:
            label(ax, "input", title="no such solution")
            ax.plot([], [], lw=MAIN)
            continue
        ax.plot(run.arrays["inputs"], run.arrays["labels"], "o", ms=3.0, color=COLORS["gray"], mew=0)
        ax.plot(run.arrays["grid"], run.arrays["truth"], **THEORY)
        (line,) = ax.plot(
            run.arrays["grid"], run.arrays["solution"], lw=MAIN, color=eta_color(run["step_size"])
        )
        name_at_end(ax, line, f"η = {short(run['step_size'])}")
        label(ax, "input $x$", title=rf"$\lambda_{{\max}}$ = {number(run['sharpness'])}")
    axes[0, 0].set_ylabel("label")
    said = (
        "0 sharp solutions of the data sets that are drawn are as good as the flat ones."
        if sharp is None or flat is None
        else f"Risk {number(flat['risk_grid'])} with sharpness {number(flat['sharpness'])}, and "
        f"{number(sharp['risk_grid'])} with {number(sharp['sharpness'])}: both generalize."
    )
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Left: a solution with the largest step size; right: the sharpest one of the same data whose "
        "risk is at most the median of those; λ_max and η are named. Dots are labels, the dashed line is the "
        f"truth, solid lines are networks. Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def _pair(result: Result) -> tuple[Run | None, Run | None]:
    """Return the sharpest good solution of a data set that is drawn, and a flat one of the same data."""
    largest, flat = max(result.settings["step_sizes"]), list[Run]()
    drawn = [run for run in result.drawn("solution") if _is_solution(run)]
    for half_width, seed in dict.fromkeys((run["half_width"], run["seed"]) for run in drawn):
        runs = [run for run in drawn if run.is_(half_width=half_width, seed=seed)]
        flat = [run for run in runs if run["step_size"] == largest] or flat
        limit = float(np.median([run["risk_grid"] for run in runs if run["step_size"] == largest] or [0.0]))
        good = [run for run in runs if run["risk_grid"] <= limit]
        sharp = [run for run in good if run["sharpness"] * largest / 2.0 > EDGE[1]]
        if sharp:
            return max(sharp, key=lambda run: float(run["sharpness"])), flat[0]
    return None, next(iter(flat), None)


def _is_solution(run: Run) -> bool:
    return bool(counts(Table.from_records([run.row]))[0])
