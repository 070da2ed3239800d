"""The rule that judges `uncertain-regions`; what was changed in it after its numbers is told in its setup.

A_γ(f) is the set of the inputs with |f| ≤ γ, here γ = 1; the overlap of two sets is their intersection over
their union, by weight. Cells, intervals and words as in logistic-step-sizes.

``step_a``: the share of the inputs with |f0| ≤ 1 and |f| > 2 is at most the excess risk over κ, the least
divergence of such a point, at every record of every run: a violation beyond rounding: ``not_reproduced``;
none: ``consistent``; ``vacuous`` when at the end of no run that bound is below the share of A_1(f0).
``flat_bounds``: the bounds on ∫|f''| weighted by the uncertain points (gauss_newton, weighted, uncertain,
uncertain_best), where they apply: words as for ``step_a``, never vacuous; left over right is reported.
``moves``: from the first moment (100 steps) to the end the overlap of A_1(f) with A_1(f0) grows, at the
smallest and at the largest step size. Cells whose truth is uncertain at every input are not asked: there the
overlap is the share of A_1(f), which starts at 1.
``shrinks``: over the same time the share of A_1(f) falls, at the smallest and at the largest step size.
``large_steps_keep``: at the end the largest step size has more overlap and a larger A_1(f) than the smallest;
``…_at_equal_time``, ``…_stopped_early``: the same at these moments. The overlap is asked as in ``moves``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.moments import COMPARED, STEP_COUNTS
from stepscape.experiments.common.step_size_grid import Numbers, median, usable, working_step_sizes
from stepscape.experiments.logistic.edge import edges
from stepscape.experiments.logistic.grid import Answers, Judged, around, asked, drop
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

FLAT = ("gauss_newton", "weighted", "uncertain", "uncertain_best")
EARLY = f"_{STEP_COUNTS[0]}"
EVERYWHERE = 1.0 - 1e-9  # a share is a sum of weights, with their rounding
TOO_SHORT = "the runs end before their first moment, step 100, or the truth is uncertain everywhere"


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict a part."""
    table = result.table
    return {
        "step_a": judge_step_a(table),
        "flat_bounds": judge_bounds(table, FLAT),
        "moves": asked(table, moves, TOO_SHORT),
        "shrinks": asked(table, shrinks, TOO_SHORT),
        **{
            f"large_steps_keep{f'_{moment.part}' if suffix else ''}": asked(
                table, partial(keeps, suffix=suffix), also=partial(_edges, table, suffix)
            )
            for suffix, moment in COMPARED.items()
        },
    }


def _edges(table: Table, suffix: str, _: Judged) -> Numbers:
    """Where the runs of each step size end: once is enough."""
    return {} if suffix else edges(table)


def moves(table: Table) -> Answers | None:
    """Whether the overlap grows from the first moment to the end, where the truth is certain somewhere."""
    return None if empty(table) else since_early(table, "uncertain_overlap", "the overlap grows")


def empty(table: Table) -> bool:
    """Whether the truth is uncertain at every input: the overlap is then the share of the network's set."""
    return bool(np.nanmin(table["uncertain_share_truth"]) >= EVERYWHERE)


def shrinks(table: Table) -> Answers | None:
    """Whether the uncertain set shrinks from the first moment to the end."""
    found = since_early(table, "uncertain_share", "the region shrinks")
    return None if found is None else {name: -values for name, values in found.items()}


def since_early(table: Table, column: str, word: str) -> Answers | None:
    """Column at the end minus at the first moment, at the smallest and at the largest step size."""
    if f"{column}{EARLY}" not in table:
        return None
    etas = working_step_sizes(table)
    ends = (("smallest", float(etas[0])), ("largest", float(etas[-1])))
    return {
        f"{word} at the {name} step size": around(table, column, eta) - around(table, f"{column}{EARLY}", eta)
        for name, eta in ends
    }


def keeps(table: Table, suffix: str) -> Answers:
    """Whether the largest step size has more overlap, and a larger uncertain set, than the smallest."""
    more = {"large steps keep more uncertain": -drop(table, f"uncertain_share{suffix}")}
    return (
        more
        if empty(table)
        else {"large steps overlap more": -drop(table, f"uncertain_overlap{suffix}"), **more}
    )


def judge_step_a(table: Table) -> Verdict:
    """Apply the rule for step A."""
    verdict = judge_bounds(table, ("overlap",))
    if verdict.word != "consistent":
        return verdict
    works = usable(table)
    says = table["overlap_right"] < table["uncertain_share_truth"]
    everywhere = table["uncertain_share_truth"] >= EVERYWHERE
    numbers: Numbers = {
        **verdict.numbers,
        "share of the runs in which the bound says something": float(np.mean(says[works])),
        **{
            f"the same where the truth is {name}": float(np.mean(says[mask & works]))
            for name, mask in (("uncertain everywhere", everywhere), ("certain somewhere", ~everywhere))
            if (mask & works).any()
        },
    }
    return Verdict("consistent" if says[works].any() else "vacuous", verdict.sentence, numbers)


def judge_bounds(table: Table, names: Sequence[str]) -> Verdict:
    """Apply the rule for proved inequalities."""
    works = usable(table)
    if not works.any():
        return Verdict("premise_not_met", "no run finished with bent neurons")
    numbers: Numbers = {}
    checks = violations = 0
    for name in names:
        counts = {what: int(np.nansum(table[f"{name}_{what}"])) for what in ("checks", "violations")}
        checks, violations = checks + counts["checks"], violations + counts["violations"]
        with np.errstate(divide="ignore", invalid="ignore"):
            tightness = (table[f"{name}_left"] / table[f"{name}_right"])[works]
        numbers |= {f"{name}: {what}": float(count) for what, count in counts.items()}
        numbers |= {f"{name}: left/right at the end, median": median(tightness)}
        for eta in working_step_sizes(table):
            here = works & (table["step_size"] == eta)
            sides = (f"{median(table[f'{name}_{side}'][here]):.3g}" for side in ("left", "right"))
            numbers[f"{name}: left and right at η = {eta:g}, medians"] = ", ".join(sides)
    if not checks:
        return Verdict("premise_not_met", "no record meets the premises", numbers)
    said = f"violated in {violations} of {checks} checks" if violations else f"holds in all {checks} checks"
    return Verdict("not_reproduced" if violations else "consistent", said, numbers)
