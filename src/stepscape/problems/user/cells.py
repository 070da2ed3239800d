"""Cells of text → numbers, with a decimal mark that is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.problems.user.missing import is_missing

GOOD, MISSING, INFINITE, TEXT = range(4)

_INFINITE = re.compile(r"[+-]?(?:inf|infinity|∞|1\.#inf0*)", re.IGNORECASE)
SPACES = frozenset(
    " \u00a0\u202f\u2009'’"
)  # what people put between groups of three digits, besides the two marks


def _grammar(mark: str, group: str) -> re.Pattern[str]:
    """Numbers with a decimal mark: grouped in threes (with commas also as in India, 12,34,567), or plain."""
    spaces = "".join(sorted(SPACES))
    indian = r"|(?:,\d\d)+,\d{3}" if group == "," else ""
    groups = rf"(?P<groups>(?:{group}\d{{3}})+|(?:[{spaces}]\d{{3}})+{indian})"
    plain = rf"(?:\d+(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+|[dD][+-]\d+)?"
    return re.compile(rf"[+-]?(?:{plain}|[1-9]\d{{0,2}}{groups}(?:{mark}\d*)?)", re.ASCII)


POINT = _grammar(r"\.", ",")
COMMA = _grammar(",", r"\.")
_TO_POINT = str.maketrans("dD", "ee", "," + "".join(SPACES))
_TO_COMMA = str.maketrans(",dD", ".ee", "." + "".join(SPACES))
# Marks of direction and widths of nothing that copying from pages and calculators leaves around a number.
_INVISIBLE = "\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060"


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers: ``values`` (n,), not a number where ``faults`` (n,) is not ``GOOD``."""

    values: NDArray[np.float64]
    faults: NDArray[np.int8]


def tidy(cell: str) -> str:
    """Trim a cell and write its minus sign as a hyphen."""
    text = cell.strip()
    return text if text.isascii() else text.strip(_INVISIBLE).strip().replace("\u2212", "-")


def is_number(cell: str) -> bool:
    """Whether a cell is a number under one of the two decimal marks."""
    text = tidy(cell)
    return bool(POINT.fullmatch(text) or COMMA.fullmatch(text))


def parse(cells: Sequence[str], mark: str) -> Numbers:
    """Read cells as numbers with the decimal mark ``mark``.

    Every number without separators is read to the nearest float64 (a shortest decimal form comes back bit for
    bit). Beyond the range of float64 it counts as infinite.
    """
    grammar, table = (COMMA, _TO_COMMA) if mark == "," else (POINT, _TO_POINT)
    values = np.full(len(cells), np.nan)
    faults = np.zeros(len(cells), dtype=np.int8)
    for i, cell in enumerate(cells):
        text = tidy(cell)
        if grammar.fullmatch(text):
            values[i] = float(text.translate(table))
        elif is_missing(text):
            faults[i] = MISSING
        else:
            faults[i] = INFINITE if _INFINITE.fullmatch(text) else TEXT
    return _mark_infinite(values, faults)


def from_array(values: NDArray[np.float64]) -> Numbers:
    """Take a numeric column; not a number counts as missing."""
    faults = np.where(np.isnan(values), MISSING, GOOD).astype(np.int8)
    return _mark_infinite(np.array(values, dtype=np.float64), faults)


def _mark_infinite(values: NDArray[np.float64], faults: NDArray[np.int8]) -> Numbers:
    infinite = np.isinf(values)
    values[infinite] = np.nan
    faults[infinite] = INFINITE
    return Numbers(values, faults)
