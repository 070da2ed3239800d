"""What stochastic gradient descent stabilizes: λ_max, the trace, or the sharpness of its batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.deep.sgd_runs import FULL, QUICK, REPLACED, SHUFFLED, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import clause, interval, of_runs, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
_CELLS = (
    "Every cell has its own interval, and all hold at once. In a cell of which at least half of the seeds "
    "have a run that does not finish the answer is no; where fewer do, they are named, and a yes holds in "
    "part."
)
_PAIRS = (
    "For every two neighboring batch sizes, the full batch included, and both ways of drawing: the share of "
    "{what} that is lost from the larger to the smaller batches at the same seed. Yes in a pair if the "
    "interval of its mean over the seeds lies above 0, no if it excludes a loss of {least:.0%}; but a yes is "
    "undecided if λ_max at the smaller batches still rises: from the third quarter of the steps to the last, "
    "by more than {moving:g} of 2/η more than at the larger ones, by its interval. "
)


def drawings(table: Table) -> list[str]:
    """Return the ways of drawing batches that were run."""
    small = table.rows(table["batch_size"] < table["n"])
    return [str(name) for name in dict.fromkeys(small["drawing"].tolist())]


def values(table: Table, column: str, size: int, drawing: str) -> Array:
    """Return a column (seeds,) of one batch size, nan where the run diverged; seeds in order."""
    seeds = np.unique(table["seed"])
    here = (table["batch_size"] == size) & (table["outcome"] == "finished")
    here &= (table["drawing"] == drawing) | (table["batch_size"] == table["n"])
    found = np.full(seeds.size, np.nan)
    found[np.searchsorted(seeds, table["seed"][here])] = table[column][here].astype(float)
    return found


def batches(table: Table) -> Iterator[tuple[str, int, str]]:
    """Yield name, batch size and way of drawing of every cell with less than all examples."""
    for drawing in drawings(table):
        for size in sorted({int(each) for each in table["batch_size"] if each < table["n"][0]}, reverse=True):
            yield f"B = {size} {drawing}", size, drawing


def pairs(table: Table) -> dict[str, tuple[int, int, str]]:
    """Return every two neighboring batch sizes, the larger first, and the way of drawing, by name."""
    sizes = sorted({int(each) for each in table["batch_size"]}, reverse=True)
    return {
        f"B = {large} to {small} {drawing}": (large, small, drawing)
        for drawing in drawings(table)
        for large, small in pairwise(sizes)
    }


def by_cell(
    found: dict[str, Array], decided: Callable[[str, Array, int], Finding], says: Says, result: Result
) -> Finding:
    """Ask in every cell, and sum up: how many say yes, and what the others say.

    decided : (name, values, intervals that hold at once) → finding.
    """
    if not found:
        return lacking("only one batch size was run")
    at_once = len(found) * len(result.settings["noises"])
    answers = {name: _cell(name, each, decided, at_once) for name, each in found.items()}
    so = sum(each.answer == "yes" for each in answers.values())
    others = dict.fromkeys(clause(each.sentence) for each in answers.values() if each.answer != "yes")
    known = {name: each.effect for name, each in answers.items() if each.effect is not None}
    return replace(
        together(answers, named=False),
        sentence=sentence(of_runs(so, len(answers), says), *others),
        numbers={f"{name}: {each.what}": interval(each.interval) for name, each in known.items()},
    )


def _cell(name: str, each: Array, decided: Callable[[str, Array, int], Finding], at_once: int) -> Finding:
    lost = int(np.sum(~np.isfinite(each)))
    unfinished = f"at {name} {lost} of {each.size} seeds have a run that did not finish" if lost else ""
    if lost >= MOST * each.size:
        return Finding("no", sentence(unfinished))
    return in_part(decided(name, each, at_once), unfinished)


def falls(result: Result, column: str, what: str, least: float, moving: float) -> Finding:
    """Whether a measure of curvature falls with the batch size, from each to the next."""
    table, cells = result.table, pairs(result.table)

    def both(name: str, of: str) -> tuple[Array, Array]:
        large, small, drawing = cells[name]
        return values(table, of, large, drawing), values(table, of, small, drawing)

    def decided(name: str, lost: Array, at_once: int) -> Finding:
        says = Says(f"from {name} {what}", "fall")
        found = decide.sign(lost, says, f"share of {what} that is lost", least, at_once=at_once)
        before, after = both(name, "edge_change")
        if found.answer == "yes" and student(after - before).low > moving:
            return _open(found, "λ_max at the smaller batches still rises")
        return found

    found = {}
    for name in cells:
        large, small = both(name, column)
        found[name] = 1.0 - small / large
    says = Says("steps to smaller batches", "lower", what, plural=True)
    return by_cell(found, decided, says, result)


def sharpness_falls(result: Result, what: str, least: float, moving: float) -> Finding:
    """Whether λ_max does."""
    return falls(result, "edge_ratio", what, least, moving)


def trace_falls(result: Result, what: str, least: float, moving: float) -> Finding:
    """Whether the trace does."""
    return falls(result, "trace_ratio", what, least, moving)


def _open(found: Finding, reason: str) -> Finding:
    """Withdraw an answer, and say why."""
    return replace(found, answer="undecided", sentence=sentence(clause(found.sentence), reason))


def settles(result: Result, within: float, moving: float) -> Finding:
    """Whether batch sharpness is 2/η for every size of the batches."""
    table = result.table

    def decided(name: str, ratio: Array, at_once: int) -> Finding:
        says = Says(f"at {name} batch sharpness", "be", "2/η")
        found = decide.equivalent(ratio - 1.0, within, says, "batch sharpness·η/2 minus 1", at_once=at_once)
        change = student(values(table, "batch_change", *cells[name]))
        below = bool(np.nanmean(ratio) < 1.0)
        on_the_way = change.low > moving if below else change.high < -moving
        if found.answer != "no" or not on_the_way:
            return found
        return _open(found, "it still moves towards 2/η")

    cells = {name: (size, drawing) for name, size, drawing in batches(table)}
    ratios = {name: values(table, "batch_ratio", *cell) for name, cell in cells.items()}
    says = Says("settings of the batches", "have", "a batch sharpness of 2/η", plural=True)
    return by_cell(ratios, decided, says, result)


def definitions(result: Result, least: float) -> Finding:
    """Whether the ratio of expectations is larger than the expectation of ratios."""
    table = result.table
    gaps = {
        name: values(table, "batch_ratio", size, drawing) - values(table, "typical_ratio", size, drawing)
        for name, size, drawing in batches(table)
    }

    def decided(name: str, gap: Array, at_once: int) -> Finding:
        says = Says(f"at {name} the ratio of expectations", "be", "larger")
        return decide.sign(gap, says, "difference in units of 2/η", least, at_once=at_once)

    says = Says("settings of the batches", "have", "a larger ratio of expectations", plural=True)
    return by_cell(gaps, decided, says, result)


def drawing_is_nothing(result: Result, within: float) -> Finding:
    """Whether λ_max is the same with and without replacement."""
    table = result.table
    if set(drawings(table)) != {SHUFFLED, REPLACED}:
        return lacking("batches were drawn in one way only")
    sizes = [size for _, size, drawing in batches(table) if drawing == SHUFFLED]
    off = {
        f"B = {size}": values(table, "edge_ratio", size, REPLACED)
        / values(table, "edge_ratio", size, SHUFFLED)
        - 1.0
        for size in sizes
    }

    def decided(name: str, each: Array, at_once: int) -> Finding:
        says = Says(f"at {name} λ_max", "be", "the same")
        what = "λ_max with replacement over that without, minus 1"
        return decide.equivalent(each, within, says, what, at_once=at_once)

    says = Says("batch sizes", "have", "the same λ_max with and without replacement", plural=True)
    return by_cell(off, decided, says, result)


def jumps(result: Result, least: float) -> Finding:
    """Whether batch sharpness jumps within a run when all examples are one batch."""
    table = result.table.rows(result.table["batch_size"] == result.table["n"])
    done = table.rows(table["outcome"] == "finished")
    if len(done) <= MOST * len(table):
        return Finding("no", f"{len(done)} of {len(table)} runs on all examples finished.")
    says = Says("runs on all examples", "have", "a batch sharpness that jumps", plural=True)
    found = decide.share(done["batch_span"].astype(float) > least, says)
    lost = len(table) - len(done)
    return in_part(found, f"{lost} of {len(table)} diverged" if lost else "")


def outside(table: Table) -> str:
    """Say that most runs begin beyond the threshold; "" otherwise."""
    inside = table["start_inside"] == 1
    found = f"only {int(inside.sum())} of {len(table)} runs begin below 2/η"
    return "" if inside.mean() >= MOST else found


def numbers(result: Result) -> Table:
    """One row per noise, batch size and way of drawing: medians over the seeds."""
    columns = (
        "edge_ratio", "edge_change", "trace_ratio", "batch_ratio", "typical_ratio", "batch_change",
        "batch_span", "loss",
    )  # fmt: skip
    return medians(result.table, ("labels", "batch_size", "drawing"), columns, ("diverged",))


def draw(result: Result) -> dict[str, Drawn]:
    """Measures against the batch size, and their way over the steps."""
    from stepscape.experiments.deep import sgd_batch_sharpness_figures as figures

    return {"batches": figures.batches(result), "paths": figures.paths(result)}


CLAIM = Claim(
    name="sgd-batch-sharpness",
    title="What does stochastic gradient descent stabilize?",
    claim=(
        "Stochastic gradient descent does not hold λ_max at 2/η: the smaller the batches, the flatter it "
        "trains; what it holds at 2/η is the sharpness of its batches along their gradients."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', Question 3 on stochastic gradients; "
        "Andreyev and Beneventano (2024), batch sharpness"
    ),
    setup=(
        "A tanh network with two hidden layers of 20 neurons fits a Chebyshev polynomial of degree 4 at 64 "
        "inputs, with labels that are exact or have noise drawn once. All batch sizes make equally many "
        "steps at one step size from the same start. Pilots on seeds 1001 and 1002."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "falls",
            "λ_max falls with the batch size",
            _PAIRS + "λ_max at midpoints, its median over the last half of the steps. " + _CELLS,
            sharpness_falls,
            {"what": "λ_max", "least": 0.05, "moving": 0.05},
            primary=True,
            by="labels",
            reads=("edge_ratio", "edge_change"),
            needs=outside,
        ),
        Part(
            "trace",
            "Does the trace of the Hessian fall with the batch size, too?",
            _PAIRS + "The trace at midpoints, its median over the last records. " + _CELLS,
            trace_falls,
            {"what": "the trace", "least": 0.05, "moving": 0.05},
            kind="open question",
            by="labels",
            reads=("trace_ratio", "edge_change"),
            needs=outside,
        ),
        Part(
            "settles",
            "Is batch sharpness 2/η?",
            "E[gᵀHg]/E‖g‖² over batches, with gradient and Hessian of the batch, its median over the last "
            "half of the steps. Yes at a batch size below n and a way of drawing if the interval of the mean "
            "over the seeds lies within {within:g} of 2/η, in units of it, no if outside; but undecided if "
            "it lies outside and moves towards 2/η: from the third quarter of the steps to the last by more "
            "than {moving:g}, by its interval. " + _CELLS,
            settles,
            {"within": 0.1, "moving": 0.05},
            kind="open question",
            by="labels",
            reads=("batch_ratio", "batch_change"),
            needs=outside,
        ),
        Part(
            "definitions",
            "Is the ratio of expectations larger than the expectation of ratios?",
            "E[gᵀHg]/E‖g‖² minus E[gᵀHg/‖g‖²], each a median over the last half of the steps, at every batch "
            "size below n and both ways of drawing, in units of 2/η. Yes if the interval of the mean over "
            "the seeds lies above 0, no if it excludes {least:g}. " + _CELLS,
            definitions,
            {"least": 0.02},
            kind="open question",
            by="labels",
            reads=("batch_ratio", "typical_ratio"),
            needs=outside,
        ),
        Part(
            "drawing",
            "Is λ_max the same with and without replacement?",
            "At every batch size below n: λ_max with replacement over that without, at the same seed. Yes if "
            "the interval of the mean over the seeds lies within {within:g} of 1, no if outside. " + _CELLS,
            drawing_is_nothing,
            {"within": 0.1},
            kind="open question",
            by="labels",
            reads=("edge_ratio",),
            needs=outside,
        ),
        Part(
            "jumps",
            "When all examples are one batch, does batch sharpness jump?",
            "There both averages are the Rayleigh quotient along the gradient, which at the edge is 2/η "
            "while descent swings, and something else once the swing has died. Yes if in nearly all runs its "
            "largest and smallest value over the records of the last half of the steps differ by more than "
            "{least:g} of 2/η, no if they do in fewer than half. No, too, if at least half of the runs do "
            "not finish; fewer are left out and named, and then a yes holds in part.",
            jumps,
            {"least": 0.5},
            kind="open question",
            by="labels",
            reads=("batch_span",),
            needs=outside,
        ),
    ),
    draw=draw,
    premises={"start_inside": "the run begins below 2/η, so that the sharpness comes from inside"},
    numbers=numbers,
    by="labels",
)
