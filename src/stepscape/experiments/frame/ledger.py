"""The ledger: what claims come to, by which rules, on which premises, at what cost; no arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from stepscape.errors import InputError
from stepscape.experiments.frame.before import Before
from stepscape.experiments.frame.claim import Claim
from stepscape.experiments.frame.finding import Finding
from stepscape.experiments.frame.part import Judged, row_words
from stepscape.experiments.frame.result import Result
from stepscape.tables.records import plain

SCHEMA = 1
DECIDES_BITS = ("processor", "python", "numpy", "scipy", "numba")  # keys of a ledger's provenance
Size = Literal["quick", "full"]
Number = int | float | str | bool | None


class About(msgspec.Struct, frozen=True):
    """What a claim says of itself."""

    name: str
    title: str
    claim: str
    kind: str
    source: str
    setup: str


class Effect(msgspec.Struct, frozen=True):
    """The size of an effect with its 95 % interval, over so many seeds or runs."""

    what: str
    mean: float | None
    low: float | None
    high: float | None
    count: int


class Row(msgspec.Struct, frozen=True):
    """What was found in one row of a part, such as an arm."""

    word: str
    sentence: str
    numbers: dict[str, Number]
    words: str = ""
    effect: Effect | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What was found about one part of a claim.

    Attributes
    ----------
    words : title of the part; "" in a ledger from before rules were data, as all below.
    kind, primary, rule : as in `Part`, the rule with its constants.
    fingerprint : of the rule and its constants.
    rows : by value of the column that the part has rows for.
    """

    word: str
    sentence: str
    numbers: dict[str, Number]
    words: str = ""
    kind: str = ""
    primary: bool = False
    rule: str = ""
    fingerprint: str = ""
    effect: Effect | None = None
    rows: dict[str, Row] = {}


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
    shared : claims of the same ledger that read some of these runs too.
    table : rows of the one table of further numbers.
    kinds : kinds of its runs, each with the version of what it measures; none in an older ledger.
    before : what the ledger before said; None where it does not know the claim, or was not asked.
    """

    experiment: About
    size: Size
    settings: dict[str, Any]
    verdicts: dict[str, Verdict]
    premises: list[Premise]
    runs: Runs
    failures: dict[str, int]
    seconds: float
    shared: list[str] = []
    table: list[dict[str, Any]] = []
    kinds: list[str] = []
    before: Before | None = None

    @property
    def words(self) -> dict[str, str]:
        """Word of every part, and of every row as ``part: row``."""
        found = {}
        for part, verdict in self.verdicts.items():
            found[part] = verdict.word
            found |= {f"{part}: {row}": each.word for row, each in verdict.rows.items()}
        return found

    @property
    def changed(self) -> dict[str, tuple[str, str]]:
        """Parts and rows with another word than in the ledger before, as (before, now); see `Before`."""
        return {} if self.before is None else self.before.changed(self.words)

    @property
    def differs(self) -> dict[str, tuple[str, str]]:
        """Parts and rows with another word than in the committed ledger, as (committed, now)."""
        return {} if self.before is None or self.before.agrees else self.changed

    @property
    def headline(self) -> Verdict | None:
        """The primary verdict; None where none is marked."""
        return next((verdict for verdict in self.verdicts.values() if verdict.primary), None)


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
        """Names of its claims, in order."""
        return [entry.experiment.name for entry in self.entries]


class Difference(msgspec.Struct, frozen=True):
    """A verdict that differs from the committed one; None where one of them does not exist."""

    experiment: str
    part: str
    committed: str | None
    found: str | None

    @property
    def contradicts(self) -> bool:
        """Whether the words exclude each other: an undecided verdict contradicts nothing."""
        return "undecided" not in (self.committed, self.found)

    def __str__(self) -> str:
        words = [word.replace("_", " ") if word else "no verdict" for word in (self.committed, self.found)]
        return f"{self.experiment}, {self.part.replace('_', ' ')}: committed {words[0]}, found {words[1]}"


def describe(claim: Claim) -> About:
    """Return what a claim says of itself."""
    return About(**{name: getattr(claim, name) for name in About.__struct_fields__})


def enter(
    claim: Claim,
    result: Result,
    size: Size,
    failures: Sequence[str] = (),
    seconds: float = 0.0,
    shared: Sequence[str] = (),
) -> Entry:
    """Judge a result; `failures` holds the reason of each run that failed and is not in it."""
    diverged = sum(run.row["outcome"] == "diverged" for run in result.runs)
    return Entry(
        experiment=describe(claim),
        size=size,
        settings=plain(result.settings),
        verdicts={name: _verdict(claim, judged) for name, judged in claim.judge(result).items()},
        premises=premises(claim.premises, result, claim.by),
        runs=Runs(len(result.runs) - diverged, diverged, len(failures)),
        failures=dict(Counter(failures)),
        seconds=seconds,
        shared=list(shared),
        table=claim.numbers(result).records() if claim.numbers is not None else [],
        kinds=sorted({run.row["kind"] for run in result.runs}),
    )


def _verdict(claim: Claim, judged: Judged) -> Verdict:
    part, found = judged.part, judged.finding
    rows = {row: _row(judged.word(claim.kind, row), each, row_words(row, claim.names))
            for row, each in judged.rows.items()}  # fmt: skip
    return Verdict(
        judged.word(claim.kind), found.sentence, plain(found.numbers), part.words, part.kind or claim.kind,
        part.primary, part.text, part.fingerprint, _effect(found), rows,
    )  # fmt: skip


def _row(word: str, found: Finding, words: str) -> Row:
    return Row(word, found.sentence, plain(found.numbers), words, _effect(found))


def _effect(found: Finding) -> Effect | None:
    if found.effect is None:
        return None
    size = found.effect.interval
    return Effect(found.effect.what, plain(size.mean), plain(size.low), plain(size.high), size.count)


def premises(stated: Mapping[str, str], result: Result, by: str = "") -> list[Premise]:
    """Say of every premise what its column holds, for each value of `by`."""
    values = list(dict.fromkeys(run.row.get(by) for run in result.runs)) if by else [None]
    some = {value: result.where(**{by: value}) if by else result for value in values}
    return [
        _premise(column, words, "" if value is None else str(value), rows)
        for column, words in stated.items()
        for value, rows in some.items()
    ]


def _premise(column: str, words: str, arm: str, result: Result) -> Premise:
    values = [run.row.get(column) for run in result.runs]
    known = [value for value in values if value not in (None, "") and value == value]
    return Premise(column, words, arm, len(values), len(known), _found(known))


def _found(known: Sequence[Any]) -> str:
    if not known:
        return "not measured"
    if isinstance(known[0], str):
        return ", ".join(f"{word} {count}" for word, count in Counter(known).items())
    if isinstance(known[0], bool | np.bool_):
        return f"yes in {sum(map(bool, known))} of {len(known)}"
    numbers = np.array(known, float)
    digits = 15 if (numbers == np.round(numbers)).all() else 4
    low, middle, high = (f"{q:.{digits}g}" for q in np.quantile(numbers, [0.0, 0.5, 1.0]))
    return low if low == high else f"{low} to {high}, median {middle}"


def differences(committed: Ledger, found: Ledger, whole: bool = False) -> list[Difference]:
    """List the verdicts in which two ledgers differ, and the parts that only one of them has.

    Claims that `found` lacks count only when it is the `whole` ledger.
    """
    before, after = _words(committed), _words(found)
    names = {*found.names, *(committed.names if whole else ())}
    keys = [key for key in {**after, **before} if key[0] in names]
    pairs = [(key, before.get(key), after.get(key)) for key in keys]
    return [Difference(*key, one, other) for key, one, other in pairs if one != other]


def joined(one: Ledger, other: Ledger, order: Sequence[str]) -> Ledger:
    """Add the entries of a ledger to another one, or put them in the place of those of the same names.

    `order` names the claims as they shall follow each other. Versions and date are those of `other`; what
    recorded the runs, and the figures, are those of both.
    """
    if one.size != other.size:
        raise InputError(f"ledgers must have one size, got {one.size} and {other.size}")
    entries = {entry.experiment.name: entry for entry in (*one.entries, *other.entries)}
    replaced = sum(entry.seconds for entry in one.entries if entry.experiment.name in other.names)
    lists = {
        name: list(dict.fromkeys([*one.provenance.get(name, ()), *other.provenance.get(name, ())]))
        for name in ("recorded_by", "figures")
    }
    return Ledger(
        size=one.size,
        entries=[entries[name] for name in order if name in entries],
        provenance={**other.provenance, **lists},
        seconds=one.seconds - replaced + other.seconds,
    )


def same_bits(one: Ledger, other: Ledger) -> bool:
    """Whether both were made by one type of processor with one set of versions, which promises equal bits."""
    return all(one.provenance.get(name) == other.provenance.get(name) for name in DECIDES_BITS)


def _words(ledger: Ledger) -> dict[tuple[str, str], str]:
    """Word of every part and row by claim and name."""
    return {
        (entry.experiment.name, part): word for entry in ledger.entries for part, word in entry.words.items()
    }


def changed_rules(entry: Entry, claim: Claim) -> list[str]:
    """Name the parts whose rule is not the one that judged an entry, because it was changed afterwards.

    So is a part that the entry does not have, and every part of an entry from before rules were data.
    """
    before = {name: verdict.fingerprint for name, verdict in entry.verdicts.items()}
    return [part.name for part in claim.parts if before.get(part.name) != part.fingerprint]


def read(content: bytes, name: str) -> Ledger:
    """Read a ledger as written; `name` is what a complaint calls it.

    Raises
    ------
    InputError
        It is not a ledger, or one of a schema that this version does not know.
    """
    try:
        ledger = msgspec.json.decode(content, type=Ledger)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{name} is not a ledger: {error}") from None
    if ledger.schema != SCHEMA:
        raise InputError(f"{name} has schema {ledger.schema}; this version reads schema {SCHEMA}")
    return ledger
