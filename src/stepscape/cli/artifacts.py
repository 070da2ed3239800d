"""The files of a results directory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import console

if TYPE_CHECKING:
    pass


def write_result(directory: Path, document: Mapping[str, Any], html: str) -> None:
    """Write result.json and report.html."""
    files.write_atomic(directory / "result.json", console.to_json(document))
    files.write_atomic(directory / "report.html", html)


def to_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write rows as CSV with full precision; what was not measured is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)  # None becomes an empty cell
    return text.getvalue()
