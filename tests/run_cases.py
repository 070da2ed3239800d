"""Runs of a user's sweep, for tests."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from stepscape.sweeps.runs import Curve, Measure, Method, Network, Run, work
from stepscape.tables.records import Record

STEPS = 400
RUN = Run(
    problem=Curve(truth="tent", n=12, noise=0.6, half_width=2.0, design="uniform"),
    network=Network(width=30, scale=0.4),
    method=Method(step_size=0.3, steps=STEPS, momentum=0.2, weight_decay=1e-3),
    measure=Measure(records=20, held_out=True, curve_points=7, trajectory=True),
    seed=4,
)
RESERVED = {"identity", "outcome", "diverged", "reason", "seconds"}  # columns of every table


def silent(fraction: float) -> None:
    assert 0.0 <= fraction <= 1.0


def carried_out(run: Run, **changes: Any) -> Record:
    return work(replaced(run, **changes), silent)


def replaced(run: Run, **changes: Any) -> Run:
    """Replace fields of parts: ``measure_records=5``."""
    for name, value in changes.items():
        part, _, key = name.partition("_")
        new = msgspec.structs.replace(getattr(run, part), **{key: value})
        run = msgspec.structs.replace(run, **{part: new})
    return run


def bits(record: Record) -> tuple[Any, ...]:
    held = {name: (values.dtype.str, values.tobytes()) for name, values in record.arrays.items()}
    return record.outcome, json.dumps(record.numbers, sort_keys=True), held, record.reason
