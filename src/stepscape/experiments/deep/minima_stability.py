"""A minimum is stable for a method exactly below the method's threshold."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.deep.minimum_runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.deep.optimizers import OPTIMIZERS
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, together
from stepscape.experiments.frame.medians import medians, nothing_finished
from stepscape.tables.records import Table

ADAPTIVE, OTHERS = {"adaptive": True}, {"adaptive": False}


def right_side(result: Result) -> Finding:
    """Whether changes shrink below the threshold, and grow above it."""
    table = result.table
    flags = np.concatenate([table["rate_below"] < 0.0, table["rate_above"] > 0.0])
    says = Says("small changes", "shrink or grow", "as the threshold says", plural=True)
    return decide.share(flags, says, groups=np.tile(table["seed"], 2))


def linear(result: Result, tolerance: float) -> Finding:
    """Whether the rates are those of a quadratic."""
    table = result.table
    off = [table[f"rate_{name}"] - table[f"linear_{name}"] for name in ("below", "above")]
    return decide.identity(np.concatenate(off), tolerance, "rates of growth")


def leaves(result: Result, least: float) -> Finding:
    """Whether the run ends at a smaller sharpness than that of the minimum it began at."""
    table = result.table.rows(result.table["outcome"] == "finished")
    says = Says("runs just above the threshold", "end", "at a flatter point", plural=True)
    found = decide.share(table["left_ratio"] < 1.0 - least, says, groups=table["seed"])
    lost = int(np.sum(result.table["outcome"] == "diverged"))
    return found.with_numbers({
        "median sharpness at the end over that of the minimum": float(np.median(table["left_ratio"])),
        "diverged": lost,
    })  # fmt: skip


def adaptive_leaves(result: Result, least: float) -> Finding:
    """Ask the same of every adaptive method."""
    table = result.table.rows(result.table["outcome"] == "finished")
    found = {}
    names = dict.fromkeys(table["method"].tolist())
    for name in names:
        rows = table.where(method=name)
        says = Says(f"runs of {OPTIMIZERS[name].words}", "end", "at a flatter point", plural=True)
        found[name] = decide.share(rows["left_ratio"] < 1.0 - least, says, at_once=len(names))
    return together(found, named=False)


def numbers(result: Result) -> Table:
    """One row per method: medians over the seeds."""
    columns = ("sharpness", "rate_below", "rate_above", "linear_below", "linear_above", "left_ratio", "moved")
    return medians(result.table, ("method",), columns)


def draw(result: Result) -> dict[str, Drawn]:
    """Rates against those of a quadratic, and the sharpness at the end."""
    from stepscape.experiments.deep import minima_stability_figures as figures

    return {"rates": figures.rates(result)}


_LEAVES = (
    "A run begins at a change of the minimum along the top eigenvector, with the step size above the "
    "critical one. Yes if nearly all runs that finish end with λ_max at the midpoint lower than at the "
    "minimum by more than {least:g} of it, no if fewer than half do."
)

CLAIM = Claim(
    name="minima-stability",
    title="Does every method leave minima that are too sharp for it?",
    claim=(
        "Gradient descent tends to diverge at sharp minima: a minimum is linearly stable exactly if its "
        "sharpness is below the threshold, 2/η for gradient descent."
    ),
    kind="figure",
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
            "right_side",
            "At a real minimum small changes shrink below the threshold of any method and grow above it",
            "The change along the top eigenvector is followed until it has shrunk or grown by a factor of "
            "e⁴, or for 400 steps. Nearly all changes shrink below the critical step size and grow above "
            "it.",
            right_side,
            primary=True,
            reads=("rate_below", "rate_above"),
        ),
        Part(
            "linear",
            "It does so at the rate of the quadratic with the same curvature",
            "The logarithm of the growth per step differs from that of the method on ½ λ_max x², from the "
            "same change, by at most {tolerance:g}.",
            linear,
            {"tolerance": 2e-3},
            kind="identity",
            reads=("rate_below", "rate_above"),
        ),
        Part(
            "leaves",
            "Above the threshold, does a method without preconditioner end at a flatter point?",
            _LEAVES,
            leaves,
            {"least": 0.01},
            kind="open question",
            where=OTHERS,
            reads=("left_ratio",),
            needs=nothing_finished,
        ),
        Part(
            "adaptive_leaves",
            "Does an adaptive method?",
            _LEAVES + " Every adaptive method is asked, at once.",
            adaptive_leaves,
            {"least": 0.01},
            kind="open question",
            where=ADAPTIVE,
            reads=("left_ratio",),
            needs=nothing_finished,
        ),
    ),
    draw=draw,
    numbers=numbers,
    by="method",
    names={name: each.words for name, each in OPTIMIZERS.items()},
)
