"""How verdicts write numbers and sentences: subject, verb, number."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from stepscape.tables.interval import Interval
from stepscape.tables.number import fixed, short
from stepscape.tables.number import number as number

MOST_LISTED = 3  # settings in a sentence
_IRREGULAR = {"be": ("is", "are"), "have": ("has", "have"), "do": ("does", "do"), "go": ("goes", "go")}


@dataclass(frozen=True)
class Says:
    """A statement that can be affirmed, denied or left open; the verb is given in its base form.

    >>> says = Says("the curve", "lose", "pieces")
    >>> says.affirmed, says.denied
    ('the curve loses pieces', 'the curve does not lose pieces')
    >>> Says("large steps", "be", "better", plural=True).open
    'it is not settled whether large steps are better'
    """

    subject: str
    verb: str
    rest: str = ""
    plural: bool = False

    @property
    def affirmed(self) -> str:
        """The statement."""
        return self.with_subject(self.subject, self.plural)

    @property
    def denied(self) -> str:
        """Its denial."""
        helper = _conjugated("be" if self.verb == "be" else "do", self.plural)
        verb = "" if self.verb == "be" else self.verb
        return _joined(self.subject, helper, "not", verb, self.rest)

    @property
    def open(self) -> str:
        """That it is not settled."""
        return f"it is not settled whether {self.affirmed}"

    def with_subject(self, subject: str, plural: bool) -> str:
        """State it of another subject, such as "3 of 4 runs"."""
        return _joined(subject, _conjugated(self.verb, plural), self.rest)


def of_runs(found: int, total: int, says: Says) -> str:
    """State for how many runs it is true; the subject of `says` is their plural noun.

    >>> says = Says("runs", "settle", "on 2/η")
    >>> of_runs(5, 8, says)
    '5 of 8 runs settle on 2/η'
    >>> of_runs(8, 8, says), of_runs(0, 8, says), of_runs(1, 8, says)
    ('all 8 runs settle on 2/η', 'none of 8 runs settles on 2/η', '1 of 8 runs settles on 2/η')
    >>> of_runs(2, 2, says), of_runs(1, 1, says)
    ('both runs settle on 2/η', '1 of 1 runs settles on 2/η')
    """
    if found == total == 1:
        return says.with_subject(f"1 of 1 {says.subject}", plural=False)
    if found == total == 2:
        return says.with_subject(f"both {says.subject}", plural=True)
    subject = (
        f"all {number(total)}"
        if found == total
        else f"{number(found) if found else 'none'} of {number(total)}"
    )
    return says.with_subject(f"{subject} {says.subject}", plural=found > 1 or found == total)


def interval(found: Interval) -> str:
    """Write a mean with its interval, all with the decimals that two digits of its width need.

    >>> interval(Interval(-13.21, -13.93, -12.42, 20)), interval(Interval(0.5, -math.inf, math.inf, 1))
    ('−13.2 [−13.9, −12.4]', '0.500')
    """
    width = found.high - found.low
    if not math.isfinite(width):
        return number(found.mean)
    if width <= 1e-12 * max(abs(found.high), 1e-300):
        return f"{number(found.mean)} [{number(found.low)}, {number(found.high)}]"
    size = math.floor(math.log10(width))
    if not -5 < size < 6:
        return f"{number(found.mean)} [{number(found.low)}, {number(found.high)}]"
    mean, low, high = (fixed(value, max(0, 1 - size)) for value in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]"


def percent(found: Interval) -> str:
    """Write a share with its interval.

    >>> percent(Interval(0.875, 0.53, 0.98, 8))
    '88 % [53, 98]'
    """
    return f"{100 * found.mean:.0f} % [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def counted(count: int, noun: str) -> str:
    """Put a noun into the number.

    >>> counted(1, "run"), counted(0, "seed")
    ('1 run', '0 seeds')
    """
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")


def listed(values: Iterable[float]) -> str:
    """Write up to three numbers as a list, and more by their count and ends.

    >>> listed([0.01, 0.4]), listed([0.8, 0.1, 0.2, 0.4]), listed([])
    ('0.01, 0.4', '4 values from 0.1 to 0.8', 'none')
    """
    known = list(values)
    if len(known) > MOST_LISTED:
        return f"{len(known)} values from {short(min(known))} to {short(max(known))}"
    return ", ".join(map(short, known)) or "none"


def sentence(*clauses: str) -> str:
    """Join clauses to a sentence with its capital and its full stop; a symbol in front keeps its letter.

    >>> sentence("the risk falls", "it rises again"), sentence("η = 1.2 wins"), sentence("x is 0")
    ('The risk falls; it rises again.', 'η = 1.2 wins.', 'x is 0.')
    """
    whole = "; ".join(clause.rstrip(".") for clause in clauses if clause)
    first = whole.partition(" ")[0]
    if first == "a" or (first.isascii() and first[:2].isalpha() and len(first) > 1):
        whole = whole[:1].upper() + whole[1:]
    return f"{whole}." if whole else ""


def clause(text: str) -> str:
    """Take a sentence back into a longer one: no full stop, no capital unless a symbol or a name has it.

    >>> clause("The risk falls."), clause("λ is 2."), clause("None of 8 runs settles.")
    ('the risk falls', 'λ is 2', 'none of 8 runs settles')
    """
    bare = text.rstrip(".")
    follows = bare[1:2]
    return bare[:1].lower() + bare[1:] if follows.islower() or follows == " " else bare


def _conjugated(verb: str, plural: bool) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb][plural]
    if plural:
        return verb
    ends = verb.endswith(("s", "sh", "ch", "x", "z", "o"))
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if ends else f"{verb}s"


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)
