"""A page of content → one HTML file that works offline."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from stepscape.report import words
from stepscape.report.content import Page

if TYPE_CHECKING:
    from jinja2 import Template


def render(page: Page) -> str:
    """Return the page as HTML: style and figures inline, every string escaped, no address requested."""
    return _template().render(page=page, verdicts=words.VERDICTS)


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
        inline=words.inline, number=words.number, sentence=words.sentence, slug=words.slug
    )
    environment.tests["numeric"] = words.is_number
    return environment.get_template("page.html")
