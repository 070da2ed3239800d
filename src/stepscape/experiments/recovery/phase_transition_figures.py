"""Figures of the claim `phase-transition`; they read its trials and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.intervals import wilson
from stepscape.experiments.frame.sentences import counted
from stepscape.experiments.recovery.failure_rates import failure_rates
from stepscape.experiments.recovery.failure_runs import BlockRun
from stepscape.experiments.recovery.low_rank import PROBLEMS, words
from stepscape.experiments.recovery.phase_transition import finished, sign_test, wins
from stepscape.figures.bands import RIBBON, interval_bars
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD, Look
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory, theory_level
from stepscape.figures.style import (
    DOUBLE,
    GUIDE,
    MAIN,
    NAMES,
    SECONDARY,
    SINGLE,
    SMALL,
    TALL,
    canvas,
    label,
    note,
)
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
SHOWN = ("gaussian", "bilinear", "completion", "network", "covariance", "robust_pca")
LOOKS = {"flat": MEASURED, "nuclear": CONTRAST, "frobenius": THIRD}
NAMED = {"flat": "flattest", "nuclear": "least nuclear norm", "frobenius": "least Frobenius norm"}
MANY = 0.1  # share of undecided trials from which on a cross is drawn
CURVES = (
    "Share of trials that recover the truth against the number m of measurements over the degrees of freedom "
    "of the truth: the flattest matrix (disks), that of least nuclear norm (squares), that of least "
    "Frobenius norm (triangles). Undecided trials are the band above a curve, neither recovered nor failed. "
    "Dashed: as many measurements as degrees of freedom. In phase retrieval and covariance sensing every "
    "solution is equally flat: the flattest matrix is the truth where no other solution is left. Robust PCA "
    "uses the budget of an oracle, and m counts the entries without an error."
)
RANKS = (
    "Share of trials in which the flattest matrix is the truth, from none (white squares) to all (dark blue "
    "squares), for every problem, rank and number m of measurements. A cross: at least a tenth of the trials "
    "stayed undecided. Dashed: the degrees of freedom. Robust PCA uses the budget of an oracle."
)
WINS = (
    "Trials in which exactly one of the two is the truth; bars to the right: only the flattest matrix "
    "(blue), bars to the left: only that of least nuclear norm (vermilion). Trials in which one stayed "
    "undecided count for neither. p: sign test over the seeds. In covariance sensing every solution is "
    "equally flat, so that flatness selects nothing."
)
FAILURES = (
    "Share of Gaussian problems of rank 1 whose flattest matrix is not the truth, against the number m of "
    "measurements; bars are 95 % intervals. Dashed: the exponential decay of the first half, continued. The "
    "theorem allows no slower decay from some m on."
)


def curves(result: Result) -> Drawn:
    """Draw the share that recovers against m over the degrees of freedom, six problems at one rank."""
    table = finished(result, "grid")
    rank = sorted(result.settings["ranks"])[len(result.settings["ranks"]) // 2]
    shown = [name for name in SHOWN if len(table) and name in table["problem"]]
    figure, axes = canvas(2, 3, TALL, sharex=True, sharey=True)
    for ax, name in zip(axes.flat, SHOWN, strict=True):
        theory_level(ax, 1.0, vertical=True)
        if name in shown:
            for suffix in NAMED:
                _curve(ax, table.where(problem=name, rank=rank), suffix)
        else:
            note(ax, "no trial")
        label(ax, title=words(name))
    for ax in axes[-1]:
        label(ax, x="m over degrees of freedom", title=ax.get_title(loc="left"))
    axes[0, 0].set_ylim(-0.05, 1.08)
    axes[0, 0].set_ylabel("share that recovers", fontsize=NAMES)
    axes[1, 0].set_ylabel("share that recovers", fontsize=NAMES)
    shared_legend(figure, axes, columns=3)
    sentence = _thresholds(table, rank)
    finding(figure, sentence)
    seeds = np.unique(table["seed"]).size if len(table) else 0
    return Drawn(figure, f"{sentence} {CURVES} Rank {rank}, {counted(seeds, 'seed')}.")


def _curve(ax: Axes, rows: Table, suffix: str) -> None:
    if f"verdict_{suffix}" not in rows or not len(rows):
        return
    at, shares = shares_by(rows, suffix)
    if not at.size:
        return
    found, open_ = shares
    look = LOOKS[suffix]
    ax.fill_between(at, found, found + open_, color=look.color, alpha=RIBBON, linewidth=0)
    # Where two curves are one, the thinner blue one lies on the thicker one.
    width, order = (SECONDARY, 5) if suffix == "flat" else (MAIN, 4)
    ax.plot(at, found, lw=width, label=NAMED[suffix], zorder=order, **look.both)


def shares_by(rows: Table, suffix: str) -> tuple[Array, Array]:
    """Return the ratios, and the shares (2, ratios) that recover and that stay undecided there."""
    flags = [rows[f"{word}_{suffix}"].astype(float) for word in ("recovered", "undecided")]
    known = np.isfinite(flags[0])
    at = np.unique(rows["ratio"][known])
    means = [[float(each[known & (rows["ratio"] == ratio)].mean()) for ratio in at] for each in flags]
    return at, np.array(means)


def _thresholds(table: Table, rank: int) -> str:
    """Say from which ratio on at least 90 % of the trials recover, over the problems of the figure."""
    ends = []
    for name in SHOWN:
        rows = table.where(problem=name, rank=rank) if len(table) else table
        if not len(rows):
            continue
        at, (found, _) = shares_by(rows, "flat")
        low = found < 0.9
        start = 0 if not low.any() else int(np.flatnonzero(low)[-1]) + 1
        ends.append(float(at[start]) if start < at.size else np.inf)
    if not ends:
        return "No trial was carried out."
    reached = [end for end in ends if np.isfinite(end)]
    others = len(ends) - len(reached)
    missed = (
        f"; the other {others} need more" if others > 1 else "; the other one needs more" if others else ""
    )
    if not reached:
        return f"In none of {len(ends)} problems flat minima are nearly always the truth."
    if min(reached) == max(reached):
        reach = short(min(reached))
    else:
        reach = f"{short(min(reached))} to {short(max(reached))}"
    some = f"{len(reached)} of {len(ends)}" if missed else f"all {len(ends)}"
    return (
        f"Flat minima are nearly always the truth from {reach} measurements per degree of freedom on in "
        f"{some} problems{missed}."
    )


def ranks(result: Result) -> Drawn:
    """Draw the share that recovers for every problem, rank and m."""
    from matplotlib import colormaps

    table, d = finished(result, "grid"), result.settings["d"]
    figure, axes = canvas(2, 4, (7.2, 4.4))
    levels = sorted(result.settings["ranks"])
    for ax, (name, kind) in zip(axes.flat, PROBLEMS.items(), strict=True):
        rows = table.where(problem=name) if len(table) else table
        for rank, m in (
            sorted(set(zip(rows["rank"].tolist(), rows["m"].tolist(), strict=True))) if len(rows) else ()
        ):
            cell = rows.where(rank=rank, m=m)
            share = float((cell["recovered_flat"] == 1).mean())
            y = levels.index(rank)
            ax.plot(m, y, "s", ms=8.0, mec=COLORS["gray"], mew=GUIDE, color=colormaps["Blues"](share))
            if (cell["undecided_flat"] == 1).mean() >= MANY:
                ax.plot(m, y, "x", color="black", ms=5.0)
        theory(ax, [kind.degrees_of_freedom(d, rank) for rank in levels], range(len(levels)))
        ax.set_yticks(range(len(levels)), [f"rank {rank}" for rank in levels], fontsize=SMALL)
        ax.set_ylim(-0.6, len(levels) - 0.4)
        label(ax, x="m", title=kind.words.replace(", ", ",\n").replace(" sensing", "\nsensing"))
    share = float((table["recovered_flat"] == 1).mean()) if len(table) else float("nan")
    sentence = f"Flat minima are the truth in {100 * share:.0f} % of all trials, and more often at larger m."
    finding(figure, sentence)
    return Drawn(figure, f"{sentence} {RANKS}")


def pairs(result: Result) -> Drawn:
    """Draw how often exactly one of the two objectives recovers the truth, problem by problem."""
    table = finished(result, "grid")
    compared = [name for name in PROBLEMS if len(table) and name in table["problem"] and name != "robust_pca"]
    figure, axes = canvas(1, 1, DOUBLE)
    ax = axes[0, 0]
    counts = {}
    for y, name in enumerate(compared):
        flat, nuclear = wins(table.where(problem=name))
        counts[name] = int(flat.sum()), int(nuclear.sum())
        p = sign_test(int(np.sum(flat > nuclear)), int(np.sum(flat < nuclear)))
        _bars(ax, y, *counts[name], p)
    ax.axvline(0.0, color=COLORS["gray"], lw=GUIDE)
    most = max((max(pair) for pair in counts.values()), default=1) or 1
    ax.set_xlim(-1.5 * most, 1.5 * most)
    ax.set_yticks(range(len(compared)), [words(name) for name in compared], fontsize=SMALL)
    ax.set_ylim(len(compared) - 0.4, -0.6)
    ax.xaxis.set_major_formatter(lambda x, _: f"{abs(x):g}")
    label(ax, x="trials that only the nuclear norm (left), only flatness (right) recovers")
    sentence = _who(counts)
    finding(figure, sentence)
    return Drawn(figure, f"{sentence} {WINS}")


def _bars(ax: Axes, y: int, flat: int, nuclear: int, p: float) -> None:
    sides: tuple[tuple[int, Look, str], ...] = ((flat, MEASURED, "left"), (-nuclear, CONTRAST, "right"))
    for count, look, align in sides:
        ax.barh(y, count, height=0.6, color=look.color)
        text = f"{abs(count)}" + (f"   p = {number(p)}" if align == "left" else "")
        ax.annotate(
            text, (count, y), (4 if align == "left" else -4, 0), textcoords="offset points", ha=align,
            va="center", fontsize=SMALL, color=look.color,
        )  # fmt: skip


def _who(counts: dict[str, tuple[int, int]]) -> str:
    if not counts:
        return "No trial compares flatness with the nuclear norm."
    rest = [pair for name, pair in counts.items() if name != "covariance"]
    flat, nuclear = (sum(pair[i] for pair in rest) for i in (0, 1))
    found = f"Where the two differ, flatness recovers {flat} matrices and the nuclear norm {nuclear}"
    if "covariance" in counts:
        ours, theirs = counts["covariance"]
        found += f"; in covariance sensing flatness selects nothing, {ours} to {theirs}"
    return f"{found}."


def failures(result: Result) -> Drawn:
    """Draw the failure rate against m on a logarithmic scale."""
    at, rates = failure_rates(result)
    figure, axes = canvas(1, 1, SINGLE)
    ax = axes[0, 0]
    number_ticks(ax)
    sentence = "Blocks of problems were tried at too few numbers of measurements."
    if at.size > 1 and len(rates):
        sentence = _failing(ax, result, at)
    label(ax, x="measurements m", y="share that fails")
    finding(figure, sentence)
    return Drawn(figure, f"{sentence} {FAILURES}")


def _failing(ax: Axes, result: Result, at: Array) -> str:
    table = result.of(BlockRun).where(outcome="finished").table
    totals = [(table["m"] == m, m) for m in at]
    failed = [int(table["failed"][here].sum()) for here, _ in totals]
    tried = [int((table["trials"] - table["undecided"])[here].sum()) for here, _ in totals]
    found = [wilson(some, of) for some, of in zip(failed, tried, strict=True)]
    keep = [i for i, each in enumerate(found) if each.mean > 0.0]
    interval_bars(ax, at[keep], [found[i] for i in keep], MEASURED.both)
    middle = at.size // 2
    first, half = found[0].mean, found[middle].mean
    if 0.0 < half < first:
        decay = np.log(first / half) / (at[middle] - at[0])
        theory(ax, at, first * np.exp(-decay * (at - at[0])), r"$\propto e^{-cm}$", at=0.75)
    return (
        f"From m = {at[0]:.0f} to {at[-1]:.0f} the failure rate falls from {100 * first:.2g} % to "
        f"{100 * found[-1].mean:.2g} %."
    )
