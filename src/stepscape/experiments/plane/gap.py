"""The generalization gap of a run: what it will cost on new labels over what it cost on those it saw."""

from __future__ import annotations

from stepscape.experiments.plane.spec import PlaneRun
from stepscape.tables.records import Record

GAP = "gap"


def with_gap(record: Record, run: PlaneRun) -> Record:
    """Add the column ``gap`` = (population error + σ²) − training error, all mean squares."""
    if record.outcome != "finished":
        return record
    numbers = record.numbers
    gap = numbers["population_error"] + run.noise**2 - numbers["train_error"]
    return Record(record.outcome, {**numbers, GAP: gap}, record.arrays, record.reason)
