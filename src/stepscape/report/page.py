"""A page of content → one HTML file that works offline."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from stepscape.figures.text import legal, shortened
from stepscape.report import words
from stepscape.report.content import Block, Choice, Fold, Page

if TYPE_CHECKING:
    from jinja2 import Template

LONGEST_HEADLINE = 120  # letters


def render(page: Page) -> str:
    """Return the page as HTML: style and figures inline, every string escaped, no address requested.

    It holds no control characters and nothing that UTF-8 cannot write, whatever the strings held.
    """
    blocks = [block for section in page.sections for block in section.blocks]
    return legal(_template().render(page=page, verdicts=words.VERDICTS, widest=_widest(blocks)))


def _widest(blocks: Sequence[Block]) -> int:
    """Return how many columns the widest table has of which columns are chosen."""
    inner = [_widest(block.blocks) for block in blocks if isinstance(block, Fold)]
    return max([0, *inner, *(len(block.columns) for block in blocks if isinstance(block, Choice))])


def _short(text: str) -> str:
    """Shorten what stands in a headline."""
    return shortened(text, LONGEST_HEADLINE)


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("stepscape.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        inline=words.inline, short=_short, number=words.number, sentence=words.sentence, slug=words.slug
    )
    environment.tests["numeric"] = words.is_number
    return environment.get_template("page.html")
