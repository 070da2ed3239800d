"""What a report says, apart from how it looks: a page of sections of blocks.

Every string is plain text and is escaped when rendered; only `code` between backticks is marked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

Cell = str | float | int | None


class Formula(str):
    """Text of our own, not of a user, in which indices and powers are set as such: `x_max²`, `e^{−L}`."""


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``tone`` is "", "aside" (smaller, for remarks) or "warning"."""

    kind: ClassVar[str] = "paragraph"
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Drawing:
    """A figure as markup that is safe to inline, its caption, and words for who cannot see it."""

    kind: ClassVar[str] = "drawing"
    name: str
    markup: str = field(repr=False)
    caption: str = ""
    alt: str = ""
    svg: str = field(default="", repr=False)  # the same as a document of its own
    wide: bool = False  # whether it may be wider than the text


@dataclass(frozen=True)
class Grid:
    """A table: numbers are set right with four digits, None as a dash; ``shares`` are widths in per cent."""

    kind: ClassVar[str] = "grid"
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    shares: Sequence[int] = ()


@dataclass(frozen=True)
class Choice:
    """A wide table of which a reader chooses the columns; `shown` says which are there at first.

    The first column names the row and stays. A long text in a cell is folded.
    """

    kind: ClassVar[str] = "choice"
    caption: str
    columns: Sequence[str]
    shown: Sequence[bool]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Judgment:
    """A verdict: its subject, its word, its sentence, the rule, and the numbers that decided.

    Attributes
    ----------
    full_size : the word that the same part has at the full size, where that is another one.
    primary : whether it is the part that the claim's headline is about.
    rows : the same of each row, such as an arm; they have no rows of their own.
    """

    kind: ClassVar[str] = "judgment"
    subject: str
    word: str
    sentence: str
    numbers: Mapping[str, Cell] = field(default_factory=dict)
    full_size: str = ""
    rule: str = ""
    primary: bool = False
    rows: Sequence[Judgment] = ()


@dataclass(frozen=True)
class Claim:
    """A row of an overview: a claim, the `name` of its section, each part with its verdict, and its cost."""

    title: str
    name: str
    kind: str
    parts: Sequence[tuple[str, str]]
    cost: str


@dataclass(frozen=True)
class Overview:
    """All claims of a page with their verdicts, each linked to its section."""

    kind: ClassVar[str] = "overview"
    caption: str
    claims: Sequence[Claim]


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Facts:
    """Pairs of a term and what holds for it, in one column (long values) or two (numbers)."""

    kind: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, Cell]]
    columns: int = 1


@dataclass(frozen=True)
class Commands:
    """Command lines, each with an explanation."""

    kind: ClassVar[str] = "commands"
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Fold:
    """Blocks that open on demand, and are always open in print."""

    kind: ClassVar[str] = "fold"
    summary: str
    blocks: Sequence[Block]


Block = Paragraph | Drawing | Grid | Choice | Judgment | Overview | Heading | Facts | Commands | Fold


@dataclass(frozen=True)
class Section:
    """A heading and its blocks; ``short`` is its entry in the table of contents, ``name`` its address."""

    heading: str
    blocks: Sequence[Block]
    short: str = ""
    name: str = ""


@dataclass(frozen=True)
class Page:
    """A whole report; ``lead`` is its first paragraph, ``origin`` its last line (versions, machine, time)."""

    title: str
    lead: str
    sections: Sequence[Section]
    origin: str = ""
