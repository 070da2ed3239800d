"""A product that solves a recovery program, and what is proved of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Status = Literal["optimal", "not identifiable", "infeasible", "undecided", "local minimum", "not proved"]


@dataclass(frozen=True, eq=False, repr=False)
class RecoveredProduct:
    """A product X with A(X) = b, and how close it is proved to be to the best one.

    Attributes
    ----------
    solution : Array
        X, of the problem's shape.
    depth : float
        Number k of layers in the objective; may be infinite.
    objective : float
        The value of the program at X.
    gap : float
        (objective − lower bound)/objective, the bound from a dual point; nan where the program is not convex.
    status : str
        "optimal": the gap is at most the tolerance. "not identifiable": it is, but no measurement sees some
        products, which are 0 in X and may be anything. "infeasible": no product satisfies the equations; X
        is the best of those with the least ‖A(X) − b‖. "undecided": the iterations were spent.
        "local minimum": the truth satisfies the equations and has a smaller objective. "not proved": the
        program is not convex, and no better point was found.
    iterations : int
        Iterations of the solver, of all starts together.
    residual : float
        ‖A(X) − b‖/‖b‖, 0 for b = 0.
    unseen : int
        Dimension of the products that no measurement sees.
    """

    solution: Array
    depth: float
    objective: float
    gap: float
    status: Status
    iterations: int
    residual: float
    unseen: int = 0

    def __repr__(self) -> str:
        return (
            f"RecoveredProduct({self.status}: depth={self.depth:g}, objective={self.objective:.6g}, "
            f"gap={self.gap:.1e}, residual={self.residual:.1e}, iterations={self.iterations})"
        )
