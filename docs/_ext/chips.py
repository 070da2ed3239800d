"""Verdicts as small marks: a chip with glyph and word, and a strip with one glyph for each part."""

from __future__ import annotations

import html
import re
from pathlib import Path

from stepscape.experiments.frame.ledger import Entry, Ledger, read
from stepscape.report.words import VERDICTS, number

DATA = Path(__file__).parents[2] / "src" / "stepscape" / "data"


def committed(size: str) -> Ledger:
    """Read the committed ledger of one size."""
    path = DATA / f"ledger-{size}.json"
    return read(path.read_bytes(), path.name)


def chip(word: str) -> str:
    """Return a verdict as Markdown: glyph, word, and a class for its color."""
    glyph, name, _ = VERDICTS[word]
    return f"[{glyph} {name}]{{.chip .chip-{word}}}"


def strip(entry: Entry) -> str:
    """Return one glyph for each part, with its title and verdict in words as tooltip."""
    marks = [
        (
            f"{found.words or part.replace('_', ' ')}: {VERDICTS[found.word][1]}",
            found.word,
        )
        for part, found in entry.verdicts.items()
    ]
    return " ".join(
        f'<span class="mark chip-{word}" title="{html.escape(text)}">{VERDICTS[word][0]}</span>'
        for text, word in marks
    )


def value(found: object) -> str:
    """Write a number as reports do."""
    return "not measured" if found is None else escaped(number(found))


def escaped(text: str) -> str:
    """Return plain text as one line of Markdown."""
    line = " ".join(text.split())
    return re.sub(r"([\\*|\[\]<>_])", r"\\\1", line).removesuffix(".")


def text(plain: str) -> str:
    """Escape plain text but for what stands between backticks, which is code."""
    pieces = plain.removesuffix(".").split("`")
    return "`".join(piece if i % 2 else _kept(piece) for i, piece in enumerate(pieces))


def _kept(piece: str) -> str:
    # The spaces at its ends keep it apart from the code beside it.
    start, end = piece[:1].isspace() * " ", piece[-1:].isspace() * " "
    return f"{start}{escaped(piece)}{end}" if piece.strip() else piece
