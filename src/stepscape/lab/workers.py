"""How many workers a sweep gets, given how many were asked for."""

from __future__ import annotations

from stepscape.errors import bad
from stepscape.lab.pool import cores

PER_CORE = 4  # beyond it workers of one machine only take memory and wait for each other
MOST_JOBS = 10_000  # worker processes to ask a cluster for


def workers(asked: int, scheduler: str | None = None, runs: int | None = None) -> tuple[int, str]:
    """Return a sensible number of workers, and a sentence if it is not the number asked for.

    Parameters
    ----------
    asked : 0 means one per core of this machine, or as many as a Dask scheduler has.
    scheduler : as of `stepscape.lab.executors.executor`; at an address, workers are as many as there are.
    runs : to carry out, if known: more workers than runs would have nothing to do.

    Raises
    ------
    InputError
        `asked` is no whole number, or negative.
    """
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 0:
        raise bad("workers", "be a whole number, at least 0", repr(asked), "0 means one per core")
    if scheduler not in (None, "slurm"):
        return asked, ""
    most, why = PER_CORE * cores(), f"{PER_CORE} for each of the {cores()} cores of this machine are the most"
    if scheduler == "slurm":
        most, why = MOST_JOBS, f"{MOST_JOBS} are the most that a cluster is asked for"
    if runs is not None and max(1, runs) < most:
        most, why = max(1, runs), "there are no more runs"
    if asked <= most:
        return asked or (min(cores(), most) if scheduler is None else 0), ""
    return most, f"{most} {'worker' if most == 1 else 'workers'} instead of {asked}: {why}"
