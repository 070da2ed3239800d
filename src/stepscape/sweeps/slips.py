"""What is usually meant by a line that is not TOML."""

from __future__ import annotations

import re

_QUOTES = "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2032\u2033"
_SPACES = "\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff"
_PATH = "a backslash in double quotes is an escape; write a path in single quotes or with forward slashes"
_VALUE = r"(?:=|\[|,)\s*"  # in front of a value
_END = r"\s*(?:,|\]|\}|#|$)"

# What the parser says of it, how its line looks, and what to do: the first that fits.
_SLIPS = tuple(
    (re.compile(says), re.compile(looks), hint)
    for says, looks, hint in (
        ("Unescaped|Invalid hex|escaped", r"\\", _PATH),
        ("", f"[{_QUOTES}]", "text stands in straight quotes, \" or '"),
        ("", f"[{_SPACES}]", "words stand apart by ordinary spaces"),
        ("", rf"{_VALUE}(True|TRUE|False|FALSE|[Yy]es|[Nn]o|[Oo]n|[Oo]ff){_END}", "write true or false"),
        ("", rf"{_VALUE}([Nn]one|NONE|[Nn]ull|NULL|nil|NA){_END}", "leave out a key to use its default"),
        ("", rf"{_VALUE}(NaN|NAN|Inf|INF|[+-]?Infinity){_END}", "write nan or inf"),
        ("Expected newline", r"=\s*[+-]?\d+,\d+\s*(#|$)", "a number has a decimal point, such as 0.1"),
        ("", rf"{_VALUE}[+-]?\.\d", "a number begins with a digit, such as 0.5"),
        ("", rf"{_VALUE}[+-]?\d[\d_]*\.(\D|$)", "a digit follows a decimal point, such as 5.0"),
        ("", rf"{_VALUE}[+-]?0\d", "a number does not begin with 0"),
        ("", rf"{_VALUE}\(", "a list stands in square brackets"),
        ("", r"^\s*(//|;|--|%|/\*)", "a comment begins with #"),
        ("", r"[^;]+;\s*$", "a line ends without a semicolon"),
        ("", r"=\s*(#|$)", "a value stands on the line of its key"),
        ("Invalid value", "", "text stands in double quotes, numbers and true or false do not"),
        ("Cannot overwrite a value", "", "a key stands once"),
        ("Cannot declare", "", "a section stands once; [[method]] may stand several times"),
        ("Expected '=' after a key", "", "each line is key = value"),
        ("Expected ']'", "", "a section is written [method]"),
        ('Illegal character|Expected "\'"', "", "text ends on its line, with the quote it begins with"),
        ("Unterminated string", "", "text over several lines ends with three quotes"),
        ("", r"\r", "lines end with a line feed, not with a carriage return alone"),
        ("Unclosed array", "", "a list ends with ]"),
    )
)
_COMMENT = re.compile(r"""("[^"]*"|'[^']*')|#.*""")
_WIDE = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def hint(says: str, line: str) -> str:
    """Say what to do about a line, given what the parser says of it; "" where nothing comes to mind.

    >>> hint("Expected newline or end of document after a statement", "step_size = 0,1")
    'a number has a decimal point, such as 0.1'
    """
    code = _COMMENT.sub(lambda found: found[1] or "", line)
    return next((advice for said, looks, advice in _SLIPS if said.match(says) and looks.search(code)), "")


def wide_encoding(content: bytes) -> str:
    """Name the encoding of several bytes for each character that a text seems to have; "" if it has none.

    >>> wide_encoding("seeds = 2".encode("utf-16")), wide_encoding(b"seeds = 2")
    ('UTF-16', '')
    """
    marked = next((name for mark, name in _WIDE if content.startswith(mark)), "")
    return marked or ("UTF-16" if content[:64].count(0) > len(content[:64]) // 4 else "")


def path_advice(name: str) -> str:
    """Say what may be wrong with the name of a file: a path in double quotes lost its backslashes."""
    return f"; {_PATH}" if any(character < " " for character in name) else ""
