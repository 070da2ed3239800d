"""Every method stabilizes its own sharpness at its own threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.deep.optimizers import LONG_MEMORY, OPTIMIZERS, words
from stepscape.experiments.deep.threshold_runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.finding import every_row, in_part
from stepscape.experiments.frame.limits import EDGE, MOST, NEARLY_ALL, TRANSIENT
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import clause, counted, interval, of_runs, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
LOST = 2.0  # edge ratio that a run counts with that diverges
GROWTH = 1.05  # of the edge ratio in the last quarter of the steps: more is still on its way
FALL = 0.01  # of the first loss: one that falls by less, and never rises, has come to rest at a minimum
_COUNTS = (
    f"A run that diverges counts with an edge ratio of {LOST:g}. Another counts if its edge ratio is at "
    f"least {EDGE[0]:g} at some record after the first {TRANSIENT:.0%} of the steps, or if it settles below: "
    f"its median over the last quarter of the steps is at most {GROWTH:g} times that of the quarter before, "
    f"and over the last half the loss rises between two records or falls by {FALL:.0%} of the first loss. A "
    "method at a step size at which fewer than half of the runs count is left out; then, and if not nearly "
    "all runs of another count, a yes holds in part."
)


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that came to their threshold, settled elsewhere, or diverged."""
    lost = np.asarray(table["outcome"] == "diverged")
    if "edge_reached" not in table:
        return lost
    settles = table["ratio_growth"].astype(float) <= GROWTH
    moves = (table["loss_rises"] == 1) | (table["loss_fall"].astype(float) >= FALL)
    return np.asarray(lost | (table["edge_reached"] == 1) | (settles & moves))


def cells(table: Table, long_memory: bool) -> tuple[dict[str, Array], list[str], list[str]]:
    """Edge ratios (seeds,) of each method at each step size, nan where it does not count.

    And the names of those that are left out, and of those of which not nearly all runs count.
    `long_memory`: of heavy ball with β = 0.9 alone, or of all the others.
    """
    found, lost, thin = dict[str, Array](), list[str](), list[str]()
    seeds, keep = np.unique(table["seed"]), counts(table)
    for name, eta in dict.fromkeys(zip(table["method"].tolist(), table["step_size"].tolist(), strict=True)):
        here = (table["method"] == name) & (table["step_size"] == eta)
        if (name == LONG_MEMORY) != long_memory:
            continue
        if keep[here].mean() < MOST:
            lost.append(words(name, eta))
            continue
        if keep[here].mean() < NEARLY_ALL:
            thin.append(words(name, eta))
        found[words(name, eta)] = _by_seed(table.rows(here & keep), seeds)
    return found, lost, thin


def _by_seed(rows: Table, seeds: NDArray[np.int64]) -> Array:
    values = np.full(seeds.size, np.nan)
    ratios = rows["edge_ratio"].astype(float) if "edge_ratio" in rows else np.full(len(rows), np.nan)
    values[np.searchsorted(seeds, rows["seed"])] = np.where(rows["outcome"] == "diverged", LOST, ratios)
    return values


def lacks(table: Table) -> str:
    """Say that no run counts; "" if one did."""
    return "" if counts(table).any() else "no run came to its threshold or settled elsewhere"


def lacks_long_memory(table: Table) -> str:
    """Say that heavy ball with β = 0.9 was not run; "" if it was."""
    return "" if (table["method"] == LONG_MEMORY).any() else "heavy ball with β = 0.9 was not run"


def own_threshold(result: Result, within: float, long_memory: bool = False) -> Finding:
    """Whether the edge ratio settles at 1 in every cell."""
    found, lost, thin = cells(result.table, long_memory)
    if not found:
        return lacking("at no step size most runs came to the threshold or settled elsewhere")
    answers = {
        name: decide.equivalent(
            values - 1.0, within, Says(f"{name},", "settle", "at its threshold"), "edge ratio minus 1",
            at_once=len(found),
        )
        for name, values in found.items()
    }  # fmt: skip
    asked = result.table.rows((result.table["method"] == LONG_MEMORY) == long_memory)
    diverged = int(np.sum(asked["outcome"] == "diverged"))
    return in_part(_summed_up(answers, diverged), _left_out(lost, thin))


def _summed_up(answers: Mapping[str, Finding], diverged: int) -> Finding:
    """Say how many settle, and what of those that do not; the interval of each is among the numbers."""
    whole = together(answers, named=False)
    others = [clause(each.sentence) for each in answers.values() if each.answer != "yes"]
    says = Says("methods with their step sizes", "settle", "at their thresholds")
    ends = f"{counted(diverged, 'run')} diverged" if diverged else ""
    known = {name: each.effect.interval for name, each in answers.items() if each.effect is not None}
    return replace(
        whole,
        sentence=sentence(of_runs(len(answers) - len(others), len(answers), says), *others, ends),
        numbers={f"{name}: edge ratio minus 1": interval(each) for name, each in known.items()},
    )


def _left_out(lost: Sequence[str], thin: Sequence[str]) -> str:
    out = f"left out, because most runs are on their way or at rest before it: {', '.join(lost)}"
    few = f"some runs of these are on their way or at rest before it: {', '.join(thin)}"
    return clause(sentence(out if lost else "", few if thin else ""))


def long_memory(result: Result, within: float) -> Finding:
    """Ask the same of heavy ball with β = 0.9."""
    found, lost, _ = cells(result.table, True)
    if not found and lost:
        says = sentence(
            f"most runs are on their way to the threshold or at rest before it: {', '.join(lost)}"
        )
        return Finding("no", says)
    return own_threshold(result, within, long_memory=True)


def not_plain(result: Result, least: float) -> Finding:
    """Whether the plain sharpness of a method is not held at one multiple of 1/η for all step sizes."""
    table = result.table.rows(counts(result.table) & (result.table["outcome"] == "finished"))
    seeds, etas = np.unique(result.table["seed"]), np.unique(table["step_size"])
    if etas.size < 2:
        return lacking("the method counts at fewer than two step sizes")
    ends = []
    for eta in (etas[0], etas[-1]):
        rows, values = table.where(step_size=float(eta)), np.full(seeds.size, np.nan)
        values[np.searchsorted(seeds, rows["seed"])] = np.log(rows["plain_ratio"].astype(float))
        ends.append(values)
    known = int(np.isfinite(ends[1] - ends[0]).sum())
    says = Says("the plain sharpness in units of 2/η", "change", "with the step size")
    what = f"log of λ_max·η/2 at η = {etas[-1]:g} over that at η = {etas[0]:g}"
    found = decide.differs(ends[1] - ends[0], least, says, what)
    return in_part(found, f"{known} of {seeds.size} seeds count" if known < NEARLY_ALL * seeds.size else "")


def numbers(result: Result) -> Table:
    """One row per method and step size: medians over the seeds."""
    return medians(
        result.table, ("method", "step_size"),
        ("edge_ratio", "low_ratio", "high_ratio", "largest_ratio", "plain_ratio", "start_ratio", "loss"),
        ("edge_reached", "diverged"),
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Where each method settles, and how it comes there."""
    from stepscape.experiments.deep import thresholds_figures as figures

    return {"settled": figures.settled(result), "paths": figures.paths(result)}


CLAIM = Claim(
    name="thresholds",
    title="Does every method sit at its own threshold?",
    claim=(
        "At the edge of stability a method holds its own sharpness at its own threshold: momentum moves the "
        "threshold, and adaptive methods hold that of the preconditioned Hessian, Adam at 38/η."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', Question 3 on momentum and adaptive "
        "methods; Cohen et al. (2021, 2022)"
    ),
    setup=(
        "A tanh network with two hidden layers of 20 neurons fits a Chebyshev polynomial of degree 4, with "
        "all examples in every step. Momentum is 0.5, because at 0.9 the edge is rarely reached on so small "
        "a network; that case has a part of its own. Pilots on seeds from 1000 on."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "own_threshold",
            "The sharpness of every method settles at the method's own threshold",
            "The edge ratio is λ_max of the preconditioned Hessian at the midpoint over the threshold, its "
            "median over the last half of the steps. Yes for a method at a step size if the interval of the "
            "mean over the seeds lies within {within:g} of 1, no if outside; all methods but heavy ball with "
            "β = 0.9, at once. " + _COUNTS,
            own_threshold,
            {"within": 0.1},
            primary=True,
            reads=("edge_ratio",),
            needs=lacks,
        ),
        Part(
            "not_plain",
            "An adaptive method does not hold the plain sharpness",
            "Held at any one multiple of 1/η, the largest eigenvalue λ_max of the Hessian itself would have "
            "the same λ_max·η/2 at all step sizes. The mean over the seeds of the logarithm of its ratio "
            "between the largest and the smallest step size: no if its interval lies within {least:g} of 0, "
            "otherwise yes if it does not hold 0. Seeds count whose runs do not diverge and count at both; a "
            "yes holds in part if not nearly all do, for every method. For heavy ball and Nesterov, both "
            "sharpnesses are the same but for a factor. " + _COUNTS,
            not_plain,
            {"least": 0.1},
            where={"adaptive": True},
            by="method",
            reads=("plain_ratio",),
            needs=lacks,
            join=every_row,
        ),
        Part(
            "long_memory",
            "Does heavy ball with β = 0.9 sit there, too?",
            "The same rule as for the others, within {within:g}; no, too, if at every step size most runs do "
            "not count. " + _COUNTS,
            long_memory,
            {"within": 0.1},
            kind="open question",
            reads=("edge_ratio",),
            needs=lacks_long_memory,
        ),
    ),
    draw=draw,
    premises={
        "edge_reached": "the sharpness came to the threshold, or stands still before it: on the way "
        "nothing is held"
    },
    numbers=numbers,
    by="method",
    names={name: each.words for name, each in OPTIMIZERS.items()},
)
