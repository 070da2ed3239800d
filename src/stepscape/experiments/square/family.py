"""A question in every member of a family of settings, and what the answers are together.

The documents leave open where the inputs lie, what the truth is, how many points and neurons there are, and
how noisy the labels: no single choice decides a claim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Effect, Finding, Says, decide, together
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.contrasts import last_minus_first, rank_correlations
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.kinds import Answer
from stepscape.experiments.frame.levels import Levels
from stepscape.experiments.frame.limits import LEAST_SEEDS
from stepscape.experiments.frame.sentences import counted, interval, listed, sentence
from stepscape.experiments.square.arrival import ARRIVED, WORKING
from stepscape.tables.records import Table

Array = NDArray[np.float64]
# For the rules of parts that ask several questions, or one question in several settings.
ANSWERS = (
    "A question is answered with yes if all settings say so, with no if one says no and none yes, and partly "
    "if both occur. The part needs a yes to every question; a yes beside a no or an open question makes it "
    "partly so, and a no without a yes is a no."
)
PRIMARY = f" {ANSWERS} {WORKING}"
AS_PRIMARY = " Which step sizes work, and how answers combine, is as for {}."
ENDS = "from the smallest to the largest working η"


@dataclass(frozen=True)
class Asks:
    """A question: `contrast` takes the rows of a member to one value per seed, which is above 0 for yes.

    says, what, least : as in `decide.sign`.
    """

    contrast: Callable[[Table], Array]
    says: Says
    what: str
    least: float = 0.0


def by_range(table: Table) -> dict[str, Table]:
    """Rows of every range of the inputs."""
    return cells(table, {"half_width": "x in [−{0:g}, {0:g}]"})


def in_every_member(
    members: Mapping[str, Table],
    questions: Mapping[str, Asks],
    at_once: int = 1,
    levels: Levels = ARRIVED,
) -> Finding:
    """Ask several questions in every member; all intervals are simultaneous.

    members : name → rows. A member in which runs work at too few step sizes is left out; the sentence says
        so, and a yes becomes "some".
    levels : which step sizes work.
    """
    found: dict[str, Finding] = {}
    for name, each in questions.items():
        asked = ask(members, each.contrast, levels.lacks)
        if asked.missing is not None:
            return asked.missing
        found[name] = everywhere(asked.values, each.says, each.what, each.least, at_once * len(questions))
    whole = together(found, named=False)
    left_out = sum(bool(levels.lacks(rows)) for rows in members.values())
    absent = f"runs work at too few step sizes in {counted(left_out, 'other setting')}" if left_out else ""
    thin = {
        "runs left out, with fewer bent neurons than count": sum(
            _thin(rows, levels) for rows in members.values()
        )
    }
    return _say_late(with_left_out(whole, absent), members, levels).with_numbers(
        thin if any(thin.values()) else {}
    )


def _thin(rows: Table, levels: Levels) -> int:
    """Count the runs of which a few neurons are left, too few for a curve."""
    few = (rows["outcome"] == "finished") & ~levels.counts(rows)
    return int(np.sum(few & (rows["bent_neurons"] > 0))) if "bent_neurons" in rows else 0


def _say_late(found: Finding, members: Mapping[str, Table], levels: Levels) -> Finding:
    """Say at which step sizes most runs have not arrived, so that they are compared with nothing."""
    late = {name: levels.unfinished(rows) for name, rows in members.items()}
    some = [each for each in late.values() if each.size]
    if not some:
        return found
    where = "" if len(late) == 1 else f" in {len(some)} of {counted(len(late), 'setting')}"
    etas = listed(np.unique(np.concatenate(some)))
    text = f"left out, because {levels.late[1]}: η = {etas}{where}"
    return replace(found, sentence=sentence(found.sentence, text))


def with_left_out(found: Finding, left_out: str) -> Finding:
    """Say what was left out; of the rest alone, nothing is so everywhere, and a yes leaves a part open."""
    answer: Answer = "some" if left_out and found.answer == "yes" else found.answer
    return replace(found, answer=answer, sentence=sentence(found.sentence, left_out))


def everywhere(
    values: Mapping[str, Array], says: Says, what: str, least: float = 0.0, at_once: int = 1
) -> Finding:
    """Decide whether something is so in every member; values (seeds,) by member, aligned.

    Each member is asked as in `decide.sign`, with intervals that are simultaneous over members and over
    `at_once` questions. Yes: all members say yes. Mixed: some say yes and others no. No: none says yes, and
    one says no. Undecided otherwise. The effect is the mean over the members, seed by seed.
    """
    total = at_once * len(values)
    found = {name: decide.sign(each, says, what, least, at_once=total) for name, each in values.items()}
    if len(found) == 1:
        return next(iter(found.values()))
    mean = student(_mean(list(values.values())), at_once)
    if mean.count < LEAST_SEEDS:
        return decide.sign([], says, what)
    text = f"{_counts(found, says)}; mean {interval(mean)} ({what}; {counted(mean.count, 'seed')})"
    numbers = {
        f"{name}: {what}": interval(each.effect.interval) for name, each in found.items() if each.effect
    }
    return Finding(_answer(found), sentence(text), Effect(f"{what}, mean over settings", mean), numbers)


def ends(column: str, says: Says, what: str, least: float) -> Asks:
    """Ask whether a column is smaller at the largest working step size than at the smallest."""
    return Asks(lambda rows: -last_minus_first(ARRIVED.at_ends(rows, column)), says, what, least)


def pieces(least: float, least_correlation: float, column: str = "pieces") -> dict[str, Asks]:
    """Ask whether the linear pieces become fewer."""
    says = Says("the curve", "lose", "linear pieces")
    along = Says("the number of pieces", "fall", "along the step sizes")
    return {
        "ends": ends(column, says, f"pieces lost {ENDS}", least),
        "ranks": falls_along(column, along, least_correlation),
    }


def falls_along(column: str, says: Says, least: float) -> Asks:
    """Ask whether a column falls along the working step sizes, by Spearman's rank correlation."""

    def minus_correlation(rows: Table) -> Array:
        levels = ARRIVED.working(rows)
        return -rank_correlations(ARRIVED.values(rows, column, levels), levels)

    return Asks(minus_correlation, says, "minus the rank correlation with η", least)


def _mean(values: list[Array]) -> Array:
    """Mean over the members that have the seed; nan where none has."""
    stack = np.array(values)
    known = np.isfinite(stack)
    count = known.sum(axis=0)
    total = np.where(known, stack, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _answer(found: Mapping[str, Finding]) -> Answer:
    answers = {each.answer for each in found.values()}
    if answers == {"yes"}:
        return "yes"
    if "no" in answers:
        return "mixed" if "yes" in answers else "no"
    return "undecided"


def _counts(found: Mapping[str, Finding], says: Says) -> str:
    total = len(found)
    yes, unsettled = (sum(each.answer == word for each in found.values()) for word in ("yes", "undecided"))
    opposite = sum(each.effect is not None and each.effect.interval.sign < 0 for each in found.values())
    every = "both settings" if total == 2 else f"all {total} settings"
    where = every if yes == total else f"{yes or 'none'} of {total} settings"
    return "; ".join([
        f"{says.affirmed} in {where}",
        *([f"it is not settled in {unsettled}"] if unsettled else []),
        *([f"the opposite is so in {opposite}"] if opposite else []),
    ])  # fmt: skip
