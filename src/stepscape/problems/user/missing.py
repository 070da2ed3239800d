"""Cells that stand for no value, as people and programs write them."""

from __future__ import annotations

import re

# Kind → texts, compared without regard to case, and kind → pattern with examples. A test compares both with
# docs/reference/reading-tables.md. Spreadsheets write their errors in the language of their user.
WORDS = {
    "nothing, and marks": ("", ".", "..", "...", "-", "--", "---", "–", "—", "?", "??"),
    "not available": (
        *("na", "n/a", "n.a.", "n.a", "<na>", "(na)", "[na]", "na_integer_", "na_real_", "na_character_"),
        *("not available", "not applicable", "no data", "nodata", "missing", "(missing)", "<missing>"),
    ),
    "null, also \\N of databases": (
        "null",
        "(null)",
        "<null>",
        "[null]",
        "\\n",
        "nil",
        "none",
        "<none>",
        "undefined",
    ),
    "not a number, not a time": ("nan", "nat", "<nan>", "(nan)"),
    "empty": ("(blank)", "<blank>", "(empty)", "<empty>"),
    "not available, in spreadsheets": ("#n/a", "#na", "#n/a n/a", "#nv", "#n/d", "#nd", "#n/b", "#н/д"),
}
PATTERNS = {
    "not a number, in C": (
        r"[+-]?[qs]?nan(?:\([\w()]*\))?",
        ("-nan", "+nan", "nan(ind)", "-nan(snan)", "qnan"),
    ),
    "the same, on Windows": (
        r"[+-]?1\.#(?:[qs]?nan|ind|r)0*",
        ("1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind", "1.#snan00"),
    ),
    "errors of spreadsheets": (
        r"#[^\s#]{2,20}[!?]",
        ("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#wert!", "#¡div/0!"),
    ),
    "errors of LibreOffice": (r"#?err:?\d{3}", ("err:502", "#err522")),
    "Stata": (r"\.[a-z]", (".a", ".z")),
}
_WORDS = frozenset(word for words in WORDS.values() for word in words)
_PATTERN = re.compile("|".join(pattern for pattern, _ in PATTERNS.values()), re.IGNORECASE)


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value.

    >>> is_missing(" N/A "), is_missing("-1.#IND"), is_missing("#DIV/0!"), is_missing("0")
    (True, True, True, False)
    """
    text = cell.strip().replace("\u2212", "-").lower()
    return text in _WORDS or bool(_PATTERN.fullmatch(text))
