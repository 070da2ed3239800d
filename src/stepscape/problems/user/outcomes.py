"""A column of few different values, of any type: which they are, and which of two is 1."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError
from stepscape.problems.user import cells as numbers
from stepscape.problems.user.two_classes import answered, answers, choose

Key = float | str
_LISTED = 5  # values that a sentence names
FEW = 0.05  # share of the cells of a column of numbers that may be stray texts, none of them twice
# Cells that stand for no value, save beside "+", and beside texts of which "none" may be one more.
_MINUS = {"-": "-", "–": "-", "\u2212": "-"}
_NOTHING = {"none": "none", "nil": "nil"}
# The one other value of a column → what is its opposite there, and no value elsewhere.
_OPPOSITES = {
    "available": "not available",
    "applicable": "not applicable",
    "present": "missing",
    "found": "missing",
}


@dataclass(frozen=True)
class Outcome:
    """The different values of a column.

    Attributes
    ----------
    names : as the table writes them: numbers in increasing order, then texts in that of the alphabet. Of two,
        the second stands for 1 (``two_classes``).
    counts : rows of each.
    codes : (n,) the place of each cell's value among the names, and why a cell has none.
    spellings : the ways in which the cells write each, where that is a text; most frequent first.
    guessed : whether no rule about words tells which of two texts stands for 1: the rarer one was taken.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    codes: numbers.Numbers = field(repr=False)
    spellings: tuple[tuple[str, ...], ...] = ()
    guessed: bool = False

    def with_event(self, event: str) -> Outcome:
        """Let one of two values, in any of its spellings, stand for 1; refused if it is neither."""
        exact, folded = ([i for i in (0, 1) if self._is(i, event, fold)] for fold in (str, str.casefold))
        matching = exact or folded
        if len(matching) != 1:
            raise InputError(
                f"event must be one of the two values {shown(self.names[0])} and {shown(self.names[1])}, "
                f"got {shown(event)}"
            )
        if matching == [1]:
            return replace(self, guessed=False)
        codes = replace(self.codes, values=1.0 - self.codes.values)
        return Outcome(self.names[::-1], self.counts[::-1], codes, self.spellings[::-1])

    def _is(self, place: int, event: str, fold: Callable[[str], str]) -> bool:
        name, ways = (
            self.names[place],
            (self.names[place], *(self.spellings[place] if self.spellings else ())),
        )
        if numbers.is_number(name):
            return bool(float(name) == numbers.parse([event], ".").values[0])
        return _folded(event, fold) in {_folded(way, fold) for way in ways}

    @property
    def binary(self) -> bool:
        """Whether there are exactly two."""
        return len(self.names) == 2

    @property
    def readings(self) -> tuple[str, ...]:
        """A sentence for each value that the cells write in several ways, and one for a guess."""
        several = (ways for ways in self.spellings if len(ways) > 1)
        merged = tuple(f"{', '.join(map(repr, ways))} were taken for one value" for ways in several)
        if not self.guessed:
            return merged
        no, yes = map(shown, self.names)
        why = "the rarer" if self.counts[1] < self.counts[0] else "the later in the alphabet"
        return (*merged, f"no rule tells which of {no} and {yes} stands for 1: {yes}, {why}, was taken")

    @property
    def numeric(self) -> bool:
        """Whether all of them are numbers."""
        return not any(self.spellings)

    def listed(self) -> str:
        """Say which values there are, with their rows.

        "only 'no' in all 40 usable rows"; "3: 'a' (20 rows), 'b' (9), 'c' (8)"; "40, such as 0.5, 0.7 and 2".
        """
        if len(self.names) == 1:
            return f"only {shown(self.names[0])} in all {self.counts[0]} usable rows"
        if len(self.names) > _LISTED:
            frequent = sorted(range(len(self.names)), key=lambda place: -self.counts[place])[:3]
            first, second, third = (_short(self.names[place]) for place in sorted(frequent))
            return f"{len(self.names)}, such as {first}, {second} and {third}"
        units = [" rows"] + [""] * _LISTED
        known = zip(self.names, self.counts, units, strict=False)
        return f"{len(self.names)}: " + ", ".join(
            f"{shown(name)} ({rows}{unit})" for name, rows, unit in known
        )


def _folded(text: str, fold: Callable[[str], str]) -> str:
    return fold(unicodedata.normalize("NFC", text.strip()))


def outcome_of(
    cells: Sequence[str] | NDArray[np.float64],
    parsed: numbers.Numbers,
    usable: NDArray[np.bool_],
    least: int | None,
) -> Outcome:
    """Find the different values of a column among the usable rows.

    Numbers are equal by value ("1" and "1.0"), texts by their letters; upper and lower case count alike where
    that leaves two values. Where more than two are left and at least `least` cells are numbers, texts among
    them are faults, as in every column of numbers; but beside two numbers alone, texts that repeat or are
    many are values. A cell that stands for no value elsewhere is one where the others say so: a minus sign
    beside "+", "none" beside texts that do not answer yes or no, and "not available" beside "available"
    alone.

    Parameters
    ----------
    cells : (n,)
    parsed : the cells as numbers.
    usable : (n,) rows that count.
    least : rows that a table must have; None where no text is a fault.
    """
    kinds, kind_of = _kinds(cells, parsed, usable)
    keys = _values(kinds, least)
    counts, spelled = _counted(keys, kinds), _spellings(keys, kinds)
    found, guessed = _ordered([key for key in dict.fromkeys(keys) if key is not None], counts)
    place = {key: float(i) for i, key in enumerate(found)}
    codes = np.array([np.nan if key is None else place[key] for key in keys])[kind_of]
    codes[~usable] = np.nan
    # Here text is not a fault.
    faults = np.where(np.isnan(codes), parsed.faults, numbers.GOOD).astype(np.int8)
    names = tuple(_name(key, spelled) for key in found)
    ways = tuple(
        tuple(way for way, _ in spelled[key].most_common()) if key in spelled else () for key in found
    )
    rows = tuple(counts[key] for key in found)
    return Outcome(names, rows, numbers.Numbers(codes, faults), ways, guessed)


def shown(name: str) -> str:
    """Write a value in a sentence: texts in quotation marks, clipped; numbers bare.

    >>> shown("sick"), shown("1.5")
    ("'sick'", '1.5')
    """
    if numbers.is_number(name):
        return name
    return repr(name if len(name) <= 40 else name[:37] + "…")


def meaning(column: str, classes: Sequence[str]) -> str:
    """Say which value of a column is 1.

    >>> meaning("state", ("well", "sick"))
    "state: 'sick' is 1, 'well' is 0"
    """
    return f"{column}: {shown(classes[1])} is 1, {shown(classes[0])} is 0"


class _Kind(NamedTuple):
    """Cells that are written alike: their text, their value, and the rows that count."""

    text: str
    key: Key | None
    rows: int


def _kinds(
    cells: Sequence[str] | NDArray[np.float64], parsed: numbers.Numbers, usable: NDArray[np.bool_]
) -> tuple[list[_Kind], NDArray[np.intp]]:
    """Group the cells that are written alike, and say of which kind each is (n,)."""
    if isinstance(cells, np.ndarray):
        _, first, kind_of = np.unique(cells, return_index=True, return_inverse=True)
    else:
        seen: dict[str, int] = {}
        kind_of = np.array([seen.setdefault(cell, len(seen)) for cell in cells], dtype=np.intp)
        first = np.full(len(seen), len(cells))
        np.minimum.at(first, kind_of, np.arange(len(cells)))
    rows = np.bincount(kind_of[usable], minlength=len(first)).tolist()
    texts = [""] * len(first) if isinstance(cells, np.ndarray) else [cells[place] for place in first.tolist()]
    known = zip(texts, parsed.values[first].tolist(), parsed.faults[first].tolist(), rows, strict=True)
    return [
        _Kind(text, _key(text, value, fault) if count else None, count) for text, value, fault, count in known
    ], kind_of


def _values(kinds: Sequence[_Kind], least: int | None) -> list[Key | None]:
    """Give each kind of cell its value; None to those without one."""
    keys = _as_values(kinds)
    if _count(keys) <= 2:
        return keys
    folded = [key.casefold() if isinstance(key, str) else key for key in keys]
    if _count(folded) == 2:
        return folded
    numeric: list[Key | None] = [key if isinstance(key, float) else None for key in keys]
    known = sum(kind.rows for key, kind in zip(numeric, kinds, strict=True) if key is not None)
    if least is None or known < least or (_count(numeric) == 2 and _informative(folded, kinds)):
        return keys
    return numeric


def _counted(keys: Sequence[Key | None], kinds: Sequence[_Kind]) -> Counter[Key]:
    counts = Counter[Key]()
    for key, kind in zip(keys, kinds, strict=True):
        if key is not None:
            counts[key] += kind.rows
    return counts


def _informative(keys: Sequence[Key | None], kinds: Sequence[_Kind]) -> bool:
    """Whether texts among numbers tell something: one repeats, or they are more than a few."""
    counts = _counted(keys, kinds)
    texts = Counter({key: rows for key, rows in counts.items() if isinstance(key, str)})
    return many(texts, counts.total())


def many(texts: Counter[str], cells: int) -> bool:
    """Whether texts among so many cells are more than strays: one repeats, or they are more than a few."""
    return texts.total() > max(1.0, FEW * cells) or max(texts.values(), default=0) > 1


def _short(name: str) -> str:
    return f"{float(name):.4g}" if numbers.is_number(name) else shown(name)


def _key(cell: str, value: float, fault: int) -> Key | None:
    if fault == numbers.GOOD:
        return value + 0.0  # -0.0 is 0.0
    # Composed and decomposed accents are one text.
    return unicodedata.normalize("NFC", cell.strip()) if fault == numbers.TEXT else None


def _as_values(kinds: Sequence[_Kind]) -> list[Key | None]:
    """Take "-" beside "+", "none" beside "mild" and "severe", and opposites, for values."""
    keys = [kind.key for kind in kinds]
    words = _words({key.casefold() if isinstance(key, str) else key for key in keys} - {None})
    said = (kind.text.strip().lower() if kind.rows else "" for kind in kinds)
    return [words.get(text, key) for text, key in zip(said, keys, strict=True)]


def _words(found: Set[Key | None]) -> Mapping[str, Key]:
    texts = sorted(key for key in found if isinstance(key, str))
    if "+" in texts:
        return _MINUS
    if len(found - {None}) == 1 and texts and texts[0] in _OPPOSITES:
        return {_OPPOSITES[texts[0]]: _OPPOSITES[texts[0]]}
    if len(texts) < max(2, len(found)):
        return {}  # one text, where another value is a guess, or numbers
    return {} if len(texts) == 2 and answered(*texts) else _NOTHING


def _count(keys: Sequence[Key | None]) -> int:
    return len(set(keys) - {None})


def _ordered(keys: list[Key], rows: Mapping[Key, int]) -> tuple[list[Key], bool]:
    """Sort values, of two the one that stands for 1 last; and whether that was a guess: the rarer one."""
    values: list[Key] = sorted(key for key in keys if isinstance(key, float))
    texts = sorted((key for key in keys if isinstance(key, str)), key=lambda text: (text.casefold(), text))
    if len(values) == len(texts) == 1 and answers(texts[0], yes=False):
        return [*texts, *values], False
    if values or len(texts) != 2:
        return [*values, *texts], False
    choice = choose(*texts)
    if choice.known:
        return [choice.no, choice.yes], False
    return sorted((choice.no, choice.yes), key=lambda text: -rows[text]), True  # equally frequent: stays


def _spellings(keys: Sequence[Key | None], kinds: Sequence[_Kind]) -> dict[Key, Counter[str]]:
    found: dict[Key, Counter[str]] = {}
    for key, kind in zip(keys, kinds, strict=True):
        if isinstance(key, str):
            found.setdefault(key, Counter())[kind.text] += kind.rows
    return found


def _name(key: Key, spelled: Mapping[Key, Counter[str]]) -> str:
    """Write a number shortest, and a text as most cells do."""
    if isinstance(key, float):
        return repr(key).removesuffix(".0")
    trimmed = Counter[str]()
    for way, cells in spelled[key].items():
        trimmed[way.strip()] += cells
    return trimmed.most_common(1)[0][0]
