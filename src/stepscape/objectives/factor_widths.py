"""The numbers of columns that the factors of a problem's matrix have."""

from __future__ import annotations

from stepscape.errors import bad, expect, shown
from stepscape.factorization import Factorization, Width, read_widths
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements


def widths_of(
    problem: Measurements | CorruptedMatrix, width: Width | None, factors: Factorization | None
) -> tuple[int, int]:
    """Return them from a width, from factors that must fit the problem, or min(d1, d2) from neither."""
    structure = problem.structure if isinstance(problem, Measurements) else "any"
    if factors is None:
        return read_widths(min(problem.shape) if width is None else width, structure)
    expect("factors", factors, Factorization)
    if width is not None:
        raise bad("width and factors", "not be given both", f"width={shown(width)} and factors")
    if factors.structure != structure:
        raise bad("factors", f"have the structure {structure!r} of the problem", repr(factors.structure))
    if factors.shape != problem.shape:
        raise bad("factors", f"have the shape {problem.shape} of the problem", factors.shape)
    return factors.widths
