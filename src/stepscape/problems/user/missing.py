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
        "\\\\n",
        "nil",
        "none",
        "<none>",
        "undefined",
    ),
    "not a number, not a time": ("nan", "nat", "<nan>", "(nan)"),
    "empty": ("(blank)", "<blank>", "(empty)", "<empty>"),
    "not available, in spreadsheets": (
        *("#n/a", "#na", "#nv", "#n/d", "#nd", "#n/b", "#н/д", "#i/t", "#n/v", "#δ/υ", "#yok", "#hiányzik"),
        *("#není_k_dispozici", "#nedostupný"),
    ),
    "not available, in other languages": (
        *("k.a.", "k. a.", "keine angabe", "keine angaben", "keine daten", "nicht verfügbar"),
        *("non disponible", "pas de données", "s/d", "sin datos", "sin dato", "no disponible"),
        *("non disponibile", "sem dados", "não disponível", "geen data", "geen gegevens"),
        *("niet beschikbaar", "brak danych", "b.d.", "není k dispozici", "uppgift saknas", "ingen uppgift"),
        *("ei tietoa", "nincs adat", "veri yok", "н/д", "нет данных", "немає даних", "няма данни"),
        *("缺失", "缺失值", "缺测", "缺測", "无数据", "無資料", "欠損", "欠損値", "欠測", "欠測値"),
        *("データなし", "결측", "결측치", "자료없음", "لا توجد بيانات"),
    ),
}
PATTERNS = {
    "not a number, in C": (
        r"[+-]?[qs]?nan(?:\([\w()]*\))?%?",
        ("-nan", "+nan", "nan(ind)", "-nan(snan)", "qnan", "nan%"),
    ),
    "the same, on Windows": (
        r"[+-]?1\.#(?:[qs]?nan|ind|r)0*",
        ("1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind", "1.#snan00"),
    ),
    "marks in any number": (
        r"[.·…–—-]+|\*+|_+|~|/{2,}|#{2,}|\?+|:(?:\s[a-z]{1,3})?",
        ("***", "--.--", "////", "#####", "_", "~", ":", ": c"),
    ),
    "not available, with more words": (r"#n/a\s.*", ("#n/a n/a", "#n/a field not applicable")),
    "errors of spreadsheets": (
        r"#[^\s#]{2,20}\s?[!?]|#(?:div/0|value|ref|name|num|null|error|getting_data)",
        ("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#wert!", "#¡div/0!", "#nom ?", "#ref"),
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
