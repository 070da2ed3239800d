"""The picture of (xy − 1)² with its flat points, and the warm-up A = I: flat, norm-minimal, balanced."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.contrasts import log_ratio
from stepscape.experiments.frame.levels import Levels, median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.recovery.scalar_runs import (
    LARGEST_STABLE,
    FactorsRun,
    ScalarRun,
    begin,
    grid,
    work,
)
from stepscape.tables.records import Table

SETTLED = 1e-12  # loss at which a descent has arrived
LEVELS = Levels(
    "step_size",
    "step sizes",
    "η",
    arrives=lambda table: np.asarray(table["loss"] <= SETTLED),
    least=2,
    span=4.0,
)


def descents(result: Result) -> Table:
    """Rows of the descents that did not diverge."""
    table = result.of(ScalarRun).table
    if "loss" not in table:
        return table.rows(np.zeros(len(table), bool))
    return table.rows(table["outcome"] == "finished")


def minima(result: Result) -> Table:
    """Rows of the descents that ended at a minimum."""
    table = descents(result)
    return table.rows(table["loss"] <= SETTLED) if len(table) else table


def factors(result: Result) -> Table:
    """Rows of the factors that were measured."""
    table = result.of(FactorsRun).table
    if "trace_excess" not in table:
        return table.rows(np.zeros(len(table), bool))
    return table.rows(table["outcome"] == "finished")


def flat_points(result: Result, tolerance: float) -> Finding:
    """Whether λ_max is 2(x² + y²) at every minimum, which is 4 at ±(1, 1) and more elsewhere."""
    table = minima(result)
    if not len(table):
        return lacking("no descent ended at a minimum")
    return decide.identity(table["from_norm"], tolerance, "values of λ_max").with_numbers({
        "smallest λ_max": float(table["sharpness"].min()),
        "largest λ_max": float(table["sharpness"].max()),
    })  # fmt: skip


def stays_below(result: Result, slack: float) -> Finding:
    """Whether no descent ends at a minimum with a sharpness above 2/η."""
    table = minima(result)
    if not len(table):
        return lacking("no descent ended at a minimum")
    above = table["sharpness"] > table["threshold"] * (1.0 + slack)
    ratio = table["sharpness"] / table["threshold"]
    return decide.inequality(len(table), int(above.sum()), "ends of descent", ratio)


def ends_flatter(result: Result, least: float) -> Finding:
    """Whether the largest step size below ½ ends flatter than the smallest, from the same start."""
    rows = minima(result)
    if not len(rows):
        return lacking("no descent ended at a minimum")
    every = result.of(ScalarRun).table
    every = every.rows((every["step_size"] < LARGEST_STABLE) & (every["outcome"] != "failed"))
    if LEVELS.lacks(every):
        return lacking("most descents ended at a minimum at too few step sizes")
    lost = log_ratio(LEVELS.values(rows, "sharpness", LEVELS.working(every)[[0, -1]]))
    says = Says("larger steps", "end", "at a flatter minimum", plural=True)
    return decide.sign(lost, says, f"decades of λ_max, {LEVELS.span_words(every)}", least)


def swings(result: Result, tolerance: float, from_: float, to: float) -> Finding:
    """Whether descent beyond η = ½ ends in the swing of period two of theory."""
    table = descents(result)
    table = table.rows((table["step_size"] > from_) & (table["step_size"] < to))
    if not len(table):
        return lacking(f"no descent with a step size between {from_:g} and {to:.3f} stayed finite")
    return decide.identity(table["swing_error"], tolerance, "ends of descent")


def three_are_one(result: Result, tolerance: float) -> Finding:
    """Whether flat, norm-minimal and balanced are one: equal excesses, and bounds between them."""
    table = factors(result)
    if not len(table):
        return lacking("no factors were measured")
    e, delta = table["norm_excess"], table["imbalance"]
    most = 2.0 * np.sqrt(np.abs(e) * (2.0 + e)) + np.sqrt(tolerance)
    above = (e > delta / 2.0 + tolerance) | (delta > most)
    return together({
        "flat and norm-minimal": decide.identity(table["trace_excess"] - e, tolerance, "excesses"),
        "norm-minimal and balanced": decide.inequality(len(table), int(above.sum()), "factors"),
    })  # fmt: skip


def smallest_sharpness_is_flat(result: Result, flat: float, tolerance: float) -> Finding:
    """Whether factors with the smallest λ_max have the smallest trace, too."""
    table = factors(result)
    lowest = table.rows(table["sharpness_excess"] <= flat) if len(table) else table
    if not len(lowest):
        return lacking("no factors have the smallest λ_max")
    return decide.identity(lowest["trace_excess"], tolerance, "traces at the smallest λ_max").with_numbers({
        "largest error of λ_max = 2(σ₁(L)² + σ₁(R)²)": float(table["sharpness_error"].max()),
        "median excess of the trace where the second pair is stretched": median(
            lowest.where(gauge="second")["trace_excess"]
        ),
    })  # fmt: skip


def numbers(result: Result) -> Table:
    """One row per step size: medians over the descents that stayed finite."""
    return medians(descents(result), ("step_size",), ("sharpness", "threshold", "low", "high", "swing_error"))


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the landscape with paths of descent, and where descent ends against η."""
    from stepscape.experiments.recovery import scalar_landscape_figures as figures

    return {"landscape": figures.landscape(result), "ends": figures.ends(result)}


_QUICK: dict[str, Any] = {
    "step_sizes": (0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.55, 0.6),
    "reach": 2.0,
    "swing_reach": 1.0,
    "steps": 1500,
    "d1": 6,
    "d2": 4,
    "rank": 2,
    "gauges": ("all", "second"),
    "stretches": (0.0, 0.01, 0.1, 0.5),
    "seeds": 4,
    "first_seed": 200,
}

CLAIM = Claim(
    name="scalar-landscape",
    title="The smallest landscape: flat, norm-minimal and balanced are one",
    claim=(
        "The minima of (xy − 1)² are xy = 1, of which (1, 1) and (−1, −1) are flat; with A = I, flat, "
        "norm-minimal and balanced solutions are the same, and descent leaves minima sharper than 2/η."
    ),
    kind="identity",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, '(1,1), (-1,-1) are flat'; Ding et "
        "al. (2024), Section 2"
    ),
    setup=(
        "Descent starts anywhere in a square, with step sizes on both sides of ½, where the flat points "
        "themselves become unstable. Factors of a 6 × 4 matrix of rank 2 are stretched from "
        "balanced ones, in a random direction or in their second pair alone, and measured by their dense "
        "Hessian. Step sizes and lengths were tried on seeds 1000 to 1003."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "step_sizes": (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.52, 0.55, 0.58, 0.6, 0.65),
        "steps": 4000,
        "rank": 3,
        "stretches": (0.0, 0.001, 0.01, 0.1, 0.5, 1.0),
        "seeds": 40,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "flat_points",
            "(1, 1) and (−1, −1) are the flattest minima",
            "At every minimum that descent reaches, λ_max of the Hessian is 2(x² + y²), up to a share of "
            "{tolerance:g}. With xy = 1 this is smallest at ±(1, 1), where it is 4.",
            flat_points,
            {"tolerance": 1e-5},
        ),
        Part(
            "threshold",
            "Descent ends at no minimum sharper than 2/η",
            "At every minimum that descent reaches, λ_max is at most 2/η, up to a share of {slack:g}.",
            stays_below,
            {"slack": 1e-3},
            kind="inequality",
            primary=True,
        ),
        Part(
            "flatter",
            "Larger steps end at flatter minima",
            "log10 of λ_max at the smallest over that at the largest step size below ½ at which most "
            "descents end at a minimum, from the same start: reproduced if its interval lies above 0, not if "
            "it excludes {least:g}.",
            ends_flatter,
            {"least": 0.02},
            kind="figure",
        ),
        Part(
            "swing",
            "Beyond η = ½ descent swings between two balanced points",
            "With a step size between {from_:g} and {to:.3f}, every descent that stays finite ends within "
            "{tolerance:g} of the swing between x = y = p and q, pq = 1/(2η) and p + q = √(1 + 3/(2η)). "
            "Beyond the second one the swing has period four or more.",
            swings,
            # The multiplier of the swing is 9 − 2(1 + 2η)², which reaches −1 at η = (√5 − 1)/2.
            {"tolerance": 1e-6, "from_": 0.51, "to": 0.61},
        ),
        Part(
            "warm_up",
            "With A = I, flat, norm-minimal and balanced are the same",
            "At factors of the true matrix, the excess of the trace over its least value is that of ½ (‖L‖² "
            "+ ‖R‖²) over ‖X‖_*, e, and with the imbalance δ = ‖LᵀL − RᵀR‖_*/‖X‖_* e ≤ δ/2 and δ ≤ "
            "2 √(e (2 + e)), up to {tolerance:g} and, in the last one, its root.",
            three_are_one,
            {"tolerance": 1e-10},
        ),
        Part(
            "sharpness",
            "Are factors with the smallest λ_max flat?",
            "Where λ_max is within {flat:g} of its least value 4 ‖X‖_op, the excess of the trace is at most "
            "{tolerance:g}. It is so for (xy − 1)²; for rank 2 and more it is our question.",
            smallest_sharpness_is_flat,
            {"flat": 1e-9, "tolerance": 1e-6},
            kind="open question",
        ),
    ),
    draw=draw,
    premises={
        "loss": f"descent has arrived: a loss of at most {SETTLED:g} at the end",
    },
    numbers=numbers,
)
