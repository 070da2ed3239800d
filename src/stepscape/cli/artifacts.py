"""The files of a results directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepscape import files
from stepscape.cli import console


def write_result(directory: Path, document: Mapping[str, Any], html: str) -> None:
    """Write result.json and report.html."""
    files.write_atomic(directory / "result.json", console.to_json(document))
    files.write_atomic(directory / "report.html", html)
