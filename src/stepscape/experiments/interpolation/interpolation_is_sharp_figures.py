"""Figures of the claim `interpolation-is-sharp`; they read its runs and compute no measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.interpolation.runs import SIDES, InterpolationRun, LimitRun
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD, Look
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory, theory_level
from stepscape.figures.style import DOUBLE, MAIN, NAMES, SECONDARY, SMALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {
    "spline": "connect the dots,\nknots off the inputs",
    "flattest": "flattest network\nof any width",
    "dots": "connect the dots,\nknots on the inputs",
}
LOOKS = {"spline": CONTRAST, "flattest": THIRD, "dots": MEASURED}
SIDE_LOOKS = {"below": MEASURED, "above": CONTRAST}
CURVES = (
    ("sharpness", "spline", "connect\nthe dots", CONTRAST),
    ("least", "flattest", "flattest,\ncertified", THIRD),
    ("bound", "flattest", "data-only\nbound", MEASURED),
)
REPEAT = "Repeat it with “stepscape run interpolation-is-sharp --full”."
SHARPNESS = (
    "Left: sharpness less the 1 that the output bias costs, of networks that pass through every noisy label, "
    "against the number of inputs: a lower bound from the data alone, the certified least value over all "
    "widths, and the line that connects the dots. Dashed: what the bound tends to with equispaced inputs. "
    "Descent can stay at an interpolator only with a step size below 2/λ. Right: the bound less 1 over that "
    "limit, with equispaced inputs. Lines are medians over the seeds, ribbons quartiles. "
    f"{REPEAT}"
)
STABILITY = (
    "Descent from two starts, a millionth away from an interpolator on either side of its sharpest "
    "direction, thick and thin. With a step size η just below 2/λ (blue) it comes back, just above 2/λ "
    "(vermilion) it leaves. Dashed: the predicted rates. With knots on the inputs the loss has a kink there, "
    f"and neither rate holds. One data set. {REPEAT}"
)
FUNCTIONS = (
    "The functions of the interpolators of one data set, in colors; circles: the labels. They differ near "
    "the ends of the data, where the weight g is small and bends cost almost nothing."
)


def sharpness(result: Result) -> Drawn:
    """Draw λ − 1 of bounds and interpolators against n, and the bound over its limit."""
    table, settings = result.of(InterpolationRun).table, result.settings
    truth, design = settings["cases"][0].split()
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    number_ticks(left)
    number_ticks(left, "x")
    number_ticks(right, "x")
    if "bound" in table:
        _against_n(left, table.where(truth=truth, design=design, noise=settings["noise"]))
    limit = result.of(LimitRun).table
    if "over_limit" in limit:
        _limit(right, limit.where(outcome="finished"))
        _rate(left, limit)
    label(left, x="inputs n", y=r"sharpness $\lambda_{\max} - 1$")
    label(right, x="equispaced inputs n", y="bound over its limit")
    found = _sentence(limit)
    finding(figure, found)
    return Drawn(figure, f"{found} {SHARPNESS}")


def _against_n(ax: Axes, rows: Table) -> None:
    for column, interpolator, name, look in CURVES:
        every = interpolator if interpolator in rows["interpolator"] else str(rows["interpolator"][0])
        chosen = rows.where(interpolator=every)
        if column not in chosen or not len(chosen):
            continue
        excess = chosen[column].astype(float) - 1.0
        shown = Table({"n": chosen["n"].astype(float), "excess": np.where(excess > 0, excess, np.nan)})
        line = ribbon(ax, shown, "n", "excess", look.line)
        if line is not None:
            name_at_end(ax, line, name)


def _rate(ax: Axes, limit: Table) -> None:
    """Draw n² times the limit, over the sizes of the panel."""
    low, high = ax.dataLim.intervalx
    if not np.isfinite(low) or not low < high or not len(limit):
        return
    rates = (limit["bound"] - 1.0) / (limit["over_limit"] * limit["n"] ** 2)
    n = np.geomspace(low, high, 20)
    theory(ax, n, float(np.nanmedian(rates)) * n**2, r"$\propto \sigma n^2$", at=0.6, above=False)


def _limit(ax: Axes, rows: Table) -> None:
    ribbon(ax, rows, "n", "over_limit", MEASURED.both)
    theory_level(ax, 1.0, "limit", at=0.02)
    ax.set_ylim(0.0, max(1.25, 1.05 * float(np.nanmax(rows["over_limit"], initial=1.0))))


def _sentence(limit: Table) -> str:
    if "over_limit" not in limit or not np.isfinite(limit["over_limit"].astype(float)).any():
        return "No bound was computed at the limit sizes."
    n = int(limit["n"].max())
    ratio = float(np.nanmedian(limit.where(n=n)["over_limit"]))
    return (
        f"The sharpness that noise enforces grows like σn²: at n = {number(n)} the bound is at "
        f"{number(ratio)} of its limit."
    )


def stability(result: Result) -> Drawn:
    """Draw the distance from the interpolator over the steps, on both sides of 2/λ, with predicted rates."""
    from matplotlib.ticker import MaxNLocator

    runs = result.drawn("curve")
    figure, axes = canvas(1, max(1, len(runs)), DOUBLE, sharey=True)
    for ax, run in zip(axes[0], runs, strict=False):
        number_ticks(ax)
        for side, sign in SIDES:
            _visit(ax, run, side, 2.0 + sign * result.settings["detuning"])
        ax.xaxis.set_major_locator(MaxNLocator(3, min_n_ticks=3))
        label(ax, x="steps", title=_title(run))
    found = _ends(runs)
    finding(figure, found)
    if runs:
        axes[0, 0].set_ylabel("distance from\nthe interpolator", fontsize=NAMES)
        shared_legend(figure, axes, columns=3)
    return Drawn(figure, f"{found} {STABILITY}")


def _ends(runs: Sequence[Run]) -> str:
    off = [run for run in runs if run["interpolator"] != "dots"]
    if not off:
        return "No interpolator with its knots off the inputs was drawn."
    factors = [[float(run[f"factor_{side}"] or np.nan) for run in off] for side, _ in SIDES]
    back, away = (float(np.nanmedian(each)) for each in factors)
    return (
        f"Below 2/λ each step multiplies the distance by {number(back)}, above it by {number(away)}; with "
        "knots on the inputs neither is true."
    )


def _title(run: Run) -> str:
    name = str(run["interpolator"])
    return TITLES.get(name, name)


def _visit(ax: Axes, run: Run, side: str, product: float) -> None:
    steps = run.arrays[f"steps_{side}"]
    sides = run.arrays[f"distance_{side}"].reshape(-1, 2).T
    for i, distance in enumerate(sides):
        shown = np.isfinite(distance) & (distance > 0.0)
        name = rf"$\eta = {product:g}/\lambda$" if i == 0 else None
        width = (MAIN, SECONDARY)[i]
        ax.plot(steps[shown], distance[shown], **SIDE_LOOKS[side].line, lw=width, label=name)
    predicted = sides[0, 0] * abs(1.0 - product) ** steps
    within = (predicted < 0.3) & (predicted > 1e-13)
    line = theory(ax, steps[within], predicted[within])
    if side == "below":
        line.set_label("predicted rate")


def curves(result: Result) -> Drawn:
    """Draw the functions of the interpolators through the same labels."""
    figure, axes = canvas(1, 1, DOUBLE)
    ax, runs = axes[0, 0], result.drawn("curve")
    found, cut = "No interpolator was drawn.", ""
    for run in runs:
        look = LOOKS.get(str(run["interpolator"]), MEASURED)
        ax.plot(
            run.arrays["grid"], run.arrays["curve"], lw=SECONDARY, label=_title(run).replace("\n", " "),
            **look.line,
        )  # fmt: skip
    if runs:
        data = runs[0].arrays
        ax.plot(data["inputs"], data["labels"], "o", color=COLORS["gray"], mfc="white", ms=6.0, zorder=5)
        shared_legend(figure, axes, columns=2)
        leaves = " The axis spans the labels; the note says how far a curve goes that leaves it."
        cut = leaves if _clip(ax, runs) else ""
        found = (
            f"Away from the ends of the data all {len(runs)} interpolators nearly connect the "
            f"{data['inputs'].size} dots."
        )
    label(ax, x="x", y="f(x)")
    finding(figure, found)
    return Drawn(figure, f"{found} {FUNCTIONS}{cut} {REPEAT}")


def _clip(ax: Axes, runs: Sequence[Run]) -> bool:
    """Show the range of the labels with a margin; note how far a curve goes that leaves it, and tell so."""
    labels = runs[0].arrays["labels"]
    low, high = labels.min() - 0.2 * np.ptp(labels), labels.max() + 0.2 * np.ptp(labels)
    ax.set_ylim(low, high)
    some = False
    for run in runs:
        x, f = run.arrays["grid"], run.arrays["curve"]
        look: Look = LOOKS.get(str(run["interpolator"]), MEASURED)
        for at, edge, way in ((f.argmin(), low, "down"), (f.argmax(), high, "up")):
            if not low <= f[at] <= high:
                _leaves(ax, float(x[at]), edge, f"leaves the picture, {way} to {number(float(f[at]))}", look)
                some = True
    return some


def _leaves(ax: Axes, x: float, edge: float, text: str, look: Look) -> None:
    """Write a note where a curve leaves, on the side that has room."""
    left = x < np.mean(ax.get_xlim())
    ax.annotate(
        text, (x, edge), (22 if left else -22, 9 if edge == ax.get_ylim()[0] else -9),
        textcoords="offset points", ha="left" if left else "right", va="center", fontsize=SMALL,
        color=look.color,
    )  # fmt: skip
