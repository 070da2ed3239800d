"""Text of users in figures: shown as it stands, shortened, in a font that has its characters."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from stepscape.errors import printable

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

LONGEST = 32  # widths of a letter; a longer name would not leave room for the picture
USUAL = "DejaVu Sans"
# Fonts with the characters of many scripts, of which a system may have one.
_FALLBACKS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Droid Sans Fallback", "PingFang SC", "Hiragino Sans GB", "Heiti SC",
    "Microsoft YaHei", "SimHei", "Yu Gothic", "Malgun Gothic", "Arial Unicode MS",
)  # fmt: skip
# What XML 1.0 forbids or, of controls, discourages.
_ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def shown(name: str, most: int = LONGEST) -> str:
    r"""Return a name as a figure shows it: printable, at most so wide, and never a formula.

    >>> shown("cost in $"), shown("accel", 4), shown("a\nb")
    ('cost in \\$', 'acc…', 'a\\nb')
    """
    return shortened(legal(printable(name)), most).replace("$", r"\$")


def shortened(text: str, most: int) -> str:
    """Cut a text where it is wider than so many letters, of which Chinese characters take two.

    >>> shortened("a long name", 7), shortened("short", 7)
    ('a long…', 'short')
    """
    width = 0
    for i, character in enumerate(text):
        width += 2 if east_asian_width(character) in "WF" else 1
        if width > most - (i + 1 < len(text)):
            return text[:i].rstrip() + "…"
    return text


def legal(text: str) -> str:
    """Replace controls, and what no XML document may hold, by the replacement character.

    >>> legal("a" + chr(0)) == "a" + chr(0xFFFD)
    True
    """
    return _ILLEGAL.sub("\ufffd", text)


def unwritable(text: str) -> str:
    """Return the characters of a text, each once, that no font here has: figures show a box instead."""
    return _missing(text, _families(text))


@contextmanager
def legible(figure: Figure) -> Iterator[None]:
    """Set texts in a font that has their characters; the box of one that no font has needs no warning."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        words = legal(text.get_text())
        if words != text.get_text():
            text.set_text(words)
        if not words.isascii() and len(families := _families(words)) > 1:
            text.set_fontfamily(families)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from")
        yield


def extent(artist: Artist) -> Bbox:
    """Return the box of an artist in pixels of its figure as it is now; a text remembers older pixels."""
    figure: Any = artist.get_figure(root=True)
    return artist.get_window_extent(figure._get_renderer())


def _families(text: str) -> list[str]:
    """Return the usual font, and one that has more of the characters where the usual one lacks some."""
    from matplotlib.font_manager import fontManager

    if not _missing(text, [USUAL]):
        return [USUAL]
    installed = {font.name for font in fontManager.ttflist}
    found = [[USUAL, name] for name in _FALLBACKS if name in installed]
    return min([*found, [USUAL]], key=lambda families: len(_missing(text, families)))


def _missing(text: str, families: Sequence[str]) -> str:
    from matplotlib.font_manager import findfont, get_font

    fonts = [get_font(findfont(name)) for name in families]
    seen = [c for c in dict.fromkeys(text) if not c.isspace()]
    return "".join(c for c in seen if not any(font.get_char_index(ord(c)) for font in fonts))
