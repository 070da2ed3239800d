"""How a measure ranks the solutions of one data set by their risk: Kendall's τ, seed by seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.folklore.ranges import RANGE, data_sets
from stepscape.experiments.folklore.solutions import solutions
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.limits import MOST
from stepscape.tables.records import Table

Array = NDArray[np.float64]
FEWEST = 3  # solutions that are ranked
MEASURES = {
    "sharpness": "sharpness",
    "trace": "trace",
    "weighted_tv": "weighted variation",
    "least_sharpness": "least sharpness",
    "least_trace": "least trace",
}
REGIONS = {"risk_grid": "on the whole interval", "risk_interior_grid": "in the interior"}


def tau(rows: Table, measure: str, risk: str) -> float:
    """Kendall's τ_b of two columns; nan for fewer than three rows, or where one of them is constant."""
    from scipy.stats import kendalltau

    if len(rows) < FEWEST:
        return float("nan")
    x, y = rows[measure].astype(float), rows[risk].astype(float)
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return float("nan")
    return float(kendalltau(x, y).statistic)


def across(rows: Table, measure: str, risk: str) -> float:
    """τ over all solutions of a seed, of every start and step size."""
    return tau(rows, measure, risk)


def within(rows: Table, measure: str, risk: str) -> float:
    """Mean over the step sizes of τ over the starts with that step size."""
    each = [tau(rows.where(step_size=eta), measure, risk) for eta in np.unique(rows["step_size"])]
    known = [value for value in each if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


Ranking = Callable[[Table, str, str], float]
RANKINGS: dict[str, Ranking] = {"across": across, "within": within}


def by_seed(table: Table, ranking: Ranking, measure: str, risk: str) -> Array:
    """Return τ of each seed of the table (seeds,), of its solutions; nan where a data set does not count."""
    found, seeds, enough = solutions(table), np.unique(table["seed"]), data_sets(table)
    if measure not in table or risk not in table:
        return np.full(seeds.size, np.nan)
    return np.array([
        ranking(found.where(seed=seed), measure, risk) if seed in enough else np.nan for seed in seeds
    ])  # fmt: skip


def by_cell(table: Table, ranking: Ranking, measure: str) -> tuple[dict[str, Array], list[str]]:
    """Return τ of each seed, for each range of the inputs and each region where the risk is measured.

    The values of every cell are over the seeds of all of them, nan where a cell lacks a seed. A cell in
    which fewer than half of the seeds have one is left out; the names of these come second.
    """
    every = np.unique(table["seed"])
    out, lost = dict[str, Array](), list[str]()
    for name, rows in cells(table, RANGE).items():
        at = np.searchsorted(every, np.unique(rows["seed"]))
        for risk, where in REGIONS.items():
            values = by_seed(rows, ranking, measure, risk)
            if np.isfinite(values).mean() < MOST:
                lost.append(f"{name}, {where}")
                continue
            out[f"{name}, {where}"] = np.full(every.size, np.nan)
            out[f"{name}, {where}"][at] = values
    return out, lost


def summary(table: Table) -> Table:
    """One row per range, region, comparison and measure: mean τ, its interval, the seeds behind it."""
    rows = []
    for half_width in dict.fromkeys(table["half_width"].tolist()):
        here = table.where(half_width=half_width)
        for risk, where in REGIONS.items():
            for comparison, ranking in RANKINGS.items():
                for measure in MEASURES:
                    found = student(by_seed(here, ranking, measure, risk))
                    rows.append({
                        "half_width": half_width, "risk": where, "comparison": comparison,
                        "measure": MEASURES[measure], "tau": found.mean, "low": found.low,
                        "high": found.high, "seeds": found.count,
                    })  # fmt: skip
    return Table.from_records(rows)
