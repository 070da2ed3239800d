"""Cells that stand for no value, as people and programs write them."""

from __future__ import annotations

import re

# Compared without regard to case. Documented, word for word, in docs/reference/reading-tables.md.
WORDS = (
    *("", ".", "..", "...", "-", "--", "---", "–", "—", "?", "??"),
    *("na", "n/a", "n.a.", "n.a", "n a", "<na>", "(na)", "[na]", "na_integer_", "na_real_", "na_character_"),
    *("nan", "nat", "<nan>", "(nan)", "null", "(null)", "<null>", "[null]", "\\n", "nil", "none", "<none>"),
    *("missing", "(missing)", "<missing>", "(blank)", "<blank>", "(empty)", "<empty>"),
    *("no data", "nodata", "not available", "not applicable", "undefined"),
    *("#n/a", "#na", "#n/a n/a", "#nv", "#n/d", "#nd", "#n/b", "#н/д", "#saknas!", "#brak!"),
)
# Not a number as C libraries write it; an error of a spreadsheet, in any language; one of LibreOffice,
# which counts them; an extended missing value of Stata.
PATTERNS = {
    "-nan, +nan, nan(ind), -nan(snan), qnan": r"[+-]?[qs]?nan(?:\([\w()]*\))?",
    "1.#QNAN, -1.#IND, 1.#SNAN00": r"[+-]?1\.#(?:[qs]?nan|ind|r)0*",
    "#DIV/0!, #VALUE!, #REF!, #NAME?, #WERT!, #¡DIV/0!": r"#[^\s#]{2,20}[!?]",
    "Err:502, #ERR522": r"#?err:?\d{3}",
    ".a to .z": r"\.[a-z]",
}
_WORDS = frozenset(WORDS)
_PATTERN = re.compile("|".join(PATTERNS.values()), re.IGNORECASE)


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value.

    >>> is_missing(" N/A "), is_missing("-1.#IND"), is_missing("#DIV/0!"), is_missing("0")
    (True, True, True, False)
    """
    text = cell.strip().replace("\u2212", "-").lower()
    return text in _WORDS or bool(_PATTERN.fullmatch(text))
