"""Figures of the claim `flat-but-wrong`; they read its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.arrival import ARRIVED
from stepscape.experiments.confidence.flat_descents import START, settled, stays
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import fraction
from stepscape.experiments.frame.sentences import counted
from stepscape.figures.colors import COLORS, eta_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import THEORY, guide, theory_level
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, SINGLE, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.losses import probability
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOWEST = 1e-3  # flatter networks leave the picture on the left
FLAT_FROM = 10.0
FADED = 0.25
HOW = "Repeat with stepscape run flat-but-wrong."


def flatness(result: Result) -> Drawn:
    """Draw flatness against test error: each interpolator as its margin grows, and every descent."""
    table = result.table
    figure, axes = canvas(1, 1, DOUBLE)
    ax = axes[0, 0]
    built = table.where(arm="interpolator")
    descents = table.where(arm="descent", outcome="finished")
    for key in sorted(set(zip(built["n"], built["flip_rate"], built["seed"], strict=True))):
        rows = built.where(n=key[0], flip_rate=key[1], seed=key[2])
        sharp, error = rows["sharpness"], _excess(rows)
        ax.plot(np.maximum(sharp, LOWEST), error, color=COLORS["blue"], lw=SECONDARY, alpha=FADED)
    ax.plot([], [], color=COLORS["blue"], lw=SECONDARY, label="interpolators, margin 0.1 to 100")
    for eta in np.unique(descents["step_size"]) if "test_error" in descents else ():
        here = descents.where(step_size=eta)
        name = rf"descent from a random start, $\eta$ = {short(eta)}"
        look = marks(eta_color(eta))
        ax.plot(np.maximum(here["sharpness"], LOWEST), _excess(here), ls="none", label=name, **look)
        theory_level(ax, 2.0 / eta, r"$2/\eta$", at=0.98, vertical=True)
    if len(built):
        guide(ax, 0.0, "best classifier", at=0.98)
        number_ticks(ax, "x")
    label(ax, x=r"sharpness $\lambda_{\max}$ (flatter to the left)", y="test error − Bayes error")
    shared_legend(figure, axes, 2)
    sentence = _gap(built, descents, result)
    finding(figure, sentence)
    caption = (
        f"{sentence} Thin lines: the interpolators of each data set, which pass through every noisy label; "
        f"as the margin grows they go to the left, where they leave the picture at {short(LOWEST)}, and "
        "their test error does not change. Disks: descents on the same labels, by step size, at the "
        "midpoint network. Dashed: 2/η; dotted: the best classifier. "
        f"{counted(len(np.unique(table['seed'])), 'seed')} of each size and flip rate. {HOW}"
    )
    return Drawn(figure, caption)


def _excess(rows: Table) -> NDArray[np.float64]:
    return np.asarray(rows["test_error"] - rows["bayes_error"], np.float64)


def _gap(built: Table, descents: Table, result: Result) -> str:
    """Say how much more interpolators err than descent, where that has arrived, and than the truth."""
    if not len(built):
        return "No interpolator was built, so that 0 of them are compared."
    more = 100 * float(np.mean(_excess(built)))
    first = f"As flat as one likes, interpolators err {more:.0f} points more than the best classifier"
    here = descents.where(step_size=max(result.settings["descents"]))
    if "edge_moved" not in here or not (done := settled(here, **ARRIVED)).any():
        return f"{first}."
    gap = 100 * _gap_to_descent(built, here.rows(done))
    return f"{first} and {abs(gap):.0f} points {'more' if gap >= 0 else 'less'} than descent."


def _gap_to_descent(built: Table, descents: Table) -> float:
    """Mean difference of the test errors of an interpolator and a descent on the same labels."""
    keys = [list(zip(each["n"], each["flip_rate"], each["seed"], strict=True)) for each in (built, descents)]
    errors = dict(zip(keys[0], built["test_error"], strict=True))
    pairs = zip(keys[1], descents["test_error"], strict=True)
    return float(np.mean([errors[key] - error for key, error in pairs if key in errors]))


def functions(result: Result) -> Drawn:
    """Draw P(y = 1 | x) of a flat interpolator and of a descent on the same labels (first seed)."""
    built = result.drawn("curve", arm="interpolator")
    built.sort(key=lambda run: abs(np.log(run["margin"] / FLAT_FROM)))
    descents = sorted(result.drawn("curve", arm="descent"), key=lambda run: -float(run["step_size"]))
    shown = [(run, f"interpolator, margin {number(run['margin'], 2)}") for run in built[:1]]
    shown += [(run, rf"descent, $\eta$ = {short(run['step_size'])}") for run in descents[:1]]
    figure, axes = canvas(1, max(1, len(shown)), DOUBLE, sharey=True)
    for ax, (run, name) in zip(axes[0], shown, strict=False):
        _probability(ax, run)
        label(ax, x="x", title=name)
    axes[0, 0].set_ylabel("probability of label 1")
    shared_legend(figure, axes, 4)
    sentence = _against(shown[0][0] if shown else None)
    finding(figure, sentence)
    caption = (
        f"{sentence} Solid: the probability of label 1 by the network; dashed: by the truth. Bars above and "
        "below: the labels; in vermilion those that the best classifier gets wrong. First seed, smallest "
        f"size, largest flip rate. {HOW}"
    )
    return Drawn(figure, caption)


def _wrong(run: Run) -> NDArray[np.bool_]:
    """Mask of the labels that are not the likelier ones."""
    truth = np.interp(run.arrays["inputs"], run.arrays["grid"], run.arrays["truth"])
    return np.asarray(run.arrays["labels"] * truth < 0.0)


def _against(run: Run | None) -> str:
    if run is None:
        return "No network was drawn: 0 curves."
    wrong = int(_wrong(run).sum())
    return f"The interpolator is certain of all {run['n']} labels, also of {wrong} that are against the odds."


def _probability(ax: Axes, run: Run) -> None:
    x, truth = run.arrays["grid"], run.arrays["truth"]
    ax.plot(x, probability(truth), label="truth", **{**THEORY})
    ax.plot(x, probability(run.arrays["curve"]), lw=MAIN, color=COLORS["blue"], label="network")
    height = np.where(run.arrays["labels"] > 0, 1.06, -0.06)
    wrong = _wrong(run)
    for some, color, name in ((~wrong, "gray", "label"), (wrong, "vermilion", "label against the odds")):
        ax.plot(
            run.arrays["inputs"][some],
            height[some],
            "|",
            color=COLORS[color],
            ms=9,
            mew=SECONDARY,
            label=name,
        )


def basin(result: Result) -> Drawn:
    """Draw the share of descents that stay flat and wrong, against the length of the random move."""
    table = result.table.where(arm="flat_start")
    figure, axes = canvas(1, 1, SINGLE)
    ax = axes[0, 0]
    moves = np.unique(table["move"])
    some = moves[moves > 0.0]
    kept = stays(table, **START) if "edge_ratio" in table else np.zeros(len(table), bool)
    for eta in np.unique(table["step_size"]):
        here = table["step_size"] == eta
        share = [fraction(kept[here & (table["move"] == move)]) for move in some]
        (line,) = ax.plot(some, share, lw=MAIN, **marks(eta_color(eta)))
        name_at_end(ax, line, rf"$\eta$ = {short(eta)}")
    if some.size > 1:
        number_ticks(ax, "x")
    ax.set_ylim(-0.03, 1.05)
    guide(ax, 0.9, "nine in ten", at=0.98)
    label(ax, x=r"random move of the start, as a share of $\|\theta\|$", y="share that stays")
    unmoved = 100 * fraction(kept[table["move"] == 0.0])
    near = some[np.argmin(np.abs(np.log(some / 0.01)))] if some.size else float("nan")
    moved = 100 * fraction(kept[table["move"] == near])
    sentence = (
        f"{unmoved:.0f} % of descents stay on the flat interpolator, but only {moved:.0f} % after a random "
        f"move by {100 * near:.2g} % of its norm."
    )
    if unmoved != unmoved or moved >= unmoved:
        sentence = f"{moved:.0f} % of descents stay after a random move by {100 * near:.2g} % of the weights."
    finding(figure, sentence)
    caption = (
        f"{sentence} Lines: the share of descents, over all data sets, that miss no label in the end, are "
        "not above 2/η, and err no less than the interpolator next to which they started, where λ_max·η/2 "
        f"is 0.9; by step size. Dotted: nine in ten. {counted(len(np.unique(table['seed'])), 'seed')}. {HOW}"
    )
    return Drawn(figure, caption)
