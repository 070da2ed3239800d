"""Text of a file acts on no terminal."""

from __future__ import annotations

import sys
import unicodedata

import numpy as np
import pytest

from stepscape.errors import InputError, expect, printable, shown

ACTS = {"Cc", "Cs", "Zl", "Zp"}  # controls, surrogates, separators of lines and paragraphs
TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = {"\u200e", "\u200f", "\u061c"}  # the remaining characters with the property Bidi_Control


def acts(character: str) -> bool:
    kind, turn = unicodedata.category(character), unicodedata.bidirectional(character)
    return kind in ACTS or turn in TURNS or character in MARKS


def test_what_acts_on_a_terminal_is_escaped_and_nothing_else():
    for character in map(chr, range(0x11000)):
        shown = printable(character)
        if acts(character):
            assert shown.startswith("\\")
            assert shown.isascii()
            assert not any(map(acts, shown))
        else:
            assert shown == character


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202etxt.exe", r"abc\u202etxt.exe"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\udce9"),
        ("C:\\naïve 漢字 😀", "C:\\naïve 漢字 😀"),
    ],
)
def test_an_escape_is_written_as_python_writes_it(text, shown):
    assert printable(text) == shown


def test_a_number_of_numpy_is_shown_as_a_number():
    for kind in (np.int64, np.uint8, np.float32, np.float64, np.bool_, np.array):
        assert shown(kind(1)) == repr(kind(1).item())


def test_nothing_has_no_article():
    with pytest.raises(InputError, match=r"^network must be a dict, got None$"):
        expect("network", None, dict)


def test_every_escaped_text_can_be_encoded():
    assert printable("".join(map(chr, range(sys.maxunicode + 1)))).encode("utf-8")
