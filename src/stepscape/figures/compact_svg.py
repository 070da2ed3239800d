"""SVG as matplotlib writes it → the same picture in about half the bytes."""

from __future__ import annotations

import re
import zlib

_NUMBER = re.compile(r"-?\d+\.\d+")
_PLACES = re.compile(r' (?:d|x|y|x1|y1|x2|y2|width|height|points)="[^"]*"|translate\([^)]*\)')  # no scales
_MARK = '<use {target} x="[^"]*" y="[^"]*" class="{name}"/>'
_MARKS = re.compile(  # two or more of one kind in a row
    _MARK.format(target='(href="#[^"]*")', name='([^"]*)')
    + "(?:" + _MARK.format(target=r"\1", name=r"\2") + ")+"
)  # fmt: skip
_INNERMOST = re.compile(r"<g>((?:(?!</?g\b).)*)</g>", re.DOTALL)  # a group without attributes or groups


def compact(text: str) -> str:
    """Round coordinates to a hundredth of a point, name every style once, and drop what nobody refers to.

    A class is named after the style that it stands for, so that several pictures of one page agree on it.
    """
    text = re.sub(
        r"<metadata>.*?</metadata>|<!--.*?-->|<!DOCTYPE[^>]*>|<\?xml[^>]*>", "", text, flags=re.DOTALL
    )
    text = text.replace("xlink:href", "href").replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    text = _PLACES.sub(lambda found: _NUMBER.sub(_rounded, found[0]), text)
    text = re.sub(r' d="([^"]*)"', lambda found: f' d="{_path(found[1])}"', text)
    text = _with_classes(_with_short_names(text))
    text = re.sub(r">\s+<", "><", text)
    return _MARKS.sub(_together, _flat(re.sub(r"\s+", " ", text))).strip() + "\n"


def _rounded(found: re.Match[str]) -> str:
    text = f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else re.sub(r"^(-?)0\.", r"\1.", text)


def _path(commands: str) -> str:
    tight = re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(commands.split()))
    return tight.replace(" -", "-")


def _with_short_names(text: str) -> str:
    """Renumber the identifiers that something refers to, and drop the others."""
    used = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    short = {name: f"i{number:x}" for number, name in enumerate(used)}
    text = re.sub(
        r' id="([^"]*)"', lambda found: f' id="{short[found[1]]}"' if found[1] in used else "", text
    )
    return re.sub(r'(href="#|url\(#)([^")]+)', lambda found: found[1] + short[found[2]], text)


def _with_classes(text: str) -> str:
    """Replace every style by a class; the classes stand in one sheet at the beginning."""
    rules: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        style = re.sub(r"\s*([:;])\s*", r"\1", found[1]).strip(" ;")
        if "url(" in style:  # means another thing in another picture
            return f' style="{style}"'
        key = f"s{zlib.crc32(style.encode()):x}"
        rules[key] = style
        return f' class="{key}"' if style else ""

    text = re.sub(r' style="([^"]*)"', name, text)
    sheet = "".join(f".{key}{{{style}}}" for key, style in sorted(rules.items()) if style)
    if not sheet:
        return text
    return re.sub(r"<svg[^>]*>", lambda found: f"{found[0]}<style>{sheet}</style>", text, count=1)


def _together(found: re.Match[str]) -> str:
    """Say once what equal marks in a row have in common."""
    shared = f' class="{found[2]}"'
    return f"<g{shared}>{found[0].replace(shared, '')}</g>"


def _flat(text: str) -> str:
    """Take groups without attributes apart."""
    while True:
        flatter = _INNERMOST.sub(r"\1", text)
        if flatter == text:
            return text
        text = flatter
