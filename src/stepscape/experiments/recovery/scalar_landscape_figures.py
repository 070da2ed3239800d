"""Figures of the claim `scalar-landscape`; they read its runs and measure nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.recovery.scalar_landscape import descents, minima
from stepscape.experiments.recovery.scalar_runs import LARGEST_STABLE, ScalarRun
from stepscape.figures.bands import seed_dots
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, eta_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import DASHES, theory
from stepscape.figures.style import DOUBLE, GUIDE, SECONDARY, SMALL, canvas, evenly_ranked, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REACH, POINTS = 2.6, 121  # of the picture
SHOWN = 3  # paths
CONTOURS = (0.05, 0.3, 1.0, 3.0, 10.0)
LANDSCAPE = (
    "Contours of (xy − 1)² in gray; thick gray: the minima xy = 1. Stars: the flattest ones, ±(1, 1). Lines "
    "in the colors of their step sizes: paths of descent from one start (open circle) to their ends (disks). "
    "Dashed: where λ_max = 2/η for the largest of the step sizes drawn below ½; descent with it can only "
    "stay inside, near the stars."
)
ENDS = (
    "Left: sharpness of the minima that descent reaches, against the step size η; faint dots are the starts, "
    "disks their medians. Dashed: 2/η, and the least sharpness 4. They meet at η = ½. Right: the last two "
    "values of x (each run is a faint dot) beyond ½; dashed: the swing of theory, with pq = 1/(2η) and "
    "p + q = √(1 + 3/(2η)), up to where its period doubles. {seeds} starts. Repeat it with “stepscape run "
    "scalar-landscape --full”."
)


def landscape(result: Result) -> Drawn:
    """Contours of the loss with the flat points, the level λ_max = 2/η and paths from one start."""
    figure, axes = canvas(1, 1, (5.6, 5.2))
    ax = axes[0, 0]
    at = np.linspace(-REACH, REACH, POINTS)
    x, y = np.meshgrid(at, at)
    loss = (x * y - 1.0) ** 2
    ax.contour(x, y, loss, CONTOURS, colors=[COLORS["gray"]], linewidths=GUIDE, alpha=0.6)
    for sign in (1.0, -1.0):
        curve = np.geomspace(1.0 / REACH, REACH, 60)
        ax.plot(sign * curve, sign / curve, color=COLORS["gray"], lw=2.2, zorder=2)
        ax.plot(sign, sign, "*", color="black", ms=13.0, mec="white", zorder=6)
        ax.annotate(f"({sign:g}, {sign:g})".replace("-", "−"), (sign, sign), (9, 7),
                    textcoords="offset points", fontsize=SMALL, zorder=6)  # fmt: skip
    shown = _shown(result)
    for run in shown:
        _path(ax, run)
    if shown:
        _level(ax, x, y, max(float(run["step_size"]) for run in shown))
        shared_legend(figure, axes, columns=2)
    ax.set_xlim(-REACH, REACH)
    ax.set_ylim(-REACH, REACH)
    ax.set_aspect("equal")
    label(ax, x="x", y="y")
    found = _landscape_finding(shown)
    finding(figure, found)
    return Drawn(figure, f"{found} {LANDSCAPE}")


def _shown(result: Result) -> list[Run]:
    """Pick the start whose ends differ most among those from which no step size below ½ diverges."""
    by_seed: dict[int, list[Run]] = {}
    for run in result.of(ScalarRun).drawn("path"):
        if run["step_size"] < LARGEST_STABLE:
            by_seed.setdefault(run["seed"], []).append(run)
    if not by_seed:
        return []
    most = max(map(len, by_seed.values()))
    whole = [runs for runs in by_seed.values() if len(runs) == most]
    best = max(whole, key=lambda runs: max(float(run["sharpness"]) for run in runs))
    etas = evenly_ranked(sorted(run["step_size"] for run in best), SHOWN)
    return [run for run in best if run["step_size"] in etas]


def _path(ax: Axes, run: Run) -> None:
    path, eta = run.arrays["path"], float(run["step_size"])
    color = eta_color(eta)
    ax.plot(*path.T, color=color, lw=SECONDARY, zorder=4, label=f"η = {eta:g}")
    ax.plot(*path[0], **{**marks(color), "mfc": "white", "mec": color}, linestyle="none", zorder=5)
    ax.plot(*path[-1], **marks(color), linestyle="none", zorder=5)


def _level(ax: Axes, x: np.ndarray, y: np.ndarray, eta: float) -> None:
    sharpness = x * x + y * y + np.sqrt((x * x - y * y) ** 2 + 4.0 * (2.0 * x * y - 1.0) ** 2)
    ax.contour(
        x, y, sharpness, [2.0 / eta], colors=["black"], linewidths=SECONDARY, linestyles=[DASHES], zorder=3
    )
    ax.plot(
        [],
        [],
        color="black",
        lw=SECONDARY,
        linestyle=DASHES,
        label=rf"$\lambda_{{\max}} = 2/\eta$, η = {eta:g}",
    )


def _landscape_finding(runs: list[Run]) -> str:
    ends = sorted((float(run["step_size"]), float(run["sharpness"])) for run in runs)
    if not ends:
        return "Descent stayed finite at 0 step sizes below ½."
    (small, sharp), (large, flat) = ends[0], ends[-1]
    return (
        f"Small steps (η = {small:g}) end at the sharpness {number(sharp, 3)}, large ones (η = {large:g}) at "
        f"{number(flat, 3)}; the flat points have 4."
    )


def ends(result: Result) -> Drawn:
    """Sharpness of the ends against η below ½, and the swing beyond."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    table, beyond = minima(result), descents(result)
    number_ticks(left)
    if len(table):
        etas = np.unique(table["step_size"])
        values = [table.where(step_size=eta)["sharpness"] for eta in etas]
        seed_dots(left, table["step_size"], table["sharpness"], MEASURED.color)
        left.plot(etas, [float(np.median(each)) for each in values], **MEASURED.marks)
        fine = np.geomspace(etas[0], LARGEST_STABLE, 50)
        theory(left, fine, 2.0 / fine, r"$2/\eta$", at=0.5)
        theory(left, fine, 4.0 + 0.0 * fine, "4", at=0.05, above=False)
        step_size_ticks(left, etas.tolist())
    label(left, x="step size η", y=r"sharpness $\lambda_{\max}$ of the end")
    _swing(right, result)
    label(right, x="step size η", y=r"last two values of $|x|$")
    found = _ends_finding(result)
    finding(figure, found)
    seeds = np.unique(beyond["seed"]).size if len(beyond) else 0
    return Drawn(figure, f"{found} {ENDS.format(seeds=seeds)}")


def _swing(ax: Axes, result: Result) -> None:
    table = descents(result)
    table = table.rows(table["step_size"] > LARGEST_STABLE) if len(table) else table
    for column in ("low", "high"):
        if len(table):
            ax.plot(table["step_size"], table[column], "o", color=CONTRAST.color, ms=5.0, alpha=0.35, mew=0)
    eta = np.linspace(LARGEST_STABLE, (np.sqrt(5.0) - 1.0) / 2.0, 60)
    total = np.sqrt(1.0 + 1.5 / eta)
    gap = np.sqrt(np.maximum(total**2 - 2.0 / eta, 0.0))
    for sign, name in ((1.0, "q"), (-1.0, "p")):
        line = theory(ax, eta, 0.5 * (total + sign * gap))
        name_at_end(ax, line, name)


def _ends_finding(result: Result) -> str:
    table = minima(result)
    if not len(table):
        return "Descent ended at a minimum from 0 starts."
    most = float((table["sharpness"] / table["threshold"]).max())
    return (
        f"Descent ends at a sharpness of at most {number(most, 3)} times 2/η; beyond η = ½ it swings between "
        "two points."
    )
