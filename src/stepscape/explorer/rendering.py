"""The data of a page → one HTML file that works offline."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from stepscape.explorer.page_data import PageData
from stepscape.figures.text import shortened
from stepscape.report.page import colors

if TYPE_CHECKING:
    from markupsafe import Markup

LONGEST_TITLE = 60  # letters


def render(data: PageData) -> str:
    """Return the page: scripts and style inline, every string of the data inert, no address requested."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    script = _within_script(_file("built", "page.js"))
    return environment.from_string(_file("page.html")).render(
        title=shortened(data.table.source, LONGEST_TITLE) if data.table else "",
        table=data.table,
        style=Markup(colors() + _file("page.css")),
        given=_as_json(data),
        worker=_within_script(_file("built", "worker.js")),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _file(*path: str) -> str:
    return resources.files("stepscape.explorer").joinpath(*path).read_text(encoding="utf-8")


def _as_json(data: PageData) -> Markup:
    r"""Write JSON in ASCII without "<": whatever a string holds, it ends no element and begins no comment."""
    from markupsafe import Markup

    text = json.dumps(msgspec.to_builtins(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _within_script(text: str) -> Markup:
    r"""Write a script of ours so that it can stand in an element: "</" in a string or a pattern as "<\/"."""
    from markupsafe import Markup

    return Markup(text.replace("</", "<\\/"))
