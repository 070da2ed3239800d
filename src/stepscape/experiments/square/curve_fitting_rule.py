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

from stepscape.experiments.common.step_size_grid import (
    Numbers,
    largest_minus_smallest,
    median,
    sides_of_u,
    span,
    spoken,
    told,
    unmet,
    word_for,
    working_step_sizes,
)
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result


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
    reason = unmet(table)
    if reason is not None:
        return reason
    working, numbers = working_step_sizes(table), span(table)
    pieces = largest_minus_smallest(table, "pieces")
    falls, rises = sides_of_u(table, "risk")
    falls_in_time, _ = sides_of_u(table, "risk_equal_time")
    falls_stopped, _ = sides_of_u(table, "risk_held_out")
    numbers |= {
        "pieces, largest minus smallest": str(pieces),
        "risk, smallest minus best": str(falls),
        "risk, largest minus best": str(rises),
        "risk at equal time, smallest minus best": str(falls_in_time),
        "risk stopped at the best held-out moment, smallest minus best": str(falls_stopped),
        "pieces, median at the smallest": median(table.where(step_size=working[0])["pieces"]),
        "pieces, median at the largest": median(table.where(step_size=working[-1])["pieces"]),
    }
    parts = {
        "fewer pieces": pieces.sign < 0,
        "the risk falls": falls.sign > 0,
        "and rises again": rises.sign > 0,
    }
    in_time = {"it falls at equal time": falls_in_time.sign > 0}
    word = word_for(list(parts.values()), int(numbers["seeds"]))
    if word == "reproduced" and falls_in_time.sign <= 0:
        word = "partly"
    stopped = _early_stopping(falls_stopped)
    return Verdict(
        word,
        f"from step size {working[0]:g} to {working[-1]:g}, {told({**parts, **in_time})}; {stopped}",
        numbers,
    )


def judge_clean(table: Table, arms: list[str]) -> Verdict:
    """Apply the rule to the rows with clean labels."""
    for arm in reversed(arms):
        rows = table.where(arm=arm)
        reason = unmet(rows)
        if reason is None:
            break
        if reason.word == "undecided":
            return reason
    else:
        return Verdict("premise_not_met", "descent learns a curve at too few step sizes in every arm")
    working = working_step_sizes(rows)
    numbers: Numbers = {"arm": arm, **span(rows)}
    for name, eta in (("smallest", working[0]), ("largest", working[-1])):
        chosen = rows.where(step_size=eta)
        numbers[f"risk on the grid, median at the {name}"] = median(chosen["risk_grid"])
        numbers[f"pieces, median at the {name}"] = median(chosen["pieces"])
    falls, rises = sides_of_u(rows, "risk_grid")
    numbers |= {"risk, smallest minus best": str(falls), "risk, largest minus best": str(rises)}
    word = "reproduced" if falls.sign > 0 else "not_reproduced" if rises.sign > 0 else "undecided"
    said = "falls" if falls.sign > 0 else "does not clearly fall"
    then = "rises" if rises.sign > 0 else "does not clearly rise"
    sentence = f"without noise the risk on the grid {said} from step size {working[0]:g} to the best one"
    return Verdict(word, f"{sentence} and {then} from there to {working[-1]:g} (arm {spoken(arm)})", numbers)


def _early_stopping(interval: Interval) -> str:
    if interval.sign > 0:
        return "large steps beat small ones even when each is stopped at its best held-out moment"
    return "stopped at its best held-out moment, the smallest step size is not clearly worse"
