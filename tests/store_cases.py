"""Runs for the tests of the store."""

from __future__ import annotations

import msgspec
import numpy as np

from stepscape.lab.spec import Spec, identity
from stepscape.lab.store import Entry, Store, new_plan
from stepscape.tables.records import Record

RUNS = range(12)  # of `filled`


class Case(Spec, frozen=True, tag="case/1"):
    seed: int
    step_size: float = 0.1


class Data(msgspec.Struct, frozen=True, tag_field="kind", tag="table"):
    n: int


class Nested(Spec, frozen=True, tag="nested/2"):
    data: Data
    layers: tuple[int, ...] = (3, 1)


def entry(seed, outcome="finished", **numbers):
    """A run whose record follows from its seed."""
    rng = np.random.default_rng(seed)
    arrays = {"curve": rng.standard_normal(30), "at|steps/all": np.arange(seed % 7)}
    numbers = numbers or {"risk": rng.standard_normal(), "knots": seed, "nothing": None}
    reason = "" if outcome == "finished" else f"seed {seed} {outcome}"
    return Entry(Case(seed=seed), Record(outcome, numbers, arrays, reason), seconds=0.25)


def entries(seeds):
    return [entry(seed) for seed in seeds]


def identities(seeds):
    return [identity(Case(seed=seed)) for seed in seeds]


def bits(records):
    """Everything that records say, to the last bit."""
    return [
        (
            record.outcome,
            record.reason,
            repr(dict(record.numbers)),
            {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in record.arrays.items()},
        )
        for record in records
    ]


def filled(path):
    """Three segments of four runs, and a plan of all twelve."""
    made = Store.create(path)
    made.plan(new_plan(identities(RUNS)))
    for first in RUNS[::4]:
        made.commit(entries(range(first, first + 4)), {})
    return made


def everything(store):
    return store.table([Case(seed=seed) for seed in RUNS]).records(), bits(store.records(identities(RUNS)))


def listing(store):
    return sorted(path.relative_to(store.path).as_posix() for path in store.path.rglob("*"))
