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
    width: float = 0.0  # inches that it was drawn for
    animation: str = field(default="", repr=False)  # markup that stands below it on a screen


@dataclass(frozen=True)
class Grid:
    """A table: numbers are set right with four digits, None as a dash.

    Attributes
    ----------
    shares : widths of the columns in per cent.
    marked : numbers of the rows, from 0, that stand out; ``mark`` says in a word why.
    """

    kind: ClassVar[str] = "grid"
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    shares: Sequence[int] = ()
    marked: Sequence[int] = ()
    mark: str = ""


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
    before : its word in the ledger before, where that was another one.
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
    before: str = ""


@dataclass(frozen=True)
class Bound:
    """Both sides of an inequality, with its premises in words and what it says.

    Attributes
    ----------
    share : left side over right side, which a bar shows; None where there is no such number.
    remark : what a reader must add to the word, such as that it holds but says little.
    premises, failed : premises that hold or are assumed, and those that are not met.
    """

    kind: ClassVar[str] = "bound"
    name: str
    statement: str
    left: Cell
    right: Cell
    slack: Cell
    word: str
    share: float | None
    remark: str = ""
    premises: Sequence[str] = ()
    failed: Sequence[str] = ()


@dataclass(frozen=True)
class Links:
    """Files beside the page: what each shows, and its address."""

    kind: ClassVar[str] = "links"
    lead: str
    links: Sequence[tuple[str, str]]


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
    """Blocks that open on demand; in print they stay closed unless `printed`."""

    kind: ClassVar[str] = "fold"
    summary: str
    blocks: Sequence[Block]
    printed: bool = False


Block = Paragraph | Drawing | Grid | Choice | Judgment | Bound | Links | Heading | Facts | Commands | Fold


@dataclass(frozen=True)
class Section:
    """A heading and its blocks; ``short`` is its entry in the table of contents, ``name`` its address."""

    heading: str
    blocks: Sequence[Block]
    short: str = ""
    name: str = ""


@dataclass(frozen=True)
class Badge:
    """A word or two beside the title, and what they mean."""

    text: str
    meaning: str


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes
    ----------
    lead : first paragraph.
    origin : last line: versions, machine, time.
    hero : the picture that stands directly below the lead.
    badges : what a reader must know of the page as a whole, beside its title.
    back : words and address of the page that lists this one; ("", "") if there is none.
    """

    title: str
    lead: str
    sections: Sequence[Section]
    origin: str = ""
    hero: Drawing | None = None
    badges: Sequence[Badge] = ()
    back: tuple[str, str] = ("", "")
