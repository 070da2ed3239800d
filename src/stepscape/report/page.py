"""A page of content, or the index of a ledger → one HTML file that works offline."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from stepscape.figures.text import legal, shortened
from stepscape.report import words
from stepscape.report.content import Block, Choice, Fold, Page
from stepscape.report.index import Index

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_HEADLINE = 120  # letters


def render(page: Page) -> str:
    """Return the page as HTML: style and figures inline, every string escaped, no address requested.

    It holds no control characters and nothing that UTF-8 cannot write, whatever the strings held.
    """
    blocks = [block for section in page.sections for block in section.blocks]
    return legal(_templates().get_template("page.html").render(page=page, widest=_widest(blocks)))


def render_index(page: Index) -> str:
    """Return the index as HTML; all that it may run is the search, which the policy names by its hash."""
    templates = _templates()
    script = templates.get_template("index.js").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return legal(templates.get_template("index.html").render(page=page, script=script, digest=digest))


def colors() -> str:
    """Return the colors of all pages, light and dark, as variables of their style."""
    return _templates().get_template("colors.css").render()


def _widest(blocks: Sequence[Block]) -> int:
    """Return how many columns the widest table has of which columns are chosen."""
    inner = [_widest(block.blocks) for block in blocks if isinstance(block, Fold)]
    return max([0, *inner, *(len(block.columns) for block in blocks if isinstance(block, Choice))])


def _short(text: str) -> str:
    """Shorten what stands in a headline."""
    return shortened(text, LONGEST_HEADLINE)


@cache
def _templates() -> Environment:
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
    environment.globals["verdicts"] = words.VERDICTS
    return environment
