"""Questions asked in every cell of amplitude and flip rate, answered by paired intervals, told together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import (
    LEAST_SEEDS_AGAINST,
    Numbers,
    by_seed,
    unmet,
    working_step_sizes,
)
from stepscape.tables.interval import Interval, left_out_best, mean_interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

K = TypeVar("K")
Array = NDArray[np.float64]
Answers = Mapping[str, Array]
Cell = tuple[float, float]
Judged = Mapping[Cell, Table]
Intervals = Mapping[str, Mapping[str, Interval]]  # question → cell in words → interval
NEAR = 1.1
MOST_NAMED = 3
TOGETHER = "all cells together"


def cells(table: Table) -> dict[Cell, Table]:
    """Rows of each amplitude and flip rate."""
    pairs = sorted(set(zip(table["amplitude"].tolist(), table["flip_rate"].tolist(), strict=True)))
    return {pair: table.where(amplitude=pair[0], flip_rate=pair[1]) for pair in pairs}


def around(table: Table, column: str, step_size: float) -> Array:
    """Values (seeds,) at a step size: the mean over the working ones within 10 % of it.

    At the edge descent is chaotic, and neighboring step sizes are nearly repetitions of each other.
    """
    etas = working_step_sizes(table)
    near = etas[np.maximum(etas / step_size, step_size / etas) <= NEAR * (1.0 + 1e-9)]
    values = by_seed(table, column, near)
    counted = np.isfinite(values)
    sums = np.where(counted, values, 0.0).sum(axis=1)
    return np.where(counted.any(axis=1), sums / np.maximum(counted.sum(axis=1), 1), np.nan)


def drop(table: Table, column: str, etas: Sequence[float] | None = None) -> Array:
    """`column` (seeds,) at the first minus at the last of `etas`, else of the working step sizes."""
    ends = working_step_sizes(table) if etas is None else etas
    return around(table, column, float(ends[0])) - around(table, column, float(ends[-1]))


def decades(table: Table, column: str, etas: Sequence[float] | None = None) -> Array:
    """As `drop`, of log10 of a positive column: excess risks differ by factors, and so do their errors."""
    return drop(_logarithmic(table, column), column, etas)


def over_best(table: Table, column: str) -> tuple[Array, Array]:
    """log10 of `column` (seeds,) at the smallest and at the largest working step size over that at the best.

    The best is chosen for each seed on the other seeds.
    """
    values = by_seed(_logarithmic(table, column), column, working_step_sizes(table))
    best = left_out_best(values)
    return values[:, 0] - best, values[:, -1] - best


def _logarithmic(table: Table, column: str) -> Table:
    with np.errstate(divide="ignore", invalid="ignore"):
        return Table({**table.columns, column: np.log10(table[column])})


def asked(
    table: Table,
    ask: Callable[[Table], Answers | None],
    silent: str = "",
    unit: str = "differences",
    at_once: bool = False,
    also: Callable[[Judged], Numbers] = lambda _: {},
) -> Verdict:
    """Ask in every cell that can be judged whether differences (seeds,) lie above 0.

    A 95 % interval over the seeds above 0 says yes, below 0 no. Beside the cells stands the mean over them,
    seed by seed, because cells of a seed are not independent; `word_of` lets it decide, or with `at_once`
    `word_at_once`, which takes all questions for one. `ask` returns None where its questions do not arise,
    which `silent` words for the case that they arise nowhere; `unit` says what the differences are, and
    `also` gives further numbers of the judged cells.
    """
    reasons = {cell: unmet(rows) for cell, rows in cells(table).items()}
    judged = {cell: rows for cell, rows in cells(table).items() if reasons[cell] is None}
    answers = {cell: ask(rows) for cell, rows in judged.items()}
    found = {cell: answer for cell, answer in answers.items() if answer is not None}
    if not found:
        return _unasked([verdict for verdict in reasons.values() if verdict is not None], silent)
    answered = together(found, seeds_of(judged))
    numbers: Numbers = {
        "seeds": float(np.unique(table["seed"]).size),
        "cells judged": f"{len(found)} of {len(reasons)}",
        "intervals are of": unit,
    }
    said = [told(question, by_cell) for question, by_cell in answered.items()]
    if at_once:
        said.append(_told_at_once(signs_at_once(answered)))
    word = (word_at_once if at_once else word_of)(answered)
    more = also({cell: judged[cell] for cell in found})
    return Verdict(word, "; ".join(said), {**numbers, **written(answered), **more})


def written(intervals: Intervals) -> Numbers:
    """Write intervals as the numbers of a verdict."""
    return {
        f"{cell}: {question}": str(interval)
        for question, by_cell in intervals.items()
        for cell, interval in by_cell.items()
    }


def intervals_in(judged: Judged, ask: Callable[[Table], Answers]) -> Intervals:
    """Intervals in each cell and over all together, of questions that always arise."""
    return together({cell: ask(rows) for cell, rows in judged.items()}, seeds_of(judged))


def intervals_of(judged: Judged, values: Callable[[Table], Array]) -> Mapping[str, Interval]:
    """As `intervals_in`, of one thing (seeds,)."""
    return intervals_in(judged, lambda rows: {"": values(rows)})[""]


def word_of(found: Intervals) -> str:
    """Let the interval over all cells together decide each question, and the questions the word.

    Yes in every cell: ``reproduced``. Together above 0, or yes in most cells and together not below 0:
    ``partly``. Otherwise together below 0, or ten seeds or more: ``not_reproduced``, else ``undecided``:
    few seeds give wide intervals. Of several questions all reproduced: ``reproduced``; some, or some partly:
    ``partly``; else ``not_reproduced`` before ``undecided``.

    Where there is nothing to find, one question comes out as ``partly`` or better in 2.5 of 100 cases and
    two in 4 to 5 (5 or 10 seeds, 9 cells, correlations of 0 to 0.9 between cells and questions, simulated).
    """
    words = {_word(_signs(by_cell), over_all(by_cell).sign, by_cell) for by_cell in found.values()}
    if words == {"reproduced"}:
        return "reproduced"
    order = ("reproduced", "partly", "not_reproduced", "undecided")
    best = next(word for word in order if word in words)
    return "partly" if best == "reproduced" else best


def word_at_once(found: Intervals) -> str:
    """As `word_of`, for questions that are one: a cell says yes when it says yes to all of them.

    Together they count as above 0 only where all are and one cell at least says yes to all: otherwise some
    cells may have one half of the answer and some the other.
    """
    cells = list(signs_at_once(found).values())
    whole = min(over_all(by_cell).sign for by_cell in found.values())
    fewest = min(found.values(), key=lambda by_cell: over_all(by_cell).count)
    return _word(cells, min(whole, max(0, *cells)), fewest)


def signs_at_once(found: Intervals) -> dict[str, int]:
    """Cell → least sign of the answers to all questions, which arise in the same cells."""
    names = [name for name in next(iter(found.values())) if name != TOGETHER]
    return {name: min(by_cell[name].sign for by_cell in found.values()) for name in names}


def _word(cells: Sequence[int], whole: int, by_cell: Mapping[str, Interval]) -> str:
    """Word of one question with these signs in its cells and over all of them."""
    if min(cells) > 0:
        return "reproduced"
    yes = sum(sign > 0 for sign in cells)
    if whole > 0 or (whole == 0 and 2 * yes > len(cells)):
        return "partly"
    enough = over_all(by_cell).count >= LEAST_SEEDS_AGAINST
    return "not_reproduced" if whole < 0 or enough else "undecided"


def _signs(by_cell: Mapping[str, Interval]) -> list[int]:
    return [interval.sign for cell, interval in by_cell.items() if cell != TOGETHER]


def over_all(by_cell: Mapping[str, Interval]) -> Interval:
    """Interval over all cells together; of a single cell its own."""
    return list(by_cell.values())[-1]


def seeds_of(judged: Mapping[K, Table]) -> dict[K, NDArray[np.int_]]:
    """Seeds of each cell, increasing: those that its answers stand for."""
    return {cell: np.unique(rows["seed"]) for cell, rows in judged.items()}


def together(
    found: Mapping[Cell, Answers], seeds: Mapping[Cell, NDArray[np.int_]]
) -> dict[str, dict[str, Interval]]:
    """Question → cell where it arises, in words, → interval; with several the last entry is their mean.

    `seeds` are those of each cell: where runs failed, cells do not have the same.
    """
    named = {spoken(cell): answer for cell, answer in found.items()}
    theirs = {spoken(cell): each for cell, each in seeds.items()}
    return {question: intervals(values) for question, values in aligned(named, theirs).items()}


def aligned(
    found: Mapping[str, Answers], seeds: Mapping[str, NDArray[np.int_]]
) -> dict[str, dict[str, Array]]:
    """Question → cell where it arises → values over the seeds of all cells, nan where a cell lacks one."""
    every = np.unique(np.concatenate(list(seeds.values())))
    out: dict[str, dict[str, Array]] = {}
    for cell, answer in found.items():
        at = np.searchsorted(every, seeds[cell])
        for question, some in answer.items():
            values = np.full(every.size, np.nan)
            values[at] = some
            out.setdefault(question, {})[cell] = values
    return out


def intervals(values: Mapping[str, Array]) -> dict[str, Interval]:
    """Interval of each cell, and of several the mean over them: a seed counts when it has all cells."""
    found = {cell: mean_interval(each) for cell, each in values.items()}
    if len(values) > 1:
        found[TOGETHER] = mean_interval(np.mean(list(values.values()), axis=0))
    return found


def _unasked(reasons: Sequence[Verdict], silent: str) -> Verdict:
    """Say why no cell was asked: the reason of the first that cannot be judged, or that it does not arise."""
    return Verdict(reasons[0].word, reasons[0].sentence) if reasons else Verdict("premise_not_met", silent)


def told(question: str, found: Mapping[str, Interval]) -> str:
    """Say in which cells the answer is yes, in which the opposite holds, and what all together say."""
    words = ("open", "yes", "no, the opposite")
    if len(found) == 1:
        return f"{question}: {words[next(iter(found.values())).sign]}"
    signs = {cell: interval.sign for cell, interval in found.items() if cell != TOGETHER}
    yes, no = (_listed([cell for cell in signs if signs[cell] == way], len(signs)) for way in (1, -1))
    against = f", the opposite in {no}" if no != "none" else ""
    return f"{question}: yes in {yes}{against}, over all together {words[found[TOGETHER].sign]}"


def _told_at_once(signs: Mapping[str, int]) -> str:
    return f"all of it in {_listed([cell for cell in signs if signs[cell] > 0], len(signs))}"


def _listed(some: Sequence[str], total: int) -> str:
    if not some or len(some) == total:
        return f"all {total} cells" if some else "none"
    return f"{len(some)} of {total}" + (f" ({'; '.join(some)})" if len(some) <= MOST_NAMED else "")


def spoken(cell: Cell) -> str:
    """Name a cell in a sentence.

    >>> spoken((2.0, 0.1))
    'amplitude 2, flips 0.1'
    """
    return f"amplitude {cell[0]:g}, flips {cell[1]:g}"
