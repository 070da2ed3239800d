"""What a reader of a completed table must know, one sentence for each thing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepscape.recovery.tables.penalized_path import Penalized
from stepscape.recovery.tables.table_numbers import TableNumbers

LISTED = 5  # rows that a sentence names
LOOSE = 1e-5  # relative gap above which the result says so
_UNKNOWN = "nothing tells what belongs there"


def empty_notes(numbers: TableNumbers) -> tuple[str, ...]:
    """Name the rows and columns without any number: no model of low rank determines them."""
    said = []
    empty = np.flatnonzero(~numbers.seen.any(axis=1)).tolist()
    if empty:
        lines = bool(numbers.lines)
        which = _listed([numbers.lines[row] if lines else row for row in empty])
        where = f"line {which}" if lines else f"{which}, counted from 0"
        rows = (
            "1 row without any number stays"
            if len(empty) == 1
            else f"{len(empty)} rows without any number stay"
        )
        said.append(f"{rows} empty ({where}): {_UNKNOWN}")
    unseen = np.flatnonzero(~numbers.seen.any(axis=0)).tolist()
    said += [f"column {numbers.names[j]!r} holds no number and stays empty: {_UNKNOWN}" for j in unseen]
    return tuple(said)


def accuracy_notes(solution: Penalized) -> tuple[str, ...]:
    """Say that a solution is not as accurate as promised, where it is not."""
    if solution.gap <= LOOSE:
        return ()
    return (
        f"the filled entries may be inaccurate: after {solution.iterations} iterations the relative duality "
        f"gap is {solution.gap:.1g}; a larger penalty takes fewer",
    )


def _listed(rows: Sequence[int]) -> str:
    return ", ".join(map(str, rows[:LISTED])) + (", …" if len(rows) > LISTED else "")
