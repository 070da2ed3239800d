"""Kinds of claims and the words of their verdicts.

A decider answers yes, no, mixed or some and knows no kind; a part puts the answer into the words of its kind.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from stepscape.errors import unknown

# "some": of several questions some say yes, and none says no; the others are open.
Answer = Literal["yes", "no", "mixed", "some", "undecided", "premise_not_met", "vacuous"]


class Words(NamedTuple):
    """What a kind of claim says when it is found true, false, or true in a part."""

    yes: str
    no: str
    mixed: str


# One counterexample makes an inequality false and contradicts a rate: "mixed" is not a middle word there.
KINDS = {
    "identity": Words("holds", "false_as_stated", "false_as_stated"),
    "inequality": Words("holds", "false_as_stated", "false_as_stated"),
    "one-sided rate": Words("consistent", "contradicted", "contradicted"),
    "figure": Words("reproduced", "not_reproduced", "partly"),
    "open question": Words("yes", "no", "it_depends"),
}
FOR_ALL = ("premise_not_met", "vacuous", "undecided")
WORDS = tuple(dict.fromkeys([*(word for words in KINDS.values() for word in words), *FOR_ALL]))


def words_of(kind: str) -> Words:
    """Return the words of a kind of claim; an unknown kind is refused with the nearest known one."""
    if kind not in KINDS:
        raise unknown("kind of claim", kind, KINDS)
    return KINDS[kind]


def word(kind: str, answer: str) -> str:
    """Return the word of a kind for an answer.

    >>> word("inequality", "no"), word("figure", "mixed"), word("inequality", "some")
    ('false_as_stated', 'partly', 'undecided')
    """
    words = words_of(kind)
    if answer == "some":
        return words.mixed if words.mixed != words.no else "undecided"
    return answer if answer in FOR_ALL else str(getattr(words, answer))
