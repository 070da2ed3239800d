"""Figures of the claim `double-descent`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.interpolation.descent_curve_runs import LeastSquaresRun, WidthRun
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import ARM, CONTRAST, MEASURED, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide, theory
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = (MEASURED, CONTRAST)
TITLES = {
    "isotropic": "isotropic",
    "misspecified": "misspecified",
    "relu_features": "random ReLU features",
}
REPEAT = "Repeat it with “stepscape run double-descent --full”."
FEATURES = (
    "Excess risk of least squares of least norm against the number of features p over that of examples n, "
    "with little noise σ (blue, disks) and much noise (vermilion, squares); lines are medians over the "
    "seeds, ribbons quartiles. Dashed: the known mean for Gaussian features, mostly hidden by curves that "
    "lie on it. Dotted: as many features as examples, where the mean is infinite. Isotropic: all features "
    "matter alike; misspecified: the truth decays like 1/k over 20 000 "
    f"features. {REPEAT}"
)
WIDTH = (
    "Mean squared distance to the truth of trained networks against their width k, one panel per start; "
    "colors are step sizes η, lines medians over the seeds, ribbons quartiles. Dotted: as many parameters "
    "as labels, "
    f"3k + 1 = n. {REPEAT}"
)


def features(result: Result) -> Drawn:
    """Risk against the number of features, one panel per family."""
    families = list(result.settings["families"])
    figure, axes = canvas(1, len(families), DOUBLE, sharex=True)
    chosen = result.of(LeastSquaresRun).where(outcome="finished")
    for ax, family in zip(axes[0], families, strict=True):
        number_ticks(ax)
        number_ticks(ax, "x")
        guide(ax, 1.0, "p = n", at=0.98, vertical=True)
        _family(ax, chosen.where(family=family).table, family == families[-1])
        label(ax, x="features p / examples n", title=TITLES[family])
    axes[0, 0].set_ylabel("excess risk", fontsize=10)
    said = _feature_sentence(chosen.table)
    finding(figure, said)
    return Drawn(figure, f"{said} {FEATURES}")


def _family(ax: Axes, table: Table, named: bool) -> None:
    if "risk" not in table or not len(table):
        note(ax, "no run finished")
        return
    for noise, look in zip(np.unique(table["noise"]), LOOKS, strict=False):
        rows = table.where(noise=noise)
        line = ribbon(ax, rows, "ratio", "risk", look.both, keep_dead=True, width=SECONDARY)
        if line is not None and named:
            name_at_end(ax, line, f"σ = {short(float(noise))}")
        known = rows.rows(np.isfinite(rows["formula"].astype(float)))
        for side in (known["ratio"] < 1.0, known["ratio"] > 1.0):
            ratio, first = np.unique(known["ratio"][side], return_index=True)
            if ratio.size > 1:
                theory(ax, ratio, known["formula"][side][first].astype(float))


def _feature_sentence(table: Table) -> str:
    if "risk" not in table or not len(table):
        return "None of the runs of 1 claim finished."
    lower = 0
    every = sorted(set(table["case"].tolist()))
    for case in every:
        rows = table.where(case=case)
        ratio = np.unique(rows["ratio"])
        middle = np.array([np.median(rows.where(ratio=r)["risk"].astype(float)) for r in ratio])
        lower += bool((ratio < 0.9).any() and middle[-1] < middle[ratio < 0.9].min())
    return f"The second descent ends below the first in {lower} of {len(every)} cases."


def width(result: Result) -> Drawn:
    """Risk of trained networks against the width, one panel per arm."""
    arms = list(result.settings["arms"])
    figure, axes = canvas(1, len(arms), DOUBLE, sharex=True, sharey=True)
    chosen = result.of(WidthRun).where(outcome="finished")
    for ax, arm in zip(axes[0], arms, strict=True):
        number_ticks(ax)
        number_ticks(ax, "x")
        guide(ax, (result.settings["network_n"] - 1) / 3.0, "3k + 1 = n", at=0.98, vertical=True)
        table = chosen.where(arm=arm).table
        if "risk" not in table or not len(table):
            note(ax, "no run finished")
            continue
        for eta in np.unique(table["step_size"]):
            look = {"color": eta_color(float(eta))}
            rows = table.where(step_size=eta)
            line = ribbon(ax, rows, "width", "risk", look, keep_dead=True, width=SECONDARY)
            if line is not None:
                name_at_end(ax, line, f"η = {short(float(eta))}")
        label(ax, x="width k", title=f"start: {ARM[arm].words}")
    axes[0, 0].set_ylabel("risk (squared units of y)", fontsize=10)
    said = _width_sentence(chosen.table)
    finding(figure, said)
    return Drawn(figure, f"{said} {WIDTH}")


def _width_sentence(table: Table) -> str:
    if "risk" not in table or not len(table):
        return "None of the runs of 1 claim finished."
    widest, peaks = int(table["width"].max()), 0
    cases = sorted(set(zip(table["arm"].tolist(), table["step_size"].tolist(), strict=True)))
    for arm, eta in cases:
        rows = table.where(arm=arm, step_size=eta)
        every = np.unique(rows["width"])
        middle = np.array([np.median(rows.where(width=k)["risk"].astype(float)) for k in every])
        first = int(np.argmin(middle))
        peaks += bool(middle[first:].max() > 1.25 * max(middle[first], middle[-1]))
    what = "None of" if not peaks else f"{peaks} of"
    return f"{what} {len(cases)} curves of networks has a peak between two descents, up to width {widest}."
