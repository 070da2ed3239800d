"""Whether flatness ranks solutions by their risk."""

from __future__ import annotations

from functools import partial

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.folklore import ranks
from stepscape.experiments.folklore.ranges import left_out
from stepscape.experiments.folklore.runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.folklore.solutions import SOLUTION, counts, lacks
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import MOST
from stepscape.tables.records import Table

LEAST = 0.1
_RULE = (
    "For each seed Kendall's τ of {measure} with the risk of the midpoint network is taken {over}, for each "
    "range, on the whole interval and in the interior. Yes if the mean over these cells lies above 0 and no "
    "cell lies below it, no if the mean excludes a τ of {least:g} or more and no cell shows one. A data set "
    f"counts if at least {MOST:.0%} of its runs are solutions; a cell where fewer than {MOST:.0%} of the "
    "data sets have a τ is left out, and a yes holds in part then. "
)
_OVER = {
    "across": "over all solutions of every start and step size",
    "within": "over the solutions of all starts with one step size, averaged over the step sizes",
}


def ranks_by_risk(
    result: Result,
    column: str,
    comparison: str,
    measure: str,
    least: float,
    **_: str,
) -> Finding:
    """Whether a measure rises with the risk among the solutions of one data set.

    The other constants are words of the rule.
    """
    values, lost = ranks.by_cell(result.table, ranks.RANKINGS[comparison], column)
    if not values:
        return lacking("too few data sets have enough solutions that can be ranked")
    where = "across step sizes" if comparison == "across" else "at one step size"
    says = Says(f"solutions with a smaller {measure}", "have", f"a smaller risk {where}", plural=True)
    found = in_part(decide.signs(values, says, "Kendall's τ", least=least), left_out(lost))
    return found.with_numbers({"runs": len(result.table), "solutions": int(counts(result.table).sum())})


def _part(measure: str, comparison: str, words: str, primary: bool = False) -> Part:
    return Part(
        f"{measure}_{comparison}",
        words,
        _RULE + SOLUTION,
        partial(ranks_by_risk, column=measure, comparison=comparison),
        {"measure": ranks.MEASURES[measure], "over": _OVER[comparison], "least": LEAST},
        primary=primary,
        needs=lacks,
    )


def numbers(result: Result) -> Table:
    """Mean τ of every measure, also of those that no rescaling of the neurons changes."""
    return ranks.summary(result.table)


def draw(result: Result) -> dict[str, Drawn]:
    """Kendall's τ of each measure; the risk of every solution against its sharpness and its variation."""
    from stepscape.experiments.folklore import sharpness_vs_risk_figures as figures

    return {"ranks": figures.correlations(result), "solutions": figures.solutions_of(result)}


CLAIM = Claim(
    name="sharpness-vs-risk",
    title="Flatness folklore: do flat solutions have a small risk?",
    claim="Flat minima generalize better: the smaller the curvature of a solution, the smaller its risk.",
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', 'Deep learning folklore'",
    setup=(
        "Noisy tent, 30 points, on [−3, 3] and [−1, 1]; six step sizes from six starts: default, small, and "
        "four scales of a mean-field start with warm-up. A rank correlation compares solutions of one data "
        "set only, because the risk differs more between data sets than between solutions. Pilots on seeds "
        "1000 and 1001 chose the number of steps, not the rules."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "sharpness", "across", "Across step sizes, flatter solutions have a smaller risk", primary=True
        ),
        _part("sharpness", "within", "At one step size, flatter solutions have a smaller risk"),
        _part("trace", "across", "Across step sizes, a smaller trace means a smaller risk"),
        _part("trace", "within", "At one step size, a smaller trace means a smaller risk"),
        _part("weighted_tv", "across", "Across step sizes, less weighted variation means a smaller risk"),
        _part("weighted_tv", "within", "At one step size, less weighted variation means a smaller risk"),
    ),
    draw=draw,
    premises={
        STEP_SIZES.alive: "some neurons bend among the data: a dead network is flat and learned nothing",
        "drift": "the sharpness stands still: an unfinished run is not a solution",
    },
    numbers=numbers,
)
