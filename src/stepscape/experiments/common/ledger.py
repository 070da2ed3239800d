"""The ledger: what experiments say about their claims, on which premises, at what cost; no arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError
from stepscape.experiments.common.experiment import Experiment, Result
from stepscape.tables.records import Table, plain

SCHEMA = 1
# Columns that say yes or no: where a run lacks the answer a table holds 0, 1 and nan, like any number.
YES_OR_NO = frozenset({
    "distinct", "edge_reached", "fits_interior", "flat", "optimized", "optimized_interior",
    "optimized_uncertain", "started_inside",
})  # fmt: skip
Size = Literal["quick", "full"]


class About(msgspec.Struct, frozen=True):
    """What an experiment says of itself."""

    name: str
    title: str
    claim: str
    kind: str
    source: str
    setup: str


class Part(msgspec.Struct, frozen=True):
    """The verdict about one arm or part of a claim, with the numbers that decided it."""

    word: str
    sentence: str
    numbers: dict[str, float | str | bool | None]


class Premise(msgspec.Struct, frozen=True):
    """What the runs of one arm ("" where there are none) say about a premise; `runs` were made."""

    column: str
    words: str
    arm: str
    runs: int
    measured: int
    found: str


class Runs(msgspec.Struct, frozen=True):
    """How the runs ended."""

    finished: int
    diverged: int
    failed: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.finished + self.diverged + self.failed


class Entry(msgspec.Struct, frozen=True):
    """One claim in the ledger.

    Attributes
    ----------
    failures : reason → runs that could not be carried out for it; they are in no verdict.
    seconds : wall time of the runs as recorded, added up over workers.
    shared : experiments of the same ledger that read some of these runs too.
    """

    experiment: About
    size: Size
    settings: dict[str, Any]
    verdicts: dict[str, Part]
    premises: list[Premise]
    runs: Runs
    failures: dict[str, int]
    seconds: float
    shared: list[str] = []


class Ledger(msgspec.Struct, frozen=True):
    """A ledger as it stands in a file.

    Attributes
    ----------
    seconds : wall time of all runs as recorded, each counted once.
    provenance : versions, processor, date.
    """

    size: Size
    entries: list[Entry]
    provenance: dict[str, Any]
    seconds: float = 0.0
    schema: int = SCHEMA
    command: str = "verify"

    @property
    def names(self) -> list[str]:
        """Names of its experiments, in order."""
        return [entry.experiment.name for entry in self.entries]


class Difference(msgspec.Struct, frozen=True):
    """A verdict that is not the committed one; None where one of them does not exist."""

    experiment: str
    part: str
    committed: str | None
    found: str | None

    def __str__(self) -> str:
        words = [word.replace("_", " ") if word else "no verdict" for word in (self.committed, self.found)]
        return f"{self.experiment}, {self.part.replace('_', ' ')}: committed {words[0]}, found {words[1]}"


def describe(experiment: Experiment) -> About:
    """Return what an experiment says of itself."""
    return About(**{name: getattr(experiment, name) for name in About.__struct_fields__})


def enter(
    experiment: Experiment,
    result: Result,
    size: Size,
    failures: Sequence[str] = (),
    seconds: float = 0.0,
    shared: Sequence[str] = (),
) -> Entry:
    """Judge a result; `failures` holds the reason of each run that failed and is not in it."""
    diverged = int(np.sum(result.table["outcome"] == "diverged")) if len(result.table) else 0
    verdicts = {
        part: Part(verdict.word, verdict.sentence, plain(verdict.numbers))
        for part, verdict in experiment.judge(result).items()
    }
    return Entry(
        experiment=describe(experiment),
        size=size,
        settings=plain(result.settings),
        verdicts=verdicts,
        premises=premises(experiment.premises, result.table),
        runs=Runs(len(result.table) - diverged, diverged, len(failures)),
        failures=dict(Counter(failures)),
        seconds=seconds,
        shared=list(shared),
    )


def premises(stated: Mapping[str, str], table: Table) -> list[Premise]:
    """Say of every premise what its column holds, arm by arm."""
    arms = list(dict.fromkeys(table["arm"].tolist())) if "arm" in table else [""]
    return [
        _premise(column, words, arm, table.where(arm=arm) if arm else table)
        for column, words in stated.items()
        for arm in arms
    ]


def differences(committed: Ledger, found: Ledger, whole: bool = False) -> list[Difference]:
    """List the verdicts of `found` that are not the committed ones, and the parts that only one of them has.

    Experiments that `found` lacks count only when it is the `whole` ledger.
    """
    before, after = _words(committed), _words(found)
    names = {*found.names, *(committed.names if whole else ())}
    keys = [key for key in {**after, **before} if key[0] in names]
    pairs = [(key, before.get(key), after.get(key)) for key in keys]
    return [Difference(*key, one, other) for key, one, other in pairs if one != other]


def read(content: bytes, name: str) -> Ledger:
    """Read a ledger as written; `name` is what a complaint calls it.

    Raises
    ------
    InputError
        It is no ledger of this schema.
    """
    try:
        ledger = msgspec.json.decode(content, type=Ledger)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{name} is no ledger: {error}") from None
    if ledger.schema != SCHEMA:
        raise InputError(f"{name} has schema {ledger.schema}; this version reads schema {SCHEMA}")
    return ledger


def _words(ledger: Ledger) -> dict[tuple[str, str], str]:
    return {
        (entry.experiment.name, part): verdict.word
        for entry in ledger.entries
        for part, verdict in entry.verdicts.items()
    }


def _premise(column: str, words: str, arm: str, table: Table) -> Premise:
    values = table[column] if column in table else np.empty(0)
    known = values[values != ""] if values.dtype.kind == "U" else values[np.isfinite(values.astype(float))]
    return Premise(column, words, arm, len(table), known.size, _found(column, known))


def _found(column: str, known: NDArray[Any]) -> str:
    if not known.size:
        return "not measured"
    if known.dtype.kind == "U":
        return ", ".join(f"{word} {count}" for word, count in Counter(known.tolist()).items())
    if known.dtype.kind == "b" or column in YES_OR_NO:
        return f"yes in {int(known.sum())} of {known.size}"
    digits = 15 if (known == np.round(known)).all() else 4
    low, middle, high = (f"{q:.{digits}g}" for q in np.quantile(known.astype(float), [0.0, 0.5, 1.0]))
    return low if low == high else f"{low} to {high}, median {middle}"
