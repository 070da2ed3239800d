"""With noisy labels flat solutions recover the truth up to the level of the noise, and no better."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import counted, number
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.experiments.recovery.noise_runs import NoiseRun, begin, grid, work
from stepscape.experiments.recovery.undecided import Tried, agreed_share
from stepscape.tables.records import Table

Array = NDArray[np.float64]
WAYS = {
    "flat": "flattest",
    "nuclear": "least nuclear norm",
    "frobenius": "least Frobenius norm",
    "flat_penalized": "flattest, penalized",
    "nuclear_penalized": "nuclear norm, penalized",
}


def finished(result: Result) -> Table:
    """Return the runs that were carried out."""
    table = result.of(NoiseRun).where(outcome="finished").table
    return table if "status_flat" in table else Table({})


def errors(table: Table, way: str) -> tuple[Array, Array]:
    """Return the levels of the noise, and the errors (seeds, levels) of a way, nan where it is undecided."""
    at, seeds = np.unique(table["level"]), np.unique(table["seed"])
    out = np.full((seeds.size, at.size), np.nan)
    places = np.searchsorted(seeds, table["seed"]), np.searchsorted(at, table["level"])
    out[places] = table[f"error_{way}"].astype(float)
    return at, out


def lacks_solutions(table: Table, *ways: str, decided: float) -> str:
    """Say that too many solutions of these ways stayed undecided to leave them out; "" if few did."""
    known = np.all([table[f"status_{way}"] == "optimal" for way in ways], axis=0)
    if known.mean() >= decided:
        return ""
    return f"{counted(int(np.sum(~known)), 'solution')} of {number(known.size)} stayed undecided"


def at_once(result: Result) -> int:
    """Return the number of problems, whose intervals are simultaneous."""
    return len(result.settings["problems"])


def is_proportional(result: Result, within: float, decided: float) -> Finding:
    """Whether the log of the error of the flattest matrix has the slope 1 on that of the noise."""
    table = finished(result)
    if not len(table):
        return lacking("no matrix was recovered")
    if lacks := lacks_solutions(table, "flat", decided=decided):
        return lacking(lacks)
    at, seen = errors(table, "flat")
    says = Says("the error of the flattest matrix", "be", "proportional to the noise")
    what = "slope in logarithms less 1"
    found = decide.equivalent(slopes(seen, at) - 1.0, within, says, what, at_once=at_once(result))
    return found.with_numbers({
        f"noise {level:g}: error over noise, median": median(seen[:, j] / level) for j, level in enumerate(at)
    })  # fmt: skip


def is_at_the_level(result: Result, most: float, nearly_all: float) -> Finding:
    """Whether nearly all errors of the flattest matrix are at most `most` times the noise."""
    table = finished(result)
    if not len(table):
        return lacking("no matrix was recovered")
    ratio = table["error_flat"].astype(float) / table["level"]
    says = Says("flattest matrices", "be", f"within {most:g} times the noise")
    flags = Tried.of(ratio <= most, table["status_flat"] != "optimal")
    return agreed_share(flags, says, nearly_all, table["seed"]).with_numbers({
        "error over noise, median": median(ratio),
        "error over noise, largest": float(np.nanmax(ratio, initial=0.0)),
    })  # fmt: skip


def decades(table: Table, one: str, other: str) -> Array:
    """log10 of the error of one way over that of another, the mean over the levels for each seed."""
    first, second = (np.log10(errors(table, way)[1]) for way in (one, other))
    return np.asarray(np.mean(first - second, axis=1))


def is_as_stable(result: Result, within: float, decided: float) -> Finding:
    """Whether flattest matrix and matrix of least nuclear norm have nearly the same error."""
    table = finished(result)
    if not len(table):
        return lacking("no matrix was recovered")
    if lacks := lacks_solutions(table, "flat", "nuclear", decided=decided):
        return lacking(lacks)
    says = Says("flattest matrix and matrix of least nuclear norm", "have", "the same error", plural=True)
    what = "log10 of their ratio, flattest over the other"
    return decide.equivalent(decades(table, "flat", "nuclear"), within, says, what, at_once=at_once(result))


def penalty_helps(result: Result, least: float, decided: float) -> Finding:
    """Whether the penalized flattest matrix is nearer to the truth than the one that fits the noise."""
    table = finished(result)
    if not len(table):
        return lacking("no matrix was recovered")
    if lacks := lacks_solutions(table, "flat", "flat_penalized", decided=decided):
        return lacking(lacks)
    says = Says("the penalty", "reduce", "the error")
    what = "log10 of the error without over that with the penalty"
    found = decide.sign(decades(table, "flat", "flat_penalized"), says, what, least, at_once=at_once(result))
    at, seen = errors(table, "flat_penalized")
    return found.with_numbers({"penalized: error over noise, median": median(seen / at)})


def frobenius_is_off(result: Result, least: float, nearly_all: float) -> Finding:
    """Whether the matrix of least Frobenius norm is far off even at the smallest noise."""
    table = finished(result)
    if not len(table):
        return lacking("no matrix was recovered")
    rows = table.where(level=table["level"].min())
    says = Says("matrices of least Frobenius norm", "have", f"an error of {least:g} or more")
    off = rows["error_frobenius"].astype(float)
    flags = Tried.of(off >= least, rows["status_frobenius"] != "optimal")
    return agreed_share(flags, says, nearly_all, rows["seed"]).with_numbers({
        f"error at noise {float(table['level'].min()):g}, median": median(off)
    })  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Errors against the level of the noise, one panel per problem."""
    from stepscape.experiments.recovery import noise_stability_figures as figures

    return {"errors": figures.draw_errors(result)}


QUICK: dict[str, Any] = {
    "problems": ("gaussian", "bilinear", "completion", "network"),
    "d": 8,
    "rank": 1,
    "ratio": 3.5,
    "levels": (0.001, 0.01, 0.1),
    "seeds": 4,
    "iterations": 1200,
    "first_seed": 200,
}
DECIDED = {"decided": 0.9}
_DECIDED = (
    " Intervals are simultaneous over the problems. Undecided solutions are left out of a slope, and seeds "
    "that have one out of a mean; at least {decided:.0%} of the solutions must be decided."
)
_part = partial(Part, by="problem")

CLAIM = Claim(
    name="noise-stability",
    title="With noisy labels flat solutions recover up to the level of the noise",
    claim=(
        "The recovery by flat minima extends to noisy labels: the flattest solution is off by at most a "
        "constant times the noise."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'extends to noisy labels'; Ding, "
        "Drusvyatskiy, Fazel and Harchaoui (2024)"
    ),
    setup=(
        "The noise is given as a share of the root mean square of the labels, over three decades. The "
        "solutions fit the noisy labels exactly; m lies below the number of entries, so that this can be "
        "done. The penalized ones do not fit them; their penalty is that of an oracle that knows the noise. "
        "Problems were tried out on seeds 1000 to 1019."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "d": 20,
        "rank": 2,
        "ratio": 4.0,
        "levels": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
        "seeds": 20,
        "iterations": 6000,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "proportional",
            "The error of the flattest solution is proportional to the noise",
            "In each problem, the slope of the log of the relative error on the log of the noise, one value "
            "per seed: yes if its interval lies within {within:g} of 1, no if it lies outside." + _DECIDED,
            is_proportional,
            {"within": 0.1, **DECIDED},
            primary=True,
        ),
        _part(
            "noise_level",
            "The error is at the level of the noise",
            "In each problem, nearly all flattest matrices (at least {nearly_all:.0%}) have a relative error "
            "of at most {most:g} times the relative noise. Undecided ones must not change the answer, "
            "whichever way they count.",
            is_at_the_level,
            {"most": 5.0, "nearly_all": 0.9},
        ),
        _part(
            "like_nuclear_norm",
            "Is flatness as stable as the nuclear norm?",
            "In each problem, log10 of the error of the flattest matrix over that of the matrix of least "
            "nuclear norm, mean over the noise, one value per seed: yes if its interval lies within "
            "{within:g} of 0, no if it lies outside." + _DECIDED,
            is_as_stable,
            {"within": 0.05, **DECIDED},
            kind="open question",
        ),
        _part(
            "penalty",
            "Does an oracle's penalty reduce the error?",
            "In each problem, log10 of the error of the flattest matrix that fits the noise over that of the "
            "penalized one, mean over the noise, one value per seed: yes if its interval lies above 0, no if "
            "it excludes {least:g}." + _DECIDED,
            penalty_helps,
            {"least": 0.05, **DECIDED},
            kind="open question",
        ),
        _part(
            "frobenius",
            "The least Frobenius norm is far off at any noise",
            "In each problem, nearly all matrices of least Frobenius norm (at least {nearly_all:.0%}) have a "
            "relative error of {least:g} or more at the smallest noise. Undecided ones must not change the "
            "answer, whichever way they count.",
            frobenius_is_off,
            {"least": 0.1, "nearly_all": 0.9},
        ),
    ),
    draw=draw,
    numbers=lambda result: medians(
        finished(result),
        ("problem", "level", "m"),
        [f"{what}_{way}" for way in WAYS for what in ("error", "rank")],
    ),
    premises={"status_flat": "the duality gap proves the flattest matrix: an undecided one has no error"},
    by="problem",
    names={name: kind.words for name, kind in PROBLEMS.items()},
)
