"""A part of a claim: its rule as data, the function that applies it, and what came out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from stepscape.experiments.frame.finding import Finding, lacking, together
from stepscape.experiments.frame.kinds import word
from stepscape.experiments.frame.limits import COMMON
from stepscape.experiments.frame.result import Result
from stepscape.experiments.frame.sentences import sentence
from stepscape.tables.records import Table

Judge = Callable[..., Finding]
# How one sentence states the answers of several rows, in this order.
_SO = {
    "yes": "it is so for {}",
    "mixed": "it is partly so for {}",
    "some": "a part of it holds, and the rest is not settled, for {}",
    "no": "it is not so for {}",
    "undecided": "it is not settled for {}",
    "vacuous": "it says nothing for {}",
    "premise_not_met": "the premise is not met for {}",
}


def nothing_lacks(_: Table) -> str:
    """Return "": a part that speaks about every run."""
    return ""


@dataclass(frozen=True)
class Part:
    """A question that a claim raises, and the rule that answers it.

    Attributes
    ----------
    name : identifier; a key of the ledger.
    words : its title for a reader.
    rule : a sentence or two; constants stand in it as ``{name}``, with a format where needed.
    judge : (result, **constants) → `Finding`; called with the runs of `where`, row by row of `by`.
    constants : what the rule and its judge share, so that the text cannot say another number than the code.
    kind : one of `KINDS` where it is not that of the claim.
    primary : the one part that the claim's headline is about.
    where : values of columns that pick the runs it speaks about.
    by : column whose values are rows of the part, such as ``arm``: one finding for each row, and one for all.
    literal : the row that is the claim as it is printed; where its premise is not met, the sentence says that
        the other rows do not test that.
    reads : columns without which there is nothing to judge.
    needs : table → what the runs lack for the claim to apply to them, "" if nothing.
    join : findings of the rows → that of the part: `together`, which leaves out rows whose premise is not
        met, or `every_row`, for which such a row leaves a yes open.
    """

    name: str
    words: str
    rule: str
    judge: Judge = field(compare=False)
    constants: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    primary: bool = False
    where: Mapping[str, object] = field(default_factory=dict)
    by: str = ""
    literal: str = "as_printed"
    reads: tuple[str, ...] = ()
    needs: Callable[[Table], str] = nothing_lacks
    join: Callable[[Mapping[str, Finding]], Finding] = field(default=together, compare=False)

    @property
    def text(self) -> str:
        """The rule with its constants."""
        return self.rule.format(**self.constants)

    @property
    def fingerprint(self) -> str:
        """First 16 digits of the SHA-256 of the rule's text, its constants and those that all rules share."""
        content = msgspec.json.encode([self.text, dict(self.constants), COMMON], order="sorted")
        return hashlib.sha256(content).hexdigest()[:16]

    def find(self, result: Result, names: Mapping[str, str] | None = None) -> Judged:
        """Apply the rule; `names` words the rows."""
        chosen = result.where(**self.where)
        if not self.by:
            return Judged(self, self._of(chosen), {})
        values = list(dict.fromkeys(run.row[self.by] for run in chosen.runs if self.by in run.row))
        rows = {str(value): self._of(chosen.where(**{self.by: value})) for value in values}
        words = {row: row_words(row, names or {}) for row in rows}
        whole = _summary(
            {words[row]: each for row, each in rows.items()}, words.get(self.literal, ""), self.join
        )
        return Judged(self, whole, rows)

    def _of(self, result: Result) -> Finding:
        if not result.runs:
            return lacking("there is no such run")
        table = result.table
        if missing := [column for column in self.reads if column not in table]:
            return lacking(f"`{missing[0]}` was measured in no run")
        reason = self.needs(table)
        return lacking(reason) if reason else self.judge(result, **self.constants)


@dataclass(frozen=True)
class Judged:
    """A part with what came out: of all rows together, and of each by its value."""

    part: Part
    finding: Finding
    rows: Mapping[str, Finding]

    def word(self, kind: str, row: str = "") -> str:
        """Return the word of the part, or of one of its rows; `kind` is that of the claim."""
        return word(self.part.kind or kind, (self.rows[row] if row else self.finding).answer)


def _summary(
    rows: Mapping[str, Finding], literal: str, join: Callable[[Mapping[str, Finding]], Finding]
) -> Finding:
    if len(rows) < 2:
        return next(iter(rows.values()), lacking("there is no such run"))
    whole = join(rows)
    if whole.answer == "premise_not_met":
        return whole
    named = {answer: [row for row in rows if rows[row].answer == answer] for answer in _SO}
    clauses = [text.format(_and(named[answer])) for answer, text in _SO.items() if named[answer]]
    if literal in named["premise_not_met"]:
        clauses[-1] += ", so that the claim as it is printed is not tested"  # that premise comes last
    return Finding(whole.answer, sentence(*clauses), whole.effect)


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def row_words(row: str, names: Mapping[str, str]) -> str:
    """Name a row in a sentence."""
    return names.get(row, row.replace("_", " "))
