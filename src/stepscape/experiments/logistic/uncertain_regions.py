"""Where the truth and the network are uncertain, during training and at several step sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.contrasts import Array
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.sentences import clause, of_runs, sentence
from stepscape.experiments.logistic.arrival import ARRIVED, COLUMNS, RULE, compared, left_out
from stepscape.experiments.logistic.cells import CELLS, WHEN, around, drop, signs
from stepscape.experiments.logistic.edge import PREMISES
from stepscape.experiments.logistic.runs import FULL, QUICK, SHOWN, begin, grid, work
from stepscape.tables.records import Table

FLAT = ("gauss_newton", "weighted", "uncertain", "uncertain_best")
EARLY = "_100"  # suffix of the first moment
EVERYWHERE = 1.0 - 1e-9  # a share is a sum of weights, with their rounding
ENDS = {"smallest": 0, "largest": -1}


def bounds(result: Result, names: Sequence[str], what: str) -> Finding:
    """Whether proved bounds were ever violated; the numbers say how tight they are in the end."""
    table = result.table
    works = STEP_SIZES.counts(table)
    if not works.any():
        return lacking("no run finished with bent neurons")
    checks, violations = (
        int(sum(np.nansum(table[f"{name}_{count}"]) for name in names)) for count in ("checks", "violations")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = {name: (table[f"{name}_left"] / table[f"{name}_right"])[works] for name in names}
    found = decide.inequality(checks, violations, what, np.concatenate(list(ratios.values())))
    return found.with_numbers({
        f"{name}: left over right, median": median(each) for name, each in ratios.items()
    })  # fmt: skip


def says(table: Table) -> NDArray[np.bool_]:
    """Whether step A says something about a run: its bound is below the truth's uncertain share."""
    return np.asarray(table["overlap_right"] < table["uncertain_share_truth"])


def step_a(result: Result, most: float) -> Finding:
    """Whether the excess risk bounds the share that is certain where the truth is not."""
    found = bounds(result, ("overlap",), "records")
    if found.answer != "yes":
        return found
    table = result.table.rows(STEP_SIZES.counts(result.table))
    speaks = says(table)
    largest = table["step_size"] == table["step_size"].max()
    if not fraction(speaks) > most:
        says_it = Says("runs", "have", "a bound below the uncertain share of the truth, which says something")
        few = of_runs(int(speaks.sum()), len(table), says_it)
        found = replace(found, answer="vacuous", sentence=sentence(clause(found.sentence), few))
    return found.with_numbers({
        "share of the runs in which it says something": fraction(speaks),
        "of those at the largest step size": fraction(speaks[largest]),
        "excess risk over κ, median": median(table["overlap_right"]),
    })  # fmt: skip


def is_empty(rows: Table) -> bool:
    """Whether the truth of a cell is uncertain at every input, so that overlaps say nothing."""
    return "uncertain_share_truth" in rows and bool(np.nanmin(rows["uncertain_share_truth"]) >= EVERYWHERE)


def lacks_certainty(rows: Table) -> str:
    """Say that a cell leaves nothing to ask about overlaps."""
    return STEP_SIZES.lacks(rows) or ("the truth is uncertain at every input" if is_empty(rows) else "")


def moves(result: Result, least: float) -> Finding:
    """Whether the overlap grows after the first moment, at the smallest and at the largest step size."""
    found = {
        end: signs(
            result.table, partial(since_early, column="uncertain_overlap", end=at),
            Says("the overlap", "grow", f"at the {end} step size"), "overlap, end minus step 100", least,
            len(ENDS), lacks_certainty,
        )
        for end, at in ENDS.items()
    }  # fmt: skip
    return together(found, named=False)


def since_early(rows: Table, column: str, end: int) -> Array:
    """Column (seeds,) at the end minus at the first moment, at one end of the working step sizes."""
    eta = float(STEP_SIZES.working(rows)[end])
    return around(rows, column, eta) - around(rows, f"{column}{EARLY}", eta)


def keeps(result: Result, least: float, **still: float) -> Finding:
    """Whether the largest step size has more overlap and a larger region at three moments."""
    asked = {
        "overlap": ("more overlap with the region of the truth", "uncertain_overlap", lacks_certainty),
        "region": ("a larger uncertain region", "uncertain_share", STEP_SIZES.lacks),
    }
    tables = {suffix: compared(result.table, suffix, **still) for suffix in WHEN}
    found = {
        f"{name}, {when}": signs(
            tables[suffix], partial(_gained, column=f"{column}{suffix}"),
            Says("large steps", "have", f"{words} {when}", plural=True),
            f"{name}, largest minus smallest step size", least, len(asked) * len(WHEN), lacks,
        )
        for name, (words, column, lacks) in asked.items()
        for suffix, when in WHEN.items()
    }  # fmt: skip
    return in_part(together(found, named=False), left_out(result.table, tables[""], CELLS))


def _gained(rows: Table, column: str) -> Array:
    return -drop(rows, column)


def numbers(result: Result) -> Table:
    """Return both sides of every bound at the end, medians at each step size."""
    table = result.table.rows(STEP_SIZES.counts(result.table))
    rows = [
        {"bound": name, "step size": float(eta), **_sides(table.where(step_size=eta), name)}
        for name in ("overlap", *FLAT)
        for eta in np.unique(table["step_size"])
    ]
    return Table.from_records(rows)


def _sides(rows: Table, name: str) -> dict[str, float]:
    return {side: median(rows[f"{name}_{side}"]) for side in ("left", "right")}


def draw(result: Result) -> dict[str, Drawn]:
    """Draw regions over the steps, their share and overlap at the moments, both sides of the inequalities."""
    from stepscape.experiments.logistic import uncertain_regions_figures as figures

    return {
        "regions": figures.regions(result),
        "over-steps": figures.over_steps(result.table),
        "bounds": figures.bounds(result.table),
        "regions-all": figures.regions_all(result),
    }


_CELLS = (
    "Every cell and the mean over the cells have intervals, paired by seed and simultaneous: yes if the "
    "mean lies above 0 and no cell below, no if the mean excludes "
)

CLAIM = Claim(
    name="uncertain-regions",
    title="Where |f| is small: uncertain regions during training",
    claim=(
        "The bound on ∫|f''| holds where the network is uncertain, and the theorem on the excess risk where "
        "truth and network are uncertain together: the uncertain region of the network must come to overlap "
        "with that of the truth, as a small excess risk forces it to, and large step sizes should keep it."
    ),
    kind="inequality",
    source=(
        "Qiao and Wang (2025), Theorems 3.5 and 3.7 (explicit forms derived here); Fazel and Wang, NeurIPS "
        "tutorial 'Training Instability', part 2"
    ),
    setup=(
        "The runs are those of logistic-step-sizes at four step sizes. A region is the set of the inputs "
        "with |f| ≤ 1 (probability between 0.27 and 0.73), where f is the midpoint network; overlap is "
        "intersection over union, by weight. If the truth is uncertain at every input, the overlap is the "
        "share of the network's own region and is not asked about. The inequalities are proved; the runs "
        "test the program and show how tight they are."
    ),
    quick=QUICK,
    full={**FULL, "amplitudes": (1.0, 2.0, 4.0), "flip_rates": (0.0, 0.1, 0.2), "step_sizes": SHOWN},
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "step_a",
            "A small excess risk forces the regions to overlap",
            "At every record of every run, the share of the inputs with |f0| ≤ 1 and |f| > 2 is at most the "
            "excess risk over κ, the least divergence of such an input. It is proved, so that a run can only "
            "contradict the program. It is vacuous unless at the end of more than {most:.0%} of the runs "
            "that bound is below the share of the inputs with |f0| ≤ 1.",
            step_a,
            {"most": MOST},
            primary=True,
            reads=("overlap_checks",),
        ),
        Part(
            "flat_bounds",
            "Flatness bounds the variation where the network is uncertain",
            "The bounds on ∫|f''|, weighted by the uncertain inputs, hold at the end of every "
            "run to which they apply, measured on the midpoint. Two forms weight each example by its "
            "curvature; two take the set of uncertain inputs, with a fixed γ and with the best. They are "
            "proved; what they say about the risk is another question (when-certificates-speak).",
            partial(bounds, names=FLAT, what="checks"),
            reads=tuple(f"{name}_checks" for name in FLAT),
        ),
        Part(
            "moves",
            "The overlap grows during training",
            "The value is the overlap at the end minus that after 100 steps, at the smallest and at the "
            "largest step size, if the truth is certain somewhere. " + _CELLS + "{least:g} or more.",
            moves,
            {"least": 0.1},
            kind="figure",
            reads=("uncertain_overlap_100",),
        ),
        Part(
            "large_steps_keep",
            "Large steps keep the uncertain region",
            "The value is the overlap, if the truth is certain somewhere, or the share of the inputs with "
            "|f| ≤ 1, at the largest minus at the smallest step size: after equally many steps, at equal "
            "time, and with every run stopped at its best held-out moment. "
            + _CELLS
            + "{least:g} or more. "
            + RULE,
            keeps,
            {"least": 0.1, **ARRIVED},
            kind="figure",
            reads=("uncertain_overlap", "uncertain_share", *COLUMNS),
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data",
        **PREMISES,
        "uncertain_share": "the network is uncertain somewhere, for the bounds on ∫|f''| to say something",
        "excess_risk": "the excess risk is small, which step A needs to force an overlap",
    },
    numbers=numbers,
)
