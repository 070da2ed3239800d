"""Anderson's extrapolation of a fixed-point iteration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MEMORY = 10  # differences of iterates that are combined
RIDGE = 1e-10  # share of the trace of their Gram matrix that is added to its diagonal


def extrapolate(points: Sequence[Array], moves: Sequence[Array]) -> Array:
    """Combine the last points s_j and moves f_j = F(s_j) − s_j, oldest first, into a guess at F(s) = s.

        s + f − (ΔS + ΔF) γ,  γ = argmin ‖f − ΔF γ‖²

    where the columns of ΔS and ΔF are differences of successive points and moves.

    Source: Anderson (1965), Journal of the ACM 12, 547-560; Walker and Ni (2011), SIAM Journal on Numerical
    Analysis 49, 1715-1735.
    """
    steps = np.diff(np.stack([point.ravel() for point in points]), axis=0)
    changes = np.diff(np.stack([move.ravel() for move in moves]), axis=0)
    gram = changes @ changes.T
    gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) or 1.0
    weights = np.linalg.solve(gram, changes @ moves[-1].ravel())
    back = weights @ (steps + changes)
    return np.asarray(points[-1] + moves[-1] - back.reshape(points[-1].shape))
