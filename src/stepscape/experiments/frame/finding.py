"""What a decider finds: an answer, a sentence, an effect with its interval, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

from stepscape.errors import unknown
from stepscape.experiments.frame.kinds import Answer
from stepscape.experiments.frame.sentences import clause, sentence
from stepscape.tables.interval import Interval

Number = float | str | bool | None


@dataclass(frozen=True)
class Effect:
    """The size of an effect.

    Attributes
    ----------
    what : its name and unit, such as "pieces, η = 0.8 minus η = 0.01".
    interval : mean or share with its ends and the number of seeds or runs behind it.
    """

    what: str
    interval: Interval


@dataclass(frozen=True)
class Finding:
    """What was found about one part of a claim, before its kind gives it a word."""

    answer: Answer
    sentence: str
    effect: Effect | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.answer not in get_args(Answer):
            raise unknown("answer", self.answer, get_args(Answer))

    def with_numbers(self, numbers: Mapping[str, Number]) -> Finding:
        """Put further numbers beside those that decided."""
        return replace(self, numbers={**self.numbers, **numbers})


def lacking(reason: str, numbers: Mapping[str, Number] | None = None) -> Finding:
    """Say which premise of a claim the runs do not meet."""
    return Finding("premise_not_met", sentence(reason), numbers=numbers or {})


def in_part(found: Finding, left_out: str) -> Finding:
    """Say what is left out of a question; where something is, a yes holds in part only.

    left_out : a clause, "" if nothing is.
    """
    if not left_out:
        return found
    answer = "some" if found.answer == "yes" else found.answer
    return replace(found, answer=answer, sentence=sentence(clause(found.sentence), left_out))


def together(found: Mapping[str, Finding], primary: str = "", named: bool = True) -> Finding:
    """Put several findings into one: questions that make one part, or the same question in several arms.

    Those whose premise is not met are left out. All yes: yes. Some yes: mixed if another says no, some if the
    others are open. None yes: no if one says no, otherwise undecided. The effect is that of `primary`, or of
    the first that has one.

    Parameters
    ----------
    named : put the name of each before its sentence.
    """
    answered = {name: each for name, each in found.items() if each.answer != "premise_not_met"}
    if not answered:
        reasons = dict.fromkeys(each.sentence for each in found.values())
        return Finding("premise_not_met", " ".join(reasons) or "There is nothing to judge.")
    answers = [each.answer for each in answered.values()]
    first = [answered[primary]] if primary in answered else []
    effects = [each.effect for each in (*first, *answered.values()) if each.effect is not None]
    sentences = [
        f"{name}: {clause(each.sentence)}" if named else each.sentence for name, each in answered.items()
    ]
    return Finding(
        _answer(answers),
        sentence(*sentences) if named else sentence(*map(clause, dict.fromkeys(sentences))),
        effects[0] if effects else None,
        _numbers(answered),
    )


def every_row(found: Mapping[str, Finding]) -> Finding:
    """Put rows into one finding as `together` does; a row whose premise is not met leaves a yes open."""
    whole = together(found)
    lost = any(each.answer == "premise_not_met" for each in found.values())
    return replace(whole, answer="some") if lost and whole.answer == "yes" else whole


def all_of(found: Mapping[str, Finding]) -> Finding:
    """Put the conditions of one question into one finding: it is so if all hold, and not if one does not.

    Otherwise undecided: one condition that holds is not a yes. Sentences and effect as in `together`.
    """
    whole = together(found, named=False)
    answers = {each.answer for each in found.values()}
    answer: Answer = "no" if "no" in answers else "yes" if answers == {"yes"} else "undecided"
    return replace(whole, answer=answer)


def _answer(answers: list[Answer]) -> Answer:
    if all(answer == "vacuous" for answer in answers):
        return "vacuous"
    some = [answer for answer in answers if answer != "vacuous"]
    if all(answer == "yes" for answer in some):
        return "yes"
    if any(answer in ("yes", "some", "mixed") for answer in some):
        return "mixed" if any(answer in ("no", "mixed") for answer in some) else "some"
    return "no" if "no" in some else "undecided"


def _numbers(found: Mapping[str, Finding]) -> dict[str, Number]:
    if len(found) == 1:
        return dict(next(iter(found.values())).numbers)
    return {f"{name}: {what}": value for name, each in found.items() for what, value in each.numbers.items()}
