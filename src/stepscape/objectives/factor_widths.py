"""The numbers of columns of the two factors of a matrix."""

from __future__ import annotations

from stepscape.arguments import whole
from stepscape.errors import bad, expect, shown
from stepscape.factorization import Factorization, Structure
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements

Width = int | tuple[int, int]


def widths_of(
    factors: Factorization, width: Width | None, problem: Measurements | CorruptedMatrix
) -> tuple[int, int]:
    """Return the widths of factors that fit a problem."""
    expect("factors", factors, Factorization)
    if width is not None:
        raise bad("width and factors", "not be given both", f"width={shown(width)} and factors")
    structure = problem.structure if isinstance(problem, Measurements) else "any"
    if factors.structure != structure:
        raise bad("factors", f"have the structure {structure!r} of the problem", repr(factors.structure))
    if factors.shape != problem.shape:
        raise bad("factors", f"have the shape {problem.shape} of the problem", factors.shape)
    return factors.widths


def read_widths(width: Width | None, shape: tuple[int, int], structure: Structure) -> tuple[int, int]:
    """Read the numbers of columns of the two factors."""
    most = min(shape)
    given = (most, 0 if structure == "psd" else most) if width is None else width
    if isinstance(given, tuple) and len(given) == 2:
        first, second = whole("width", given[0], 1), whole("the second width", given[1])
    else:
        first = whole("width", given, 1)
        second = 0 if structure == "psd" else first
    if structure == "any" and first != second:
        raise bad("width", "be one number for the structure 'any'", (first, second))
    if structure == "psd" and second:
        raise bad("width", "be one number for the structure 'psd'", (first, second))
    return first, second
