"""From which initializations and step sizes descent reaches a flat solution that the theory covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.confidence.arrival import ARRIVED, COVERED, FATES, UNFINISHED
from stepscape.experiments.confidence.arrival_runs import EXCESS, FULL, QUICK, begin, grid, work
from stepscape.experiments.confidence.destinations import ended, ends, falls_into_the_trap, gets_there
from stepscape.experiments.confidence.matched import matched_effect
from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    decide,
    lacking,
    together,
)
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.limits import EDGE, MOST, NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
CELL = ("init", "scale", "step_size")
SHOWN = ("reached_at_step", "reached_at_time", "edge_ratio", "edge_moved", "loss_fell", "bound", "variation",
         "interpolant", "worst_case", "worst_case_ratio", EXCESS, "excess_constant_interior")  # fmt: skip
OF_ARRIVED = (
    "among the runs that have arrived (over the last half of the steps λ_max moves by at most {moved:.0%} "
    "and the loss falls by at most {fell:g}) or diverged"
)


def says_something(result: Result, most: float, moved: float, fell: float) -> Finding:
    """Whether the bound holds, and certifies less risk than a constant answer has at most covered runs."""
    table = result.table
    rows = table.rows((ends(table, moved, fell) == COVERED) & np.isfinite(table["worst_case"].astype(float)))
    over = rows["worst_case_left"] > rows["worst_case"] * (1.0 + 1e-9) + 1e-12
    speaks = rows["worst_case_ratio"] < 1.0
    vacuous = not fraction(speaks) > most
    found = decide.inequality(
        len(rows),
        int(over.sum()),
        "covered runs",
        rows["worst_case_left"] / rows["worst_case"],
        vacuous,
    )
    return found.with_numbers({
        "runs whose bound lies below the risk of the best constant": int(speaks.sum()),
        "bound over the risk of the best constant, smallest": min(rows["worst_case_ratio"], default=None),
        "bound over the risk of the best constant, median": median(rows["worst_case_ratio"]),
        "bound, median": median(rows["worst_case"]),
    })  # fmt: skip


def paired(one: Table, other: Table, match: tuple[str, ...], moved: float, fell: float) -> Array:
    """For each seed, covered runs of one minus those of the other, as a share of the pairs that arrived.

    A pair has equal values of the columns `match`; nan for a seed without a pair. The seeds are those of
    both tables.
    """
    sides = []
    for rows in (one, other):
        fates = ends(rows, moved, fell)
        keys = zip(*(rows[name].tolist() for name in ("seed", *match)), strict=True)
        sides.append(
            {key: fate == COVERED for key, fate in zip(keys, fates, strict=True) if fate != UNFINISHED}
        )
    seeds = np.union1d(one["seed"], other["seed"])
    found: dict[int, list[float]] = {int(seed): [] for seed in seeds}
    for key in sides[0].keys() & sides[1].keys():
        found[key[0]].append(float(sides[0][key]) - float(sides[1][key]))
    return np.array([np.mean(found[int(seed)]) if found[int(seed)] else np.nan for seed in seeds])


def depends_on_start(result: Result, least: float, moved: float, fell: float) -> Finding:
    """Whether scale and kind of the start change the share."""
    table = result.table
    torch, other = table.where(init="torch"), table.where(init="mean_field")
    scales, found = np.unique(torch["scale"]), {}

    def differs(one: Table, two: Table, of: str, names: str) -> Finding:
        says = Says("the share of covered runs", "depend", f"on {of}")
        values = paired(one, two, ("step_size",), moved, fell)
        return decide.differs(values, least, says, names, at_once=2)

    if scales.size > 1:
        large, small = (torch.where(scale=scale) for scale in scales[[-1, 0]])
        names = f"PyTorch's start × {scales[-1]:g} minus × {scales[0]:g}"
        found["scale"] = differs(large, small, "the scale of PyTorch's start", names)
    if len(torch) and len(other):
        scale, two = (1.0 if 1.0 in rows["scale"] else rows["scale"].min() for rows in (torch, other))
        names = f"mean-field start × {two:g} minus PyTorch's × {scale:g}"
        found["kind"] = differs(other.where(scale=two), torch.where(scale=scale), "the kind of start", names)
    return together(found, named=False)


def depends_on_step_size(result: Result, least: float, moved: float, fell: float) -> Finding:
    """Whether the step size changes the share: its ends and its trend."""
    table = result.table
    fates = ends(table, moved, fell)
    etas, _ = ended(table, fates)
    if etas.size < 2:
        return lacking("most runs have arrived at fewer than two step sizes")
    large, small = (table.where(step_size=eta) for eta in etas[[-1, 0]])
    values = paired(large, small, ("init", "scale"), moved, fell)
    says = Says("the share of covered runs", "depend", "on the step size")
    names = f"η = {etas[-1]:g} minus η = {etas[0]:g}"
    way = -1.0 if np.nansum(values) < 0.0 else 1.0
    trend = rank_correlations(_shares(table, fates, etas), etas)
    agrees = Says("the trend over all step sizes", "agree", "with the ends")
    return together({
        "ends": decide.differs(values, least, says, names, at_once=2),
        "trend": decide.sign(way * trend, agrees, "rank correlation in the direction of the ends", at_once=2),
    }, named=False)  # fmt: skip


def _shares(table: Table, fates: NDArray[np.str_], etas: Array) -> Array:
    """Share (seeds, step sizes) of the runs that ended which are covered; nan where none did."""
    done, seeds = fates != UNFINISHED, np.unique(table["seed"])
    here = [[done & (table["seed"] == seed) & (table["step_size"] == eta) for eta in etas] for seed in seeds]
    return np.array([[fraction(fates[mask] == COVERED) for mask in row] for row in here])


def generalizes(result: Result, least: float, moved: float, fell: float) -> Finding:
    """Whether covered runs have less excess risk than others of their cell, and than the best constant."""
    table = result.table
    fates = ends(table, moved, fell)
    table = table.rows(STEP_SIZES.counts(table) & (fates != UNFINISHED))
    covered = ends(table, moved, fell) == COVERED
    cell = np.unique([f"{i} {s} {e}" for i, s, e in zip(*map(table.__getitem__, CELL), strict=True)],
                     return_inverse=True)[1] if len(table) else np.empty(0, int)  # fmt: skip
    effect = matched_effect(table[EXCESS], covered, cell, table["seed"])
    if not np.isfinite(effect).any():
        return lacking("no cell has runs of both kinds")
    both = [name for name in np.unique(cell) if 0 < covered[cell == name].sum() < np.sum(cell == name)]
    constant = table["excess_constant_interior"]
    gained = np.where(covered, constant - table[EXCESS], np.nan)
    per_seed = [
        np.nanmean(gained[table["seed"] == seed]) if covered[table["seed"] == seed].any() else np.nan
        for seed in np.unique(table["seed"])
    ]
    found = {
        "others": decide.sign(
            -effect, Says("a covered run", "have", "less excess risk than the other runs of its cell"),
            "other runs − covered ones, matched", least, at_once=2,
        ),
        "constant": decide.sign(
            per_seed, Says("a covered run", "have", "less excess risk than the best constant"),
            "best constant − covered runs", least, at_once=2,
        ),
    }  # fmt: skip
    numbers = {f"{fate}, median": median(table[EXCESS][ends(table, moved, fell) == fate]) for fate in FATES}
    return together(found, named=False).with_numbers({
        **{name: value for name, value in numbers.items() if value == value},
        "cells with runs of both kinds": len(both),
        "best constant, median": median(constant),
        "covered runs worse than the best constant": int(np.sum(covered & (table[EXCESS] > constant))),
    })  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the fates at each step size with the bound on the risk, and those of every start."""
    from stepscape.experiments.confidence import does_descent_get_there_figures as figures

    return {"fates": figures.fates(result), "fates-all": figures.every_start(result)}


def marked(table: Table) -> Table:
    """Put `ends` in the place of the fate, by the constants of the rule, and whether a run is covered."""
    fates = ends(table, **ARRIVED)
    return Table(
        {**table.columns, "fate": fates, "covered": fates == COVERED, "arrived": fates != UNFINISHED}
    )


def numbers(result: Result) -> Table:
    """Shares of covered runs and medians of each start and step size."""
    if "fate" not in result.table:
        return Table({})
    by, shares = ("init", "scale", "step_size"), ("covered", "arrived")
    return medians(marked(result.table), by, SHOWN, shares=shares)


CLAIM = Claim(
    name="does-descent-get-there",
    title="Does descent get there? The fate of runs by initialization and step size",
    claim=(
        "The theory covers flat solutions that fit the labels as well as the truth and stay uncertain "
        "somewhere; it leaves open whether gradient descent with a large step size converges to one."
    ),
    kind="open question",
    source="Qiao and Wang (2025), open question on convergence; signs of failure in its summary",
    setup=(
        "The logit is twice a wave, and a tenth of the labels are flipped; there are 100 inputs and 400 "
        "neurons. PyTorch's default start at a tenth to four times its scale, and mean-field starts, meet "
        "step sizes from 0.03 to 4. All is measured on the midpoint network. A run that still moves is "
        "unfinished and compares with nothing."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "reached",
            "Descent ends where the theorem speaks",
            "A run is covered if at the end, on the midpoint network, λ_max is at most "
            f"{EDGE[1]:g}·2/η, "
            "the loss is at most that of the truth, some label is missed, and the bound on ∫|f''|g_A where f "
            "is uncertain lies below the least value of any function through all labels there. For each kind "
            "of start and each step size, over all scales, nearly all runs ({nearly_all:.0%}) are covered, "
            + OF_ARRIVED
            + f". A step size is judged if more than {MOST:.0%} of its runs have done so; yes if it is so at "
            "every step size, and in part if it is so at some, or if a step size is left out. Intervals are "
            "simultaneous over the step sizes.",
            gets_there,
            {"nearly_all": NEARLY_ALL, **ARRIVED},
            primary=True,
            by="init",
            reads=("fate",),
        ),
        Part(
            "certificate",
            "Flatness certifies a risk below that of a constant",
            "At every covered run the excess risk is at most the worst case of the class that the theorem "
            "puts the network in, plus what the fit lacks, at the γ and on the inputs where this is the "
            "smallest share of what the best constant has; "
            + OF_ARRIVED
            + ". It is vacuous unless at more than {most:.0%} of these runs it lies below "
            "the excess risk of the best constant on the same inputs.",
            says_something,
            {"most": MOST, **ARRIVED},
            kind="inequality",
            reads=("worst_case",),
        ),
        Part(
            "depends_on_initialization",
            "It depends on the initialization",
            "Two differences of the share of covered runs, " + OF_ARRIVED + ", in pairs of equal seed and "
            "step size, with simultaneous intervals: the largest minus the smallest scale of PyTorch's "
            "start, and the mean-field start minus PyTorch's at scale 1, or else the smallest scale. Yes if "
            "the interval excludes 0, but no if it excludes differences of {least:g} either way.",
            depends_on_start,
            {"least": 0.1, **ARRIVED},
            reads=("fate",),
        ),
        Part(
            "depends_on_step_size",
            "It depends on the step size",
            "Share of covered runs, " + OF_ARRIVED + ", in pairs of equal seed and start: the largest minus "
            "the smallest step size at which most runs have done so. Yes if the interval excludes 0, but "
            "no if it excludes differences of {least:g} either way; and the rank correlation of the share "
            "with the step size must have the same sign. The two intervals are simultaneous.",
            depends_on_step_size,
            {"least": 0.1, **ARRIVED},
            reads=("fate",),
        ),
        Part(
            "generalizes",
            "Covered runs generalize better",
            "Excess risk in the interior, " + OF_ARRIVED + ", of runs with bent neurons: covered ones are "
            "compared with others of the same start and step size, by least squares with an effect of each "
            "such cell, of each seed, and of being covered, whose interval is that of the jackknife over "
            "seeds; and with the best constant. A difference of {least:g} counts; intervals are "
            "simultaneous.",
            generalizes,
            {"least": 0.01, **ARRIVED},
            reads=(EXCESS,),
        ),
        Part(
            "interpolation_trap",
            "Descent falls into the interpolation trap",
            "A run is in the trap if λ_max is small as above and every label is fitted, also the wrong "
            "ones. Nearly all runs ({nearly_all:.0%}) end there, " + OF_ARRIVED + ", from every start and at "
            "every step size for which more than {most:.0%} have done so; where one is left out, a yes holds "
            "in part only. The interval is that of independent seeds.",
            falls_into_the_trap,
            {"most": MOST, "nearly_all": NEARLY_ALL, **ARRIVED},
            reads=("fate",),
        ),
    ),
    draw=draw,
    premises={
        "fate": "where the midpoint stands at the last record; the theorem speaks of covered ones",
        "edge_moved": "λ_max moves by at most a tenth over the last half of the steps",
        "loss_fell": "the loss falls by at most 0.005 over the last half of the steps",
        "uncertain_count": "some inputs are uncertain, |f(x_i)| ≤ γ at the best γ",
        "bent_neurons": "some neurons bend among the data",
    },
    numbers=numbers,
    by="init",
    names={"torch": "PyTorch's start", "mean_field": "the mean-field start"},
)
