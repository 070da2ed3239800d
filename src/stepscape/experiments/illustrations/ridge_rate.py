"""Whether descent with weight decay takes about 1/√λ steps: a limit, judged by a ratio that must not grow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Finding, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.finding import together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.illustrations.shortfall import unless_nearly_all
from stepscape.tables.records import Table

Array = NDArray[np.float64]
DECADE = 10.0 * (1.0 - 1e-9)  # up to rounding


def ridge_values(table: Table, arm: str) -> tuple[Array, Array]:
    """Decays, and the steps taken (seeds, decays); nan where a run has not arrived."""
    rows = table.where(arm=arm, outcome="finished") if len(table) else table
    if not len(rows) or "taken" not in rows:
        return np.empty(0), np.empty((0, 0))
    names, at = np.unique(table["seed"]), np.unique(rows["decay"]).astype(float)
    out = np.full((names.size, at.size), np.nan)
    place = np.searchsorted(names, rows["seed"]), np.searchsorted(at, rows["decay"])
    out[place] = rows["taken"].astype(float)
    return at, out


def growth(at: Array, taken: Array, most: float) -> tuple[Array, Array]:
    """Decades by which steps·√λ/log(1/λ) grows towards the smallest λ, for each seed.

    From the largest λ, and from the smallest of those that are a decade larger or more. A run at the smallest
    λ that has not arrived counts with `most` steps, which is too few; of the others only those that have
    arrived are compared with. nan where none has.

    Parameters
    ----------
    at, taken : decays, ascending, below 1; steps (seeds, decays), nan where a run has not arrived.
    """
    scale = np.sqrt(at) / np.log(1.0 / at)
    end = np.log10(np.where(np.isfinite(taken[:, 0]), taken[:, 0], most) * scale[0])
    whole, last = np.full(len(taken), np.nan), np.full(len(taken), np.nan)
    for i, row in enumerate(taken):
        there = np.flatnonzero(np.isfinite(row) & (at >= DECADE * at[0]))
        if there.size:
            whole[i], last[i] = (end[i] - np.log10(row[j] * scale[j]) for j in (there[-1], there[0]))
    return whole, last


def takes_the_root(result: Result, within: float) -> Finding:
    """Whether steps of γ/√λ reach the minimum in about 1/√λ steps, where stable steps take about 1/λ."""
    at, taken = ridge_values(result.table, "ridge_large")
    if not at.size or at[-1] < DECADE * at[0]:
        return lacking("the decays at which runs finished span less than a decade")
    most = float(result.table.where(arm="ridge_large")["ridge_steps"].max())
    changes = growth(at, taken, most)
    found = {
        name: decide.sign(
            within - change,
            Says("large steps", "take", f"about 1/√λ steps {over}", plural=True),
            f"{within:g} minus decades of steps·√λ/log(1/λ) {over}", at_once=2,
        )
        for name, change, over in zip(
            ("whole", "last"), changes, ("over all λ", "over the last decade of λ"), strict=True
        )
    }  # fmt: skip
    answers = {each.answer for each in found.values()}
    agreed = answers.pop() if len(answers) == 1 else "undecided"
    whole = replace(together(found, named=False), answer=agreed)
    decays, stable = ridge_values(result.table, "ridge_stable")
    powers = slopes(stable, 1.0 / decays) if decays.size else np.empty(0)
    return unless_nearly_all(
        whole, np.isfinite(changes[0]), "seeds arrive at a λ to compare with"
    ).with_numbers({"power of the stable steps that arrive, median": median(powers)})
