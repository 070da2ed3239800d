"""The rule that judges `curve-fitting`, fixed before the reported runs.

For each arm, with noisy labels:

1.  A step size *works* when in at least half of the seeds the run finished with bent neurons (a network whose
    neurons are all dead is flat for a reason that says nothing). Fewer than three working step sizes, or a
    range of them below a factor of 10: ``premise_not_met``. Fewer than three seeds: ``undecided``.
2.  *Fewer pieces*: the paired difference of the linear pieces, largest minus smallest working step size, has
    its 95 % interval below 0.
3.  *Falls*: the risk at the smallest working step size minus the risk at the best one has its 95 % interval
    above 0. *Rises*: the same with the largest working step size. The best one is chosen for each seed on the
    other seeds, so that the choice does not bias the difference; the risk is the mean squared error to the
    truth at the inputs, of the mean of the last two iterates.
4.  *Falls at equal time*: it falls also when every run is stopped at the same Σ η.

All four: ``reproduced``. None of pieces, falls and rises: ``not_reproduced`` with at least ten seeds,
``undecided`` with fewer, whose intervals are wide whatever is true. Otherwise ``partly``. The same
difference with every run stopped at its best held-out moment is reported beside them and decides nothing: it
says whether large steps beat early stopping.

With clean labels the question is whether a larger step size finds a curve that generalizes better. At the
inputs every interpolating curve has risk 0, so the risk is the one on the grid. In the last arm of the
settings that works, with *falls* and *rises* as above: ``reproduced`` when it falls; ``not_reproduced`` when
it only rises; ``undecided`` when neither, or with fewer than three seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.measures.paired import Interval, left_out_best, mean_interval
from stepscape.measures.records import Table
from stepscape.measures.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.experiment import Result

Array = NDArray[np.float64]
LEAST_SEEDS = 3
LEAST_SEEDS_AGAINST = 10
LEAST_STEP_SIZES = 3
LEAST_RANGE = 10.0


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict an arm for noisy labels, and one for clean labels."""
    noisy, clean = result.table.where(labels="noisy"), result.table.where(labels="clean")
    arms = list(result.settings["arms"])
    verdicts = {arm: judge_arm(noisy.where(arm=arm)) for arm in arms}
    if len(clean):
        verdicts["clean_labels"] = judge_clean(clean, arms)
    return verdicts


def judge_arm(table: Table) -> Verdict:
    """Apply the rule to the noisy rows of one arm."""
    etas, counts = np.unique(table["step_size"]), fates(table)
    working = working_step_sizes(table)
    numbers: dict[str, float | str] = {
        "step sizes tried": _list(etas),
        "step sizes that work": _list(working),
    }
    if not _enough(working):
        return Verdict("premise_not_met", f"descent learns a curve at too few step sizes: {counts}", numbers)
    seeds = np.unique(table["seed"]).size
    numbers |= {"seeds": float(seeds), "smallest": float(working[0]), "largest": float(working[-1])}
    if seeds < LEAST_SEEDS:
        return Verdict("undecided", _too_few(seeds), numbers)
    pieces = difference(table, "pieces", working[-1], working[0])
    falls, rises = _arms_of_u(table, "risk", working)
    falls_in_time, _ = _arms_of_u(table, "risk_equal_time", working)
    falls_stopped, _ = _arms_of_u(table, "risk_held_out", working)
    numbers |= {
        "pieces, largest minus smallest": str(pieces),
        "risk, smallest minus best": str(falls),
        "risk, largest minus best": str(rises),
        "risk at equal time, smallest minus best": str(falls_in_time),
        "risk stopped at the best held-out moment, smallest minus best": str(falls_stopped),
        "pieces, median at the smallest": _median(table.where(step_size=working[0])["pieces"]),
        "pieces, median at the largest": _median(table.where(step_size=working[-1])["pieces"]),
    }
    found = (pieces.sign < 0, falls.sign > 0, rises.sign > 0)
    parts = ("fewer pieces", "the risk falls", "and rises again", "it falls at equal time")
    all_found = (*found, falls_in_time.sign > 0)
    nothing = "not_reproduced" if seeds >= LEAST_SEEDS_AGAINST else "undecided"
    word = "reproduced" if all(all_found) else "partly" if any(found) else nothing
    told = ", ".join(f"{part}: {'yes' if yes else 'no'}" for part, yes in zip(parts, all_found, strict=True))
    stopped = _early_stopping(falls_stopped)
    return Verdict(word, f"from step size {working[0]:g} to {working[-1]:g}, {told}; {stopped}", numbers)


def judge_clean(table: Table, arms: list[str]) -> Verdict:
    """Apply the rule to the rows with clean labels."""
    for arm in reversed(arms):
        rows = table.where(arm=arm)
        working = working_step_sizes(rows)
        if _enough(working):
            break
    else:
        return Verdict("premise_not_met", "descent learns a curve at too few step sizes in every arm")
    seeds = np.unique(rows["seed"]).size
    numbers: dict[str, float | str] = {"arm": arm, "seeds": float(seeds)}
    for name, eta in (("smallest", working[0]), ("largest", working[-1])):
        chosen = rows.where(step_size=eta)
        numbers[f"{name} step size"] = float(eta)
        numbers[f"risk on the grid, median at the {name}"] = _median(chosen["risk_grid"])
        numbers[f"pieces, median at the {name}"] = _median(chosen["pieces"])
    if seeds < LEAST_SEEDS:
        return Verdict("undecided", _too_few(seeds), numbers)
    falls, rises = _arms_of_u(rows, "risk_grid", working)
    numbers |= {"risk, smallest minus best": str(falls), "risk, largest minus best": str(rises)}
    word = "reproduced" if falls.sign > 0 else "not_reproduced" if rises.sign > 0 else "undecided"
    said = "falls" if falls.sign > 0 else "does not clearly fall"
    then = "rises" if rises.sign > 0 else "does not clearly rise"
    sentence = f"without noise the risk on the grid {said} from step size {working[0]:g} to the best one"
    return Verdict(word, f"{sentence} and {then} from there to {working[-1]:g} (arm {arm})", numbers)


def _too_few(seeds: int) -> str:
    counted = "1 seed gives" if seeds == 1 else f"{seeds} seeds give"
    return f"{counted} no usable interval; at least {LEAST_SEEDS} are needed"


def working_step_sizes(table: Table) -> Array:
    """Step sizes at which at least half of the runs finished with bent neurons, increasing."""
    etas = np.unique(table["step_size"])
    if "bent_neurons" not in table:
        return etas[:0]
    works = (table["outcome"] == "finished") & (table["bent_neurons"] > 0)
    share = np.array([np.mean(works[table["step_size"] == eta]) for eta in etas])
    return np.asarray(etas[share >= 0.5], dtype=np.float64)


def _enough(working: Array) -> bool:
    return bool(working.size >= LEAST_STEP_SIZES and working[-1] >= LEAST_RANGE * working[0])


def fates(table: Table) -> str:
    """Say at which step sizes most runs diverged, died or worked."""
    etas, working = np.unique(table["step_size"]), working_step_sizes(table)
    lost = [eta for eta in etas if np.mean(table.where(step_size=eta)["outcome"] == "diverged") > 0.5]
    dead = [eta for eta in etas if eta not in working and eta not in lost]
    kinds = (("works at", working), ("diverges at", lost), ("all neurons die at", dead))
    return "; ".join(f"{what} {_list(where)}" for what, where in kinds if len(where))


def difference(table: Table, column: str, one: float, other: float) -> Interval:
    """Paired interval of ``column`` at one step size minus at another."""
    matrix = by_seed(table, column, np.array([one, other]))
    return mean_interval(matrix[:, 0] - matrix[:, 1])


def by_seed(table: Table, column: str, step_sizes: Array) -> Array:
    """Values (seeds, step sizes), nan where a run did not finish or its neurons are all dead."""
    seeds = np.unique(table["seed"])
    out = np.full((seeds.size, step_sizes.size), np.nan)
    rows = np.searchsorted(seeds, table["seed"])
    usable = (table["outcome"] == "finished") & (table["bent_neurons"] > 0)
    for j, eta in enumerate(step_sizes):
        here = usable & (table["step_size"] == eta)
        out[rows[here], j] = table[column][here]
    return out


def _arms_of_u(table: Table, column: str, working: Array) -> tuple[Interval, Interval]:
    values = by_seed(table, column, working)
    best = left_out_best(values)
    return mean_interval(values[:, 0] - best), mean_interval(values[:, -1] - best)


def _early_stopping(interval: Interval) -> str:
    if interval.sign > 0:
        return "large steps beat small ones even when each is stopped at its best held-out moment"
    return "stopped at its best held-out moment, the smallest step size is not clearly worse"


def _median(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")


def _list(values: Array | list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values) or "none"
