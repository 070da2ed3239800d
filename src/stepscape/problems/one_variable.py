"""What works on the line only refuses other problems and networks at its door."""

from __future__ import annotations

from stepscape.errors import expect
from stepscape.network import require_dimension
from stepscape.problems.problem import Problem


def require_line(problem: object, network: object) -> None:
    """Refuse anything but a problem and a network, and those of several input variables."""
    expect("problem", problem, Problem)
    if isinstance(problem, Problem):
        _ = problem.line  # refuses more than one variable
    require_dimension(network)
