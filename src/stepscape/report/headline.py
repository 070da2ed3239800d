"""What came of a claim in one line: the finding of the part that decides, as a title."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepscape.experiments.frame.kinds import FOR_ALL, KINDS
from stepscape.experiments.frame.ledger import Entry, Verdict
from stepscape.experiments.frame.sentences import clause
from stepscape.report.words import capitalize

# Rows that say most come first: what holds, then what holds in a part, what does not, what is open.
_PROVED = ("identity", "inequality")
_NOTHING = re.compile("no usable")  # in a clause that only counts seeds
_ORDER = [*(words[i] for i in (0, 2, 1) for words in KINDS.values()), *reversed(FOR_ALL)]


def headline(entry: Entry) -> Verdict:
    """Return the verdict that a claim is about; the first one in a ledger that marks none."""
    return entry.headline or next(iter(entry.verdicts.values()))


def finding(entry: Entry) -> str:
    """Say in one clause what the part that decides found, with its number.

    A part with rows is told by the row that says most, which is named: the verdict speaks of all rows. Of an
    inequality or identity, whose sentence only counts comparisons, the claim is named first. Where nothing
    was found, the title of the claim stands.
    """
    whole, title = headline(entry), entry.experiment.title
    rows = whole.rows.values()
    found = min(rows, key=lambda each: _ORDER.index(each.word)) if rows else whole
    if found.word == "premise_not_met" or not found.sentence:
        return title
    told = first_clause(found.sentence)
    if _NOTHING.search(told):
        return title
    if whole.kind in _PROVED:
        return f"{title.partition(':')[0]}: {clause(told)}"
    return f"{told} ({found.words})" if rows else told


def first_clause(sentence: str) -> str:
    """Return the first clause of a sentence that says more than how many seeds an interval needs.

    What stands in parentheses at its end is left out.

    >>> first_clause("The curve loses pieces: 9.5 [6.7, 12.3] (pieces lost; 4 seeds); so it is.")
    'The curve loses pieces: 9.5 [6.7, 12.3]'
    """
    clauses = [each.strip().rstrip(".") for each in _clauses(sentence)]
    told = next((each for each in clauses if not _NOTHING.search(each)), clauses[0])
    return capitalize(re.sub(r"\s*\([^()]*\)$", "", told))


def _clauses(sentence: str) -> Iterator[str]:
    """Split at semicolons outside of brackets."""
    depth, start = 0, 0
    for at, letter in enumerate(sentence):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == ";" and depth <= 0:
            yield sentence[start:at]
            start = at + 1
    yield sentence[start:]
