"""Pictures of chaotic descent; they read a table and measure nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.illustrations.chaotic_descent import DOUBLINGS, ORBITS, RIPPLES
from stepscape.experiments.illustrations.chaotic_runs import bins, gibbs
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import CONTRAST, MEASURED, eta_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory, theory_level
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS, LOW, HIGH = 180, 0.0, 1.5  # of the picture of the orbits
TALL = (7.2, 4.8)
DENSITY = (
    "Left: histogram of descent on a bowl with ripples (steps), and the law of Gibbs ∝ exp(−4f/η) (dashed), "
    "over the standard deviation of the limit; colors are step sizes η, first seed. Right: total variation "
    "between the two against η; disks are the bowl, squares the right half of the double well; lines are "
    "medians over {seeds} seeds, ribbons their quartiles. Dashed: in proportion to η. Repeat it with "
    "“stepscape run chaotic-descent --full”."
)
ORBITS_WORDS = (
    "Above: where descent in the double well (w² − 1)²/4 is after many steps, against the step size η; gray "
    "tones count visits. One line is a minimum, two are a swing, then four, eight: the period doubles. "
    "Below: "
    "the Lyapunov exponent, positive (above the dotted line) where nearby starts part exponentially. "
    "Dashed: where the doublings "
    "accumulate. First seed. Repeat it with “stepscape run chaotic-descent --full”."
)


def density(result: Result) -> Drawn:
    """Histograms on the bowl beside the law of Gibbs, and the distances of both landscapes."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    runs = result.drawn("share", **RIPPLES, landscape="bowl")
    for run in runs[:: max(1, len(runs) - 1)]:
        _histogram(left, run["step_size"], run.arrays["share"])
    label(left, r"$w$ over $\sqrt{\eta/(2(2-\eta))}$", "density")
    for landscape, look in (("bowl", MEASURED), ("wells", CONTRAST)):
        table = result.where(**RIPPLES, landscape=landscape).table
        if len(table) and "total_variation" in table:
            words = {"bowl": "bowl", "wells": "one of two wells"}[landscape]
            ribbon(right, table, "step_size", "total_variation", look.both, label=words)
    etas = sorted({float(run["step_size"]) for run in result.where(**RIPPLES).runs})
    if etas:
        theory(right, etas, 0.2 * np.array(etas), r"$\propto\eta$", at=0.9, above=False)
    number_ticks(right)
    step_size_ticks(right, etas)
    label(right, r"step size $\eta$", "total variation")
    if left.lines:
        shared_legend(figure, axes, columns=4)
    said = _density_finding(result)
    finding(figure, said)
    seeds = np.unique(result.table["seed"][np.isfinite(result.table["seed"].astype(float))]).size
    return Drawn(figure, f"{said} {DENSITY.format(seeds=seeds)}")


def _histogram(ax: Axes, eta: float, share: np.ndarray) -> None:
    scale = np.sqrt(eta / (2.0 * (2.0 - eta)))
    edges = bins("bowl", eta)
    middle = 0.5 * (edges[1:] + edges[:-1]) / scale
    width = (edges[1] - edges[0]) / scale
    ax.step(middle, share / width, where="mid", lw=MAIN, color=eta_color(eta), label=f"η = {short(eta)}")
    theory(ax, middle, gibbs("bowl", eta, edges) / width)


def _density_finding(result: Result) -> str:
    table = result.where(**RIPPLES, landscape="bowl", outcome="finished").table
    if not len(table):
        return "Descent on the bowl finished in 0 runs."
    etas = np.unique(table["step_size"])
    small, large = (median(table.where(step_size=eta)["total_variation"]) for eta in etas[[0, -1]])
    return (
        f"Descent on ripples differs from the law of Gibbs by {number(small, 2)} at η = "
        f"{short(etas[0])}, and by {number(large, 2)} at η = {short(etas[-1])}."
    )


def orbits(result: Result) -> Drawn:
    """Visits of the orbits against the step size, and the exponents below."""
    figure, axes = canvas(2, 1, TALL, sharex=True, height_ratios=(2, 1))
    above, below = axes[0, 0], axes[1, 0]
    runs = result.drawn("orbits", **ORBITS)
    for run in runs[:1]:
        eta, points = run.arrays["step_sizes"], run.arrays["orbits"]
        across = np.linspace(eta[0], eta[-1], min(220, eta.size) + 1)
        counts = np.histogram2d(
            np.abs(points).ravel(), np.tile(eta, len(points)), [np.linspace(LOW, HIGH, ROWS + 1), across]
        )[0]
        shade = np.sqrt(counts / np.maximum(counts.max(axis=0), 1.0))
        above.imshow(
            shade, cmap="Greys", origin="lower", aspect="auto", extent=(eta[0], eta[-1], LOW, HIGH),
            interpolation="nearest",
        )  # fmt: skip
        below.plot(eta, np.maximum(run.arrays["exponents"], -1.5), lw=SECONDARY, color=MEASURED.color)
    guide(below, 0.0, "0")
    found = result.where(**DOUBLINGS, outcome="finished").table
    if len(found):
        limit = float(found["accumulation"][0])
        theory_level(above, limit, "doublings accumulate", above=False, vertical=True)
        theory_level(below, limit, vertical=True)
    label(above, "", r"$|w|$")
    label(below, r"step size $\eta$", "exponent")
    said = _orbits_finding(result)
    finding(figure, said)
    return Drawn(figure, f"{said} {ORBITS_WORDS}")


def _orbits_finding(result: Result) -> str:
    found = result.where(**DOUBLINGS, outcome="finished").table
    table = result.where(**ORBITS, outcome="finished").table
    if not len(found) or not len(table):
        return "Orbits or doublings are missing in 1 of 2 kinds of runs."
    onsets = table["onset"].astype(float)
    limit = f"The doublings accumulate at η = {float(found['accumulation'][0]):.4f}"
    chaotic = int(np.isfinite(onsets).sum())
    if not chaotic:
        return f"{limit}; in 0 of {onsets.size} seeds a step size is chaotic."
    return (
        f"{limit}; the first chaotic step size is {median(onsets):.3f} in {chaotic} of {onsets.size} seeds."
    )
