"""Every method stabilizes its own sharpness at its own threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.deep.optimizers import LONG_MEMORY, OPTIMIZERS, words
from stepscape.experiments.deep.threshold_runs import FULL, QUICK, REACHED, TRANSIENT, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import clause, interval, of_runs, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
_COUNTS = (
    f"Counted are the runs whose edge ratio is at least {REACHED:g} at some record after the first "
    f"{TRANSIENT:.0%} of the steps; a method at a step size at which fewer than {MOST:.0%} of the runs do so "
    "is left out, and then a yes holds in part."
)


def reached(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that came to their threshold."""
    if "edge_reached" not in table:
        return np.zeros(len(table), bool)
    return np.asarray((table["outcome"] == "finished") & (table["edge_reached"] == 1))


def cells(table: Table, long_memory: bool) -> tuple[dict[str, Array], list[str]]:
    """Edge ratios (seeds,) of each method at each step size, nan where it does not count; what is left out.

    `long_memory`: of heavy ball with β = 0.9 alone, or of all the others.
    """
    found, lost, seeds, counted = {}, [], np.unique(table["seed"]), reached(table)
    for name, eta in dict.fromkeys(zip(table["method"].tolist(), table["step_size"].tolist(), strict=True)):
        here = (table["method"] == name) & (table["step_size"] == eta)
        if (name == LONG_MEMORY) != long_memory:
            continue
        if counted[here].mean() < MOST:
            lost.append(words(name, eta))
            continue
        values = np.full(seeds.size, np.nan)
        values[np.searchsorted(seeds, table["seed"][here & counted])] = table["edge_ratio"][here & counted]
        found[words(name, eta)] = values
    return found, lost


def lacks(table: Table) -> str:
    """Say that no run came to its threshold; "" if one did."""
    return "" if reached(table).any() else "no run reached its threshold"


def lacks_long_memory(table: Table) -> str:
    """Say that heavy ball with β = 0.9 was not run; "" if it was."""
    return "" if (table["method"] == LONG_MEMORY).any() else "heavy ball with β = 0.9 was not run"


def own_threshold(result: Result, within: float, long_memory: bool = False) -> Finding:
    """Whether the edge ratio settles at 1 in every cell."""
    found, lost = cells(result.table, long_memory)
    if not found:
        return lacking("at no step size most runs reached the threshold")
    answers = {
        name: decide.equivalent(
            values - 1.0, within, Says(f"{name},", "settle", "at its threshold"), "edge ratio minus 1",
            at_once=len(found),
        )
        for name, values in found.items()
    }  # fmt: skip
    return in_part(_summed_up(answers), _left_out(lost))


def _summed_up(answers: Mapping[str, Finding]) -> Finding:
    """Say how many settle, and what of those that do not; the interval of each is among the numbers."""
    whole = together(answers, named=False)
    others = [clause(each.sentence) for each in answers.values() if each.answer != "yes"]
    says = Says("methods with their step sizes", "settle", "at their thresholds")
    known = {name: each.effect.interval for name, each in answers.items() if each.effect is not None}
    return replace(
        whole,
        sentence=sentence(of_runs(len(answers) - len(others), len(answers), says), *others),
        numbers={f"{name}: edge ratio minus 1": interval(each) for name, each in known.items()},
    )


def _left_out(lost: Sequence[str]) -> str:
    return f"left out, because most runs never reach it: {'; '.join(lost)}" if lost else ""


def long_memory(result: Result, within: float) -> Finding:
    """Ask the same of heavy ball with β = 0.9."""
    found, lost = cells(result.table, True)
    if not found and lost:
        says = sentence(f"most runs never reach the threshold: {'; '.join(lost)}")
        return Finding("no", says)
    return own_threshold(result, within, long_memory=True)


def not_plain(result: Result, within: float) -> Finding:
    """Whether the plain sharpness lies elsewhere than at 2/η for every other method."""
    table = result.table.rows(reached(result.table) & (result.table["method"] != "descent"))
    says = Says("runs of other methods at their thresholds", "have", "λ_max away from 2/η", plural=True)
    return decide.share(np.abs(table["plain_ratio"] - 1.0) > within, says, groups=table["seed"])


def numbers(result: Result) -> Table:
    """One row per method and step size: medians over the seeds."""
    return medians(
        result.table, ("method", "step_size"),
        ("edge_ratio", "low_ratio", "high_ratio", "largest_ratio", "plain_ratio", "start_ratio", "loss"),
        ("edge_reached",),
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
        "a network; that case has a part of its own. Pilots on seeds 1000 and 1001."
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
            "What descent holds at 2/η, the plain sharpness, no other method holds there",
            "Nearly all runs of other methods that reached their threshold end with λ_max of the Hessian "
            "itself more than {within:g} away from 2/η, in units of it.",
            not_plain,
            {"within": 0.1},
            reads=("plain_ratio",),
            needs=lacks,
        ),
        Part(
            "long_memory",
            "Does heavy ball with β = 0.9 sit there, too?",
            "The same rule as for the others, within {within:g}; no, too, if most runs never reach it. "
            + _COUNTS,
            long_memory,
            {"within": 0.1},
            kind="open question",
            reads=("edge_ratio",),
            needs=lacks_long_memory,
        ),
    ),
    draw=draw,
    premises={"edge_reached": "the sharpness came to the threshold: below it nothing is held"},
    numbers=numbers,
    by="method",
    names={name: each.words for name, each in OPTIMIZERS.items()},
)
