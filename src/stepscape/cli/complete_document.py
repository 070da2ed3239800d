"""A completed table → the document that becomes result.json, and from which the report is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from stepscape.cli.complete import Completed, Request
    from stepscape.recovery import Completion


def completion_document(request: Request, found: Completed) -> dict[str, Any]:
    """Say what was missing, what was filled, how, and how well."""
    used, *others = found.completions
    return {
        "command": "complete",
        "data": _data(request, found),
        "completion": {
            "norm": used.norm,
            "penalty": used.penalty,
            "rule": used.rule,
            "choice": used.choice,
            "error": used.error,
            "rank": used.rank,
            "gap": used.gap,
            "path": [row for each in found.completions for row in _path(each)],
            "compared": [
                {"norm": each.norm, "penalty": each.penalty, "error": each.error} for each in others
            ],
        },
        "warnings": list(dict.fromkeys([*found.numbers.notes, *used.notes, *_boxes(found)])),
        "directory": request.out,
    }


def _data(request: Request, found: Completed) -> dict[str, Any]:
    numbers = found.numbers
    missing, left = np.isnan(numbers.values), np.isnan(found.completions[0].filled)
    return {
        "file": request.file,
        "rows": int(missing.shape[0]),
        "columns": list(numbers.names),
        "text_columns": list(numbers.text),
        "observed": int((~missing).sum()),
        "missing": int(missing.sum()),
        "filled": int((missing & ~left).sum()),
        "by_column": _by_column(numbers.names, numbers.values, found.completions[0]),
    }


def _by_column(
    names: tuple[str, ...], values: NDArray[np.float64], completion: Completion
) -> list[dict[str, Any]]:
    """Count the gaps of each column; the standard error of a filled cell, also as a share of its spread."""
    from stepscape.recovery.tables.units import own_units

    records = []
    for j, name in enumerate(names):
        column, errors = values[:, j : j + 1], completion.standard_error[:, j]
        known = errors[np.isfinite(errors)]
        error = float(known[0]) if known.size else None
        seen = ~np.isnan(column)
        spread = float(own_units(column, seen).scale[0]) if seen.any() else None
        records.append(
            {
                "column": name,
                "observed": int(seen.sum()),
                "missing": int((~seen).sum()),
                "filled": int((np.isnan(column[:, 0]) & ~np.isnan(completion.filled[:, j])).sum()),
                "standard_error": error,
                "relative_error": error / spread if error is not None and spread else None,
            }
        )
    return records


def _path(completion: Completion) -> list[dict[str, Any]]:
    return [{"norm": completion.norm, **row} for row in completion.path.records()]


def _boxes(found: Completed) -> list[str]:
    """Say that figures cannot show some characters of the names."""
    from stepscape.figures.text import unwritable

    lost = unwritable("".join(found.numbers.names))
    if not lost:
        return []
    return [
        f"figures show boxes for {lost!r}: no font on this machine has these characters; Noto Sans CJK has "
        "them"
    ]
