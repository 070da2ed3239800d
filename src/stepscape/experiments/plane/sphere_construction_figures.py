"""Figures of the claim `sphere-construction`; they read its table."""

from __future__ import annotations

import math

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.plane.pairs import counted
from stepscape.experiments.plane.shattering_figures import seeds_of
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.experiments.plane.sphere_construction import built
from stepscape.experiments.plane.sphere_runs import CapRun, SphereRun
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, Look, level_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory
from stepscape.figures.style import DOUBLE, SINGLE, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

REPEAT = "`stepscape run sphere-construction --full` repeats it."
CONSTANT = Look("best constant", COLORS["gray"], "D")


def flat(result: Result) -> Drawn:
    """Draw λ_max − 1 and the population error of the interpolators against n, by dimension."""
    table = built(result, SphereRun)
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    dimensions = sorted(result.settings["dimensions"])
    for d in dimensions if len(table) else ():
        rows, look = table.where(dimension=d), marks(level_color(d, dimensions))
        more = Table({"n": rows["n"], "excess": rows["sharpness_best"] - 1.0})
        ribbon(left, more, "n", "excess", look)
        if (line := ribbon(right, rows, "n", "covered", look)) is not None:
            name_at_end(right, line, f"d = {d:g}")
    if len(table):
        sizes = np.unique(table["n"]).astype(float)
        bound = [median(table.where(n=n)["bound_best"]) - 1.0 for n in sizes]
        theory(left, sizes, bound, r"$2\sqrt{2}\,\max|y_i|/n$", at=0.35)
    for ax in (left, right):
        number_ticks(ax, "x")
        number_ticks(ax)
    if len(table):
        left.set_ylim(0.5 * float(table["sharpness_best"].min() - 1.0), 2.0 * bound[0])
    label(left, "examples n", title=r"sharpness $\lambda_{\max}$ less 1")
    label(right, "examples n", title="share of the sphere with f ≠ 0")
    sentence = _flat_sentence(table)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. The interpolator with one neuron per example, against the number n of examples on the "
        "sphere, by dimension d in colors from dark to light. Left: its sharpness λ_max less 1, which no "
        "network with the square loss and a trained output bias falls below. Dashed: its bound, with the "
        "median of max|y_i|. Right: the share of fresh inputs on which it is not 0. Medians with quartiles "
        f"as a band; {seeds_of(result)}. {REPEAT}",
    )


def _flat_sentence(table: Table) -> str:
    if not len(table):
        return "No interpolator was built"
    largest = table.where(n=table["n"].max())
    sharp, ratio = median(largest["sharpness_best"]), largest["population_error"] / largest["null_population"]
    return (
        f"At n = {largest['n'][0]:g} interpolators have $\\lambda_{{\\max}}$ = {number(sharp)} and "
        f"{number(median(ratio), 2)} times the error of a constant"
    )


def reached(result: Result) -> Drawn:
    """Draw the errors of descent on the sphere and of the interpolator, by dimension."""
    descents, networks = built(result, PlaneRun), built(result, SphereRun)
    descents = descents.rows(counted(descents)) if len(descents) else descents
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    if len(descents):
        shown = {
            **descents.columns,
            "ratio": np.clip(descents["train_error"] / descents["realized_noise"], 1e-3, None),
        }
        ribbon(left, Table(shown), "dimension", "ratio", MEASURED.both, keep_dead=True, label="descent")
        ribbon(
            right, descents, "dimension", "population_error", MEASURED.both, keep_dead=True, label="descent"
        )
        ribbon(
            right,
            descents,
            "dimension",
            "null_population",
            CONSTANT.both,
            keep_dead=True,
            label=CONSTANT.words,
        )
    else:
        note(left, "no descent arrived")
    if len(networks):
        rows = networks.where(n=networks["n"].max())
        ribbon(right, rows, "dimension", "population_error", CONTRAST.both, label="interpolator")
    guide(left, 1.0, "the noise")
    guide(left, 0.1, "memorized", above=False)
    dimensions = sorted(result.settings["dimensions"])
    for ax, title in ((left, "training error / noise"), (right, "population error")):
        number_ticks(ax, "x")
        number_ticks(ax)
        ax.set_xticks(dimensions, [f"{d:g}" for d in dimensions])
        label(ax, "dimension d", title=title)
    left.set_ylim(5e-4, 3.0)
    shared_legend(figure, axes, columns=3)
    sentence = _reached_sentence(descents)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. Descent on the sphere at η = {result.settings['step_size']:g} from a start below the "
        f"edge (blue disks), on {max(result.settings['sizes'])} examples, against the dimension d. Left: "
        "training error over the mean of ε², not below 0.001. Right: squared distance to the truth on fresh "
        "inputs, beside that of the interpolator (vermilion squares) and of the best constant (gray "
        "diamonds). Dotted: the noise, and the level that counts as memorized. Medians with quartiles as a "
        f"band; {seeds_of(result)}. {REPEAT}",
    )


def _reached_sentence(table: Table) -> str:
    if not len(table):
        return "No descent on the sphere arrived"
    said = []
    for d in (table["dimension"].min(), table["dimension"].max()):
        rows = table.where(dimension=d)
        share = 100.0 * median(rows["train_error"] / rows["realized_noise"])
        said.append(f"{share:.0f} % for d = {d:g}")
    return f"Descent on the sphere leaves this share of the noise in the labels unfitted: {', '.join(said)}"


def caps(result: Result) -> Drawn:
    """Draw E f² of the networks on empty caps against n, by dimension, with the exponents of the bound."""
    table = built(result, CapRun)
    figure, axes = canvas(1, 1, SINGLE)
    ax = axes[0, 0]
    dimensions = sorted(result.settings["cap_dimensions"])
    for d in dimensions if len(table) else ():
        rows = table.where(dimension=d)
        if (line := ribbon(ax, rows, "n", "mean_square", marks(level_color(d, dimensions)))) is not None:
            name_at_end(ax, line, f"d = {d:g}")
        sizes = np.unique(rows["n"]).astype(float)
        first = median(rows.where(n=rows["n"].min())["mean_square"])
        theory(ax, sizes, first * (sizes / sizes[0]) ** (-2.0 / (d + 1.0)), "")
    number_ticks(ax, "x")
    number_ticks(ax)
    label(ax, "examples n", r"population error")
    sharp = median(table["sharpness_caps"]) if len(table) else math.nan
    sentence = (
        f"With $\\lambda_{{\\max}}$ = {number(sharp)} networks hide an error of the order $n^{{-2/(d+1)}}$"
        if np.isfinite(sharp)
        else "No network on empty caps was built"
    )
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. The mean square over the ball of a network that is 0 at every input, against the "
        "number n of inputs, by dimension d in colors from dark to light. Dashed: n^(−2/(d + 1)) through the "
        f"first median. Medians with quartiles as a band; {seeds_of(result)}. {REPEAT}",
    )
