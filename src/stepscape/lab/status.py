"""The progress of the sweeps of a store, read from the store alone, whoever is computing."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from stepscape.arguments import finite
from stepscape.errors import expect
from stepscape.lab import segment
from stepscape.lab.plan import Plan
from stepscape.lab.store import Store

WINDOW = 300.0  # seconds over which the rate is taken,
COMMITS = 32  # or this many commits where they take longer


@dataclass(frozen=True)
class SweepStatus:
    """The progress of one plan.

    Attributes
    ----------
    title, source, created, notes : of the plan.
    total : its runs; those not on record are missing.
    finished, diverged, failed, missing : how many of each.
    quiet : seconds since the last commit; nan before the first.
    rate : runs per second committed lately; nan if nobody seems to be at work.
    left : seconds at this rate; nan where there is none, or nothing is missing.
    """

    title: str
    source: str
    created: str
    total: int
    finished: int
    diverged: int
    failed: int
    missing: int
    quiet: float
    rate: float
    left: float
    notes: tuple[str, ...] = ()


def status(store: Store, now: float | None = None) -> list[SweepStatus]:
    """Return the progress of each plan of a store, oldest first; `now` is the time in seconds since 1970."""
    expect("store", store, Store)
    moment = time.time() if now is None else finite("now", now)
    places = store.locations()
    return [_progress_of(plan, places, moment) for plan in store.plans()]


def _progress_of(plan: Plan, places: Mapping[str, tuple[str, str]], now: float) -> SweepStatus:
    found = Counter(map(places.get, plan.identities))
    missing = found.pop(None, 0)
    outcomes, segments = Counter[str](), Counter[str]()
    for place, runs in found.items():
        if place is not None:
            outcomes[place[0]] += runs
            segments[place[1]] += runs
    commits = _latest(segments, now)
    rate = _rate(commits, now) if missing else math.nan
    return SweepStatus(
        plan.title,
        plan.source,
        plan.created,
        plan.total,
        outcomes["finished"],
        outcomes["diverged"],
        outcomes["failed"],
        missing,
        quiet=max(0.0, now - commits[-1][0]) if commits else math.nan,
        rate=rate,
        left=missing / rate,
        notes=plan.notes,
    )


def _latest(segments: Mapping[str, int], now: float) -> list[tuple[float, int]]:
    """Time and number of runs of the last commits, oldest first: names of segments sort by time."""
    names = sorted(segments)
    since = datetime.fromtimestamp(now - WINDOW, UTC).strftime(segment.TIME)
    first = min(bisect_left(names, since), max(0, len(names) - COMMITS))
    return [(segment.committed(name), segments[name]) for name in names[first:]]


def _rate(commits: list[tuple[float, int]], now: float) -> float:
    """Return the runs per second after the first of these commits, which only starts the clock.

    Nobody seems to be at work if nothing was committed for the window and for three times the usual wait.
    """
    if len(commits) < 2:
        return math.nan
    (first, _), (last, _) = commits[0], commits[-1]
    usual = (last - first) / (len(commits) - 1)
    if now <= first or now - last > max(WINDOW, 3 * usual):
        return math.nan
    return sum(runs for _, runs in commits[1:]) / (now - first)
