"""Certificates → the lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepscape.cli import console

Document = Mapping[str, Any]


def certificate_lines(certificates: Mapping[str, Document], what: str) -> list[str]:
    """One line for each certificate, and what the word inapplicable means for `what`."""
    rows = [
        (name, entry["verdict"], _sides(entry), entry["statement"]) for name, entry in certificates.items()
    ]
    return [*console.columns(rows), *_inapplicable(certificates, what)]


def _inapplicable(certificates: Mapping[str, Document], what: str) -> list[str]:
    """Say what the word means, and which premise each one lacks."""
    lacking = [
        f"{name} ({', '.join(entry['failed_premises']) or 'a side is not finite'})"
        for name, entry in certificates.items()
        if entry["verdict"] == "inapplicable"
    ]
    meaning = (
        f"inapplicable is not a failure: a premise is not met, so the theorem says nothing about this {what}"
    )
    return [console.paragraph(f"{meaning}: {', '.join(lacking)}", "  ")] if lacking else []


def _sides(entry: Document) -> str:
    sign = {"holds": "≤", "violated": ">"}.get(entry["verdict"], "|")
    return f"{short(entry['left'])} {sign} {short(entry['right'])}"


def short(value: float | None) -> str:
    """Three digits, or a whole number."""
    if value is None or value != value:
        return "-"
    return f"{value:.0f}" if 1000.0 <= abs(value) < 1e7 else f"{value:.3g}"
