"""The index of a ledger as content: chapters of cards, one card per claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stepscape.report.content import Badge
from stepscape.report.words import VERDICTS


@dataclass(frozen=True)
class Card:
    """A claim in the index.

    Attributes
    ----------
    title : its finding.
    address : of its page.
    word : of the verdict that it is about.
    at_full : its word at full size, where that is another one.
    marks : each part with its word, in order.
    kind, source, cost : of the claim.
    badge : that something changed since the ledger before; "" if nothing did.
    thumbnail : picture as a data address; "" where there is none.
    search : further words by which a reader finds it.
    """

    title: str
    address: str
    word: str
    at_full: str
    marks: Sequence[tuple[str, str]]
    kind: str
    source: str
    cost: str
    badge: str = ""
    thumbnail: str = ""
    search: str = ""


@dataclass(frozen=True)
class Group:
    """A chapter: its title and its cards."""

    title: str
    cards: Sequence[Card]

    @property
    def tally(self) -> list[list[tuple[str, int]]]:
        """How many cards have each word; words with the same mark stand together."""
        counts, marks = Counter(card.word for card in self.cards), dict[str, list[tuple[str, int]]]()
        for word in VERDICTS:
            if counts[word]:
                marks.setdefault(VERDICTS[word][0], []).append((word, counts[word]))
        return list(marks.values())


@dataclass(frozen=True)
class Index:
    """The page that lists all claims; ``lines`` are commands with what they do."""

    title: str
    lead: str
    groups: Sequence[Group]
    badges: Sequence[Badge] = ()
    lines: Sequence[tuple[str, str]] = ()
    glossary: Sequence[tuple[str, str]] = ()
    origin: str = ""

    @property
    def words(self) -> list[tuple[str, int]]:
        """How many claims have each word, most first."""
        return Counter(card.word for group in self.groups for card in group.cards).most_common()

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """How many claims are of each kind, most first."""
        return Counter(card.kind for group in self.groups for card in group.cards).most_common()
