"""What chaotic descent leaves behind: a law as if it were random, and the doublings before chaos."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.finding import all_of
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.result import tag
from stepscape.experiments.frame.sentences import clause, number, sentence
from stepscape.experiments.illustrations.chaotic_runs import (
    DoublingsRun,
    OrbitsRun,
    RippleRun,
    begin,
    grid,
    work,
)
from stepscape.tables.records import Table

Array = NDArray[np.float64]
RIPPLES, ORBITS, DOUBLINGS = ({"kind": tag(kind)} for kind in (RippleRun, OrbitsRun, DoublingsRun))
FEIGENBAUM = 4.669201609  # limit of the ratios of distances between doublings, for every smooth hump
_QUICK: dict[str, Any] = {
    "narrow_ripple": 1e-6,
    "ripple_starts": 1000,
    "ripple_steps": 600,
    "well_steps": 1500,
    "bowl_step_sizes": (0.05, 0.1, 0.2, 0.4),
    "wells_step_sizes": (0.05, 0.1, 0.3),
    "diagram_levels": 441,
    "orbit_steps": 3000,
    "seeds": 4,
    "first_seed": 0,
}
_FULL = {
    **_QUICK,
    "ripple_starts": 5000,
    "ripple_steps": 2000,
    "well_steps": 5000,
    "bowl_step_sizes": (0.02, 0.05, 0.1, 0.2, 0.4),
    "wells_step_sizes": (0.02, 0.05, 0.1, 0.15, 0.2, 0.3),
    "diagram_levels": 2201,
    "orbit_steps": 10_000,
    "seeds": 20,
    "first_seed": 100,
}


def by_step_size(table: Table, column: str) -> tuple[Array, Array]:
    """Step sizes, and a column over η (seeds, step sizes), nan where a run did not finish."""
    rows, names = table.where(outcome="finished"), np.unique(table["seed"])
    at = np.unique(rows["step_size"]).astype(float)
    out = np.full((names.size, at.size), np.nan)
    if at.size:
        out[np.searchsorted(names, rows["seed"]), np.searchsorted(at, rows["step_size"])] = rows[column]
    return at, out


def tends_to_the_law(result: Result, within: float, power: float) -> Finding:
    """Whether the distance from the law of Gibbs is small at the smallest step size, and falls with it."""
    at, values = by_step_size(result.table, "total_variation")
    if at.size < 2:
        return lacking("runs finished at fewer than two step sizes")
    near = Says("the law of descent", "be", f"within {within:g} of that of Gibbs at η = {at[0]:g}")
    falls = Says("its distance", "fall", f"at least as fast as η^{power:g}")
    found = slopes(values, at, least_values=2, least_span=2.0)
    return all_of({
        "near": decide.sign(within - values[:, 0], near, f"{within:g} minus total variation", at_once=2),
        "falls": decide.at_least(found, power, falls, "power of η", at_once=2),
    })  # fmt: skip


def visits_both(result: Result, within: float) -> Finding:
    """Whether half of the descents are in the other well at the end; a share that still grows is not a no."""
    table = result.table.where(outcome="finished")
    says = Says("descent", "visit", "both wells alike in so many steps")
    found = decide.equivalent(table["other_well"] - 0.5, within, says, "share in the other well, less ½")
    grown = student(table["other_well"].astype(float) - table["other_well_at_half"].astype(float))
    if found.answer == "no" and grown.low > 0.0:
        still = f"the share still grows, by {number(grown.mean)} in the second half of the steps"
        return replace(found, answer="undecided", sentence=sentence(clause(found.sentence), still))
    return found


def doubles_by_the_constant(result: Result, within: float, constant: float) -> Finding:
    """Whether the distances between doublings shrink by Feigenbaum's constant in the limit."""
    table = result.table.where(outcome="finished")
    if not len(table):
        return lacking("no doubling was found")
    last, before = table["ratio"] - constant, table["ratio_before"] - constant
    closer = np.where(np.abs(last) < np.abs(before), last / constant, np.inf)
    worst = np.where(np.isfinite(closer), closer, 1.0)
    found = decide.identity(worst, within, "last ratios")
    return found.with_numbers({
        "last ratio": float(table["ratio"][0]), "ratio before it": float(table["ratio_before"][0]),
        "accumulation of the doublings": float(table["accumulation"][0]),
    })  # fmt: skip


def begins_where_the_doublings_end(result: Result, within: float, most: float) -> Finding:
    """Whether the first chaotic step size is where the doublings accumulate, and most beyond are chaotic."""
    found = result.where(**DOUBLINGS, outcome="finished").table
    table = result.where(**ORBITS, outcome="finished").table
    if not len(found) or not len(table):
        return lacking("the doublings or the orbits are missing")
    limit = float(found["accumulation"][0])
    # A seed without chaos has its onset beyond the largest step size, and no chaotic step size there.
    onset = np.where(np.isfinite(onsets := table["onset"].astype(float)), onsets, table["highest"])
    beyond = np.nan_to_num(table["chaotic_beyond"].astype(float), nan=0.0)
    at = Says("the first chaotic step size", "be", f"where the doublings accumulate, {limit:.4f}")
    rest = Says("step sizes beyond", "be", f"chaotic for more than {most:.0%}", plural=True)
    return all_of({
        "onset": decide.equivalent(onset - limit, within, at, "step size, less that",
                                   at_once=2),
        "beyond": decide.at_least(beyond, most, rest, "share", at_once=2),
    })  # fmt: skip


def numbers(result: Result) -> Table:
    """Medians for each landscape and step size."""
    return medians(
        result.where(**RIPPLES).table,
        ("landscape", "step_size"),
        ("total_variation", "other_well_at_half", "other_well"),
    )


def draw(result: Result) -> dict[str, Drawn]:
    """Densities beside the law of Gibbs; the diagram of orbits with its exponents."""
    from stepscape.experiments.illustrations import chaotic_figures as figures

    return {"orbits": figures.orbits(result), "density": figures.density(result)}


CLAIM = Claim(
    name="chaotic-descent",
    title="Chaotic descent: a law as if it were random, and the road to chaos",
    claim=(
        "On a landscape with ripples that are narrow against its steps, descent samples from the law of "
        "Gibbs, "
        "∝ exp(−4f/η), though nothing is random; without ripples, periods double until descent is chaotic."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'The dynamics is complex and "
        "chaotic'; Kong and Tao (2020)"
    ),
    setup=(
        "Exponents, variance and wide ripples are judged by the claim chaos; here are the law itself, "
        "the two "
        "wells, and the doublings. Bowl w²/2 and double well (w² − 1)²/4 with ripples ε sin(w/ε); "
        "starts near one minimum. Looks on seeds from 1000 on."
    ),
    quick=_QUICK,
    full=_FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "bowl",
            "On a bowl with ripples, descent has the law of Gibbs in the limit of small steps",
            "{within:g} minus the total variation between the histogram and the law of density ∝ exp(−4f/η), "
            "at the smallest step size, lies above 0, and its slope on η, both in logarithms, above "
            "{power:g}.",
            tends_to_the_law,
            {"within": 0.02, "power": 0.5},
            primary=True,
            where={**RIPPLES, "landscape": "bowl"},
            reads=("total_variation",),
        ),
        Part(
            "within",
            "Inside one of two wells it does so, too",
            "The same of the right half of the double well, with {within:g} and {power:g}.",
            tends_to_the_law,
            {"within": 0.05, "power": 0.5},
            where={**RIPPLES, "landscape": "wells"},
            reads=("total_variation",),
        ),
        Part(
            "wells",
            "Does it visit both wells alike, in as many steps at each step size?",
            "At the end, the share of descents in the well that they did not start in is ½ up to {within:g}, "
            "for each step size; another share is a no, unless it has grown since half of the steps: then "
            "the run is too short to say.",
            visits_both,
            {"within": 0.05},
            kind="open question",
            where={**RIPPLES, "landscape": "wells"},
            by="step_size",
            reads=("other_well", "other_well_at_half"),
        ),
        Part(
            "doublings",
            "Distances between doublings shrink by Feigenbaum's constant",
            "The last of the ratios of distances between the step sizes at which the period doubles is "
            "{constant:.6g} up to a share of {within:g}, and closer to it than the one before.",
            doubles_by_the_constant,
            {"within": 0.002, "constant": FEIGENBAUM},
            where=DOUBLINGS,
            reads=("ratio",),
        ),
        Part(
            "onset",
            "Chaos begins where the doublings accumulate",
            "The smallest step size with an exponent above 0.01 (1.5, if none has one) differs from the "
            "limit of the doublings by less than {within:g}, and of those beyond it, up to 1.5, more than "
            "{most:.0%} have one (no step size, if none has).",
            begins_where_the_doublings_end,
            {"within": 0.005, "most": 0.5},
            reads=("accumulation", "onset"),
        ),
    ),
    draw=draw,
    premises={
        "ripple": "ripples are narrow: at most a thousandth of the step size",
    },
    numbers=numbers,
    names={f"{eta:g}": f"η = {eta:g}" for eta in {*_QUICK["wells_step_sizes"], *_FULL["wells_step_sizes"]}},
)
