"""How the failure rate of flat minima falls, over blocks of trials of which some may be undecided."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Finding, Result, Says, decide, lacking, together
from stepscape.experiments.frame.sentences import clause, sentence
from stepscape.experiments.recovery.failure_runs import BlockRun

Array = NDArray[np.float64]


def failure_rates(result: Result, undecided_fail: bool = True, by: str = "m") -> tuple[Array, Array]:
    """Return the m, or the d, of the blocks, and their failure rates (blocks, m); complete rows only."""
    table = result.of(BlockRun).where(outcome="finished").table
    if "failed" not in table:
        return np.zeros(0), np.zeros((0, 0))
    at, blocks = np.unique(table[by]).astype(float), np.unique(table["block"])
    rates = np.full((blocks.size, at.size), np.nan)
    failed = table["failed"] + (table["undecided"] if undecided_fail else 0.0)
    places = np.searchsorted(blocks, table["block"]), np.searchsorted(at, table[by])
    rates[places] = (failed + 0.5) / (table["trials"] + 1.0)
    return at, rates[np.isfinite(rates).all(axis=1)]


def falls_exponentially(result: Result, part: float, steady: float) -> Finding:
    """Whether the log of the failure rate falls with m, and does not come to rest in the second half.

    One value for each block of problems; a rate of f failures in n trials is (f + ½)/(n + 1). Undecided
    trials count as recovered, and again as failures.
    """
    return _either_way(lambda fails: _exponentially(*failure_rates(result, fails), part, steady))


def _exponentially(at: Array, rates: Array, part: float, steady: float) -> Finding:
    if at.size < 3 or not len(rates):
        return lacking("blocks of problems at fewer than three numbers of measurements were tried")
    logs, middle = np.log(rates), at.size // 2
    early = (logs[:, 0] - logs[:, middle]) / (at[middle] - at[0])
    late = (logs[:, middle] - logs[:, -1]) / (at[-1] - at[middle])
    falls = decide.sign(
        late, Says("the failure rate", "fall", "with m"), "decay per measurement", unit="block"
    )
    says = Says("the decay", "persist", "as m grows")
    what = f"decay in the second half less {part:g} of that in the first, per measurement"
    keeps = decide.slope(late - part * early, 0.0, says, what, -steady, "block")
    return together({"falls": falls, "keeps": keeps}, named=False).with_numbers(_means("m", at, rates))


def falls_with_size(result: Result, least: float) -> Finding:
    """Whether the log of the failure rate falls from the smallest d to the largest one."""
    return _either_way(lambda fails: _with_size(*failure_rates(result, fails, "d"), least))


def _with_size(at: Array, rates: Array, least: float) -> Finding:
    if at.size < 2 or not len(rates):
        return lacking("blocks of problems of fewer than two sizes were tried")
    decay = (np.log(rates[:, 0]) - np.log(rates[:, -1])) / (at[-1] - at[0])
    says = Says("the failure rate", "fall", "as d grows")
    found = decide.sign(decay, says, "decay of its logarithm per unit of d", least, unit="block")
    return found.with_numbers(_means("d", at, rates))


def _either_way(decision: Callable[[bool], Finding]) -> Finding:
    """Decide with undecided trials as recovered, and as failures: both must agree."""
    found, other = decision(False), decision(True)
    if found.answer == other.answer or "premise_not_met" in (found.answer, other.answer):
        return found
    return Finding("undecided", sentence(clause(other.sentence), "undecided trials can change the answer"))


def _means(name: str, at: Array, rates: Array) -> dict[str, float]:
    return {f"{name} = {x:g}: failure rate, mean": float(rates[:, j].mean()) for j, x in enumerate(at)}
