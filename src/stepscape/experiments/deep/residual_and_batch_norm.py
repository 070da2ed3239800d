"""Does a large step size select simple functions with residual connections, batch norm, without biases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.deep.architecture_runs import (
    ARCHITECTURES,
    FULL,
    NORMALIZED,
    QUICK,
    begin,
    grid,
    work,
)
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.finding import every_row, in_part
from stepscape.experiments.frame.limits import EDGE, MOST, NEARLY_ALL, TRANSIENT
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import clause, interval, of_runs, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
EQUAL_TIME, HELD_OUT, END = "_equal_time", "_held_out", ""  # suffixes of columns
EXPLAINED = 0.1  # share of the labels' variance: a network that explains less is simple for another reason
SHOWN = (
    "tv_equal_time", "risk_equal_time", "explained_equal_time", "tv", "risk", "risk_held_out", "edge_ratio",
    "start_ratio", "growth_equal_time",
)  # fmt: skip
_COUNTS = (
    f"A run counts if it does not diverge, if λ_max·η/2 is at least {EDGE[0]:g} at a record between the "
    f"first {TRANSIENT:.0%} of the steps up to that moment and the moment, and if it explains at least "
    f"{EXPLAINED:.0%} of the variance of the labels; it is unfinished or has learned nothing otherwise. A "
    "seed counts if its runs at both step sizes do. An architecture of which fewer than half of the seeds "
    "count is not judged, which leaves a yes open; if not nearly all count, a yes holds in part."
)
_FALLS = (
    "log10 of it at the smallest step size over that at the largest, at the same seed. Yes for an "
    "architecture if the interval of the mean over the seeds, simultaneous for all architectures, lies above "
    "0, no if it excludes {least:g}. "
)


def counts(table: Table, moment: str) -> NDArray[np.bool_]:
    """Mask of the runs that came to the edge before a moment, and learned something."""
    if f"edge_reached{moment}" not in table:
        return np.zeros(len(table), bool)
    reached = table[f"edge_reached{moment}"] == 1
    learned = table[f"explained{moment}"].astype(float) >= EXPLAINED
    return np.asarray((table["outcome"] == "finished") & reached & learned)


def values(table: Table, column: str, step_size: float, moment: str) -> Array:
    """Return a column (seeds,) at one step size, nan where the run does not count; seeds in order."""
    seeds, here = np.unique(table["seed"]), counts(table, moment) & (table["step_size"] == step_size)
    found = np.full(seeds.size, np.nan)
    if here.any():
        found[np.searchsorted(seeds, table["seed"][here])] = table[column][here].astype(float)
    return found


def decades(table: Table, quantity: str, moment: str) -> Array:
    """Return log10 (seeds,) of a quantity at the smallest step size over that at the largest.

    The best held-out moment of a run may come before the edge; there the runs count that came to it later.
    """
    low, *_, high = np.unique(table["step_size"])
    judged = END if moment == HELD_OUT else moment
    small, large = (values(table, quantity + moment, eta, judged) for eta in (low, high))
    return np.asarray(np.log10(small) - np.log10(large))


def asked(each: Array, decided: Callable[[Array], Finding]) -> Finding:
    """Ask about values (seeds,) if enough of them are known, and say how many where some are not."""
    known = int(np.isfinite(each).sum())
    of_all = f"{known} of {each.size} seeds count"
    if known < MOST * each.size:
        return lacking(of_all if known else "no seed counts")
    return in_part(decided(each), of_all if known < NEARLY_ALL * each.size else "")


def falls(result: Result, quantity: str, moment: str, what: str, least: float, questions: int = 1) -> Finding:
    """Whether a quantity of one architecture is smaller at the largest step size, at some moment."""
    if np.unique(result.table["step_size"]).size < 2:
        return lacking("only one step size was run")
    at_once = questions * len(result.settings["architectures"])
    says = Says(what, "fall", "with the step size")
    return asked(
        decades(result.table, quantity, moment),
        lambda each: decide.sign(each, says, f"decades by which {what} falls", least, at_once=at_once),
    )


def simpler(result: Result, least: float) -> Finding:
    """Whether the total variation of f' is smaller, at equal time."""
    return falls(result, "tv", EQUAL_TIME, "∫|f''|", least)


def simpler_at_the_end(result: Result, least: float) -> Finding:
    """Whether it is after equally many steps, too."""
    return falls(result, "tv", END, "∫|f''|", least)


def better(result: Result, least: float) -> Finding:
    """Whether the risk is lower, at equal time and with early stopping."""
    moments = {EQUAL_TIME: "the risk at equal time", HELD_OUT: "the risk at the best held-out moments"}
    return together(
        {name: falls(result, "risk", moment, name, least, 2) for moment, name in moments.items()}, named=False
    )


def changed(result: Result, least: float) -> Finding:
    """Whether what the step size does to the total variation differs from a network with one thing less."""
    tables = {name: result.where(architecture=name).table for name in ARCHITECTURES}
    pairs = {name: each.plain for name, each in ARCHITECTURES.items() if each.plain}
    known = {name: plain for name, plain in pairs.items() if len(tables[name]) and len(tables[plain])}
    if not known:
        return lacking("no two architectures were run that differ in one thing")
    answers = {
        f"{ARCHITECTURES[name].words} against {ARCHITECTURES[plain].words}": _differs(
            tables[name], tables[plain], least, len(known)
        )
        for name, plain in known.items()
    }
    whole = every_row(answers)
    if whole.answer == "premise_not_met":
        return whole
    so = sum(each.answer in ("yes", "some") for each in answers.values())
    others = [f"{name}: {clause(each.sentence)}" for name, each in answers.items() if each.answer != "yes"]
    says = Says("comparisons", "show", "another effect of the step size", plural=True)
    effects = {name: each.effect for name, each in answers.items() if each.effect is not None}
    return replace(
        whole,
        sentence=sentence(of_runs(so, len(answers), says), *others),
        numbers={f"{name}: {each.what}": interval(each.interval) for name, each in effects.items()},
    )


def _differs(table: Table, plain: Table, least: float, at_once: int) -> Finding:
    both = np.union1d(table["seed"], plain["seed"])
    aligned = np.full((2, both.size), np.nan)
    for row, each in zip(aligned, (table, plain), strict=True):
        if np.unique(each["step_size"]).size > 1:
            row[np.searchsorted(both, np.unique(each["seed"]))] = decades(each, "tv", EQUAL_TIME)
    says = Says("the effect of the step size", "differ")
    what = "decades by which ∫|f''| falls, difference"
    return asked(
        aligned[0] - aligned[1], lambda each: decide.differs(each, least, says, what, at_once=at_once)
    )


def at_edge(result: Result, within: float) -> Finding:
    """Whether λ_max is 2/η at every step size, in one architecture."""
    etas = np.unique(result.table["step_size"])
    at_once = etas.size * len(result.settings["architectures"])

    def decided(eta: float) -> Finding:
        says = Says("λ_max", "be", "2/η")
        ratios = values(result.table, "edge_ratio", eta, END)
        return asked(ratios - 1.0, lambda each: decide.equivalent(
            each, within, says, "λ_max·η/2 minus 1", at_once=at_once
        ))  # fmt: skip

    found = {f"η = {eta:g}": decided(float(eta)) for eta in etas}
    whole, lost = together(found), [eta for eta, each in found.items() if each.answer == "premise_not_met"]
    if len(lost) == len(found):
        return whole
    return in_part(whole, f"most seeds do not count at {', '.join(lost)}" if lost else "")


def hidden(result: Result, least: float) -> Finding:
    """Whether rows of weights that have grown hide sharpness, at the largest step size."""
    normalized = [name for name in result.settings["architectures"] if name in NORMALIZED]
    eta = float(np.unique(result.table["step_size"])[-1])
    says = Says("λ_max", "be", "smaller because rows have grown")
    return asked(
        values(result.table, "growth_equal_time", eta, EQUAL_TIME),
        lambda each: decide.sign(
            each, says, f"decades at η = {eta:g}", least, at_once=max(1, len(normalized))
        ),
    )


def numbers(result: Result) -> Table:
    """One row per architecture and step size: medians over the seeds."""
    by, shares = ("architecture", "step_size"), ("edge_reached", "edge_reached_equal_time", "diverged")
    return medians(result.table, by, SHOWN, shares)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw fits, what the step size does in every architecture, and the way to the edge."""
    from stepscape.experiments.deep import residual_and_batch_norm_figures as figures

    return {"fits": figures.fits(result), "effects": figures.effects(result), "paths": figures.paths(result)}


CLAIM = Claim(
    name="residual-and-batch-norm",
    title="Residual connections, batch normalization, biases: do large steps still find simple functions?",
    claim=(
        "How does the implicit bias of large step sizes interact with biases, residual connections and batch "
        "normalization?"
    ),
    kind="open question",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', Question 3 on 'other forces of nature'",
    setup=(
        "Tanh networks with three hidden layers of 20 neurons fit a Chebyshev polynomial of degree 4 at 20 "
        "inputs with noise 0.5 on the labels. All start as PyTorch does, with a short warm-up, because "
        "residual and normalized networks begin above 2/η. Pilots on seeds 1000 to 1011."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "simpler",
            "Do larger steps find simpler functions at equal training time?",
            "The total variation ∫|f''| of the slopes at the midpoint, when Σ η is the same at both step "
            "sizes: " + _FALLS + _COUNTS,
            simpler,
            {"least": 0.05},
            primary=True,
            by="architecture",
            join=every_row,
        ),
        Part(
            "simpler_at_the_end",
            "Do larger steps find simpler functions after equally many steps?",
            "As before, after the last step, where larger steps have trained longer: " + _FALLS + _COUNTS,
            simpler_at_the_end,
            {"least": 0.05},
            by="architecture",
            join=every_row,
        ),
        Part(
            "better",
            "Is the risk lower at larger steps?",
            "The root of the mean square of f minus the polynomial on [−1, 1], twice: at equal training "
            "time, and with every run stopped at its best held-out moment, of runs that count at the end: "
            + _FALLS
            + "Both intervals hold at once. "
            + _COUNTS,
            better,
            {"least": 0.02},
            by="architecture",
            join=every_row,
        ),
        Part(
            "changed",
            "Does the architecture change what the step size does?",
            "The decades of the first part, minus those of the network that lacks the one thing, at the same "
            "seed: residual and normalized networks against plain ones with the same biases, and plain ones "
            "without biases against those with them. No for a comparison if the interval of the mean, "
            "simultaneous for all, lies within {least:g} of 0, otherwise yes if it does not hold 0. "
            + _COUNTS,
            changed,
            {"least": 0.1},
        ),
        Part(
            "at_edge",
            "Is λ_max at 2/η in every architecture?",
            "λ_max·η/2 at midpoints, its median over the last half of the steps. Yes for an architecture if "
            "at every step size the interval of its mean over the seeds, simultaneous for all, lies within "
            "{within:g} of 1, no if outside. " + _COUNTS,
            at_edge,
            {"within": 0.1},
            by="architecture",
            join=every_row,
        ),
        Part(
            "hidden",
            "Do rows of weights before a normalization grow, and hide sharpness?",
            "At equal training time and the largest step size: rows of weights before a normalization are "
            "scaled back to their lengths at the start, which leaves the function as it is. log10 of λ_max "
            "after that over λ_max before. Yes if the interval of the mean over the seeds lies above 0, no "
            "if it excludes {least:g}, simultaneous for all normalized architectures. " + _COUNTS,
            hidden,
            {"least": 0.05},
            where={"normalized": True},
            by="architecture",
            join=every_row,
        ),
    ),
    draw=draw,
    premises={
        "edge_reached_equal_time": "λ_max came to 2/η before equal training time, so that the step size "
        "shaped the function",
        "explained_equal_time": "the function explains some of the labels: a constant is simple for another "
        "reason",
    },
    numbers=numbers,
    by="architecture",
    names={name: each.words for name, each in ARCHITECTURES.items()},
    extra="torch",
)
