"""How many workers a sweep gets, given how many were asked for."""

from __future__ import annotations

from numbers import Integral

from stepscape.errors import bad, shown
from stepscape.lab.pool import cores

PER_CORE = 4  # beyond it workers of one machine only take memory and wait for each other
MOST_JOBS = 10_000  # worker processes to ask a cluster for


def workers(asked: int, scheduler: str | None = None, runs: int | None = None) -> tuple[int, str]:
    """Return a sensible number of workers, and a sentence if the number asked for was not.

    Parameters
    ----------
    asked : 0 means one per core of this machine, or as many as a Dask scheduler has.
    scheduler : as of `stepscape.lab.executors.executor`; at an address, workers are as many as there are.
    runs : to carry out, if known: more workers than runs would have nothing to do, which needs no sentence.

    Raises
    ------
    InputError
        `asked` is not a whole number, or is negative.
    """
    if isinstance(asked, bool) or not isinstance(asked, Integral) or not 0 <= asked < 2**63:
        raise bad("workers", "be a whole number, at least 0", shown(asked), "0 means one per core")
    asked = int(asked)
    if scheduler not in (None, "slurm"):
        return asked, ""
    most, why = PER_CORE * cores(), f"{PER_CORE} for each of the {cores()} cores of this machine are the most"
    if scheduler == "slurm":
        most, why = MOST_JOBS, f"{MOST_JOBS} are the most that a cluster is asked for"
    few = most if runs is None else min(most, max(1, runs))
    if asked <= most:
        return min(asked or (cores() if scheduler is None else 0), few), ""
    why = why if few == most else "there are no more runs"
    return few, f"{few} {'worker' if few == 1 else 'workers'} instead of {asked}: {why}"
