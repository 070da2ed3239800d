"""Whether a method leaves a minimum that is too sharp for it, and where it goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.deep.minimum_runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.deep.optimizers import OPTIMIZERS
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide
from stepscape.experiments.frame.finding import every_row, in_part
from stepscape.experiments.frame.limits import MOST, NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
LEFT = 0.01  # of the sharpness of the minimum: by less it has not become flatter


def found(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that begin at a minimum, whose rates are known."""
    if not {"rate_below", "rate_above"} <= set(table.columns):
        return np.zeros(len(table), bool)
    return np.asarray(~np.isnan(table["rate_below"].astype(float) + table["rate_above"].astype(float)))


def lacks(table: Table) -> str:
    """Say that too few minima were found; "" otherwise."""
    keep = found(table)
    return (
        "" if keep.mean() >= MOST else f"a minimum was found for only {int(keep.sum())} of {len(table)} runs"
    )


def wrong_sides(table: Table) -> Array:
    """Count the changes of each run that grow below the critical step size, or shrink above it."""
    return np.asarray((table["rate_below"] >= 0.0).astype(float) + (table["rate_above"] <= 0.0))


def is_flatter(table: Table, least: float) -> NDArray[np.bool_]:
    """Whether a run ends at a flatter point than the minimum; one that diverges does not."""
    if "left_ratio" not in table:
        return np.zeros(len(table), bool)
    return np.asarray((table["outcome"] == "finished") & (table["left_ratio"].astype(float) < 1.0 - least))


def right_side(result: Result) -> Finding:
    """Whether every change shrinks below the threshold, and grows above it."""
    table = result.table.rows(found(result.table))
    wrong = int(wrong_sides(table).sum())
    return decide.inequality(2 * len(table), wrong, "small changes")


def linear(result: Result, tolerance: float) -> Finding:
    """Whether the rates are those of a quadratic."""
    table = result.table.rows(found(result.table))
    off = [table[f"rate_{name}"] - table[f"linear_{name}"] for name in ("below", "above")]
    return decide.identity(np.concatenate(off), tolerance, "rates of growth")


def leaves(result: Result, least: float) -> Finding:
    """Whether the run ends at a smaller sharpness than that of the minimum it began at."""
    table = result.table.rows(found(result.table))
    says = Says("runs just above the threshold", "end", "at a flatter point", plural=True)
    answer = decide.share(is_flatter(table, least), says, groups=table["seed"])
    return in_part(answer, _left_out(result.table))


def diverges(result: Result) -> Finding:
    """Whether the run diverges."""
    table = result.table.rows(found(result.table))
    says = Says("runs just above the threshold", "diverge", plural=True)
    answer = decide.share(table["outcome"] == "diverged", says, groups=table["seed"])
    return in_part(answer, _left_out(result.table))


def _left_out(table: Table) -> str:
    keep = found(table)
    lost = int((~keep).sum())
    return f"for {lost} of {keep.size} runs no minimum was found" if keep.mean() < NEARLY_ALL else ""


def numbers(result: Result) -> Table:
    """One row per method: medians over the seeds."""
    columns = ("sharpness", "rate_below", "rate_above", "linear_below", "linear_above", "left_ratio", "moved")
    return medians(result.table, ("method",), columns, ("diverged",))


def draw(result: Result) -> dict[str, Drawn]:
    """Rates against those of a quadratic, and the sharpness at the end."""
    from stepscape.experiments.deep import minima_stability_figures as figures

    return {"rates": figures.rates(result)}


_RUNS = (
    "A run begins at a change of the minimum along the top eigenvector, with the step size above the "
    "critical one. "
)
_COUNTS = (
    " Runs count for which a minimum was found; most must, and a yes holds in part if not nearly all do, for "
    "every method."
)

CLAIM = Claim(
    name="minima-stability",
    title="Does every method leave minima that are too sharp for it?",
    claim=(
        "Gradient descent tends to diverge at sharp minima: a minimum is linearly stable exactly if its "
        "sharpness is below the threshold, 2/η for gradient descent."
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', minima stability; Wu et al. (2018); "
        "Mulayoff et al. (2021), Lemma 1"
    ),
    setup=(
        "A tanh network with two hidden layers fits a parabola at eight inputs, so that damped Gauss–Newton "
        "steps reach a real minimum, with a gradient of rounding. The step size is 2 % below and 2 % above "
        "the critical one of each method. Pilots on seeds from 1000 on."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "leaves",
            "Just above its threshold, does a method end at a flatter point?",
            _RUNS + "Yes if nearly all runs end with λ_max at the midpoint lower than at the minimum by more "
            "than {least:g} of it, no if fewer than half do. A run that diverges does not." + _COUNTS,
            leaves,
            {"least": LEFT},
            primary=True,
            by="method",
            needs=lacks,
            join=every_row,
        ),
        Part(
            "diverges",
            "Just above its threshold, does a method diverge?",
            _RUNS + "Yes if nearly all runs diverge, no if fewer than half do." + _COUNTS,
            diverges,
            by="method",
            needs=lacks,
            join=every_row,
        ),
        Part(
            "right_side",
            "Small changes shrink below the threshold, and grow above it",
            "The change along the top eigenvector is followed until it has shrunk or grown by a factor of "
            "e⁴, or for 400 steps. At every minimum it shrinks below the critical step size and grows above "
            "it. This is a theorem for smooth losses, which tests the program.",
            right_side,
            kind="inequality",
            by="method",
            reads=("rate_below", "rate_above"),
            needs=lacks,
        ),
        Part(
            "linear",
            "They do so at the rate of the quadratic with the same curvature",
            "The logarithm of the growth per step differs from that of the method on ½ λ_max x², from the "
            "same change, by at most {tolerance:g}.",
            linear,
            {"tolerance": 2e-3},
            kind="identity",
            by="method",
            reads=("rate_below", "rate_above"),
            needs=lacks,
        ),
    ),
    draw=draw,
    premises={"minimum": "damped Gauss–Newton steps found a minimum"},
    numbers=numbers,
    by="method",
    names={name: each.words for name, each in OPTIMIZERS.items()},
)
