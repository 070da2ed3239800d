"""Every certificate at many networks: how often it could be checked, how often it failed, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.measures import certify
from stepscape.network import TwoLayerReLU
from stepscape.problems.problem import Problem
from stepscape.theory.certificate import Certificate

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Checks:
    """One inequality left ≤ right at a sequence of networks; both sides (m,).

    ``applies``: the premises are met, both sides are finite and the two sides of λ_max decide; ``violated``:
    there, left exceeds right by more than rounding can explain.
    """

    left: Array
    right: Array
    applies: NDArray[np.bool_]
    violated: NDArray[np.bool_]

    def counted(self) -> dict[str, Any]:
        """Count checks and violations; find the least slack (right − left) among the checks."""
        slack = (self.right - self.left)[self.applies]
        return {
            "checks": int(self.applies.sum()),
            "violations": int(self.violated.sum()),
            "least_slack": float(slack.min()) if slack.size else None,
        }


def check(
    problem: Problem, networks: Sequence[TwoLayerReLU], tick: Callable[[float], None]
) -> dict[str, Checks]:
    """Evaluate every certificate of `certify` at every network; ticks at each."""
    found = []
    for network in networks:
        tick(1.0)
        found.append(certify(problem, network))
    return collected(found)


def collected(found: Sequence[Mapping[str, Certificate]]) -> dict[str, Checks]:
    """Collect the certificates of each network by name."""
    return {
        name: Checks(
            left=np.array([at[name].left for at in found]),
            right=np.array([at[name].right for at in found]),
            applies=np.array([at[name].verdict in ("holds", "violated") for at in found]),
            violated=np.array([at[name].verdict == "violated" for at in found]),
        )
        for name in found[0]
    }
