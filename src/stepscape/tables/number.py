"""How verdicts, figures and captions write a number."""

from __future__ import annotations

import math

_EXPONENT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: object, digits: int = 3) -> str:
    """Write a number with so many significant digits and a true minus; "–" for nan.

    >>> number(-13.24), number(0.09), number(12), number(2.93e-7), number(float("nan"))
    ('−13.2', '0.0900', '12', '2.93 × 10⁻⁷', '–')
    >>> number(0.09, 2), number(0.09999), number(12345.6), number(True), number(None)
    ('0.090', '0.100', '12\u202f346', 'yes', '–')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return "–" if value is None else str(value)
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if value == round(value) and abs(value) < 1e9:
        return fixed(value, 0)
    size = math.floor(math.log10(float(f"{abs(value):.{digits - 1}e}")))  # as rounded
    if -4 < size < 6:
        return fixed(value, max(0, digits - 1 - size))
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa} × {power(int(exponent))}".replace("-", "−")


def fixed(value: float, decimals: int) -> str:
    """Write a number with so many decimals, thin spaces between thousands, a true minus.

    >>> fixed(12345.678, 1), fixed(-0.25, 2), fixed(-0.0001, 2)
    ('12\u202f345.7', '−0.25', '0.00')
    """
    text = f"{value:,.{decimals}f}" if abs(value) >= 1e4 else f"{value:.{decimals}f}"
    text = text.replace(",", "\u202f")
    return text.lstrip("-") if not text.strip("-0.") else text.replace("-", "−")


def short(value: float) -> str:
    """Write a round number, such as the name of a tick, without zeros at its end.

    >>> short(0.3), short(-2.0), short(10_000), short(1e-7), short(3e-7), short(0.0)
    ('0.3', '−2', '10\u202f000', '10⁻⁷', '3 × 10⁻⁷', '0')
    """
    if value == 0 or not math.isfinite(value):
        return number(value)
    mantissa, _, exponent = f"{value:.5e}".partition("e")
    if -4 < int(exponent) < 6:
        return f"{value:,.10g}".replace(",", "\u202f" if abs(value) >= 1e4 else "").replace("-", "−")
    factor = f"{float(mantissa):g}"
    size = power(int(exponent))
    return {"1": size, "-1": f"−{size}"}.get(factor, f"{factor} × {size}").replace("-", "−")


def rounded(value: float, digits: int = 3) -> str:
    """Write a setting, such as a step size: so many significant digits, without zeros at its end.

    >>> rounded(0.5), rounded(0.13742)
    ('0.5', '0.137')
    """
    return short(float(f"{value:.{digits}g}"))


def power(exponent: int) -> str:
    """Write a power of ten.

    >>> power(-7)
    '10⁻⁷'
    """
    return f"10{str(exponent).translate(_EXPONENT)}"
