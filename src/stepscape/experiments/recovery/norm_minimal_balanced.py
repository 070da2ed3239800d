"""Flat factors are nearly norm-minimal and nearly balanced: the theorem's bounds, and how loose they are."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.recovery.factor_runs import FactorRun, begin, grid, work
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NAMES = {"excess": "norm excess", "imbalance": "imbalance", "deviation": "deviation of the weights"}
EXACT = 1e-5  # relative error up to which the recovered matrix is the truth
LEAST_RATIOS = 3


def recovered(result: Result) -> Table:
    """Return the runs whose flattest matrix is the truth; only of these the theorem speaks."""
    table = result.of(FactorRun).where(outcome="finished").table
    if "kappa" not in table:
        return Table({})
    return table.rows((table["error"] <= EXACT) & np.isfinite(table["kappa"]))


def bound_holds(result: Result, name: str) -> Finding:
    """Whether a certificate is violated at no flat point of a recovered matrix."""
    table = recovered(result)
    if not len(table) or f"{name}_left" not in table:
        return lacking("no matrix was recovered")
    table = table.rows(np.isfinite(table[f"{name}_left"]))
    rows = table.rows(np.isin(table[f"{name}_verdict"], ("holds", "violated")))
    broken = int(np.sum(rows[f"{name}_verdict"] == "violated"))
    tight = rows[f"{name}_left"] / rows[f"{name}_right"]
    found = decide.inequality(len(rows), broken, "flat points", tight)
    return found.with_numbers({"flat points left out for their premises": len(table) - len(rows)})


def each_bounds_the_other(result: Result, slack: float) -> Finding:
    """Whether excess e and imbalance δ satisfy e ≤ δ/2 and δ ≤ 2 √(e(2 + e)), up to rounding."""
    table = recovered(result)
    if not len(table):
        return lacking("no matrix was recovered")
    table = table.rows(np.array([not PROBLEMS[name].symmetric for name in table["problem"].tolist()], bool))
    if not len(table):
        return lacking("no matrix with two factors L and R was recovered")
    e, delta = (np.maximum(table[name], 0.0) for name in ("excess", "imbalance"))
    sides = {"e ≤ δ/2": (e, delta / 2.0), "δ ≤ 2 √(e(2 + e))": (delta**2, 4.0 * e * (2.0 + e))}
    found = {
        name: decide.inequality(
            e.size, int(np.sum(left > right + slack)), "flat points", left / np.maximum(right, slack)
        )
        for name, (left, right) in sides.items()
    }
    return together(found)


def orders(table: Table, column: str, against: str) -> Array:
    """Slope of log of a column on log of another for each seed; nan with fewer than three ratios."""
    out = []
    for seed in np.unique(table["seed"]):
        rows = table.rows((table["seed"] == seed) & (table[column] > 0.0))
        enough = np.unique(rows["ratio"]).size >= LEAST_RATIOS
        x, y = (np.log(rows[name].astype(float)) for name in (against, column))
        out.append(float(np.polyfit(x, y, 1)[0]) if enough else float("nan"))
    return np.array(out)


def is_of_order(result: Result, column: str, against: str, order: int, within: float) -> Finding:
    """Whether a gap falls as another column to the power `order`."""
    table = recovered(result)
    slopes = orders(table, column, against) if len(table) else np.zeros(0)
    if not np.isfinite(slopes).any():
        return lacking(f"the truth is recovered at fewer than {LEAST_RATIOS} numbers of measurements")
    says = Says(f"the {NAMES[column]}", "be", f"of order {order} in the {NAMES[against]}")
    what = f"slope in logarithms less {order}"
    at_once = len(result.settings["problems"])
    return decide.equivalent(slopes - order, within, says, what, at_once=at_once).with_numbers({
        f"{NAMES[column]} over ({NAMES[against]})^{order}, median": median(
            table[column] / table[against] ** order
        )
    })  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Both gaps against m, with the bounds of the theorem."""
    from stepscape.experiments.recovery import norm_minimal_balanced_figures as figures

    return {"gaps": figures.gaps(result)}


def _order(name: str, title: str, column: str, against: str, order: int, within: float) -> Part:
    return Part(
        name,
        title,
        f"In each problem, the slope of the log of the {NAMES[column]} on the log of the {NAMES[against]} "
        "over the numbers of measurements at which the truth is recovered, one value per seed: yes if its "
        f"interval, simultaneous over the problems, lies within {{within:g}} of {order}, no if it lies "
        "outside. The deviation of the weights is (κ² − 1)/(κ² + 1).",
        partial(is_of_order, column=column, against=against, order=order),
        {"within": within},
        kind="figure",
        by="problem",
    )


QUICK: dict[str, Any] = {
    "problems": ("gaussian", "bilinear", "completion", "network"),
    "d": 8,
    "rank": 2,
    "ratios": (2.0, 6.0, 20.0, 60.0),
    "seeds": 5,
    "iterations": 4000,
    "first_seed": 200,
}

CLAIM = Claim(
    name="norm-minimal-balanced",
    title="Flat factors are nearly norm-minimal and nearly balanced",
    claim=(
        "Flat factors L, R of a recovered matrix M have ½(‖L‖² + ‖R‖²) ≤ (1 + δ)‖M‖_* and a small "
        "‖LᵀL − RᵀR‖_*, where δ measures how far the measurements are from weighing all directions equally."
    ),
    kind="inequality",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, '[Norm-minimal] … [Balanced]'; "
        "Ding, Drusvyatskiy, Fazel and Harchaoui (2024), Theorem 3.3"
    ),
    setup=(
        "The flattest matrix of problems of rank 2 comes from a solver, its flat factors for the scaled "
        "trace from a singular value decomposition. κ is the condition of the weights D1, D2. More "
        "measurements bring κ to 1, except in completion, which ends at all entries. Where m determines "
        "every matrix, the truth is taken. Ranks, ratios and the rules of the orders were changed after "
        "trials on seeds 1000 to 1019."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "d": 16,
        "rank": 4,
        "ratios": (2.0, 5.0, 10.0, 20.0, 40.0, 80.0),
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "norm_minimal",
            "Flat factors are nearly norm-minimal",
            "At the flat factors of every recovered matrix ½(‖L‖² + ‖R‖²) ≤ κ²‖M‖_*, for a quadratic network "
            "‖U1‖² + ‖U2‖² ≤ κ²‖M‖_*, up to rounding and what the solver leaves of flatness.",
            partial(bound_holds, name="norm_minimal"),
            primary=True,
        ),
        Part(
            "balanced",
            "Flat factors are nearly balanced",
            "At the flat factors of every recovered matrix ‖LᵀL − RᵀR‖_*, for a quadratic network "
            "2‖U1ᵀU2‖_*, is at most (κ² − 1)/(κ² + 1) times the squared norm of the factors.",
            partial(bound_holds, name="balanced"),
        ),
        Part(
            "as_printed",
            "The bound as the slides print it, without a factor 2",
            "At the flat factors L, R of every recovered matrix ‖L‖² + ‖R‖² ≤ κ²‖M‖_*.",
            partial(bound_holds, name="printed"),
        ),
        _order(
            "imbalance_order",
            "The imbalance is of first order in the deviation of the weights",
            "imbalance",
            "deviation",
            1,
            0.2,
        ),
        _order(
            "excess_order",
            "The norm excess is of second order where the imbalance is of first",
            "excess",
            "imbalance",
            2,
            0.1,
        ),
        Part(
            "either_way",
            "Norm-minimal and balanced are the same thing, with constants",
            "With the norm excess e = ½(‖L‖² + ‖R‖²)/‖M‖_* − 1 and the imbalance δ = ‖LᵀL − RᵀR‖_*/‖M‖_*: "
            "e ≤ δ/2 and δ² ≤ 4e(2 + e), up to {slack:g}, for factors L, R.",
            each_bounds_the_other,
            {"slack": 1e-10},
        ),
    ),
    draw=draw,
    numbers=lambda result: medians(
        recovered(result),
        ("problem", "ratio", "m"),
        ("kappa", "excess", "imbalance", "trace_excess", "norm_minimal_right", "balanced_right"),
    ),
    premises={
        "error": f"the flattest matrix is the truth, up to {EXACT:g} of it",
        "kappa": "every row and column is measured: the weights have an inverse",
    },
    by="problem",
    names={name: kind.words for name, kind in PROBLEMS.items()},
)
