"""The trace is an average over noise: exactly so for factors, with a second term that no point can change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.contrasts import Array
from stepscape.experiments.frame.levels import median
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.experiments.recovery.perturbed_runs import POINTS, begin, grid, work
from stepscape.tables.records import Table

ZERO_LOSS = 1e-12  # of the mean square of the labels
ROUNDING = 1e-8  # of the perturbed loss, beside the standard error


def at_zero(table: Table) -> Table:
    """Keep the runs whose point has zero loss."""
    if "zero_loss" not in table:
        return table.rows(np.zeros(len(table), bool))
    return table.rows((table["outcome"] == "finished") & (table["zero_loss"] <= ZERO_LOSS))


def lacks_zero(table: Table) -> str:
    """Say that no point has zero loss; "" if one does."""
    return "" if len(at_zero(table)) else "no point of zero loss was measured"


def misses(table: Table, column: str) -> Array:
    """Differences between a mean and its exact value, in standard errors."""
    exact, error = (f"exact_{column}", f"{column}_error") if column != "mean" else ("exact", "mean_error")
    return np.asarray(np.abs(table[column] - table[exact]) / (table[error] + ROUNDING * table["exact"]))


def is_exact(result: Result, errors: float, at_most: float) -> Finding:
    """Whether the means agree with the polynomial; all means of a problem and a seed share their draws."""
    table = at_zero(result.table)
    worst = np.fmax(misses(table, "mean"), misses(table, "difference"))
    keys = np.array([f"{name} {seed}" for name, seed in zip(table["problem"], table["seed"], strict=True)])
    groups = np.unique(keys)
    off = [bool((worst[keys == group] > errors).any()) for group in groups]
    found = decide.rate(sum(off), groups.size, at_most, "problems")
    return found.with_numbers({
        "means": len(table),
        "largest difference in standard errors": float(worst.max()),
        "standard error over mean, median": median(table["mean_error"] / table["mean"]),
    })  # fmt: skip


def flattest_is_least(result: Result, errors: float) -> Finding:
    """Whether no zero-loss point has a smaller perturbed loss than the flattest one, with the same noise."""
    table = at_zero(result.table)
    table = table.rows((table["point"] != "flattest") & (table["flattest_status"] == "optimal"))
    if not len(table):
        return lacking("no point was compared with a solution that is proved to be the flattest")
    room = errors * table["difference_error"] + ROUNDING * table["exact"]
    below, above = table["difference"] < -room, table["difference"] > room
    flatter = table["trace_ratio"] > 1.0 + ROUNDING
    found = decide.inequality(
        len(table),
        int(below.sum()),
        "comparisons",
        1.0 - table["difference"] / table["mean"],
        empty=not above[flatter].any(),
    )
    return found.with_numbers({
        "share of points with a larger trace whose loss is seen to be larger": _share(above[flatter]),
        **{f"size {size:g}: loss over that of the flattest, median": _over(table.where(size=size))
           for size in np.unique(table["size"])},
    })  # fmt: skip


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if flags.size else float("nan")


def _over(table: Table) -> float:
    return median(table["mean"] / (table["mean"] - table["difference"]))


def printed_is_near(result: Result, within: float) -> Finding:
    """Whether the perturbed loss is ½ s² tr up to a share, at each size of the noise."""
    table = at_zero(result.table)
    sizes = np.unique(table["size"])
    found = {f"at s = {size:g} entries": _near(table.where(size=size), within, sizes.size) for size in sizes}
    return together(found)


def _near(table: Table, within: float, at_once: int) -> Finding:
    seeds = np.unique(table["seed"])
    ratio = table["mean"] / table["printed"] - 1.0
    by_seed = [float(ratio[table["seed"] == seed].mean()) for seed in seeds]
    says = Says("the expected loss", "be", "½ s² tr")
    return decide.equivalent(by_seed, within, says, "its relative difference from ½ s² tr", at_once=at_once)


def numbers(result: Result) -> Table:
    """One row per problem and point: traces, and where the fourth order is as large as the second."""
    return Table.from_records(_numbers(at_zero(result.table)))


def _numbers(table: Table) -> Iterator[dict[str, Any]]:
    for problem, point in dict.fromkeys(zip(table["problem"].tolist(), table["point"].tolist(), strict=True)):
        rows = table.where(problem=problem, point=point)
        yield {
            "problem": PROBLEMS[problem].words,
            "point": POINTS[point],
            "runs": len(rows),
            "trace_ratio": median(rows["trace_ratio"]),
            "s at which both orders are equal, in entries": median(rows["equal_size"]),
        }


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the perturbed loss against the size of the noise, and what the second order misses."""
    from stepscape.experiments.recovery import perturbed_loss_figures as figures

    return {"noise": figures.noise(result)}


_QUICK: dict[str, Any] = {
    "problems": ("gaussian", "network"),
    "d": 8,
    "rank": 2,
    "ratio": 1.7,
    "points": tuple(POINTS),
    "sizes": (0.1, 0.3, 1.0),
    "draws": 150,
    "seeds": 4,
    "first_seed": 200,
}

CLAIM = Claim(
    name="perturbed-loss",
    title="Flat means little loss under noise, exactly",
    claim=(
        "The trace of the Hessian is an average measure of curvature: tr D²L = c · E L(θ + noise) at a "
        "solution, up to higher orders of the noise."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'An average measure of curvature'; "
        "Ding et al. (2024)"
    ),
    setup=(
        "For factors the expectation is an exact polynomial, ½ s² tr + s⁴ c at zero loss, where c depends on "
        "the width alone. It is compared with averages over noise at the flattest solution, at other factors "
        "of the same matrix, and at another matrix. Sizes are relative to the root mean square entry of "
        "the flattest factors. They were fixed after trials on seeds 1000 and 1001."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "problems": ("gaussian", "bilinear", "completion", "network", "covariance"),
        "d": 10,
        "sizes": (0.03, 0.1, 0.3, 1.0, 3.0),
        "draws": 200,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "exact",
            "The expected loss is ½ s² tr + s⁴ c, for every s",
            "All averages of a problem and a seed share their noise. Such a problem fails if the average "
            "at a point, or its difference from that at the flattest one, lies {errors:g} standard errors or "
            "more from the polynomial. False if more fail than a rate of {at_most:.1%} explains.",
            is_exact,
            {"errors": 4.5, "at_most": 0.005},
            kind="identity",
            needs=lacks_zero,
        ),
        Part(
            "flattest",
            "The flattest solution has the least perturbed loss, for every s",
            "At every zero-loss point and size, the average loss under noise is not below that of the "
            "flattest solution under the same noise by more than {errors:g} of the standard errors of their "
            "difference; vacuous if none with a larger trace is seen above it by as much. A flattest "
            "solution without a proof by the duality gap is left out.",
            flattest_is_least,
            {"errors": 4.5},
            kind="inequality",
            needs=lacks_zero,
        ),
        Part(
            "second_order",
            "As printed, the second order alone gives the expected loss",
            "For each size of the noise the relative difference of the average from ½ s² tr, a mean over "
            "points and problems for each seed, has an interval within ±{within:g}; the intervals are "
            "simultaneous. Reproduced if all lie inside, partly if some do, not if none does and one lies "
            "wholly outside.",
            printed_is_near,
            {"within": 0.1},
            primary=True,
            needs=lacks_zero,
        ),
    ),
    draw=draw,
    premises={
        "zero_loss": f"without noise the loss is at most {ZERO_LOSS:g} of the mean square of the labels",
        "flattest_status": "the duality gap proves the flattest solution: others are undecided",
    },
    numbers=numbers,
)
