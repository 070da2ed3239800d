"""A verdict: one word from a fixed list, a sentence, and the numbers it rests on."""

from __future__ import annotations

from collections.abc import Mapping
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
