"""What a grid of step sizes and seeds shows: which step sizes work, paired differences, the sides of a U."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.tables.interval import Interval, left_out_best, mean_interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_parts

Array = NDArray[np.float64]
Numbers = dict[str, float | str]
LEAST_SEEDS = 3
LEAST_SEEDS_AGAINST = 10
LEAST_STEP_SIZES = 3
LEAST_RANGE = 10.0


def working_step_sizes(table: Table) -> Array:
    """Step sizes at which at least half of the runs finished with bent neurons, increasing."""
    etas = np.unique(table["step_size"])
    works = usable(table)
    share = np.array([np.mean(works[table["step_size"] == eta]) for eta in etas])
    return np.asarray(etas[share >= 0.5], dtype=np.float64)


def usable(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that finished with bent neurons."""
    finished = table["outcome"] == "finished"
    return np.asarray(finished & (table["bent_neurons"] > 0) if "bent_neurons" in table else finished & False)


def unmet(table: Table) -> Verdict | None:
    """Say why one arm cannot be judged: too few working step sizes, or too few seeds; None when it can."""
    working, seeds = working_step_sizes(table), np.unique(table["seed"]).size
    tried: Numbers = {
        "step sizes tried": listed(np.unique(table["step_size"])),
        "step sizes that work": listed(working),
    }
    if working.size < LEAST_STEP_SIZES or working[-1] < LEAST_RANGE * working[0]:
        return Verdict(
            "premise_not_met", f"descent learns a curve at too few step sizes: {fates(table)}", tried
        )
    if seeds < LEAST_SEEDS:
        counted = "1 seed gives" if seeds == 1 else f"{seeds} seeds give"
        said = f"{counted} no usable interval; at least {LEAST_SEEDS} are needed"
        return Verdict("undecided", said, {**tried, "seeds": float(seeds)})
    return None


def span(table: Table) -> Numbers:
    """Seeds, and the step sizes that an arm is judged on."""
    working = working_step_sizes(table)
    return {
        "step sizes tried": listed(np.unique(table["step_size"])),
        "step sizes that work": listed(working),
        "seeds": float(np.unique(table["seed"]).size),
        "smallest": float(working[0]),
        "largest": float(working[-1]),
    }


def fates(table: Table) -> str:
    """Say at which step sizes most runs diverged, died or worked."""
    etas, working = np.unique(table["step_size"]), working_step_sizes(table)
    lost = [eta for eta in etas if np.mean(table.where(step_size=eta)["outcome"] == "diverged") > 0.5]
    dead = [eta for eta in etas if eta not in working and eta not in lost]
    kinds = (("works at", working), ("diverges at", lost), ("all neurons die at", dead))
    return "; ".join(f"{what} {listed(where)}" for what, where in kinds if len(where))


def by_seed(table: Table, column: str, step_sizes: Array) -> Array:
    """Values (seeds, step sizes), nan where a run did not finish or its neurons are all dead."""
    seeds = np.unique(table["seed"])
    out = np.full((seeds.size, step_sizes.size), np.nan)
    rows = np.searchsorted(seeds, table["seed"])
    works = usable(table)
    for j, eta in enumerate(step_sizes):
        here = works & (table["step_size"] == eta)
        out[rows[here], j] = table[column][here]
    return out


def difference(table: Table, column: str, one: float, other: float) -> Interval:
    """Paired interval of ``column`` at one step size minus at another."""
    matrix = by_seed(table, column, np.array([one, other]))
    return mean_interval(matrix[:, 0] - matrix[:, 1])


def largest_minus_smallest(table: Table, column: str) -> Interval:
    """Paired interval of ``column`` at the largest working step size minus at the smallest."""
    working = working_step_sizes(table)
    return difference(table, column, working[-1], working[0])


def sides_of_u(table: Table, column: str) -> tuple[Interval, Interval]:
    """``column`` at the smallest and at the largest working step size, minus at the best one, paired.

    The best one is chosen for each seed on the other seeds, so that the choice does not bias the difference.
    """
    values = by_seed(table, column, working_step_sizes(table))
    best = left_out_best(values)
    return mean_interval(values[:, 0] - best), mean_interval(values[:, -1] - best)


def median(values: ArrayLike) -> float:
    """Median of the finite values, nan when there are none."""
    array = np.asarray(values, dtype=np.float64)
    finite = array[np.isfinite(array)]
    return float(np.median(finite)) if finite.size else float("nan")


def listed(values: ArrayLike) -> str:
    """Write numbers as a list."""
    return ", ".join(f"{value:g}" for value in np.asarray(values, dtype=np.float64)) or "none"


def word_for(found: Sequence[bool], seeds: int) -> str:
    """All parts found: reproduced; some: partly; none: not_reproduced, or undecided with few seeds."""
    return by_parts(found) if any(found) or seeds >= LEAST_SEEDS_AGAINST else "undecided"


def told(parts: Mapping[str, bool]) -> str:
    """Write "part: yes, part: no"."""
    return ", ".join(f"{part}: {'yes' if yes else 'no'}" for part, yes in parts.items())


def spoken(arm: str) -> str:
    """Name an arm in a sentence.

    >>> spoken("small_init")
    'small init'
    """
    return arm.replace("_", " ")


Found = tuple[dict[str, bool], Numbers]


def across(
    table: Table, arms: Sequence[str], ask: Callable[[Table], Found | None], silent: str = ""
) -> Verdict:
    """Ask one question in every arm that can be judged; `word_for` all answers together.

    `ask` returns its yes and no, and the numbers behind them; None where the question does not arise, which
    `silent` words for the case that it arises nowhere.
    """
    reasons = {arm: unmet(table.where(arm=arm)) for arm in arms}
    answers = {arm: ask(table.where(arm=arm)) for arm in arms if reasons[arm] is None}
    found = {arm: answer for arm, answer in answers.items() if answer is not None}
    if not found:
        seedless = any(verdict is not None and verdict.word == "undecided" for verdict in reasons.values())
        words = (("premise_not_met", silent) if answers else
                 ("undecided", "too few seeds") if seedless else
                 ("premise_not_met", "no arm learns a curve at enough step sizes"))  # fmt: skip
        return Verdict(*words)
    flags = [flag for parts, _ in found.values() for flag in parts.values()]
    numbers: Numbers = {
        f"{spoken(arm)}: {name}": x for arm, (_, more) in found.items() for name, x in more.items()
    }
    sentence = "; ".join(f"arm {spoken(arm)} – {told(parts)}" for arm, (parts, _) in found.items())
    return Verdict(word_for(flags, np.unique(table["seed"]).size), sentence, numbers)
