"""A real table that comes with stepscape."""

from __future__ import annotations

import csv
from importlib.resources import files

from stepscape.errors import unknown
from stepscape.problems.user.columns import Columns, select_columns
from stepscape.problems.user.table import RawTable

_EXAMPLES = {"motorcycle": ("mcycle.csv", "times", "accel")}


def load_example(name: str = "motorcycle") -> Columns:
    """Load a real table that comes with stepscape.

    "motorcycle": head acceleration (g) against time (ms) after a simulated impact, 133 rows, 94 distinct
    times, noise that changes with time. Source: Silverman (1985), J. R. Statist. Soc. B 47; R package MASS.
    """
    if name not in _EXAMPLES:
        raise unknown("example", name, _EXAMPLES)
    file, x, y = _EXAMPLES[name]
    text = (files("stepscape") / "data" / file).read_text(encoding="utf-8")
    names, *rows = csv.reader(text.splitlines())
    columns = tuple(zip(*rows, strict=True))
    return select_columns(RawTable(file, tuple(names), columns, range(2, len(rows) + 2), decimal="."), x, y)
