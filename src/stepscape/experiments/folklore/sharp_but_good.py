"""Solutions sharper than 2/η with a small risk: the condition λ_max ≤ 2/η is not necessary."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.folklore.columns import STRETCH
from stepscape.experiments.folklore.ranges import RANGE
from stepscape.experiments.folklore.ranks import REGIONS
from stepscape.experiments.folklore.runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.folklore.solutions import SOLUTION, lacks, solutions
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.finding import in_part, together
from stepscape.experiments.frame.limits import EDGE, MOST, NEARLY_ALL
from stepscape.experiments.frame.sentences import counted
from stepscape.experiments.frame.settings import Settings
from stepscape.measures.regions import grid as region_grid
from stepscape.measures.regions import regions
from stepscape.problems import curve
from stepscape.tables.records import Table

Array = NDArray[np.float64]
COLUMNS = ("half_width", "seed", "arm", "scale", "step_size", "sharpness", "weighted_tv")
SMALL = 0.5
_FLAT = (
    "The flat solutions of a data set are those that descent found with η, the largest step size of the "
    "grid; they are a yardstick if their median risk {where} is at most {small:g} of the risk of the best "
    "constant there. A sharp solution has λ_max above {above:g}·2/η. "
)
_EXISTS = (
    _FLAT + "Yes if nearly all data sets with a yardstick, in each range, have a sharp solution, trained "
    "with a smaller step size, whose risk {where} is at most that median, no if fewer than half do. A range "
    f"where fewer than {MOST:.0%} of the data sets have a yardstick is left out; a yes holds in part where "
    "one is, or where not nearly all data sets of a range have such a solution. "
)


def compared(result: Result) -> Table:
    """Solutions of the data sets that have flat ones, with ``over`` and ``relative`` columns.

    ``over``: λ_max·η/2 for the largest step size η; ``over_least``: the same of the certified least sharpness
    minus ‖R‖; ``relative_risk_grid``, ``relative_risk_interior_grid``: the risk over the median risk of the
    flat solutions of the same data set; ``yardstick_risk_grid``, ``yardstick_risk_interior_grid``: that
    median over the risk of the best constant.
    """
    return Table.from_records(_rows(result))


def _rows(result: Result) -> Iterator[dict[str, object]]:
    table = result.table
    found = solutions(table)
    if not len(found):
        return
    largest = float(np.max(table["step_size"]))
    for half_width, seed in _data_sets(found):
        rows = found.where(half_width=half_width, seed=seed)
        flat = rows.where(step_size=largest)
        if not len(flat):
            continue
        typical = {risk: float(np.median(flat[risk])) for risk in REGIONS}
        constant = of_best_constant(result.settings, half_width, seed)
        for i in range(len(rows)):
            yield {
                **{name: rows[name][i] for name in COLUMNS},
                "over": rows["sharpness"][i] * largest / 2.0,
                "over_least": (rows["least_sharpness"][i] - rows["residual_norm"][i]) * largest / 2.0,
                **{f"relative_{risk}": rows[risk][i] / typical[risk] for risk in REGIONS},
                **{f"yardstick_{risk}": typical[risk] / constant[risk] for risk in REGIONS},
            }


def of_best_constant(settings: Settings, half_width: float, seed: int) -> dict[str, float]:
    """Return the risk of the best constant: the variance of the truth on the points of each region."""
    named = {name: settings[name] for name in ("n", "noise")}
    problem = curve(settings["truth"], seed=seed, half_width=half_width, **named)
    points = region_grid(problem)
    truth = np.asarray(problem.truth(points), float)  # type: ignore[misc]  # every curve has a truth
    inside = regions(problem, points)["interior"]
    return {"risk_grid": float(np.var(truth)), "risk_interior_grid": float(np.var(truth[inside]))}


def _data_sets(table: Table) -> list[tuple[float, int]]:
    return list(dict.fromkeys(zip(table["half_width"].tolist(), table["seed"].tolist(), strict=True)))


def _measured(result: Result, risk: str, small: float) -> tuple[Table, dict[str, tuple[Table, int]], str]:
    """Solutions of the data sets with a yardstick; those of each range that has enough, and how many it has.

    Last: which ranges have not.
    """
    table = compared(result)
    table = table.rows(table[f"yardstick_{risk}"] <= small) if len(table) else table
    kept, lost = dict[str, tuple[Table, int]](), list[str]()
    for name, rows in cells(result.table, RANGE).items():
        here = table.where(half_width=rows["half_width"][0]) if len(table) else table
        total = np.unique(rows["seed"]).size
        if len(here) and np.unique(here["seed"]).size >= MOST * total:
            kept[name] = here, total
        else:
            lost.append(name)
    too_few = f"too few data sets have a yardstick {' and '.join(lost)}" if lost else ""
    return table, kept, too_few


def a_sharp_one_is_good(
    result: Result, above: float, risk: str, column: str, small: float, **_: str
) -> Finding:
    """Whether nearly every data set has a sharp solution that is as good as the flat ones."""
    table, kept, lost = _measured(result, risk, small)
    if not kept:
        return lacking(lost)
    found = {name: _exists_in(*each, above, risk, column, len(kept)) for name, each in kept.items()}
    whole = in_part(together(found) if len(found) > 1 else next(iter(found.values())), lost)
    sharp = table[column] > above
    return whole.with_numbers({
        "data sets with a yardstick": len(_data_sets(table)), "data sets": len(_data_sets(result.table)),
        "sharp solutions": int(sharp.sum()),
        "sharp and good": int(np.sum(sharp & (table[f"relative_{risk}"] <= 1.0))),
    })  # fmt: skip


def _exists_in(rows: Table, total: int, above: float, risk: str, column: str, at_once: int) -> Finding:
    """Answer in one range, of `total` data sets; the rows are of those with a yardstick."""
    smaller = rows["step_size"] < rows["step_size"].max()
    good = smaller & (rows[column] > above) & (rows[f"relative_{risk}"] <= 1.0)
    flags = np.array([good[rows["seed"] == seed].any() for seed in np.unique(rows["seed"])])
    says = Says("data sets", "have", "a sharp solution as good as the flat ones", plural=True)
    few = flags.size < total and flags.sum() < NEARLY_ALL * total
    missing = f"{total - flags.size} of {counted(total, 'data set')} have no yardstick"
    return in_part(decide.share(flags, says, at_once=at_once), missing if few else "")


def sharp_ones_are_good(result: Result, above: float, small: float, **_: str) -> Finding:
    """Whether most sharp solutions are as good as the flat ones."""
    table, kept, lost = _measured(result, "risk_grid", small)
    if not kept:
        return lacking(lost)
    sharp = table.rows(table["over"] > above)
    if not len(sharp):
        return lacking("no trained solution is sharper than the edge of the largest step size")
    says = Says("sharp solutions", "be", "as good as the flat ones", plural=True)
    return in_part(decide.share(sharp["relative_risk_grid"] <= 1.0, says, groups=sharp["seed"]), lost)


def stretched_ones_are_good(result: Result, **_: float) -> Finding:
    """Whether the stretched network of a solution, the same function, is sharper than 2/η of its own η."""
    rows = solutions(result.table)
    over = rows["stretched_sharpness"] * rows["step_size"] / 2.0
    says = Says("stretched solutions", "be", "sharper than 2/η and have the same risk", plural=True)
    return decide.share(over > 1.0, says, groups=rows["seed"])


def numbers(result: Result) -> Table:
    """Every sharp solution as good as the flat ones of its data set, the sharpest first; at most twenty."""
    table = compared(result)
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
        {"above": EDGE[1], "where": REGIONS[risk], "small": SMALL},
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
            _FLAT + "Yes if nearly all sharp solutions of the data sets with a yardstick have at most the "
            "median risk of the flat ones on the whole interval, no if fewer than half do. A yes holds in "
            f"part if in some range fewer than {MOST:.0%} of the data sets have a yardstick. " + SOLUTION,
            sharp_ones_are_good,
            {"above": EDGE[1], "where": REGIONS["risk_grid"], "small": SMALL},
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
