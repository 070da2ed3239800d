"""Two consecutive iterates, whose midpoint is the solution."""

from __future__ import annotations

from stepscape.errors import bad, expect
from stepscape.network import TwoLayerReLU, require_dimension
from stepscape.problems.problem import Problem


def expect_pair(problem: Problem, network: TwoLayerReLU, before: TwoLayerReLU) -> None:
    """Refuse what is not a problem and two networks of the same width with inputs like its own."""
    expect("problem", problem, Problem)
    require_dimension(network, problem.dimension)
    require_dimension(before, problem.dimension, "before")
    if before.width != network.width:
        raise bad("before", f"have the width {network.width} of the network", before.width)
