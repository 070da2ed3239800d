"""A verdict: one word from a fixed list, a sentence, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stepscape.errors import unknown

WORDS = (
    "reproduced",
    "partly",
    "not_reproduced",
    "consistent",  # a one-sided bound that was not contradicted
    "premise_not_met",
    "vacuous",
    "false_as_stated",
    "undecided",
)


@dataclass(frozen=True)
class Verdict:
    """What an experiment says about a claim.

    Parameters
    ----------
    word : one of `WORDS`
    sentence : str
        Why, for a reader who has not seen the table.
    numbers : mapping of str to float or str
        What the rule looked at, by name.
    """

    word: str
    sentence: str
    numbers: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise unknown("verdict", self.word, WORDS)

    def __str__(self) -> str:
        return f"{self.word.replace('_', ' ')}: {self.sentence}"


def nothing(what: str) -> Verdict:
    """Say that there is nothing to judge."""
    return Verdict("premise_not_met", f"there is no {what}")


def by_share(share: float, nearly_all: float = 0.9) -> str:
    """Nearly all: reproduced; at least half: partly; fewer: not_reproduced.

    >>> by_share(0.9), by_share(0.5), by_share(0.4)
    ('reproduced', 'partly', 'not_reproduced')
    """
    return "reproduced" if share >= nearly_all else "partly" if share >= 0.5 else "not_reproduced"


def by_parts(found: Iterable[bool]) -> str:
    """All parts found: reproduced; some: partly; none: not_reproduced.

    >>> by_parts([True, True]), by_parts([True, False]), by_parts([False])
    ('reproduced', 'partly', 'not_reproduced')
    """
    parts = list(found)
    return "reproduced" if all(parts) else "partly" if any(parts) else "not_reproduced"
