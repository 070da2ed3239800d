"""Pages of reports for tests: hostile text in every place, and the outline of what a browser reads."""

from __future__ import annotations

from html.parser import HTMLParser

from stepscape.report import (
    Badge,
    Bound,
    Commands,
    Drawing,
    Facts,
    Fold,
    Grid,
    Judgment,
    Links,
    Page,
    Paragraph,
    Section,
    draw,
)

HOSTILE = "<script>alert(1)</script>\"'&`x`"
VOID = {"meta", "img", "col", "br", "use", "link", "hr", "input"}


class Outline(HTMLParser):
    """Tags with attributes, text, and whether every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def outline(html):
    parser = Outline()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def everything(text, figure=None):
    """A page with every kind of block, each holding the text wherever a text may stand."""
    drawing = draw(figure, text, text, text) if figure else Drawing(text, "<svg></svg>", text, text)
    blocks = [
        Paragraph(text),
        Paragraph(text, "warning"),
        drawing,
        Grid(text, (text, "number"), [(text, 1.5), (text, None)], (60, 40)),
        Judgment(text, "partly", text, {text: 1.0, "other": text}),
        Facts([(text, text)]),
        Commands([(text, text)]),
        Bound(text, text, 1.0, 2.0, 1.0, "holds", 0.5, text, [text], [text]),
        Links(text, [(text, "figures/x.svg")]),
        Fold(text, [Paragraph(text)]),
    ]
    sections = [Section(text, blocks, text), Section(text, blocks), Section(text, [])]
    return Page(text, text, sections, text, badges=[Badge(text, text)])
