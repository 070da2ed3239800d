"""How a report writes words and numbers."""

from __future__ import annotations

import math
import re
from typing import Any

from stepscape.report.content import Formula
from stepscape.tables.number import power

# Each verdict: a mark that reads without color, its name, its meaning.
VERDICTS = {
    "reproduced": ("●", "reproduced", "the runs show what the claim says"),
    "partly": ("◐", "partly reproduced", "one part of the claim shows, another does not"),
    "not_reproduced": ("○", "not reproduced", "the runs do not show what the claim says"),
    "holds": ("●", "holds", "the inequality or identity holds wherever it was checked"),
    "false_as_stated": ("✕", "false as stated", "there is a counterexample"),
    "consistent": ("≤", "consistent", "the runs do not contradict a one-sided claim"),
    "contradicted": ("✕", "contradicted", "the runs contradict a one-sided claim"),
    "yes": ("●", "yes", "the answer to the question is yes"),
    "no": ("○", "no", "the answer to the question is no"),
    "it_depends": ("◐", "it depends", "the answer is yes in some of the settings and no in others"),
    "premise_not_met": (
        "△",
        "premise not met",
        "the premises of the claim are not met, so the runs do not test it",
    ),
    "vacuous": ("∅", "vacuous", "the statement is true but says nothing"),
    "undecided": ("?", "undecided", "the numbers do not settle it"),
    "violated": ("✕", "violated", "the left side is larger than the right side"),
    "inapplicable": ("–", "inapplicable", "not a failure: a premise is not met, so the theorem says nothing"),
}

# What is no symbol: "a", or letters of the alphabet up to something else than an index or a call.
_WORD = re.compile(r"a\b(?![_(=])|[a-z]{2,}(?![a-z_(\d]|[A-Z])")

_POWER = re.compile(r"\^(?:\{([^{}]*)\}|([\d½±]+))")
_INDEX = re.compile(r"_(?:\{([^{}]*)\}|(max|min|[A-Za-z0-9](?![A-Za-z0-9])))")


def number(value: object) -> str:
    """Write a cell: four significant digits, a true minus sign, "–" for what was not measured.

    >>> number(-0.000123456), number(3), number(None), number(True)
    ('−1.235 × 10⁻⁴', '3', '–', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if not isinstance(value, int | float):
        return str(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return _digits(value).replace("-", "−")


def plus_minus(value: float, error: float) -> str:
    """Write a number with its error, of which one digit is enough.

    >>> plus_minus(14.5, 3.903e-11), plus_minus(0.25, 0.0312)
    ('14.5 ± 4 × 10⁻¹¹', '0.25 ± 0.03')
    """
    return f"{number(value)} ± {number(float(f'{error:.1g}'))}"


def inline(text: str) -> Any:
    """Escape a text, set what stands between backticks as code, λ_max as a formula; or all of a `Formula`."""
    from markupsafe import Markup, escape

    if isinstance(text, Formula):
        return Markup(_INDEX.sub(_lower_first, _POWER.sub(r"<sup>\1\2</sup>", str(escape(text)))))
    pieces = re.split(r"`([^`]+)`", text)
    marked = [Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(pieces)]
    return Markup("").join(marked).replace("λ_max", Markup("λ<sub>max</sub>"))


def _lower_first(found: re.Match[str]) -> str:
    below = found[1] or found[2]
    inner = re.sub(r"_([A-Za-z])", r"<sub>\1</sub>", below)  # g_A below an integral
    return f"<sub>{inner}</sub>"


def capitalize(text: str) -> str:
    """Capitalize the first word; a symbol keeps its letter: λ, f, x_max.

    >>> [capitalize(text) for text in ("a bound", "λ peaks at 160", "g_A vanishes", "f is 1")]
    ['A bound', 'λ peaks at 160', 'g_A vanishes', 'f is 1']
    """
    return text[:1].upper() + text[1:] if _WORD.match(text) else text


def sentence(text: str) -> str:
    """Capitalize a clause and end it with a period.

    >>> sentence("three seeds are too few")
    'Three seeds are too few.'
    """
    whole = capitalize(text)
    return whole if whole.endswith((".", "!", "?", "…")) else whole + "."


def other_word(word: str, full_size: str | None) -> str:
    """Return the verdict of the full size if it differs, else an empty string.

    >>> other_word("reproduced", "partly"), other_word("partly", "partly"), other_word("partly", None)
    ('partly', '', '')
    """
    return full_size if full_size and full_size != word else ""


def duration(seconds: float) -> str:
    """Write a time in at most two units.

    >>> duration(0.42), duration(61.0), duration(3 * 3600.0 + 120.0)
    ('0.4 s', '1 min 1 s', '3 h 2 min')
    """
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def counted(count: int, noun: str) -> str:
    """Write a count with its noun in the singular or plural.

    >>> counted(1, "run"), counted(0, "run")
    ('1 run', '0 runs')
    """
    return f"{count} {noun}" + ("" if count == 1 else "s")


def slug(text: str) -> str:
    """Make an identifier of a heading.

    >>> slug("Sharpness sits at 2/η")
    'sharpness-sits-at-2'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"


def is_number(value: object) -> bool:
    """Whether a cell is set as a number (None, "not measured", is)."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _digits(value: float) -> str:
    if isinstance(value, int) or (1e4 <= abs(value) < 1e9):
        return f"{value:,.0f}".replace(",", "\u202f")  # narrow no-break space, as in 12 346
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.4g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{float(mantissa):.4g} × {power(int(exponent))}"
