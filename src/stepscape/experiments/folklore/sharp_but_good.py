"""Solutions sharper than 2/η with a small risk: the condition λ_max ≤ 2/η is not necessary."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.folklore.columns import STRETCH
from stepscape.experiments.folklore.ranks import REGIONS
from stepscape.experiments.folklore.runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.folklore.solutions import SOLUTION, lacks, solutions
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.limits import EDGE
from stepscape.tables.records import Table

Array = NDArray[np.float64]
COLUMNS = ("half_width", "seed", "arm", "scale", "step_size", "sharpness", "weighted_tv")
_FLAT = (
    "The flat solutions of a data set are those that descent found with η, the largest step size of the "
    "grid; a sharp solution has λ_max above {above:g}·2/η. "
)
_EXISTS = (
    _FLAT + "Nearly all data sets with flat solutions, over ranges and seeds, have a sharp solution, trained "
    "with a smaller step size, whose risk {where} is at most the median risk of the flat ones. "
)


def compared(table: Table) -> Table:
    """Solutions of the data sets that have flat ones, with ``over`` and ``relative`` columns.

    ``over``: λ_max·η/2 for the largest step size η; ``over_least``: the same of the certified least sharpness
    minus ‖R‖; ``relative_risk_grid``, ``relative_risk_interior_grid``: the risk over the median risk of the
    flat solutions of the same data set.
    """
    return Table.from_records(_rows(table))


def _rows(table: Table) -> Iterator[dict[str, object]]:
    found = solutions(table)
    if not len(found):
        return
    largest = float(np.max(table["step_size"]))
    for half_width, seed in dict.fromkeys(
        zip(found["half_width"].tolist(), found["seed"].tolist(), strict=True)
    ):
        rows = found.where(half_width=half_width, seed=seed)
        flat = rows.where(step_size=largest)
        if not len(flat):
            continue
        typical = {risk: float(np.median(flat[risk])) for risk in REGIONS}
        for i in range(len(rows)):
            yield {
                **{name: rows[name][i] for name in COLUMNS},
                "over": rows["sharpness"][i] * largest / 2.0,
                "over_least": (rows["least_sharpness"][i] - rows["residual_norm"][i]) * largest / 2.0,
                **{f"relative_{risk}": rows[risk][i] / typical[risk] for risk in REGIONS},
            }


def _data_sets(table: Table) -> list[tuple[float, int]]:
    return list(dict.fromkeys(zip(table["half_width"].tolist(), table["seed"].tolist(), strict=True)))


def a_sharp_one_is_good(result: Result, above: float, risk: str, column: str, **_: str) -> Finding:
    """Whether nearly every data set has a sharp solution that is as good as the flat ones."""
    table = compared(result.table)
    if not len(table):
        return lacking("no data set has a solution with the largest step size")
    good = (table[column] > above) & (table[f"relative_{risk}"] <= 1.0)
    sets = _data_sets(table)
    flags = [bool(good[(table["half_width"] == x) & (table["seed"] == seed)].any()) for x, seed in sets]
    says = Says("data sets", "have", "a sharp solution as good as the flat ones", plural=True)
    found = decide.share(flags, says, groups=[seed for _, seed in sets])
    return found.with_numbers({
        "sharp solutions": int(np.sum(table[column] > above)), "sharp and good": int(good.sum()),
    })  # fmt: skip


def sharp_ones_are_good(result: Result, above: float) -> Finding:
    """Whether most sharp solutions are as good as the flat ones."""
    table = compared(result.table)
    sharp = table.rows(table["over"] > above) if len(table) else table
    if not len(sharp):
        return lacking("no trained solution is sharper than the edge of the largest step size")
    says = Says("sharp solutions", "be", "as good as the flat ones", plural=True)
    return decide.share(sharp["relative_risk_grid"] <= 1.0, says, groups=sharp["seed"])


def stretched_ones_are_good(result: Result, **_: float) -> Finding:
    """Whether the stretched network of a solution, the same function, is sharper than 2/η of its own η."""
    rows = solutions(result.table)
    over = rows["stretched_sharpness"] * rows["step_size"] / 2.0
    says = Says("stretched solutions", "be", "sharper than 2/η and have the same risk", plural=True)
    return decide.share(over > 1.0, says, groups=rows["seed"])


def numbers(result: Result) -> Table:
    """Every sharp solution as good as the flat ones of its data set, the sharpest first; at most twenty."""
    table = compared(result.table)
    if not len(table):
        return table
    good = table.rows((table["over"] > EDGE[1]) & (table["relative_risk_grid"] <= 1.0))
    order = np.argsort(-np.asarray(good["over"], float))[:20] if len(good) else np.empty(0, int)
    return Table({name: values[order] for name, values in good.columns.items()})


def draw(result: Result) -> dict[str, Drawn]:
    """Risk against sharpness, over the flat ones; the sharpest good function of the first seed."""
    from stepscape.experiments.folklore import sharp_but_good_figures as figures

    return {"risk": figures.risk_over_sharpness(result), "functions": figures.functions(result)}


def _exists(name: str, words: str, risk: str, column: str, primary: bool = False, more: str = "") -> Part:
    return Part(
        name,
        words,
        _EXISTS + more + SOLUTION,
        partial(a_sharp_one_is_good, risk=risk, column=column),
        {"above": EDGE[1], "where": REGIONS[risk]},
        primary=primary,
        needs=lacks,
    )


CLAIM = Claim(
    name="sharp-but-good",
    title="Sharp but good: the condition λ ≤ 2/η is not necessary",
    claim=(
        "λ_max ≤ 2/η is sufficient for a small weighted variation, not necessary for a small risk: there are "
        "sharper solutions that generalize as well."
    ),
    kind="figure",
    source="Summary of arXiv:2512.01473, Limitations; derived here for trained solutions",
    setup=(
        "The solutions of sharpness-vs-risk. The yardstick is the risk of the solutions that descent finds "
        "with the largest step size on the same data. A sharp solution was trained with a smaller step size, "
        "or is a stretched network of the same function."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _exists(
            "trained", "Descent with smaller steps finds sharp and good solutions", "risk_grid", "over", True
        ),
        _exists(
            "in_the_interior", "It finds some that are good in the interior", "risk_interior_grid", "over"
        ),
        _exists(
            "sharp_function",
            "It finds good functions that no rescaling makes flat",
            "risk_grid",
            "over_least",
            more="Here λ_max is the certified least sharpness of the function over rescalings, minus ‖R‖. ",
        ),
        Part(
            "most_sharp_ones",
            "Are most sharp solutions as good as the flat ones?",
            _FLAT + "Yes if nearly all sharp solutions have at most the median risk of the flat ones on the "
            "whole interval, no if fewer than half do. " + SOLUTION,
            sharp_ones_are_good,
            {"above": EDGE[1]},
            kind="open question",
            needs=lacks,
        ),
        Part(
            "stretched",
            "A stretched network is sharper than 2/η and keeps its risk",
            "Nearly all solutions have λ_max above 2/η, for their own step size, once all neurons are "
            "stretched by {stretch:g}; the function is the same. " + SOLUTION,
            stretched_ones_are_good,
            {"stretch": STRETCH},
            reads=("stretched_sharpness",),
            needs=lacks,
        ),
    ),
    draw=draw,
    premises={
        STEP_SIZES.alive: "some neurons bend among the data: a dead network is not a solution",
        "drift": "the sharpness stands still: an unfinished run is not a solution",
        "function_moved": "rescaling moves the function by rounding only",
    },
    numbers=numbers,
)
