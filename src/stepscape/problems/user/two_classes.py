"""Two texts → which of them stands for 1, and whether words tell so or only the alphabet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from stepscape.problems.user.vocabulary import Words, fold, join, split, unspaced, vocabulary

_SIGNS = dict.fromkeys("+>≥✓✔✅☑○〇", 1) | dict.fromkeys("-–−<≤×✗✘❌☐", -1)
_BRACKETS = " \t()[]{}\"'"
_SHORTHAND = (
    (re.compile(r"n['’]t\b"), "nt"),
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/(?=\s|\w)"), "with "),
)
_PREPOSITIONS = ("in", "on", "an")  # prefixes that are words before a hyphen: "in-hospital"
_PART = 4  # letters that the last word of a text must exceed to be denied without the others
_MOST = 400  # characters of a text that are compared


class Choice(NamedTuple):
    """Two texts in the order of what they stand for; `known` where a rule tells, not the alphabet."""

    no: str
    yes: str
    known: bool


def choose(one: str, other: str) -> Choice:
    """Decide which of two texts stands for 1.

    Upper and lower case, accents, spaces, hyphens and underscores do not count. The first rule that tells:

    1. a sign or a bound: "HIV+" beside "HIV-", ">50K" beside "<=50K";
    2. a pair of words whose order is known, alone or with the rest in common: "high" beside "low",
       "HIV positive" beside "HIV negative";
    3. what denies the other stands for 0: "Not hospitalized" beside "Hospitalized";
    4. a word that says yes or no beside any other: "case" beside "volunteer";
    5. a denial in one of them alone stands for 0: "no pain" beside "mild pain", and "unvaccinated" beside
       "fully vaccinated";
    6. the alphabet, a guess: the later text stands for 1, where numbers in a text count by value.

    The words are those of ``data/words.toml``. Neither the order of the texts nor their case matters.
    """
    first, second = _read(one), _read(other)
    for tells in _RULES:
        forward, backward = tells(first, second), tells(second, first)
        if forward != backward:
            return Choice(*((one, other) if forward else (other, one)), known=True)
    no, yes = sorted((one, other), key=lambda text: (_by_value(fold(text)), text))
    return Choice(no, yes, known=False)


def answers(text: str, yes: bool) -> bool:
    """Whether a text stands for 1, or for 0, beside any other."""
    return vocabulary().says(join(_read(text).words), yes)


def answered(one: str, other: str) -> bool:
    """Whether two texts answer yes or no, rather than being grades such as "mild" and "severe"."""
    texts = _read(one), _read(other)
    says = any(answers(text, yes) for text in (one, other) for yes in (False, True))
    return says or _by_denial(*texts) or _by_denial(*reversed(texts))


class _Text(NamedTuple):
    """The words of a text, also split at every hyphen, and the sign at its ends: -1, 0 or 1."""

    words: Words
    apart: Words
    sign: int


def _read(text: str) -> _Text:
    folded = fold(text[:_MOST])
    bare = folded.strip(_BRACKETS)
    sign = next((_SIGNS[end] for end in (bare[:1], bare[-1:]) if end in _SIGNS), 0)
    for shorthand, word in _SHORTHAND:
        folded = shorthand.sub(word, folded)
    return _Text(split(_hyphened().sub(r"\1", folded)), split(folded), sign)


@cache
def _hyphened() -> re.Pattern[str]:
    """Match a prefix before a hyphen or an underscore: "un-vaccinated" is one word."""
    prefixes = [word for word in vocabulary().prefixes if len(word) > 1 and word not in _PREPOSITIONS]
    longest_first = sorted(prefixes, key=len, reverse=True)
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})[-_\u2010\u2011]+(?=\w)")


def _by_value(text: str) -> tuple[str | tuple[int, str], ...]:
    """Put "group 9" before "group 10"."""
    runs = (run.lstrip("0") if place % 2 else run for place, run in enumerate(re.split(r"(\d+)", text)))
    return tuple((len(run), run) if place % 2 else run for place, run in enumerate(runs))


# The rules: whether the second text is known to stand for 1 beside the first.


def _by_sign(no: _Text, yes: _Text) -> bool:
    return no.sign < yes.sign and (no.words == yes.words or no.sign * yes.sign < 0)


def _by_pair(no: _Text, yes: _Text) -> bool:
    whole, (one, other) = (join(no.words), join(yes.words)), map(join, _differences(no.words, yes.words))
    return not vocabulary().pairs.isdisjoint((whole, (one, other))) or _end_as_pair(*whole)


def _by_denial(no: _Text, yes: _Text) -> bool:
    denied = _bare(yes.words)
    return any(_akin(rest, denied, ending) for rest, ending in _rests(no.words))


def _by_answer(no: _Text, yes: _Text) -> bool:
    one, other = map(join, _differences(no.words, yes.words))
    says = vocabulary().says
    if says(one, True):
        return False
    return says(other, True) or (says(one, False) and not says(other, False))


def _by_denying_word(no: _Text, yes: _Text) -> bool:
    known = vocabulary()
    if _spans(yes.apart, known.denials):
        return False
    within = (rest == yes.apart[-1] for rest, _ in _rests(no.words) if len(rest) > _PART and yes.apart)
    return bool(_spans(no.apart, known.clear)) or any(within)


_RULES: tuple[Callable[[_Text, _Text], bool], ...] = (
    _by_sign,
    _by_pair,
    _by_denial,
    _by_answer,
    _by_denying_word,
)


def _differences(one: Words, other: Words) -> tuple[Words, Words]:
    """Leave out the words that two texts begin with, and those that they end with."""
    start = _common(one, other)
    one, other = one[start:], other[start:]
    end = _common(one[::-1], other[::-1])
    return one[: len(one) - end], other[: len(other) - end]


def _common(one: str | Words, other: str | Words) -> int:
    """Count the items that two sequences begin with."""
    least = min(len(one), len(other))
    return next((place for place in range(least) if one[place] != other[place]), least)


def _end_as_pair(no: str, yes: str) -> bool:
    """Whether two words are a pair but for a beginning or an end: "hivnegative" and "hivpositive"."""
    start, end = _common(no, yes), _common(no[::-1], yes[::-1])
    for one, other in vocabulary().pairs:
        least = 1 if unspaced(one) else 2
        rest = len(no) - len(one)
        if rest != len(yes) - len(other) or min(len(one), len(other), rest) < least:
            continue
        if rest <= start and no.endswith(one) and yes.endswith(other):
            return True
        if rest <= end and no.startswith(one) and yes.startswith(other):
            return True
    return False


def _rests(words: Words) -> Iterator[tuple[str, int]]:
    """Take one denial out of a text in every way: what is left, and how long another ending may be."""
    for start, end in _spans(words, vocabulary().denials):
        yield _bare(words[:start] + words[end:]), 5
    for place, word in enumerate(words):
        for rest, ending in _particle_rests(word) if unspaced(word) else _affix_rests(word):
            yield _bare((*words[:place], rest, *words[place + 1 :])), ending


def _particle_rests(word: str) -> Iterator[tuple[str, int]]:
    for particle in vocabulary().particles:
        for found in re.finditer(re.escape(particle), word):
            yield word[: found.start()] + word[found.end() :], 2


def _affix_rests(word: str) -> Iterator[tuple[str, int]]:
    for prefix in vocabulary().prefixes:
        if word.startswith(prefix) and len(word) >= len(prefix) + _least(prefix):
            yield word[len(prefix) :], 5 if len(prefix) > 1 else 0
    for suffix in vocabulary().suffixes:
        if word.endswith(suffix) and len(word) >= len(suffix) + _least(suffix):
            yield word[: -len(suffix)], 5


def _least(affix: str) -> int:
    """Say how long a word must be for an affix to deny it: "a-" denies "typical", and not "live"."""
    if "\uac00" <= affix[0] <= "\ud7a3":  # a syllable of Korean, as good as a word
        return 1
    return 5 if len(affix) == 1 else 3


def _akin(one: str, other: str, ending: int) -> bool:
    """Whether texts are equal, or begin alike and end differently in at most so many letters."""
    if not one or one == other:
        return bool(one)
    common = _common(one, other)
    if unspaced(one):
        return common == len(one) and len(other) - common <= ending
    return common >= 4 and max(len(one), len(other)) - common <= min(ending, common)


def _bare(words: Words) -> str:
    return join(tuple(word for word in words if word not in vocabulary().fillers)) or join(words)


def _spans(words: Words, phrases: frozenset[Words]) -> list[tuple[int, int]]:
    """Find the phrases of up to three words in a text that has more to say."""
    spans = [(start, start + size) for size in (1, 2, 3) for start in range(len(words) - size + 1)]
    return [(start, end) for start, end in spans if words[start:end] in phrases and end - start < len(words)]
