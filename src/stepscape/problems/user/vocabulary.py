"""Texts as words without case and accents, and the words of every language looked up in them."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby

Words = tuple[str, ...]

# Marks of Latin, Greek, Cyrillic, Hebrew and Arabic letters, and characters without a width.
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0640\u200c-\u200f\u2060-\u2064\ufe0f\ufeff]"
)
# Letters of Thai, Chinese and Japanese, which put no space between words.
_UNSPACED = re.compile("[\u0e00-\u0eff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True)
class Vocabulary:
    """The words of all languages, folded.

    Attributes
    ----------
    pairs : (what stands for 0, what stands for 1).
    no, yes : texts that stand for 0 or 1 beside any other, and beginnings of such texts.
    denials, clear : phrases that deny; those that deny whatever stands beside them.
    prefixes, suffixes : beginnings and ends of words that deny.
    particles : what denies anywhere in a text without spaces.
    fillers : words that come and go with a denial.
    """

    pairs: frozenset[tuple[str, str]]
    no: tuple[frozenset[str], Words]
    yes: tuple[frozenset[str], Words]
    denials: frozenset[Words]
    clear: frozenset[Words]
    prefixes: Words
    suffixes: Words
    particles: Words
    fillers: frozenset[str]

    def says(self, text: str, yes: bool) -> bool:
        """Whether a text stands for 1, or for 0, beside any other."""
        whole, beginnings = self.yes if yes else self.no
        return text in whole or text.startswith(beginnings)


@cache
def vocabulary() -> Vocabulary:
    """Read the words of all languages from ``data/words.toml``."""
    data = tomllib.loads((files("stepscape") / "data" / "words.toml").read_text(encoding="utf-8"))

    def every(key: str) -> Words:
        return _listed(language.get(key, "") for language in data["languages"].values())

    pairs = (entry.split("/") for entry in every("pairs"))
    affixes = every("before"), every("after")
    return Vocabulary(
        pairs=frozenset((join(split(no)), join(split(yes))) for no, yes in pairs),
        no=_answers(every("no")),
        yes=_answers(every("yes")),
        denials=frozenset(map(split, every("words"))),
        clear=frozenset(map(split, _listed([data["all"]["clear"]]))),
        prefixes=tuple(word for word in affixes[0] if not unspaced(word)),
        suffixes=tuple(word for word in affixes[1] if not unspaced(word)),
        particles=tuple(word for word in affixes[0] + affixes[1] if unspaced(word)),
        fillers=frozenset(_listed([data["all"]["fillers"]])),
    )


def fold(text: str) -> str:
    """Write a text without case and accents: "Élevé" is "eleve", composed or not, and "HAYIR" is "hayir"."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", folded)).replace("ı", "i").strip()


def split(folded: str) -> Words:
    """Split at what is not a letter, between letters and digits, and where a script without spaces begins."""
    return tuple("".join(run) for kind, run in groupby(folded, _kind) if kind)


def join(words: Words) -> str:
    """Write words without anything between them."""
    return "".join(words)


def unspaced(word: str) -> bool:
    """Whether a word begins in a script that puts no space between words."""
    return bool(_UNSPACED.match(word))


def _kind(character: str) -> str:
    if unspaced(character):
        return "unspaced"
    if character.isdecimal():
        return "digit"
    return "letter" if unicodedata.category(character)[0] in "LM" else ""


def _listed(texts: Iterable[str]) -> Words:
    """Split lists at commas, fold their entries, and name each once."""
    entries = (fold(entry) for text in texts for entry in text.split(","))
    return tuple(dict.fromkeys(entry for entry in entries if entry))


def _answers(entries: Words) -> tuple[frozenset[str], Words]:
    whole = frozenset(join(split(entry)) for entry in entries if not entry.endswith("*"))
    return whole, tuple(entry.rstrip("*") for entry in entries if entry.endswith("*"))
